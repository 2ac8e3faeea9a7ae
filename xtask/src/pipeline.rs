//! `cargo xtask pipeline`: trains and evaluates on RAVDESS, from nothing to a report.
//!
//! The stages are libtorch → build → data → index → train → report. From the index on, each stage is a call of `ser`, which keeps the
//! features and the splits that are already there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ser_files::write_file;

use crate::recordings::recordings;
use crate::{command, download, libtorch, lock, paths};

/// The task of the Python original (5 emotions, random split), and the realistic one (8 emotions, held-out speakers).
const RECIPES: [&str; 4] = ["seed5-cnn", "folds-a-cnn", "seed5-lstm", "folds-a-lstm"];

/// The folder of the recipes, in the workspace.
const RECIPE_FOLDER: &str = "data/recipes";

/// Number of actors in the synthetic corpus: half as many as in RAVDESS, which takes half the time and still shows that everything
/// works.
const SYNTHETIC_ACTORS: &str = "12";

#[derive(clap::Args)]
pub struct Args {
    /// Use the recordings in this folder instead of downloading RAVDESS; the folder is not changed.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Use the built-in synthetic corpus, which needs no download and says nothing about real speech.
    #[arg(long, conflicts_with = "data")]
    synthetic: bool,
    /// The name of a recipe in data/recipes; can be given several times [default: seed5-cnn, folds-a-cnn, seed5-lstm and
    /// folds-a-lstm].
    #[arg(long = "recipe", value_name = "NAME")]
    recipes: Vec<String>,
    /// The folder for the results [default: runs/ravdess, runs/synthetic, or runs/ with the name of the folder of --data].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// One recipe of this run.
struct Recipe {
    name: String,
    /// The file of the recipe. `ser` gets this file and not the name, because it knows only the recipes that it was built with.
    file: PathBuf,
    /// The folder for its results.
    out: PathBuf,
}

/// The error of a failed download.
const WAYS_OUT: &str = "RAVDESS could not be downloaded. Other ways:\n  \
    cargo xtask download --from URL|ARCHIVE   from a mirror, or from a copy of the archive\n  \
    cargo xtask pipeline --data DIR           run on a folder that holds recordings\n  \
    cargo xtask pipeline --synthetic          run on the built-in synthetic corpus, without a download";

/// The folder with the results of the members of an ensemble, beside those of its splits.
const MEMBERS: &str = "members";

/// The exit code of `ser` when it has done its work but had to skip some inputs.
const SOME_SKIPPED: i32 = 3;

/// Runs all stages.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let start = Instant::now();
    // Checked first, so that a wrong folder is noticed before the minutes of building.
    let data = match &args.data {
        Some(folder) => {
            let folder = folder
                .canonicalize()
                .with_context(|| format!("--data {}", folder.display()))?;
            require_audio(&folder).context("--data")?;
            folder
        }
        None if args.synthetic => paths::corpora(root).join("synthetic"),
        None => download::folder(root),
    };
    let out = match &args.out {
        Some(out) => out.clone(),
        None => default_out(root, args.data.as_deref(), &data)?,
    };
    let out = std::path::absolute(&out).with_context(|| format!("resolving {}", out.display()))?;
    let recipes = choose(root, &args.recipes, &out)?;
    if args.synthetic {
        synthetic_notice();
    }
    let _lock = lock::hold(&out.join("pipeline.lock"), "this output folder")?;
    // A path inside the workspace stays the same when the workspace is moved.
    let source = data.strip_prefix(root).unwrap_or(&data).to_string_lossy();
    let known = out.join("recordings.txt");
    if args.out.is_none()
        && let Some(other) = fs::read_to_string(&known)
            .ok()
            .filter(|other| *other != source)
    {
        let out = out.display();
        bail!(
            "{out} holds the results of {other}, which would be lost: choose another folder for those of {source} with \
             --out DIR, or replace them with --out {out}"
        );
    }

    stage("[1/6] libtorch", || libtorch::ensure(root))?;
    let ser = stage("[2/6] build", || build(root, &["--features", "train"]))?;
    stage("[3/6] data", || {
        if args.synthetic {
            let mut synth = ser_command(&ser, root);
            synth.arg("synth").arg(&data);
            run_ser(synth.args(["--actors", SYNTHETIC_ACTORS]))?;
        } else if args.data.is_none() {
            run_ser(&mut download::command(&ser, &data)).context(WAYS_OUT)?;
        }
        println!(
            "{} recordings in {}",
            require_audio(&data)?.len(),
            data.display()
        );
        Ok(())
    })?;
    write_file(&known, source.as_bytes())?;

