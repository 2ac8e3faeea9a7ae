//! What can go wrong, cut by what the caller can do about it.

use std::path::{Path, PathBuf};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] ser_files::Error),
    /// A model file or the file of a speaker is damaged, of another format, or does not fit its own description.
    #[error("{}: {what}: expected {expected}, found {actual}", path.display())]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// The part of the file.
        what: String,
        /// What should be there.
        expected: String,
        /// What is there.
        actual: String,
    },
    /// Weights do not fit the network they are for.
    #[error("{tensor}: expected {expected}, found {actual}")]
    Weights {
        /// Name of the tensor.
        tensor: String,
        /// What it must be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// Features do not have the shape that the model takes.
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
    /// A choice of labels without one that the model knows.
    #[error("labels: expected some of {expected}, found {actual}")]
    Labels {
        /// Those of the model.
        expected: String,
        /// The label that the model does not know, or that there is none.
        actual: String,
    },
    /// Models that do not make an ensemble.
    #[error("{0}")]
    Ensemble(String),
    /// Clips without a frame to take statistics of.
    #[error("there is no frame of features to standardise by")]
    NoFrames,
    /// Nothing to enrol: a recording in which nobody speaks.
    #[error("{0}")]
    NotSpeech(String),
    /// A rate at which nothing can be told of a voice.
    #[error("expected a sampling rate of {lowest} Hz or more, found {actual} Hz")]
    SampleRate {
        /// The lowest rate in Hz.
        lowest: u32,
        /// The rate found in Hz.
        actual: u32,
    },
    /// A recording could not be read.
    #[error(transparent)]
    Audio(#[from] ser_audio::Error),
    /// Features could not be extracted.
    #[error(transparent)]
    Features(#[from] ser_features::Error),
    /// Nothing can be taken from a recording to explain its answer.
    #[error(transparent)]
    Conditions(#[from] ser_audio::conditions::Error),
}

fn of_features(error: &ser_features::Error) -> Kind {
    use ser_features::Error as Features;

    match error {
        Features::Audio(error) => error.into(),
        Features::TooShort { .. } | Features::Empty => Kind::TooShort,
        Features::InFile { source, .. } => of_features(source),
        _ => Kind::Other,
    }
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of reason it is that a recording has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It could not be opened.
    NotOpened,
    /// It is no recording, or of a format that is not read.
    NotRead,
    /// It has no such channel.
    NoSuchChannel,
    /// It is longer than allowed.
    TooLong,
    /// It is damaged.
    Damaged,
    /// The model knows no such label.
    UnknownLabel,
    /// Nobody speaks in it.
    NoSpeech,
    /// Its sampling rate tells nothing of a voice.
    LowRate,
    /// It is too short.
    TooShort,
    /// Another one.
    Other,
}

impl Kind {
    /// In one word, for machines, as `no-speech`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotOpened => "not-opened",
            Self::NotRead => "not-read",
            Self::NoSuchChannel => "no-such-channel",
            Self::TooLong => "too-long",
            Self::Damaged => "damaged",
            Self::UnknownLabel => "unknown-label",
            Self::NoSpeech => "no-speech",
            Self::LowRate => "sampling-rate-too-low",
            Self::TooShort => "too-short",
            Self::Other => "no-answer",
        }
    }
}

impl From<&ser_audio::Error> for Kind {
    fn from(error: &ser_audio::Error) -> Self {
        use ser_audio::Error as Audio;

        match error {
            Audio::Io(_) => Self::NotOpened,
            Audio::Unsupported { .. } => Self::NotRead,
            Audio::Channel { .. } => Self::NoSuchChannel,
            Audio::TooLong { .. } | Audio::Longer { .. } => Self::TooLong,
            Audio::Wav { .. } | Audio::Damaged { .. } | Audio::OutOfRange { .. } => Self::Damaged,
            _ => Self::Other,
        }
    }
}

impl Error {
    /// What kind of reason it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Io(_) => Kind::NotOpened,
            Self::Audio(error) => error.into(),
            Self::Labels { .. } => Kind::UnknownLabel,
            Self::NotSpeech(_) => Kind::NoSpeech,
            Self::SampleRate { .. } => Kind::LowRate,
            Self::Features(error) => of_features(error),
            _ => Kind::Other,
        }
    }

    /// A part of a file that is not as it should be.
    pub(crate) fn file(path: &Path, what: &str, expected: &str, actual: impl ToString) -> Self {
        Self::ModelFile {
            path: path.to_owned(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_string(),
        }
    }
}
