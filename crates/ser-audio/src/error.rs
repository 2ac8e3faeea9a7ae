//! The errors of this crate.

use std::path::{Path, PathBuf};

use crate::waveform::SAMPLE_RANGE;

/// The result type of all fallible functions of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate. The variants differ in what the caller can do about them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system could not open or read the recording.
    #[error(transparent)]
    Io(#[from] ser_files::Error),

    /// A WAV file cannot be read, because it is damaged, cut short or not WAV at all.
    #[error("{}: not a readable WAV file: {reason}", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The recording may be intact, but this crate cannot decode its content.
    #[error("{}: {reason}", path.display())]
    Unsupported {
        /// The recording.
        path: PathBuf,
        /// What the content is, and what to do about it.
        reason: String,
    },

    /// The recording is damaged, cut short, or not what its name says.
    #[error("{}: after {seconds:.2} s: {reason}", path.display())]
    Damaged {
        /// The recording.
        path: PathBuf,
        /// Length in seconds of what was decoded before the error.
        seconds: f64,
        /// What is wrong.
        reason: String,
    },

    /// Most decoded samples are not numbers or lie outside [`SAMPLE_RANGE`].
    #[error(
        "{}: sample {index} is {value:e}: expected a number from {:e} to {:e}",
        path.display(),
        SAMPLE_RANGE.start(),
        SAMPLE_RANGE.end()
    )]
    OutOfRange {
        /// The recording.
        path: PathBuf,
        /// The position of the first such sample.
        index: u64,
        /// Its value.
        value: f32,
    },

    /// The recording does not have the requested channel.
    #[error(
        "{}: expected a channel from 1 to {count}, found {number}",
        path.display()
    )]
    Channel {
        /// The recording.
        path: PathBuf,
        /// The requested channel, counted from 1.
        number: u16,
        /// The number of channels.
        count: u16,
    },

    /// The recording is too long to be held in memory as a whole.
    #[error("{}: expected at most {limit} samples, found more: read it in blocks", path.display())]
    TooLong {
        /// The recording.
        path: PathBuf,
        /// The largest number of samples held.
        limit: usize,
    },

    /// The recording is longer than the limit.
    #[error("{}: expected at most {seconds} s, found more", path.display())]
    Longer {
        /// The recording.
        path: PathBuf,
        /// The limit in seconds.
        seconds: f64,
    },

    /// The recording ends before the requested part does.
    #[error(
        "{}: expected the part from {start:.3} s{}, found a recording of {seconds:.3} s",
        path.display(),
        end.map_or(String::new(), |end| format!(" to {end:.3} s"))
    )]
    Part {
        /// The recording.
        path: PathBuf,
        /// Start of the part in seconds.
        start: f64,
        /// End of the part in seconds; `None` for the end of the recording.
        end: Option<f64>,
        /// Length of the recording in seconds.
        seconds: f64,
    },

    /// A signal could not be converted to another sampling rate.
    #[error("cannot resample from {from} Hz to {to} Hz: {reason}")]
    Resample {
        /// The sampling rate of the signal in Hz.
        from: u32,
        /// The requested sampling rate in Hz.
        to: u32,
        /// Why it failed.
        reason: String,
    },
}

impl Error {
    /// Creates the error of a WAV file that cannot be read.
    pub(crate) fn wav(path: &Path, reason: &str) -> Self {
        Self::Wav {
            path: path.to_path_buf(),
            reason: reason.to_owned(),
        }
    }
}
