//! What can go wrong, cut by what the caller can do about it.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A model file is damaged, of another format, or does not fit its own description.
    #[error("{}: {what}: expected {expected}, found {actual}", path.display())]
    ModelFile {
        /// The model file.
        path: PathBuf,
        /// The part of the file.
        what: String,
        /// What should be there.
        expected: String,
        /// What is there.
        actual: String,
    },
    /// Features do not have the shape the model was made for.
    #[error("{what}: expected {expected}, got {actual}")]
    Shape {
        /// The operation.
        what: &'static str,
        /// The shape it takes.
        expected: String,
        /// The shape it got.
        actual: String,
    },
    /// A network's answer for a clip is infinite or not a number.
    #[error("the model has no answer for clip {clip}: its probabilities are not numbers")]
    NotFinite {
        /// Number of the clip, counted from 0.
        clip: usize,
    },
    /// The data given cannot be trained on.
    #[error("cannot train: {0}")]
    Data(String),
    /// The loss or the weights became infinite or not a number before the first epoch ended.
    #[error(
        "the first epoch ends in values that are not finite: lower `training.learning_rate` or set \
         `training.gradient_clip`"
    )]
    Diverged,
    /// The recipe's own errors.
    #[error(transparent)]
    Recipe(#[from] ser_recipe::Error),
    /// A feature configuration or a feature extraction failed.
    #[error(transparent)]
    Features(#[from] ser_features::Error),
    /// Nothing can be taken from a recording.
    #[error(transparent)]
    Conditions(#[from] ser_conditions::Error),
    /// A metric could not be computed, or a file not be written.
    #[error(transparent)]
    Eval(#[from] ser_eval::Error),
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
