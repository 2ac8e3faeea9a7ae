//! `cargo xtask bench`: measures everything in one run, side by side with the peers.
//!
//! The task runs the criterion benches, and then our measuring programs and the scripts of the peers in turn, in several rounds, so
//! that a slow minute of the machine affects all of them. These programs print one JSON object per line: job, who, threads, unit,
//! value. The results are kept in `benches/runs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use ser_files::write_file;
use serde_json::Value;

use crate::command::Programs;
use crate::table::{self, Line};
use crate::{command, download, gate, libtorch, pipeline, python};

#[derive(clap::Args)]
pub struct Args {
    /// Only count the instructions of the hot paths, and fail if there are more than in the committed counts.
    #[arg(long)]
    check: bool,
    /// Only count the instructions of the hot paths, and save them as the counts to compare with.
    #[arg(long, conflicts_with = "check")]
    save: bool,
    /// Measure whole clips on the WAV files of this folder [default: the downloaded RAVDESS, or else
    /// synthetic clips].
    #[arg(long, value_name = "DIR", conflicts_with_all = ["check", "save"])]
    data: Option<PathBuf>,
    /// Leave out the peers; their Python packages are a download of about 3 GB the first time.
    #[arg(long, conflicts_with_all = ["check", "save"])]
    no_peers: bool,
    /// Only measure the service from outside, with its peer for comparison (about 10 minutes, needs no libtorch).
    #[arg(long, conflicts_with_all = ["check", "save"])]
    service: bool,
}

/// Number of rounds in which the programs take turns.
const ROUNDS: usize = 3;

pub fn run(root: &Path, args: &Args) -> Result<()> {
    if args.check {
        return gate::check(root);
    }
    if args.save {
        return gate::save(root);
    }
    let machine = Machine::find();
    let (folder, beside) = folders(root, args.service, &machine)?;
    let mut packages = vec!["-p", "ser-cli", "-p", "ser-benches"];
    if !args.service {
        libtorch::ensure(root)?;
        packages.extend(["-p", "ser-benches-networks"]);
    }
    // Built without training, as most users have it.
    let ours = command::build(root, &packages)?;
    let (data, clips) = data(root, &ours, args.data.as_deref())?;
    let python = if args.no_peers {
        None
    } else {
        python_of_peers(root)?
    };

    let about = about(root, args, &machine, &clips, python.as_deref())?;
    ser_files::remove_folder(&beside)?;
    fs::create_dir_all(&beside).with_context(|| format!("creating {}", beside.display()))?;

    if !args.service {
        let start = SystemTime::now();
        let mut benches = command::cargo(root);
        benches.args(["bench", "-p", "ser-benches", "-p", "ser-benches-networks"]);
        // Named one by one, so that cargo does not also build the measuring programs as benches.
        benches.args([
            "--bench", "features", "--bench", "splits", "--bench", "networks",
        ]);
        command::run(&mut benches)?;
        write_file(beside.join("criterion.csv"), criterion(&ours, start)?)?;
    }

    let mut lines = Vec::new();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        let programs = if args.service {
            vec![service(root, &ours, &data, python.as_deref())?]
        } else {
            programs(root, &ours, &data, python.as_deref(), round)?
        };
        for mut program in programs {
            lines.extend(measure(&mut program, round)?);
        }
    }
    let raw: Vec<String> = lines.iter().map(Line::to_json).collect();
    write_file(beside.join("results.jsonl"), raw.join("\n") + "\n")?;
    let table = format!(
        "{clips}. {}, {} cores. Medians of {ROUNDS} rounds.\n\n{}",
        machine.processor,
        machine.cores,
        table::markdown(&lines)
    );
    write_file(beside.join("table.md"), &table)?;
    write_file(beside.join("run.toml"), about)?;
    fs::rename(&beside, &folder).with_context(|| format!("writing {}", folder.display()))?;
    println!("\n{table}\nkept in {}", folder.display());
    let page = if args.service {
        "docs/service.md"
    } else {
        "docs/performance.md"
    };
    println!("next: copy table.md into {page} if that page is to show this run");
    Ok(())
}

/// Returns the folder for the results, and the one in which they are collected.
///
/// # Errors
///
/// Results of today are already there. They are never replaced, because they may be what a document shows.
fn folders(root: &Path, service: bool, machine: &Machine) -> Result<(PathBuf, PathBuf)> {
    let part = if service { "-service" } else { "" };
    let name = format!("{}-{}{part}", today()?, machine.slug());
    let runs = root.join("benches/runs");
    let folder = runs.join(&name);
    ensure!(
        !folder.exists(),
        "{} already holds a run of today: rename or remove it, and run again",
        folder.display()
    );
    Ok((folder, runs.join(format!(".{name}"))))
}

