//! What can go wrong on the way from a file to features.

use std::path::{Path, PathBuf};

use crate::waveform::SAMPLE_RANGE;

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate, cut by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to open, read or write a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// The file is not a WAV file that can be read: damaged, cut short or not WAV at all.
    #[error("{}: not a readable WAV file: {reason}", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

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

    /// A sample is not a number, or outside [`SAMPLE_RANGE`].
    #[error(
        "sample {index} is {value:e}: expected a number from {:e} to {:e}",
        SAMPLE_RANGE.start(),
        SAMPLE_RANGE.end()
    )]
    OutOfRange {
        /// The position of the first such sample.
        index: usize,
        /// Its value.
        value: f32,
    },

    /// A signal at another sampling rate than the step was planned for.
    #[error("expected a sampling rate of {expected} Hz, found {actual} Hz")]
    SampleRate {
        /// The planned rate in Hz.
        expected: u32,
        /// The signal's rate in Hz.
        actual: u32,
    },

    /// A signal could not be brought to another sampling rate.
    #[error("cannot resample from {from} Hz to {to} Hz: {reason}")]
    Resample {
        /// The signal's rate in Hz.
        from: u32,
        /// The wanted rate in Hz.
        to: u32,
        /// What stood in the way.
        reason: String,
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
    /// What is wrong with the header of a file.
    pub(crate) fn header(path: &Path, error: ser_wav::Error) -> Self {
        let path = path.to_path_buf();
        match error {
            ser_wav::Error::Io(source) => Self::Io { path, source },
            ser_wav::Error::Wav(reason) => Self::Wav { path, reason },
            ser_wav::Error::Unsupported { expected, actual } => Self::Unsupported {
                path,
                expected,
                actual,
            },
        }
    }

    /// Puts the file's path in front of an error that does not name it yet.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Io { .. } | Self::Wav { .. } | Self::Unsupported { .. } | Self::InFile { .. } => {
                self
            }
            source => Self::InFile {
                path: path.to_path_buf(),
                source: Box::new(source),
            },
        }
    }
}
