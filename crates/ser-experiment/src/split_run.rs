//! The folder of one trained split, which is complete or absent.

#[cfg(feature = "train")]
mod written;

use std::path::{Path, PathBuf};

use ser_data::{Corpus, Split};
use ser_eval::{History, NamedHistory};
use ser_recipe::Experiment;
use serde::{Deserialize, Serialize};

#[cfg(feature = "train")]
pub(crate) use written::{Numbered, is_of_cross_validation, refuse_one_split, refuse_other_recipe};

use crate::answers::Answers;
use crate::corpus::Skipped;
use crate::error::{Error, Result};
use crate::folder::{self, UNFINISHED, read_json};

/// What a split folder was made from, stored in `run.json`. A folder with another `run.json` is another run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Name of the recipe.
    pub recipe: String,
    /// Name of the split.
    pub split: String,
    /// Number of the split, counted from 1; 0 in runs of programs that did not store it.
    #[serde(default)]
    pub number: usize,
    /// Number of splits of the protocol.
    pub splits: usize,
    /// Name of the corpus.
    pub corpus: String,
    /// Checksum of the clips.
    pub checksum: String,
    /// Whether the corpus is synthetic.
    pub synthetic: bool,
    /// Number of training clips.
    pub train: usize,
    /// Number of validation clips, on which the best epoch was chosen.
    pub validation: usize,
    /// Number of test clips.
    pub test: usize,
    /// Number of clips that were learned and tested by their pieces of speech; 0 in runs of programs that divided no clip.
    #[serde(default)]
    pub divided: usize,
    /// Files that were left out.
    pub skipped: Vec<Skipped>,
    /// Version of the program.
    pub program: String,
    /// Version of the algorithms for features, [`ser_features::ALGORITHM_VERSION`]; 0 in runs of programs that did not store it.
    #[serde(default)]
    pub features: u32,
    /// Version of the recording conditions, [`ser_audio::conditions::VERSION`]; 0 in runs of programs that did not store it.
    #[serde(default)]
    pub conditions: u32,
    /// Version of libtorch.
    pub libtorch: String,
    /// Number of libtorch threads per training.
    pub threads: i32,
}

/// Size, training time and temperature of a model, stored in `training.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Number of trained parameters of all networks.
    pub parameters: usize,
    /// Wall-clock seconds of all trainings of the split, including those on inner splits. For an ensemble, the sum over its
    /// members.
    pub seconds: f64,
    /// The model's temperature.
    pub temperature: f64,
}

/// A finished split folder.
#[derive(Debug)]
pub struct SplitRun {
    /// What it was made from.
    pub info: RunInfo,
    /// The experiment.
    pub experiment: Experiment,
    /// Size and training time of the model.
    pub cost: Cost,
    /// Histories of the trainings that had validation clips, by the name of their split.
    pub histories: Vec<NamedHistory>,
    /// Predictions on validation clips, without a temperature; `None` if there were none.
    pub validation: Option<Answers>,
    /// Predictions on the test part.
    pub test: Answers,
}

const INFO: &str = "run.json";
const COST: &str = "training.json";
pub(crate) const RECIPE: &str = "recipe.toml";
const SPLIT: &str = "split.csv";
const HISTORY: &str = "history";
const VALIDATION: &str = "validation";
/// Name of the predictions on the test part in a split folder, without extension.
pub(crate) const TEST: &str = "predictions";
/// Name of the model file in a split folder.
pub(crate) const MODEL: &str = "model.safetensors";

impl SplitRun {
    /// Reads a split folder. Returns `None` if the folder holds no finished split.
    ///
    /// # Errors
    /// - [`Error::OtherVersion`] if a version of the program that is too old or too new wrote the folder
    /// - [`Error::Io`] or [`Error::Eval`] if a file cannot be read
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        if !is_split(dir) {
            return Ok(None);
        }
        let mut histories = Vec::new();
        for file in folder::files(dir)? {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            let csv = file.extension().is_some_and(|e| e == "csv");
            if let Some(name) = name.strip_prefix(HISTORY).filter(|_| csv) {
                histories.push(NamedHistory {
                    name: name.trim_start_matches('-').to_owned(),
                    history: History::read_csv(&file)?,
                });
            }
        }
        // Earlier versions wrote the names of the recipes of an ensemble, which may no longer be found.
        let recipe = dir.join(RECIPE);
        let experiment = Experiment::load(&recipe.to_string_lossy());
        Ok(Some(Self {
            info: read_json(&dir.join(INFO))?,
            experiment: experiment.map_err(|error| Error::other_version(&recipe, error))?,
            cost: read_json(&dir.join(COST))?,
            histories,
            validation: Answers::read(dir, VALIDATION)?,
            test: test_answers(dir)?,
        }))
    }
}

/// Reads the predictions on the test part from a split folder.
pub(crate) fn test_answers(dir: &Path) -> Result<Answers> {
    let answers = Answers::read(dir, TEST)?;
    answers.ok_or_else(|| Error::other_version(dir, format!("{TEST}.csv is missing")))
}

/// Reads the split that a split folder was made with. `corpus` must be the corpus that it was made from.
pub(crate) fn read_split(
    dir: &Path,
    corpus: &Corpus,
    name: &str,
    experiment: &Experiment,
) -> Result<Split> {
    let disjoint = experiment.task.protocol.disjoint();
    Ok(Split::read_csv(corpus, name, dir.join(SPLIT), disjoint)?)
}

/// Returns whether a folder holds a finished split.
pub(crate) fn is_split(dir: &Path) -> bool {
    dir.join(INFO).is_file()
}

/// Returns the folders of the finished splits in a folder, sorted by name.
pub(crate) fn split_folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = folder::files(dir)?;
    // A folder that a killed run left under its temporary name is not part of the run.
    folders.retain(|folder| is_split(folder) && folder.extension().is_none_or(|e| e != UNFINISHED));
    Ok(folders)
}
