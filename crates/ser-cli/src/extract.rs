//! `ser extract`

use std::collections::BTreeMap;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use ser_data::{Corpus, Scan};
use ser_features::{FeatureConfig, Features, write_npy};
use ser_recipe::Experiment;
use serde::Serialize;
use walkdir::WalkDir;

use crate::Outcome;
use crate::args::ExtractArgs;
use crate::corpus::{FeatureSource, Skipped, View, skips};
use crate::output::progress;

/// Audio whose features are in memory at a time, in bytes of its files: enough to keep all cores
/// busy, and with librosa's defaults about as many bytes of features.
const CHUNK_BYTES: u64 = 64 << 20;

/// A file with the name its features get.
struct Input {
    path: PathBuf,
    name: String,
}

impl Input {
    /// Size of the file in bytes; 0 if it cannot be known, and so not be read.
    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }
}

pub fn run(args: &ExtractArgs, json: bool) -> Result<Outcome> {
    let (inputs, mut skipped) = inputs(&args.inputs)?;
    if inputs.is_empty() {
        bail!("no WAV file among the inputs");
    }
    let views = views(args)?;
    let [view, copies @ ..] = &views[..] else {
        bail!("the recipe asks for no features");
    };
    let config = &view.config;
    let mut source = FeatureSource::open(view, args.store.as_deref())?;
    let bar = progress(inputs.len() * views.len(), "features");
    let done = match args.out.as_deref() {
        None => {
            let done = for_each(&mut source, &inputs, &bar, &mut skipped, |_, _| Ok(()))?;
            for copy in copies {
                let mut source = FeatureSource::open(copy, args.store.as_deref())?;
                // What fails here has failed above, and is named already.
                for_each(&mut source, &inputs, &bar, &mut Vec::new(), |_, _| Ok(()))?;
            }
            done
        }
        Some(out) if has_extension(out, "npy") => {
            if inputs.len() != 1 {
                bail!(
                    "{}: .npy holds one file, but there are {}: write .safetensors",
                    out.display(),
                    inputs.len()
                );
            }
            for_each(&mut source, &inputs, &bar, &mut skipped, |_, features| {
                Ok(write_npy(out, features)?)
            })?
        }
        Some(out) if has_extension(out, "safetensors") => {
            write_safetensors(out, config, &mut source, &inputs, &bar, &mut skipped)?
        }
        Some(out) => bail!(
            "{}: the name must end in .npy or .safetensors",
            out.display()
        ),
    };
    bar.finish_and_clear();
    Skipped::tell(&skipped);
    let n = config.coefficients();
    if json {
        let line = serde_json::json!({ "files": done, "coefficients": n, "skipped": skipped });
        println!("{line}");
    } else {
        println!("files: {done}, coefficients a frame: {n}");
    }
    if done == 0 {
        bail!("no file could be used");
    }
    Ok(Outcome::of(&skipped))
}

/// What is asked for. Of a recipe a file gets its features, and a store all that a training takes from
/// it, copies included.
fn views(args: &ExtractArgs) -> Result<Vec<View>> {
    if let Some(recipe) = &args.recipe {
        if args.out.is_some() {
            let recipe = Experiment::load(recipe)?.into_recipe()?;
            return Ok(vec![View::clean(recipe.features)]);
        }
        let members = Experiment::load(recipe)?.members;
        let mut views = Vec::new();
        for view in members.iter().flat_map(|m| View::of_training(&m.recipe)) {
            if view.is_kept() && !views.contains(&view) {
                views.push(view);
            }
        }
        return Ok(views);
    }
    let Some(path) = &args.config else {
        return Ok(vec![View::clean(FeatureConfig::default())]);
    };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let config: FeatureConfig =
        toml::from_str(&text).with_context(|| path.display().to_string())?;
    config
        .validate()
        .with_context(|| path.display().to_string())?;
    Ok(vec![View::clean(config)])
}

