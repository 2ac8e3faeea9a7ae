//! What can go wrong on the way from a file to features.

use std::path::{Path, PathBuf};

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate, cut by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to open, read or write a file.
    #[error(transparent)]
    Io(#[from] ser_files::Error),

    /// A sound could not be read or resampled.
    #[error(transparent)]
    Audio(#[from] ser_audio::Error),

    /// The file is intact, but holds something this crate does not decode.
    #[error("{}: expected {expected}, found {actual}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What can be decoded.
        expected: String,
        /// What the file holds.
        actual: String,
    },

    /// A key of the configuration has a value outside its range.
    #[error("`{key}`: expected {expected}, found {actual}")]
    Config {
        /// The key as it is written in a TOML file.
        key: &'static str,
        /// The values the key takes.
        expected: String,
        /// The value it was given.
        actual: String,
    },

    /// A signal without a single sample, or one that trimming left nothing of.
    #[error("the signal has no samples")]
    Empty,

    /// A signal too short for what was asked of it.
    #[error("too short for {what}: expected at least {expected} {unit}, found {actual}")]
    TooShort {
        /// The step that needs more.
        what: &'static str,
        /// What is counted: `samples` or `frames`.
        unit: &'static str,
        /// The least the step can work with.
        expected: usize,
        /// How many there are.
        actual: usize,
    },

    /// A sound could not be changed as the caller of
    /// [`FeatureStore::open_changed`](crate::FeatureStore::open_changed) wanted it.
    #[error("{reason}")]
    Change {
        /// What stood in the way.
        reason: String,
    },

    /// An array whose length is not the product of its stated dimensions.
    #[error("{what}: expected shape {expected}, found {actual}")]
    Shape {
        /// The array.
        what: &'static str,
        /// The stated shape.
        expected: String,
        /// The shape or length found.
        actual: String,
    },

    /// An error above, met while working on a file.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// The error.
        source: Box<Error>,
    },
}

impl Error {
    /// Puts the file's path in front of an error that does not name it yet.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Audio(ser_audio::Error::Resample { .. }) => self.wrapped(path),
            Self::Io(_) | Self::Audio(_) | Self::Unsupported { .. } | Self::InFile { .. } => self,
            source => source.wrapped(path),
        }
    }

    fn wrapped(self, path: &Path) -> Self {
        Self::InFile {
            path: path.to_path_buf(),
            source: Box::new(self),
        }
    }
}
