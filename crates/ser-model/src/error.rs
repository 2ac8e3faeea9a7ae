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
    /// A recipe is not valid TOML or has an unknown key or a value of the wrong type.
    #[error("recipe {origin}: {message}")]
    RecipeSyntax {
        /// The file or the built-in name.
        origin: String,
        /// The parser's message, with the line.
        message: String,
    },
    /// A value of a recipe is out of its range.
    #[error("recipe {origin}{}: `{key}` must be {expected}, but is {actual}", at(*line))]
    RecipeValue {
        /// The recipe's name.
        origin: String,
        /// The line of its text, counted from 1; the one of the table where the key is not given.
        line: Option<usize>,
        /// The key with its table.
        key: String,
        /// What is allowed.
        expected: String,
        /// What was found.
        actual: String,
    },
    /// No file and no built-in recipe has this name.
    #[error("there is no recipe `{name}`: give a TOML file or one of {known}")]
    RecipeUnknown {
        /// The name asked for.
        name: String,
        /// The built-in names.
        known: String,
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
    /// A feature configuration or a feature extraction failed.
    #[error(transparent)]
    Features(#[from] ser_features::Error),
    /// Nothing can be taken from a recording.
    #[error(transparent)]
    Conditions(#[from] ser_audio::conditions::Error),
    /// A metric could not be computed, or a file not be written.
    #[error(transparent)]
    Eval(#[from] ser_eval::Error),
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