    let manifest = out.join("manifest.csv");
    let store = out.join("features");
    let page = out.join("report.html");
    let call = |title: &str, arguments: &[&OsStr]| {
        stage(title, || run_ser(ser_command(&ser, root).args(arguments)))
    };
    let arguments = [
        "index".as_ref(),
        data.as_os_str(),
        "--out".as_ref(),
        manifest.as_os_str(),
    ];
    call("[4/6] index", &arguments)?;
    for Recipe { name, file, out } in &recipes {
        let arguments = [
            "crossval".as_ref(),
            "--recipe".as_ref(),
            file.as_os_str(),
            "--data".as_ref(),
            manifest.as_os_str(),
            "--store".as_ref(),
            store.as_os_str(),
            "--out".as_ref(),
            out.as_os_str(),
        ];
        call(&format!("[5/6] train and evaluate {name}"), &arguments)?;
    }
    let mut arguments = vec!["report".as_ref()];
    arguments.extend(recipes.iter().map(|recipe| recipe.out.as_os_str()));
    arguments.extend([
        "--data".as_ref(),
        manifest.as_os_str(),
        "--out".as_ref(),
        page.as_os_str(),
    ]);
    call("[6/6] report", &arguments)?;

    println!(
        "\nThe pipeline took {:.0} s.",
        start.elapsed().as_secs_f64()
    );
    println!("Report: {}", page.display());
    if let Some(model) = recipes.iter().find_map(|recipe| model_under(&recipe.out)) {
        println!("Predict with a model of this run:");
        println!(
            "  {} predict --model {} RECORDING",
            ser.display(),
            model.display()
        );
    }
    if args.synthetic {
        synthetic_notice();
    }
    Ok(())
}

/// Runs a stage. Each decides by itself what is left to do.
fn stage<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n{title} ...");
    let start = Instant::now();
    let made = work()
        .with_context(|| format!("{title} failed; the next run continues where it stopped"))?;
    println!("{title}: done in {:.1} s", start.elapsed().as_secs_f64());
    Ok(made)
}

/// Returns the default folder for the results. `given` is the folder of the user, and `data` the folder that is used.
fn default_out(root: &Path, given: Option<&Path>, data: &Path) -> Result<PathBuf> {
    // The user's folder may be a link with another name, or `.`, which has no name.
    let name = given.and_then(Path::file_name).or(data.file_name());
    let name = name.context(
        "the folder of --data has no name: choose a folder for the results with --out DIR",
    )?;
    Ok(root.join("runs").join(name))
}

fn synthetic_notice() {
    println!(
        "\n*** SYNTHETIC: the voices are generated. These models and figures say nothing about real speech. ***"
    );
}

/// Returns the requested recipes.
///
/// # Errors
///
/// A recipe does not exist, or is given twice.
fn choose(root: &Path, names: &[String], out: &Path) -> Result<Vec<Recipe>> {
    let names = if names.is_empty() {
        RECIPES.map(str::to_owned).to_vec()
    } else {
        names.to_vec()
    };
    let mut recipes: Vec<Recipe> = Vec::new();
    for name in names {
        let file = root.join(RECIPE_FOLDER).join(format!("{name}.toml"));
        if !file.is_file() {
            let known = recipe_files(root)?;
            let known = known.iter().filter_map(|file| file.file_stem()?.to_str());
            bail!(
                "there is no recipe `{name}`; {RECIPE_FOLDER} has: {}",
                known.collect::<Vec<_>>().join(", ")
            );
        }
        ensure!(
            recipes.iter().all(|recipe| recipe.name != name),
            "recipe `{name}` is given twice"
        );
        recipes.push(Recipe {
            out: out.join(&name),
            file,
            name,
        });
    }
    Ok(recipes)
}

