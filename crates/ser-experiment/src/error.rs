//! What can go wrong, cut by what the caller can do about it.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use ser_data::Protocol;

use crate::corpus::Skipped;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    Io(#[from] ser_files::Error),
    /// A file of a run's folder holds something else than this program writes.
    #[error(
        "{}: not written by this version of ser; run the command that wrote it again, into another folder: {reason}",
        path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Something failed while something was done.
    #[error("{what}: {source}")]
    In {
        /// A file, a split, a recipe: what it was done for.
        what: String,
        /// Why it failed.
        source: Box<Error>,
    },
    /// Every clip of a corpus had to be left out, or there was none.
    #[error("{data}: no clip is left to work with")]
    NoClips {
        /// The corpus.
        data: String,
    },
    /// A model asks for features that were not extracted.
    #[error("{model}: a view was not extracted")]
    NoView {
        /// Name of the model.
        model: String,
    },
    /// A clip has an emotion that a model does not tell apart.
    #[error("the model does not know `{emotion}`")]
    UnknownEmotion {
        /// The clip's emotion.
        emotion: String,
    },
    /// A folder of results has no name, as `.` and `..` have none.
    #[error("{}: {expected}", path.display())]
    NoName {
        /// The folder as given.
        path: PathBuf,
        /// What is to be given.
        expected: &'static str,
    },
    /// A folder for results holds what no run wrote.
    #[error("{} holds something else, which would be lost: choose another --out", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// A folder for a cross-validation holds a single split.
    #[error("{} holds one split, written by `ser train`: choose another --out", path.display())]
    HoldsOneSplit {
        /// The folder.
        path: PathBuf,
    },
    /// Another run writes into the folder.
    #[error(
        "{}: another run is writing there; wait until it ends, or choose another --out",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A folder holds no finished run.
    #[error("{}: no finished run here; write one with `ser crossval`", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// Some splits of a run are not there.
    #[error(
        "{} holds {found} of {expected} splits: `ser crossval` again does the others",
        path.display()
    )]
    Incomplete {
        /// The folder.
        path: PathBuf,
        /// The splits there are.
        found: usize,
        /// The splits of the protocol.
        expected: usize,
    },
    /// The splits of a run were not made alike.
    #[error(
        "{} and {} come from different recipes or data: run `ser crossval` again",
        first.display(), second.display()
    )]
    Mixed {
        /// The first split's folder.
        first: PathBuf,
        /// The one that differs from it.
        second: PathBuf,
    },
    /// What is said of all splits is asked of a single one.
    #[error(
        "{} is one split of {expected}: results are of all that `ser crossval` makes",
        path.display()
    )]
    OneSplit {
        /// The folder.
        path: PathBuf,
        /// The splits of the protocol.
        expected: usize,
    },
    /// What is measured over the splits of a cross-validation is asked of something else.
    #[error(
        "{}: conditions are measured over a cross-validation; write one with `ser crossval`",
        path.display()
    )]
    NoCrossValidation {
        /// The folder.
        path: PathBuf,
    },
    /// A protocol has fewer splits.
    #[error("{protocol} has the splits 1 to {splits}, not {number}")]
    NoSplit {
        /// The protocol.
        protocol: Protocol,
        /// How many splits it has.
        splits: usize,
        /// The split asked for.
        number: usize,
    },
    /// A recipe chooses its best epoch on the very clips that it would then be judged by.
    #[error(
        "{recipe}: keeps its best epoch on clips that are held out, and here those are what it is judged \
         by; take a recipe with training.monitor = \"last-epoch\", such as cnn"
    )]
    KeepsBestEpoch {
        /// Name of the recipe.
        recipe: String,
    },
    /// A model was made from all clips that it could be measured on.
    #[error(
        "{data}: nothing to measure: {}",
        nothing_left(*left_out, *unknown, emotions, labels)
    )]
    NothingToMeasure {
        /// Where the clips were to come from.
        data: String,
        /// Clips left out.
        left_out: usize,
        /// Clips of emotions that the model does not tell apart.
        unknown: usize,
        /// Those emotions.
        emotions: Vec<String>,
        /// The emotions it tells apart.
        labels: Vec<String>,
    },
    /// The clips that a model is to be fine-tuned on are too few, too many, or all alike.
    #[error(
        "{data}: to fine-tune a model, expected {expected}, found {clips} clips of {emotions} emotions that it \
         knows and has not learned from"
    )]
    FineTuning {
        /// Where the clips come from.
        data: String,
        /// How many are to be given.
        expected: String,
        /// Clips found.
        clips: usize,
        /// Emotions that they have.
        emotions: usize,
    },
    /// Files, folders, patterns and manifests stand for no recording at all.
    #[error("no recording among the inputs{}", first_reason(skipped))]
    NoRecording {
        /// What was given and not taken.
        skipped: Vec<Skipped>,
    },
    /// The inputs and the file for their features do not go together.
    #[error("{0}")]
    Extraction(String),
    /// A training's thread panicked.
    #[error("a training thread ended abnormally")]
    Panicked,
    /// The model's.
    #[error(transparent)]
    Predict(#[from] ser_predict::Error),
    /// A training's.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Training(#[from] ser_model::Error),
    /// A picture's or page's.
    #[error(transparent)]
    Report(#[from] ser_report::Error),
    /// A recipe's.
    #[error(transparent)]
    Recipe(#[from] ser_recipe::Error),
    /// A corpus' or a split's.
    #[error(transparent)]
    Data(#[from] ser_data::Error),
    /// A recording's.
    #[error(transparent)]
    Audio(#[from] ser_audio::Error),
    /// Its features'.
    #[error(transparent)]
    Features(#[from] ser_features::Error),
    /// A condition's.
    #[error(transparent)]
    Conditions(#[from] ser_audio::conditions::Error),
    /// A figure's, or of a file of answers.
    #[error(transparent)]
    Eval(#[from] ser_eval::Error),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn other_version(path: &Path, reason: impl Display) -> Self {
        Self::OtherVersion {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Says of an error what was being done.
pub(crate) trait Context<T> {
    /// `what` is a file, a split, a recipe.
    fn context_of(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context_of(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::In {
            what: what(),
            source: Box::new(error.into()),
        })
    }
}

/// Why there is none, of the first that was given.
fn first_reason(skipped: &[Skipped]) -> String {
    let first = skipped.first();
    first.map_or(String::new(), |skip| {
        format!(": {}: {}", skip.path.display(), skip.reason)
    })
}

/// Why no clip is left to measure a model on, and what to do.
fn nothing_left(left_out: usize, unknown: usize, emotions: &[String], labels: &[String]) -> String {
    let mut reasons = Vec::new();
    if left_out > 0 {
        reasons.push(format!(
            "the model was trained on {left_out} of the clips or on their speakers; give recordings of other people"
        ));
    }
    if unknown > 0 {
        reasons.push(format!(
            "{unknown} have emotions that the model does not know ({}): it knows {}; rename them in the manifest",
            emotions.join(", "),
            labels.join(", ")
        ));
    }
    reasons.join("; ")
}
