//! What a recording is worth.

use std::fmt;

use ser_features::Waveform;
use serde::{Serialize, Serializer};

/// What can be measured of a recording without knowing what is said in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quality {
    /// Length in seconds.
    pub seconds: f64,
    /// RMS of the active part in dBFS.
    pub level_db: f64,
    /// The largest magnitude; full scale is 1.
    pub peak: f64,
    /// Share of the samples that lie in flat runs at the peak.
    pub clipped: f64,
    /// Frequency in Hz below which nearly all of the active energy lies.
    pub bandwidth_hz: f64,
    /// Active frames against the quietest, in dB.
    pub snr_db: f64,
    /// Seconds of speech.
    pub speech_seconds: f64,
}

/// Something about a recording that makes an answer from it doubtful.
///
/// Displayed as a plain sentence with the figure; serialised as its [`word`](Self::word).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Nobody speaks.
    Silent,
    /// Little speech.
    TooShort {
        /// Seconds of speech.
        seconds: f64,
    },
    /// Speech not far above the smallest steps of the samples.
    VeryQuiet {
        /// RMS of the active part in dBFS.
        level_db: f64,
    },
    /// Peaks are cut off.
    Clipped {
        /// Share of the samples that are.
        share: f64,
    },
    /// The band of a telephone.
    Narrowband {
        /// Upper end of the band in Hz.
        bandwidth_hz: f64,
    },
    /// Little distance between speech and background.
    Noisy {
        /// Signal-to-noise ratio in dB.
        snr_db: f64,
    },
}

impl Quality {
    /// Judges a recording or a clip of one.
    pub fn of(_waveform: &Waveform) -> Self {
        todo!()
    }

    /// What makes an answer from it doubtful; empty for a good recording.
    pub fn warnings(&self) -> Vec<Warning> {
        todo!()
    }
}

impl Warning {
    /// Its name in one word, for machines: `silent`, `too-short`, `very-quiet`, `clipped`, `narrowband`
    /// or `noisy`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::TooShort { .. } => "too-short",
            Self::VeryQuiet { .. } => "very-quiet",
            Self::Clipped { .. } => "clipped",
            Self::Narrowband { .. } => "narrowband",
            Self::Noisy { .. } => "noisy",
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Silent => write!(f, "silent: nobody speaks"),
            Self::TooShort { seconds } => write!(f, "too short: {seconds:.2} s of speech"),
            Self::VeryQuiet { level_db } => {
                write!(
                    f,
                    "very quiet: the speech has a level of {level_db:.0} dBFS"
                )
            }
            Self::Clipped { share } => write!(
                f,
                "clipped: {:.1} % of the samples are cut off at the peak",
                100.0 * share
            ),
            Self::Narrowband { bandwidth_hz } => write!(
                f,
                "narrow band: nothing above {:.1} kHz, as on the telephone",
                bandwidth_hz / 1000.0
            ),
            Self::Noisy { snr_db } => {
                write!(
                    f,
                    "noisy: the speech is {snr_db:.0} dB above the background"
                )
            }
        }
    }
}
