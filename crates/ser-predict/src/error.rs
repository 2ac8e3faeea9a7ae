//! Errors, divided by what the caller can do about them.

use std::path::{Path, PathBuf};

use ser_audio::AudioStream;

use crate::explain::SHORTEST_EXPLAINED;
use crate::predictor::LONG;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] ser_files::Error),
    /// A model file or the file of an enrolled speaker is damaged, has another format, or contradicts its own
    /// description.
    #[error("{}: {what}: expected {expected}, found {actual}", path.display())]
    ModelFile {
        /// Path of the file.
        path: PathBuf,
        /// The part of the file that is wrong.
        what: String,
        /// What the part must contain.
        expected: String,
        /// What it contains.
        actual: String,
    },
    /// Weights do not fit the network.
    #[error("{tensor}: expected {expected}, found {actual}")]
    Weights {
        /// Name of the tensor.
        tensor: String,
        /// What the tensor must be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// A value in the description of a network is invalid.
    #[error("{key}: expected {expected}, found {actual}")]
    Network {
        /// Name of the value.
        key: &'static str,
        /// What the value must be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// Features, or other input of an operation, do not have the shape that it takes.
    #[error("{what}: expected {expected}, got {actual}")]
    Shape {
        /// The quantity that has the wrong shape or size.
        what: &'static str,
        /// The shape or size that the operation takes.
        expected: String,
        /// The shape or size that it got.
        actual: String,
    },
    /// The probabilities that a model computes for a clip are infinite or not numbers.
    #[error("the probabilities that the model computes are not finite")]
    NotFinite,
    /// The chosen labels are not labels of the model, or there are too few of them.
    #[error("labels: expected some of {expected}, found {actual}")]
    Labels {
        /// The labels of the model.
        expected: String,
        /// The label that the model does not know, or how many labels were chosen.
        actual: String,
    },
    /// The models cannot form an ensemble.
    #[error("{0}")]
    Ensemble(String),
    /// The clips have no frame from which to compute a mean and a deviation.
    #[error("the clips have no frame of features from which to compute a mean and a deviation")]
    NoFrames,
    /// The model was trained without enrolment.
    #[error(
        "{model} was trained without enrolment, so a speaker makes no difference to its answers"
    )]
    NoEnrolment {
        /// Name of the model.
        model: String,
    },
    /// A recording contains no speech, so that there is nothing to answer or to enrol.
    #[error("{0}")]
    NotSpeech(String),
    /// A recording is too short or too long to be explained.
    #[error(
        "expected a recording of {SHORTEST_EXPLAINED} to {LONG} s, found one of {seconds:.2} s"
    )]
    ExplainedLength {
        /// Length of the recording in seconds.
        seconds: f64,
    },
    /// The caller ended an explanation before it was complete.
    #[error("the explanation was ended before it was complete")]
    Stopped,
    /// The sampling rate is too low to recognise anything in a voice.
    #[error("expected a sampling rate of {lowest} Hz or more, found {actual} Hz")]
    SampleRate {
        /// The lowest sampling rate in Hz that is accepted.
        lowest: u32,
        /// The sampling rate of the recording in Hz.
        actual: u32,
    },
    /// A recording could not be read.
    #[error(transparent)]
    Audio(#[from] ser_audio::Error),
    /// Features could not be extracted.
    #[error(transparent)]
    Features(#[from] ser_features::Error),
    /// No part of the recording can be attenuated, so that its answer cannot be explained.
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

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of reason why a recording has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The recording could not be opened.
    NotOpened,
    /// The file is not a recording, or its format is not supported.
    NotRead,
    /// The recording does not have the requested channel.
    NoSuchChannel,
    /// The recording is longer than allowed.
    TooLong,
    /// The recording is damaged.
    Damaged,
    /// The model does not know a label that was asked for.
    UnknownLabel,
    /// The recording contains no speech.
    NoSpeech,
    /// The sampling rate is too low to recognise anything in a voice.
    LowRate,
    /// The recording is too short.
    TooShort,
    /// Any other reason.
    Other,
}

impl Kind {
    /// Returns the kind as one word for programs, such as `no-speech`.
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
    /// Returns the error, with what a stream lacks if no speech was found in the rest of it.
    pub(crate) fn with_damage(self, stream: &AudioStream) -> Self {
        match (self, stream.damage()) {
            (Self::NotSpeech(found), Some(damage)) => Self::NotSpeech(format!("{found}; {damage}")),
            (error, _) => error,
        }
    }

    /// Returns the kind of this error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Io(_) => Kind::NotOpened,
            Self::Audio(error) => error.into(),
            Self::Labels { .. } => Kind::UnknownLabel,
            Self::NotSpeech(_) => Kind::NoSpeech,
            Self::SampleRate { .. } => Kind::LowRate,
            Self::ExplainedLength { seconds } if *seconds > LONG => Kind::TooLong,
            Self::ExplainedLength { .. } => Kind::TooShort,
            Self::Features(error) => of_features(error),
            _ => Kind::Other,
        }
    }

    /// Returns the error for a part of a file that is not as expected.
    pub(crate) fn file(path: &Path, what: &str, expected: &str, actual: impl ToString) -> Self {
        Self::ModelFile {
            path: path.to_owned(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_string(),
        }
    }
}
