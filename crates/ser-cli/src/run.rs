//! The folder of one trained split. It is complete or absent: everything is written into
//! `<name>.unfinished`, which is then renamed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ser_data::{Corpus, Split};
use ser_eval::{History, NamedHistory, write_file};
use ser_model::Model;
use ser_recipe::{Experiment, Member, Monitor};
use serde::{Deserialize, Serialize};

use crate::answers::Answers;
use crate::corpus::{Prepared, Skipped};

/// What a split folder was made from: `run.json`. A folder with other contents is another run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Name of the recipe.
    pub recipe: String,
    /// Name of the split.
    pub split: String,
    /// Splits of the protocol, of which this is one.
    pub splits: usize,
    /// Name of the corpus.
    pub corpus: String,
    /// Checksum of the clips used.
    pub checksum: String,
    /// Whether the corpus is synthetic.
    pub synthetic: bool,
    /// Clips learned from.
    pub train: usize,
    /// Clips that chose the epoch.
    pub validation: usize,
    /// Clips of the test part.
    pub test: usize,
    /// Files that were left out.
    pub skipped: Vec<Skipped>,
    /// Version of the program.
    pub program: String,
    /// Version of libtorch.
    pub libtorch: String,
    /// libtorch threads of a training.
    pub threads: i32,
}

impl RunInfo {
    /// Describes a run before it starts.
    pub fn new(
        experiment: &Experiment,
        threads: i32,
        data: &Prepared,
        numbered: Numbered,
    ) -> Result<Self> {
        let split = as_trained(experiment, numbered.split);
        Ok(Self {
            recipe: experiment.name.clone(),
            split: split.name().to_owned(),
            splits: numbered.of,
            corpus: data.corpus.name().to_owned(),
            checksum: data.corpus.checksum(),
            synthetic: data.corpus.is_synthetic(),
            train: split.train().len(),
            validation: split.validation().len(),
            test: split.test().len(),
            skipped: data.skipped.clone(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: ser_model::LIBTORCH_VERSION.to_owned(),
            threads,
        })
    }
}

/// A split as an experiment makes use of it: on a fixed schedule the validation clips are learned from as well.
fn as_trained(experiment: &Experiment, split: &Split) -> Split {
    let fixed = |member: &Member| member.recipe.training.monitor == Monitor::LastEpoch;
    match experiment.members.iter().all(fixed) {
        true => split.without_validation(),
        false => split.clone(),
    }
}

/// One of the splits of a protocol.
#[derive(Debug, Clone, Copy)]
pub struct Numbered<'a> {
    /// The split.
    pub split: &'a Split,
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl<'a> Numbered<'a> {
    /// All splits of a protocol.
    pub fn all(splits: &'a [Split]) -> Vec<Self> {
        let of = splits.len();
        let numbered = |(split, number)| Self { split, number, of };
        splits.iter().zip(1..).map(numbered).collect()
    }
}

/// What training cost and came to: `training.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Trained values of all networks.
    pub parameters: usize,
    /// Wall-clock seconds of all trainings of the split, rehearsals included; of an ensemble those of
    /// its members.
    pub seconds: f64,
    /// The model's temperature.
    pub temperature: f64,
}

/// A finished split folder.
#[derive(Debug)]
pub struct SplitRun {
    /// What it was made from.
    pub info: RunInfo,
    /// The recipe or ensemble as used.
    pub experiment: Experiment,
    /// What training cost.
    pub cost: Cost,
    /// Trainings that a validation part watched, by the name of their split.
    pub histories: Vec<NamedHistory>,
    /// Answers on validation clips, without a temperature; absent when nothing was rehearsed.
    pub validation: Option<Answers>,
    /// Answers on the test part.
    pub test: Answers,
}

const INFO: &str = "run.json";
const COST: &str = "training.json";
/// Extension of a folder that is being written, or removed.
pub const UNFINISHED: &str = "unfinished";
const RECIPE: &str = "recipe.toml";
const HISTORY: &str = "history";
const VALIDATION: &str = "validation";
/// Name of the answers on the test part in a split folder.
pub const TEST: &str = "predictions";
/// Name of the model file in a split folder.
pub const MODEL: &str = "model.safetensors";

