//! The folder of one trained split. It is complete or absent: everything is written into
//! `<name>.partial`, which is then renamed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ser_data::{Corpus, Split};
use ser_eval::{History, Prediction, Predictions, write_file};
use ser_features::Features;
use ser_model::{Example, Model, Provenance, Recipe, Trained, TrainingData};
use serde::{Deserialize, Serialize};

use crate::corpus::{Prepared, Skipped};

/// What a split folder was made from: `run.json`. A folder with other contents is another run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Name of the recipe.
    pub recipe: String,
    /// Name of the split.
    pub split: String,
    /// Name of the corpus.
    pub corpus: String,
    /// Checksum of the clips used.
    pub checksum: String,
    /// Whether the corpus is synthetic.
    pub synthetic: bool,
    /// Clips of the training part.
    pub train: usize,
    /// Clips of the validation part.
    pub validation: usize,
    /// Clips of the test part.
    pub test: usize,
    /// Files that were left out.
    pub skipped: Vec<Skipped>,
    /// Version of the program.
    pub program: String,
    /// Version of libtorch.
    pub libtorch: String,
    /// libtorch threads of the training.
    pub threads: i32,
}

impl RunInfo {
    /// Describes a run before it starts.
    pub fn new(recipe: &Recipe, data: &Prepared, split: &Split) -> Self {
        Self {
            recipe: recipe.name.clone(),
            split: split.name().to_owned(),
            corpus: data.corpus.name().to_owned(),
            checksum: data.corpus.checksum(),
            synthetic: data.corpus.is_synthetic(),
            train: split.train().len(),
            validation: split.validation().len(),
            test: split.test().len(),
            skipped: data.skipped.clone(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: ser_model::LIBTORCH_VERSION.to_owned(),
            threads: recipe.training.threads,
        }
    }
}

/// A finished split folder.
#[derive(Debug)]
pub struct SplitRun {
    /// What it was made from.
    pub info: RunInfo,
    /// The recipe as used.
    pub recipe: Recipe,
    /// Its epochs.
    pub history: History,
    /// Answers on the test part.
    pub predictions: Predictions,
}

const INFO: &str = "run.json";
const PARTIAL: &str = "partial";
const RECIPE: &str = "recipe.toml";
const HISTORY: &str = "history.csv";
const PREDICTIONS: &str = "predictions.csv";
/// Name of the model file in a split folder.
pub const MODEL: &str = "model.safetensors";

impl SplitRun {
    /// Reads a split folder; `None` where there is none.
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        let info = dir.join(INFO);
        if !is_split(dir) {
            return Ok(None);
        }
        let text = fs::read_to_string(&info).with_context(|| info.display().to_string())?;
        let info = serde_json::from_str(&text)
            .with_context(|| format!("{}: not written by this version of ser", info.display()))?;
        let recipe = Recipe::load(&dir.join(RECIPE).to_string_lossy())?;
        let history = History::read_csv(dir.join(HISTORY))?;
        let predictions = Predictions::read_csv(dir.join(PREDICTIONS))?;
        Ok(Some(Self {
            info,
            recipe,
            history,
            predictions,
        }))
    }

    /// Whether a folder holds exactly this run, finished.
    pub fn is_finished(dir: &Path, info: &RunInfo, recipe: &Recipe) -> bool {
        Self::read(dir).is_ok_and(|run| run.is_some_and(|r| r.info == *info && r.recipe == *recipe))
    }
}

/// Trains one split and measures it, then puts the folder under its name. A folder of another run
/// with that name is replaced; any other folder is refused.
pub fn train_split(
    dir: &Path,
    recipe: &Recipe,
    data: &Prepared,
    split: &Split,
    seed: u64,
    on_epoch: &mut dyn FnMut(&ser_eval::Epoch),
) -> Result<()> {
    refuse_foreign(dir)?;
    let trained = train(recipe, data, split, seed, on_epoch)?;
    let predictions = predict(
        &trained.model,
        &data.corpus,
        &data.features,
        split.test(),
        split.name(),
    )?;

    let partial = dir.with_added_extension(PARTIAL);
    remove(&partial)?;
    fs::create_dir_all(&partial).with_context(|| partial.display().to_string())?;
    write_file(partial.join(RECIPE), &recipe.to_toml()?)?;
    split.write_csv(&data.corpus, partial.join("split.csv"))?;
    trained.history.write_csv(partial.join(HISTORY))?;
    trained.model.save(&partial.join(MODEL))?;
    predictions.write_csv(partial.join(PREDICTIONS))?;
    let info = serde_json::to_string_pretty(&RunInfo::new(recipe, data, split))?;
    write_file(partial.join(INFO), &info)?;
    remove(dir)?;
    fs::rename(&partial, dir).with_context(|| dir.display().to_string())?;
    Ok(())
}

