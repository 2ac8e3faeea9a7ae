//! The errors of this crate, grouped by what the caller can do about them.

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
    /// A file in the folder of a run has contents that this program does not write.
    #[error(
        "{}: not written by this version of ser: {reason}; repeat the command that wrote it, into another folder",
        path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An error with the file, split or recipe that it concerns.
    #[error("{what}: {source}")]
    In {
        /// The file, split or recipe.
        what: String,
        /// The error.
        source: Box<Error>,
    },
    /// A corpus has no clip, or all its clips were left out.
    #[error("{data}: no usable clip is left")]
    NoClips {
        /// The corpus.
        data: String,
    },
    /// A model needs features that were not extracted.
    #[error("{model}: the features of one of its views were not extracted")]
    NoView {
        /// Name of the model.
        model: String,
    },
    /// A clip has an emotion that is not a label of the model.
    #[error("the model does not know `{emotion}`")]
    UnknownEmotion {
        /// The clip's emotion.
        emotion: String,
    },
    /// The path of a folder of results has no name, as `.` and `..` have none.
    #[error("{}: {expected}", path.display())]
    NoName {
        /// The folder as given.
        path: PathBuf,
        /// What the caller should give instead.
        expected: &'static str,
    },
    /// A folder for results holds files that no run wrote.
    #[error("{} holds something else, which would be lost: choose another --out", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// A folder for the results of one command holds those of another one.
    #[error("{} holds {what}: choose another --out", path.display())]
    HoldsOther {
        /// The folder.
        path: PathBuf,
        /// What it holds, and which command wrote it.
        what: String,
    },
    /// Another run is writing into the folder.
    #[error(
        "{}: another run is writing there; wait until it ends, or choose another --out",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A folder holds no finished run.
    #[error("{}: no finished run of `ser crossval` or `ser train` here", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// Some splits of a run are missing.
    #[error(
        "{} holds {found} of {expected} splits: run `ser crossval` again to make the others",
        path.display()
    )]
    Incomplete {
        /// The folder.
        path: PathBuf,
        /// Number of splits in the folder.
        found: usize,
        /// Number of splits of the protocol.
        expected: usize,
    },
    /// The splits of a run come from different recipes or data.
    #[error(
        "{} and {} come from different recipes or data: run `ser crossval` again",
        first.display(), second.display()
    )]
    Mixed {
        /// The first split's folder.
        first: PathBuf,
        /// The folder of a split that differs from it.
        second: PathBuf,
    },
    /// Two different recipes of a selection have the same name, which is that of their folder of results.
    #[error("two recipes are called {name:?}: give each a name of its own")]
    SameName {
        /// The name.
        name: String,
    },
    /// Experiments of a selection would be measured on different clips or splits.
    #[error(
        "{first:?} and {second:?} cannot be compared: their protocols, seeds or emotions differ; `--protocol` sets the protocol of all"
    )]
    OtherTask {
        /// The name of the first experiment.
        first: String,
        /// The name of one that differs.
        second: String,
    },
    /// Runs that should be compared were tested on different kinds of speakers.
    #[error(
        "{} was tested on speakers whom its model knows from training, {} on new speakers: such figures cannot be compared; \
         `ser report` shows them side by side",
        random.display(), disjoint.display()
    )]
    SplitKinds {
        /// The folder of a run with a random split.
        random: PathBuf,
        /// The folder of a run whose splits share no speaker.
        disjoint: PathBuf,
    },
    /// Results of a whole cross-validation are requested, and the folder holds a single split.
    #[error(
        "{} is one split of {expected}: results need all splits; make them with `ser crossval`",
        path.display()
    )]
    OneSplit {
        /// The folder.
        path: PathBuf,
        /// Number of splits of the protocol.
        expected: usize,
    },
    /// Conditions can be measured on a cross-validation only, and the folder holds none.
    #[error(
        "{}: conditions are measured on a cross-validation, and this is none; make one with `ser crossval`",
        path.display()
    )]
    NoCrossValidation {
        /// The folder.
        path: PathBuf,
    },
    /// A protocol has no split of this number.
    #[error("{protocol} has the splits 1 to {splits}, not {number}")]
    NoSplit {
        /// The protocol.
        protocol: Protocol,
        /// Number of its splits.
        splits: usize,
        /// The requested split.
        number: usize,
    },
    /// A recipe chooses its best epoch on the same clips that it would then be measured on.
    #[error(
        "{recipe}: keeps its best epoch on held-out clips, and would be measured on the same clips here; \
         take a recipe with training.monitor = \"last-epoch\", such as cnn"
    )]
    KeepsBestEpoch {
        /// Name of the recipe.
        recipe: String,
    },
    /// No clip is left that a model can be measured on or fine-tuned on.
    #[error(
        "{data}: nothing to measure: {}",
        nothing_left(*left_out, *unknown, emotions, labels)
    )]
    NothingToMeasure {
        /// The folders and manifests that were given.
        data: String,
        /// Number of clips left out because the model was made from them or from other clips of their speakers.
        left_out: usize,
        /// Number of clips with emotions that are not labels of the model.
        unknown: usize,
        /// Those emotions.
        emotions: Vec<String>,
        /// The labels of the model.
        labels: Vec<String>,
    },
    /// The clips for fine-tuning are too few or too many, have too few emotions, or cannot be divided for a cross-validation.
    #[error("{data}: to fine-tune a model, expected {expected}, found {found}")]
    FineTuning {
        /// The folders and manifests that were given.
        data: String,
        /// What fine-tuning needs.
        expected: String,
        /// What the clips are.
        found: String,
    },
    /// The given files, folders, patterns and manifests contain no recording.
    #[error("no recording among the inputs{}", first_reason(skipped))]
    NoRecording {
        /// The inputs that were not taken.
        skipped: Vec<Skipped>,
    },
    /// The inputs or the features do not fit the output file.
    #[error("{0}")]
    Extraction(String),
    /// A training thread panicked.
    #[error("a training thread panicked, which is a bug in ser")]
    Panicked,
    /// A model could not be read or written, or could not answer.
    #[error(transparent)]
    Predict(#[from] ser_predict::Error),
    /// A training failed.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Training(#[from] ser_model::Error),
    /// A picture or page could not be made.
    #[error(transparent)]
    Report(#[from] ser_report::Error),
    /// A recipe is not valid.
    #[error(transparent)]
    Recipe(#[from] ser_recipe::Error),
    /// No clip has one of the emotions of the recipe.
    #[error(
        "no clip is labelled `{emotion}`, which the recipe names; the labels are {}: in the recipe, list only these in `emotions`, \
         remove that line to take every label, or map labels, as in labels = {{ {emotion} = [\"...\"] }}",
        known.join(", ")
    )]
    NoClipOfEmotion {
        /// The emotion.
        emotion: String,
        /// The labels of the corpus.
        known: Vec<String>,
    },
    /// A corpus or split could not be read, or is not valid.
    #[error(transparent)]
    Data(#[from] ser_data::Error),
    /// A recording could not be read.
    #[error(transparent)]
    Audio(#[from] ser_audio::Error),
    /// Features could not be extracted, read or written.
    #[error(transparent)]
    Features(#[from] ser_features::Error),
    /// A recording condition could not be applied.
    #[error(transparent)]
    Conditions(#[from] ser_audio::conditions::Error),
    /// A figure could not be computed, or a file of predictions not be read or written.
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

/// Adds to an error what it concerns.
pub(crate) trait Context<T> {
    /// Wraps an error in [`Error::In`]; `what` names a file, split or recipe.
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

/// Returns why the first of the skipped inputs was not taken.
fn first_reason(skipped: &[Skipped]) -> String {
    let first = skipped.first();
    first.map_or(String::new(), |skip| {
        format!(": {}: {}", skip.path.display(), skip.reason)
    })
}

/// Returns why no clip is left to measure a model on, and what to do.
fn nothing_left(left_out: usize, unknown: usize, emotions: &[String], labels: &[String]) -> String {
    let mut reasons = Vec::new();
    if left_out > 0 {
        reasons.push(format!(
            "the model was trained on {left_out} of the clips or on their speakers; give recordings of other people"
        ));
    }
    if unknown > 0 {
        reasons.push(format!(
            "{unknown} clips have emotions that the model does not know ({}): it knows {}; rename them in the manifest (`ser index \
             DIR --out FILE` writes one for a folder)",
            emotions.join(", "),
            labels.join(", ")
        ));
    }
    reasons.join("; ")
}