/// Returns the folder of the clips to measure on, and a description of them.
fn data(root: &Path, ours: &Programs, given: Option<&Path>) -> Result<(PathBuf, String)> {
    let downloaded = download::folder(root);
    let folder = match given {
        Some(folder) => folder.canonicalize().context("--data")?,
        None if downloaded.is_dir() => downloaded,
        None => {
            let folder = root.join("target/synthetic-clips");
            command::run(Command::new(ours.path("synthetic_clips")?).arg(&folder))?;
            let count = pipeline::require_audio(&folder)?.len();
            return Ok((
                folder,
                format!("{count} SYNTHETIC clips, because RAVDESS is missing"),
            ));
        }
    };
    let count = pipeline::require_audio(&folder)?.len();
    let corpus = corpus(ours, &folder)?.unwrap_or_else(|| "another corpus".to_owned());
    Ok((folder, format!("{count} clips of {corpus}")))
}

/// Returns the title of the corpus in a folder, if it is a known one. The clips of another corpus may have no labels.
fn corpus(ours: &Programs, folder: &Path) -> Result<Option<String>> {
    let mut index = Command::new(ours.path("ser")?);
    let Ok(audit) = command::output(index.arg("index").arg(folder).arg("--json")) else {
        return Ok(None);
    };
    let audit: Value = serde_json::from_str(&audit).context("the output of ser index")?;
    Ok(audit["known"]["title"].as_str().map(str::to_owned))
}

/// Returns the Python that runs the peers: a separate environment in `target`, with pinned versions.
fn python_of_peers(root: &Path) -> Result<Option<PathBuf>> {
    if command::output(Command::new("python3").arg("--version")).is_err() {
        println!("python3 was not found: the peers in Python are left out");
        return Ok(None);
    }
    println!("installing the peers, about 3 GB the first time; --no-peers leaves them out");
    let requirements = root.join("benches/peers/requirements.txt");
    python::environment(&root.join("target/peers"), &requirements).map(Some)
}

/// Returns the program that measures the service.
fn service(root: &Path, ours: &Programs, data: &Path, python: Option<&Path>) -> Result<Command> {
    let mut service = Command::new(ours.path("service")?);
    service.arg("reach").arg(ours.path("ser")?).arg(data);
    if let Some(python) = python {
        let script = root.join("benches/peers/service.py");
        let model = root.join("data/models/robust.safetensors");
        service.arg(python).arg(script).arg(model);
    }
    Ok(service)
}

/// Returns the programs that take turns in a round.
fn programs(
    root: &Path,
    ours: &Programs,
    data: &Path,
    python: Option<&Path>,
    round: usize,
) -> Result<Vec<Command>> {
    let peers = root.join("benches/peers");
    let mut clips = Command::new(ours.path("clips")?);
    clips.arg(data);
    let mut networks = Command::new(ours.path("ser-benches-networks")?);
    networks.arg("--ser").arg(ours.path("ser")?);
    let mut answers = Command::new(ours.path("answers")?);
    answers.arg(ours.path("ser")?).arg(data);
    let mut programs = vec![clips, networks, answers];
    if let Some(python) = python {
        let script = |name: &str| {
            let mut script = Command::new(python);
            script.arg(peers.join(name));
            // Modules are compiled when they are first imported. If Python may not keep them, it compiles them at each start.
            script.env_remove("PYTHONDONTWRITEBYTECODE");
            script
        };
        let mut features = script("features.py");
        features.arg(data);
        let mut mel_spec = command::cargo(root);
        mel_spec
            .args(["run", "--release", "--quiet", "--manifest-path"])
            .arg(peers.join("mel_spec/Cargo.toml"))
            .arg("--target-dir")
            .arg(root.join("target/mel_spec"))
            .arg(data);
        // Each peer runs directly after the program that it is compared with.
        programs.insert(1, features);
        programs.insert(2, mel_spec);
        programs.insert(4, script("networks.py"));
    }
    // Memory does not vary between rounds. The program reads its own from a source that only Linux has.
    if round == 1 && cfg!(target_os = "linux") {
        programs.push(Command::new(ours.path("memory")?));
    }
    Ok(programs)
}

/// Runs a measuring program and parses its output.
fn measure(program: &mut Command, round: usize) -> Result<Vec<Line>> {
    println!("$ {}", command::line(program));
    let text = command::captured(program)?;
    let line = |text: &str| {
        Line::parse(text, round)
            .with_context(|| format!("`{}` printed {text:?}", command::line(program)))
    };
    text.lines().map(line).collect()
}

/// Returns the medians of the criterion benches that ran since `start`, with their 95 % intervals, as CSV.
fn criterion(ours: &Programs, start: SystemTime) -> Result<String> {
    let mut rows = Vec::new();
    // Criterion writes beside the folder of our programs.
    let target = ours
        .path("ser")?
        .ancestors()
        .nth(2)
        .context("no target folder")?;
    let mut folders = vec![target.join("criterion")];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            }
        }
        let estimates = folder.join("estimates.json");
        let is_new = fs::metadata(&estimates).and_then(|file| file.modified());
        if !folder.ends_with("new") || !is_new.is_ok_and(|time| time >= start) {
            continue;
        }
        let read = |file: &Path| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(file)?)?) };
        let name = read(&folder.join("benchmark.json"))?["full_id"].clone();
        let median = read(&estimates)?["median"].clone();
        let interval = &median["confidence_interval"];
        rows.push(format!(
            "{name},{},{},{}",
            median["point_estimate"], interval["lower_bound"], interval["upper_bound"]
        ));
    }
    rows.sort();
    Ok(format!(
        "bench,median ns,lower ns,upper ns\n{}\n",
        rows.join("\n")
    ))
}