fn train(
    recipe: &Recipe,
    data: &Prepared,
    split: &Split,
    seed: u64,
    on_epoch: &mut dyn FnMut(&ser_eval::Epoch),
) -> Result<Trained> {
    let (corpus, targets) = (&data.corpus, data.corpus.targets());
    let examples = |part: &[usize]| -> Vec<Example> {
        part.iter()
            .map(|&i| Example {
                features: &data.features[i],
                target: targets[i],
            })
            .collect()
    };
    let seen = || {
        split
            .train()
            .iter()
            .chain(split.validation())
            .map(|&i| &corpus.clips()[i])
    };
    let mut speakers: Vec<String> = seen().map(|clip| clip.speaker.clone()).collect();
    speakers.sort_unstable();
    speakers.dedup();
    let provenance = Provenance {
        split: split.name().to_owned(),
        corpus: corpus.checksum(),
        synthetic: corpus.is_synthetic(),
        speakers,
        content: seen().map(|clip| clip.content.clone()).collect(),
        best_epoch: 0,
    };
    let data = TrainingData {
        labels: corpus.labels().to_vec(),
        train: examples(split.train()),
        validation: examples(split.validation()),
        provenance,
    };
    Ok(ser_model::train(recipe, data, seed, on_epoch)?)
}

/// A model's answers on some clips of a corpus, all of emotions the model knows.
pub fn predict(
    model: &Model,
    corpus: &Corpus,
    features: &[Features],
    part: &[usize],
    split: &str,
) -> Result<Predictions> {
    let clips: Vec<&Features> = part.iter().map(|&i| &features[i]).collect();
    let answers = model.predict(&clips)?.into_iter().zip(part);
    let rows = answers.map(|(probabilities, &i)| {
        let clip = &corpus.clips()[i];
        let truth = model.labels.iter().position(|label| *label == clip.emotion);
        Ok(Prediction {
            clip: clip.name(),
            speaker: clip.speaker.clone(),
            truth: truth.with_context(|| format!("the model does not know `{}`", clip.emotion))?,
            probabilities,
            split: split.to_owned(),
            gender: clip.gender.clone(),
            intensity: clip.intensity.clone(),
            statement: clip.statement.clone(),
        })
    });
    Ok(Predictions::new(
        model.labels.clone(),
        rows.collect::<Result<_>>()?,
    )?)
}

fn refuse_foreign(dir: &Path) -> Result<()> {
    // `.` and `..` have no name that a finished folder could be given.
    if dir.file_name().is_none() {
        bail!("{}: --out must name a folder of its own", dir.display());
    }
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| dir.display().to_string()),
    };
    if entries.next().is_some() && !is_split(dir) {
        bail!(
            "{} is not empty and was not written by ser: choose another --out",
            dir.display()
        );
    }
    Ok(())
}

/// Whether a folder is that of a finished split.
pub fn is_split(dir: &Path) -> bool {
    dir.join(INFO).is_file()
}

/// The finished splits in a folder, in the order of their names.
pub fn split_folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| dir.display().to_string())?;
    let mut folders = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(|| dir.display().to_string())?;
    // A folder that a killed run left under its temporary name is no part of the run.
    folders.retain(|folder| is_split(folder) && folder.extension().is_none_or(|e| e != PARTIAL));
    folders.sort_unstable();
    Ok(folders)
}

/// Removes a folder, if it is there.
pub fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| dir.display().to_string())
        }
        _ => Ok(()),
    }
}