/// Returns all recipes, sorted by name.
fn recipe_files(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join(RECIPE_FOLDER);
    let reading = || format!("reading {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn ser_command(ser: &Path, root: &Path) -> Command {
    let mut command = Command::new(ser);
    command.current_dir(root);
    command
}

/// Runs `ser`. Skipped inputs, which `ser` has named, do not end the pipeline.
pub fn run_ser(command: &mut Command) -> Result<()> {
    println!("$ {}", command::line(command));
    let status = command
        .status()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    if status.code() == Some(SOME_SKIPPED) {
        println!("some inputs were skipped; they are named above");
        return Ok(());
    }
    command::check(command, status)
}

/// Builds the program with cargo features, as `args` names them, and returns its path, which depends on the settings of the user.
pub fn build(root: &Path, args: &[&str]) -> Result<PathBuf> {
    let programs = command::build(root, &[&["--package", "ser-cli"], args].concat())?;
    Ok(programs.path("ser")?.to_owned())
}

/// Returns the recordings of a folder, sorted, following links.
///
/// # Errors
///
/// The folder cannot be read, or holds no recordings.
pub fn require_audio(folder: &Path) -> Result<Vec<PathBuf>> {
    fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    // Unreadable entries below the folder, and links that form a loop or lead nowhere, are left to `ser`, which names and skips them.
    let mut files: Vec<PathBuf> = recordings(folder).flatten().collect();
    ensure!(
        !files.is_empty(),
        "{} holds no recordings",
        folder.display()
    );
    files.sort();
    Ok(files)
}

/// Returns the first model file in a folder of results. In the results of an ensemble, this is not the model of a member.
fn model_under(folder: &Path) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    let model = entries.iter().find(|path| {
        path.extension()
            .is_some_and(|extension| extension == "safetensors")
    });
    model.cloned().or_else(|| {
        let mut folders = entries.iter().filter(|path| !path.ends_with(MEMBERS));
        folders.find_map(|path| model_under(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_recipe_is_answered_with_the_known_ones() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("data/recipes");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("b.toml"), "").unwrap();
        fs::write(folder.join("a.toml"), "").unwrap();
        let pick = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            choose(root.path(), &names, Path::new("out"))
        };
        assert_eq!(pick(&["b", "a"]).unwrap()[1].out, Path::new("out/a"));
        let error = pick(&["c"]).err().unwrap().to_string();
        assert!(error.contains("`c`") && error.contains("a, b"), "{error}");
        assert!(pick(&["a", "a"]).is_err());
    }

    #[test]
    fn results_lie_in_a_folder_that_is_called_like_the_recordings() {
        let out = |given: Option<&str>, data: &str| {
            let out = default_out(Path::new("/w"), given.map(Path::new), Path::new(data)).ok()?;
            Some(out.display().to_string())
        };
        let downloaded = out(None, "/w/data/corpora/ravdess");
        assert_eq!(downloaded.as_deref(), Some("/w/runs/ravdess"));
        let named = out(Some("calls/"), "/home/anna/calls");
        assert_eq!(named.as_deref(), Some("/w/runs/calls"));
        // Called as the user calls it, although it leads elsewhere.
        let link = out(Some("ravdess"), "/mnt/Audio_Speech_Actors_01-24");
        assert_eq!(link.as_deref(), Some("/w/runs/ravdess"));
        for nameless in [".", "../.."] {
            let out = out(Some(nameless), "/home/anna/calls");
            assert_eq!(out.as_deref(), Some("/w/runs/calls"));
        }
        assert_eq!(out(Some("/"), "/"), None);
    }

    #[test]
    fn every_default_recipe_exists() {
        choose(&paths::workspace(), &[], Path::new("out")).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_what_leads_nowhere_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("elsewhere")).unwrap();
        fs::create_dir_all(at("data/folder.wav")).unwrap();
        fs::write(at("elsewhere/a.wav"), "x").unwrap();
        for (target, link) in [
            ("elsewhere", "data/Actor_01"),
            ("elsewhere/a.wav", "data/b.WAV"),
            ("nowhere.wav", "data/c.wav"),
            ("data", "data/round"),
        ] {
            libtorch::symlink(&at(target), &at(link)).unwrap();
        }
        let found = [at("data/Actor_01/a.wav"), at("data/b.WAV")];
        assert_eq!(require_audio(&at("data")).unwrap(), found);
    }

    #[test]
    fn the_model_is_found_below_the_results() {
        let folder = tempfile::tempdir().unwrap();
        let split = folder.path().join("split-1");
        fs::create_dir(&split).unwrap();
        assert_eq!(model_under(folder.path()), None);
        fs::write(split.join("model.safetensors"), "x").unwrap();
        let member = folder.path().join("members/cnn/split-1");
        fs::create_dir_all(&member).unwrap();
        fs::write(member.join("model.safetensors"), "x").unwrap();
        assert_eq!(
            model_under(folder.path()),
            Some(split.join("model.safetensors"))
        );
    }
}