/// Describes the circumstances of a run, as TOML.
fn about(
    root: &Path,
    args: &Args,
    machine: &Machine,
    clips: &str,
    python: Option<&Path>,
) -> Result<String> {
    let git = |args: &[&str]| command::output(Command::new("git").current_dir(root).args(args));
    let changed = git(&["status", "--porcelain"]).is_ok_and(|changes| !changes.is_empty());
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_else(|_| "unknown".to_owned());
    let rustc = command::rustc_version(root)?;
    // The part after the version number is a name that the builder of the kernel chose.
    let kernel = command::output(Command::new("uname").arg("-sr"))?;
    let kernel = kernel.split('-').next().unwrap_or_default();
    let python = match python {
        Some(python) => command::output(Command::new(python).arg("--version"))?,
        None => "none: the peers in Python were left out".to_owned(),
    };
    let options = [
        (args.service, " --service"),
        (args.data.is_some(), " --data DIR"),
        (args.no_peers, " --no-peers"),
    ];
    let given = options.iter().filter(|(is_given, _)| *is_given);
    let options: String = given.map(|(_, option)| *option).collect();
    // Rust and TOML quote these strings in the same way.
    Ok(format!(
        "command = \"cargo xtask bench{options}\"\ndate = {:?}\nclips = {clips:?}\ncommit = {commit:?}\nuncommitted_changes = {changed}\n\
         rounds = {ROUNDS}\nprocessor = {:?}\ncores = {}\nkernel = {kernel:?}\nrustc = {rustc:?}\n\
         python = {python:?}\npeers = \"versions in benches/peers/requirements.txt and benches/peers/mel_spec\"\n",
        today()?,
        machine.processor,
        machine.cores,
    ))
}

fn today() -> Result<String> {
    command::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))
}

struct Machine {
    processor: String,
    cores: usize,
}

impl Machine {
    fn find() -> Self {
        let of_linux = || {
            let text = fs::read_to_string("/proc/cpuinfo").ok()?;
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let of_mac = || {
            let mut sysctl = Command::new("sysctl");
            command::output(sysctl.args(["-n", "machdep.cpu.brand_string"])).ok()
        };
        Self {
            processor: of_linux()
                .or_else(of_mac)
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Returns a name for a folder, such as `amd-epyc-2-cores`.
    fn slug(&self) -> String {
        let words = self.processor.to_lowercase();
        let words: Vec<&str> = words
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        format!("{}-{}-cores", words.join("-"), self.cores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_the_same_day_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let machine = Machine {
            processor: "AMD EPYC".to_owned(),
            cores: 2,
        };
        let (folder, beside) = folders(root.path(), false, &machine).unwrap();
        assert!(folder.ends_with(format!("{}-amd-epyc-2-cores", today().unwrap())));
        // A run that was stopped does not count.
        fs::create_dir_all(beside).unwrap();
        folders(root.path(), false, &machine).unwrap();
        fs::create_dir(&folder).unwrap();
        let error = folders(root.path(), false, &machine).unwrap_err();
        assert!(error.to_string().contains("already holds a run"), "{error}");
        folders(root.path(), true, &machine).unwrap();
    }

    #[test]
    fn peers_run_directly_after_the_program_that_they_are_compared_with() {
        let built = |name: &str| {
            format!(r#"{{"target":{{"name":"{name}"}},"executable":"/t/release/{name}"}}"#)
        };
        let names = ["ser", "clips", "ser-benches-networks", "answers"];
        let ours = Programs::of(&names.map(built).join("\n"));
        let order = |python: Option<&Path>| -> Vec<String> {
            let programs = programs(Path::new("/w"), &ours, Path::new("/d"), python, 2);
            let named = |program: &Command| {
                let line = command::line(program);
                let mut peers = ["features.py", "mel_spec", "networks.py"].into_iter();
                let peer = peers.find(|peer| line.contains(peer));
                peer.unwrap_or(line.split(' ').next().unwrap()).to_owned()
            };
            programs.unwrap().iter().map(named).collect()
        };
        let own = ["clips", "ser-benches-networks", "answers"];
        assert_eq!(order(None), own);
        let all = [
            "clips",
            "features.py",
            "mel_spec",
            "ser-benches-networks",
            "networks.py",
            "answers",
        ];
        assert_eq!(order(Some(Path::new("/p/python"))), all);
    }
}