impl SplitRun {
    /// Reads a split folder; `None` where there is none.
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        if !is_split(dir) {
            return Ok(None);
        }
        let mut histories = Vec::new();
        for file in files(dir)? {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            let csv = file.extension().is_some_and(|e| e == "csv");
            if let Some(name) = name.strip_prefix(HISTORY).filter(|_| csv) {
                histories.push(NamedHistory {
                    name: name.trim_start_matches('-').to_owned(),
                    history: History::read_csv(&file)?,
                });
            }
        }
        let test = Answers::read(dir, TEST)?.with_context(|| dir.display().to_string())?;
        Ok(Some(Self {
            info: read_json(&dir.join(INFO))?,
            experiment: Experiment::load(&dir.join(RECIPE).to_string_lossy())?,
            cost: read_json(&dir.join(COST))?,
            histories,
            validation: Answers::read(dir, VALIDATION)?,
            test,
        }))
    }

    /// Whether a folder holds exactly this run, finished.
    pub fn is_finished(dir: &Path, info: &RunInfo, experiment: &Experiment) -> bool {
        Self::read(dir)
            .is_ok_and(|run| run.is_some_and(|r| r.info == *info && r.experiment == *experiment))
    }

    /// Writes the folder, then puts it under its name. A folder of another run with that name is
    /// replaced; any other folder is refused.
    pub fn write(&self, dir: &Path, corpus: &Corpus, split: &Split, model: &Model) -> Result<()> {
        refuse_foreign(dir, is_split)?;
        let unfinished = dir.with_added_extension(UNFINISHED);
        remove(&unfinished)?;
        fs::create_dir_all(&unfinished).with_context(|| unfinished.display().to_string())?;
        write_file(unfinished.join(RECIPE), self.experiment.to_toml()?)?;
        as_trained(&self.experiment, split).write_csv(corpus, unfinished.join("split.csv"))?;
        for NamedHistory { name, history } in &self.histories {
            history.write_csv(unfinished.join(format!("{HISTORY}-{name}.csv")))?;
        }
        model.save(&unfinished.join(MODEL))?;
        if let Some(validation) = &self.validation {
            validation.write(&unfinished, VALIDATION)?;
        }
        self.test.write(&unfinished, TEST)?;
        write_file(
            unfinished.join(COST),
            serde_json::to_string_pretty(&self.cost)?,
        )?;
        write_file(
            unfinished.join(INFO),
            serde_json::to_string_pretty(&self.info)?,
        )?;
        remove(dir)?;
        fs::rename(&unfinished, dir).with_context(|| dir.display().to_string())
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text)
        .with_context(|| format!("{}: not written by this version of ser", path.display()))
}

/// Refuses to put a run where something else lies; `is_own` tells a folder that it may replace.
pub fn refuse_foreign(dir: &Path, is_own: impl Fn(&Path) -> bool) -> Result<()> {
    // `.` and `..` have no name that a finished folder could be given.
    if dir.file_name().is_none() {
        bail!("{}: --out must name a folder of its own", dir.display());
    }
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| dir.display().to_string()),
    };
    if entries.next().is_some() && !is_own(dir) {
        bail!(
            "{} holds something else, which would be lost: choose another --out",
            dir.display()
        );
    }
    Ok(())
}

/// Whether a folder is that of a split, under the name that `ser crossval` gives it.
pub fn is_of_crossval(dir: &Path) -> bool {
    let info = read_json::<RunInfo>(&dir.join(INFO));
    info.is_ok_and(|info| dir.ends_with(info.split))
}

/// Whether a folder is that of a finished split.
pub fn is_split(dir: &Path) -> bool {
    dir.join(INFO).is_file()
}

/// The finished splits in a folder, in the order of their names.
pub fn split_folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = files(dir)?;
    // A folder that a killed run left under its temporary name is no part of the run.
    folders.retain(|folder| is_split(folder) && folder.extension().is_none_or(|e| e != UNFINISHED));
    Ok(folders)
}

/// What a folder holds, in the order of the names.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| dir.display().to_string())?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(|| dir.display().to_string())?;
    files.sort_unstable();
    Ok(files)
}

/// Removes a folder, if it is there. It is renamed first: a folder under its final name is whole.
pub fn remove(dir: &Path) -> Result<()> {
    if dir.file_name().is_none() {
        bail!("{}: not removed, as it has no name", dir.display());
    }
    let aside = match dir.extension() {
        Some(extension) if extension == UNFINISHED => dir.to_owned(),
        _ => dir.with_added_extension(format!("old.{UNFINISHED}")),
    };
    if aside != dir {
        remove_in_place(&aside)?;
        match fs::rename(dir, &aside) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            moved => moved.with_context(|| dir.display().to_string())?,
        }
    }
    remove_in_place(&aside)
}

fn remove_in_place(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| dir.display().to_string())
        }
        _ => Ok(()),
    }
}
