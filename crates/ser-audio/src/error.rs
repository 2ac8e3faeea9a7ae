//! What can go wrong on the way from a recording to samples.

use std::path::{Path, PathBuf};

use crate::waveform::SAMPLE_RANGE;

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate, cut by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to open or read the recording.
    #[error(transparent)]
    Io(#[from] ser_files::Error),

    /// A WAV file that cannot be read: damaged, cut short or not WAV at all.
    #[error("{}: not a readable WAV file: {reason}", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The recording may be intact, but this crate does not decode what it holds.
    #[error("{}: {reason}", path.display())]
    Unsupported {
        /// The recording.
        path: PathBuf,
        /// What it holds, and what to do about it.
        reason: String,
    },

    /// The recording is damaged, cut short, or not what its name says.
    #[error("{}: after {seconds:.2} s: {reason}", path.display())]
    Damaged {
        /// The recording.
        path: PathBuf,
        /// Length of what was decoded before, in seconds.
        seconds: f64,
        /// What is wrong.
        reason: String,
    },

    /// Most decoded samples are no numbers, or outside [`SAMPLE_RANGE`].
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

    /// A channel that the recording does not have.
    #[error(
        "{}: expected a channel from 1 to {count}, found {number}",
        path.display()
    )]
    Channel {
        /// The recording.
        path: PathBuf,
        /// The channel asked for, counted from 1.
        number: u16,
        /// How many there are.
        count: u16,
    },

    /// A recording too long to be held in memory as a whole.
    #[error("{}: expected at most {limit} samples, found more: read it in blocks", path.display())]
    TooLong {
        /// The recording.
        path: PathBuf,
        /// The most samples that are held.
        limit: usize,
    },

    /// A recording is longer than it may be.
    #[error("{}: expected at most {seconds} s, found more", path.display())]
    Longer {
        /// The recording.
        path: PathBuf,
        /// The limit.
        seconds: f64,
    },

    /// A recording ends before the part that is asked for does.
    #[error(
        "{}: expected the part from {start:.3} s{}, found a recording of {seconds:.3} s",
        path.display(),
        end.map_or(String::new(), |end| format!(" to {end:.3} s"))
    )]
    Part {
        /// The recording.
        path: PathBuf,
        /// Where the part begins, in seconds.
        start: f64,
        /// Where it ends, in seconds; `None` for the end of the recording.
        end: Option<f64>,
        /// Length of the recording in seconds.
        seconds: f64,
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
}

impl Error {
    /// A WAV file that cannot be read.
    pub(crate) fn wav(path: &Path, reason: &str) -> Self {
        Self::Wav {
            path: path.to_path_buf(),
            reason: reason.to_owned(),
        }
    }
}
