//! The errors of this crate.

use std::path::{Path, PathBuf};

/// The result type of all fallible functions of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate. The variants differ in what the caller can do about them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system could not open, read or write a file.
    #[error(transparent)]
    Io(#[from] ser_files::Error),

    /// Audio could not be read or resampled.
    #[error(transparent)]
    Audio(#[from] ser_audio::Error),

    /// The file is intact, but this crate cannot decode its content.
    #[error("{}: expected {expected}, found {actual}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The content that can be decoded.
        expected: String,
        /// The content of the file.
        actual: String,
    },

    /// A key of the configuration has a value outside its range.
    #[error("`{key}`: expected {expected}, found {actual}")]
    Config {
        /// The key, as written in a TOML file.
        key: &'static str,
        /// The valid values of the key.
        expected: String,
        /// The value found.
        actual: String,
    },

    /// The signal has no samples, or none after trimming.
    #[error("the signal has no samples")]
    Empty,

    /// The signal is too short for a stage.
    #[error("too short for {what}: expected at least {expected} {unit}, found {actual}")]
    TooShort {
        /// The stage that needs more.
        what: &'static str,
        /// The unit of the lengths: `samples` or `frames`.
        unit: &'static str,
        /// The smallest length that the stage accepts.
        expected: usize,
        /// The length of the signal.
        actual: usize,
    },

    /// The change of a sound that the caller of
    /// [`FeatureStore::open_changed`](crate::FeatureStore::open_changed) requested failed.
    #[error("{reason}")]
    Change {
        /// Why it failed.
        reason: String,
    },

    /// An array does not have the expected shape, or its length is not the product of its stated dimensions.
    #[error("{what}: expected shape {expected}, found {actual}")]
    Shape {
        /// What the array holds.
        what: &'static str,
        /// The expected shape.
        expected: String,
        /// The shape or length found.
        actual: String,
    },

    /// One of the errors above, with the file in which it occurred.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// The error.
        source: Box<Error>,
    },
}

impl Error {
    /// Adds the path of the file to an error that does not name it yet.
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