fn inputs(given: &[PathBuf]) -> Result<(Vec<Input>, Vec<Skipped>)> {
    let (mut inputs, mut skipped) = (Vec::new(), Vec::new());
    for path in given {
        if path.is_dir() {
            for entry in WalkDir::new(path).follow_links(true).sort_by_file_name() {
                match entry {
                    Ok(entry) if !entry.file_type().is_file() => {}
                    Ok(entry) if !has_extension(entry.path(), "wav") => {}
                    Ok(entry) => {
                        let name = entry.path().strip_prefix(path).unwrap_or(entry.path());
                        let name = name.to_string_lossy().replace('\\', "/");
                        inputs.push(Input {
                            path: entry.into_path(),
                            name,
                        });
                    }
                    Err(error) => skipped.push(Skipped::new(
                        error.path().unwrap_or(path),
                        &error.to_string(),
                    )),
                }
            }
        } else if has_extension(path, "csv") {
            let Scan { corpus, audit } = Corpus::read_manifest(path)?;
            skipped.extend(skips(&audit));
            let clips = corpus.clips().iter();
            inputs.extend(clips.map(|c| Input {
                path: c.path.clone(),
                name: c.name.clone(),
            }));
        } else {
            inputs.push(Input {
                path: path.clone(),
                name: path.to_string_lossy().into_owned(),
            });
        }
    }
    Ok((inputs, skipped))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

/// Calls `use_it` for every file that has features, in order, those of a chunk of files in memory at
/// a time. Returns their number.
fn for_each(
    source: &mut FeatureSource,
    inputs: &[Input],
    bar: &ProgressBar,
    skipped: &mut Vec<Skipped>,
    mut use_it: impl FnMut(&Input, &Features) -> Result<()>,
) -> Result<usize> {
    let mut done = 0;
    let mut rest = inputs;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(files_in_chunk(rest));
        rest = after;
        let paths: Vec<&Path> = chunk.iter().map(|input| input.path.as_path()).collect();
        let (features, failed) = source.extract(&paths, bar)?;
        let failed = failed.iter();
        skipped.extend(failed.map(|(&i, reason)| Skipped::new(paths[i], reason)));
        for (i, features) in &features {
            use_it(&chunk[*i], features)?;
        }
        done += features.len();
    }
    Ok(done)
}

/// The first files that together reach [`CHUNK_BYTES`].
fn files_in_chunk(inputs: &[Input]) -> usize {
    let mut bytes = 0;
    let full = inputs.iter().position(|input| {
        bytes += input.bytes();
        bytes >= CHUNK_BYTES
    });
    full.map_or(inputs.len(), |last| last + 1)
}

/// One tensor a file, `[coefficients, frames]`, in the layout of the safetensors format: length of
/// the header, header, data. The crate of that name wants all tensors in memory at once; here the
/// data go to disk as they come and the header, which must be first, is put before them at the end.
fn write_safetensors(
    out: &Path,
    config: &FeatureConfig,
    source: &mut FeatureSource,
    inputs: &[Input],
    bar: &ProgressBar,
    skipped: &mut Vec<Skipped>,
) -> Result<usize> {
    #[derive(Serialize)]
    struct Entry {
        dtype: &'static str,
        shape: [usize; 2],
        data_offsets: [u64; 2],
    }
    let folder = out
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let on_disk = || format!("cannot write {}", out.display());
    let mut data = tempfile::tempfile_in(folder).with_context(on_disk)?;
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut end = 0;
    {
        let mut data = BufWriter::new(&mut data);
        for_each(source, inputs, bar, skipped, |input, features| {
            let (frames, coefficients) = (features.frames(), features.coefficients());
            for c in 0..coefficients {
                for row in features.as_slice().chunks_exact(coefficients) {
                    data.write_all(&row[c].to_le_bytes())
                        .with_context(on_disk)?;
                }
            }
            let start = end;
            end += 4 * (frames * coefficients) as u64;
            let entry = Entry {
                dtype: "F32",
                shape: [coefficients, frames],
                data_offsets: [start, end],
            };
            if entries.insert(input.name.clone(), entry).is_some() {
                bail!(
                    "two inputs are named {}: extract them into files of their own",
                    input.name
                );
            }
            Ok(())
        })?;
        data.flush().with_context(on_disk)?;
    }
    let done = entries.len();
    if done == 0 {
        return Ok(0); // What the file held before is worth more than nothing.
    }
    let mut header = serde_json::Map::new();
    let about = serde_json::json!({ "ser.features": toml::to_string(config)? });
    header.insert("__metadata__".to_owned(), about);
    for (name, entry) in entries {
        header.insert(name, serde_json::to_value(entry)?);
    }
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' '); // so that the data are aligned

    let written = ser_files::write(out, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        data.seek(SeekFrom::Start(0))?;
        std::io::copy(&mut data, file)?;
        Ok(())
    });
    written.with_context(on_disk)?;
    Ok(done)
}
