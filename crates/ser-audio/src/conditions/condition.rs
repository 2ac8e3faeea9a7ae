//! The conditions, their names, and their effects.

use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::random::{Stream, generator, normal};
use super::room::Room;
use super::{noise, telephone};
use crate::waveform::{SAMPLE_RANGE, Waveform};

/// A change to speech between the mouth and the file.
///
/// In text (`Display`, `FromStr`, and through serde in any file), a condition is its name and its
/// parameters, such as `noise-white 20` or `silence 0.5 2`. [`Condition::STANDARD`] is the list that
/// models are measured with. Levels in dB range from −120 to 120.
///
/// ```
/// use ser_audio::conditions::Condition;
/// use ser_audio::Waveform;
///
/// let clip = Waveform::new((0..16_000).map(|n| (n as f32 * 0.1).sin()).collect(), 16_000);
/// let condition: Condition = "noise-babble 10".parse()?;
/// let noisy = condition.apply(&clip, 7)?;
/// assert_eq!(noisy.samples.len(), 16_000);
/// assert_eq!(noisy, condition.apply(&clip, 7)?);
/// assert_ne!(noisy, condition.apply(&clip, 8)?);
/// # Ok::<(), ser_audio::conditions::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Condition {
    /// `clean`: no change.
    Clean,
    /// `gain DB`: multiplies every sample by `10^(db / 20)`, without clipping.
    Gain {
        /// Gain in dB.
        db: f64,
    },
    /// `peak`: divides every sample by the largest magnitude, which becomes 1. Silence does not change.
    Peak,
    /// `lowpass-8k`: resamples to 8 kHz and back. Clips with a lower sampling rate do not change.
    Lowpass8k,
    /// `telephone`: limits the band to 300 to 3400 Hz (half the amplitude at the edges) at 8 kHz, compresses to
    /// 8 bits with the μ-law of ITU-T G.711 and expands, and resamples to the old rate. Clips at full scale.
    Telephone,
    /// `quantise BITS`: rounds to the nearest of the `2^bits` levels of signed integers with that number of
    /// bits, and clips at full scale.
    Quantise {
        /// Number of bits, 1 to 24.
        bits: u32,
    },
    /// `noise-white SNR`: adds white Gaussian noise; see [`NoiseBabble`](Self::NoiseBabble) for its level.
    NoiseWhite {
        /// Signal-to-noise ratio in dB.
        snr_db: f64,
    },
    /// `noise-babble SNR`: adds noise with the spectrum of speech and the rhythm of twelve talkers.
    ///
    /// Each talker is Gaussian noise with the long-term average spectrum of speech (Byrne et al. 1994,
    /// 63 Hz to 16 kHz) and syllables of 150 to 350 ms, which make a modulation around 4 Hz. It has
    /// no pitch and contains no recording of anybody: it masks speech as babble does, but has no words.
    ///
    /// The signal-to-noise ratio is that of the RMS of the active part of the clip (the frames of 25 ms
    /// within 30 dB of the loudest) to the RMS of the noise over the whole clip. Digital silence gets
    /// no noise.
    NoiseBabble {
        /// Signal-to-noise ratio in dB.
        snr_db: f64,
    },
    /// `room small`, `room large`: adds reverberation and keeps the RMS of the clip. The clip becomes longer by
    /// half of [`Room::rt60`], in which the sound decays by 30 dB.
    Room(Room),
    /// `speed PERCENT`: makes the clip faster and higher, or with a negative number slower and lower. The samples
    /// do not change; the sampling rate is multiplied by `1 + percent / 100` and rounded to whole Hz.
    Speed {
        /// Change in percent, −50 to 100.
        percent: f64,
    },
    /// `silence LEAD TRAIL`: adds white noise before and after the clip, with an RMS 70 dB below the largest
    /// magnitude of the clip.
    Silence {
        /// Seconds before the clip, 0 to 60.
        lead: f64,
        /// Seconds after the clip, 0 to 60.
        trail: f64,
    },
    /// `cut SECONDS`: keeps only the middle of the clip, `⌊seconds · rate⌉` samples but at least one. Shorter
    /// clips do not change.
    Cut {
        /// Length of what remains in seconds, above 0, up to 3600.
        seconds: f64,
    },
}

/// Level of the noise in `silence`, in dB relative to the largest magnitude of the clip.
const SILENCE_DB: f64 = -70.0;

/// Sampling rates in Hz for which the conditions are meaningful.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;

/// Every name, and the text form of the condition.
const FORMS: [(&str, &str); 12] = [
    ("clean", "clean, without parameters"),
    ("gain", "gain DB, with DB from -120 to 120"),
    ("peak", "peak, without parameters"),
    ("lowpass-8k", "lowpass-8k, without parameters"),
    ("telephone", "telephone, without parameters"),
    (
        "quantise",
        "quantise BITS, with a whole number BITS from 1 to 24",
    ),
    (
        "noise-white",
        "noise-white SNR, with SNR in dB from -120 to 120",
    ),
    (
        "noise-babble",
        "noise-babble SNR, with SNR in dB from -120 to 120",
    ),
    ("room", "room small or room large"),
    ("speed", "speed PERCENT, with PERCENT from -50 to 100"),
    (
        "silence",
        "silence LEAD TRAIL, both in seconds from 0 to 60",
    ),
    ("cut", "cut SECONDS, with SECONDS above 0 and up to 3600"),
];

impl Condition {
    /// The conditions that a model is measured under. They do not include `clean`, with which they are
    /// compared.
    pub const STANDARD: [Condition; 18] = [
        Condition::Gain { db: -20.0 },
        Condition::Gain { db: -10.0 },
        Condition::Gain { db: 10.0 },
        Condition::Gain { db: 20.0 },
        Condition::Peak,
        Condition::Lowpass8k,
        Condition::Telephone,
        Condition::Quantise { bits: 10 },
        Condition::NoiseWhite { snr_db: 20.0 },
        Condition::NoiseWhite { snr_db: 10.0 },
        Condition::NoiseBabble { snr_db: 20.0 },
        Condition::NoiseBabble { snr_db: 10.0 },
        Condition::Room(Room::Small),
        Condition::Room(Room::Large),
        Condition::Speed { percent: 10.0 },
        Condition::Speed { percent: -10.0 },
        Condition::Silence {
            lead: 1.0,
            trail: 1.0,
        },
        Condition::Cut { seconds: 1.0 },
    ];

    /// Applies the condition to a clip.
    ///
    /// The same condition, seed and samples give the same samples. For the same kind and seed, noise at two
    /// signal-to-noise ratios differs only in its level. The caller chooses the seed: give each clip its own,
    /// or all clips get the same noise.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] if a parameter is out of range; [`Error::Clip`] for a sampling rate
    /// outside 1 kHz to 1 MHz and for a sample that is not a number or beyond 10¹⁰;
    /// [`Error::Resample`] if the sampling rate of the clip has too little in common with 8 kHz.
    pub fn apply(&self, clip: &Waveform, seed: u64) -> Result<Waveform> {
        if !self.is_valid() {
            return Err(wrong_parameter(self.name(), &self.to_string()));
        }
        check_clip(self.name(), clip)?;
        let (samples, rate) = (&clip.samples, clip.sample_rate);
        let changed = match *self {
            Condition::Clean => samples.clone(),
            Condition::Gain { db } => {
                let factor = 10f64.powf(db / 20.0);
                let louder = samples.iter().map(|&x| (f64::from(x) * factor) as f32);
                louder.collect()
            }
            Condition::Peak => match peak(samples) {
                0.0 => samples.clone(),
                peak => samples.iter().map(|x| x / peak).collect(),
            },
            Condition::Lowpass8k => {
                let low = rate.min(telephone::RATE);
                self.at_rate(clip, low, |samples| samples)?
            }
            Condition::Telephone => self.at_rate(clip, telephone::RATE, |samples| {
                telephone::transmit(&samples)
            })?,
            Condition::Quantise { bits } => quantised(samples, bits),
            Condition::NoiseWhite { snr_db } => {
                let noise = noise::white(samples.len(), seed);
                noise::add(samples, rate, &noise, snr_db)
            }
            Condition::NoiseBabble { snr_db } => {
                let noise = noise::babble(samples.len(), rate, seed);
                noise::add(samples, rate, &noise, snr_db)
            }
            Condition::Room(room) => room.apply(samples, rate, seed),
            Condition::Speed { percent } => {
                let faster = f64::from(rate) * (1.0 + percent / 100.0);
                return Ok(Waveform::new(samples.clone(), faster.round() as u32));
            }
            Condition::Silence { lead, trail } => {
                let level = f64::from(peak(samples)) * 10f64.powf(SILENCE_DB / 20.0);
                let mut rng = generator(seed, Stream::Silence);
                let mut padded = silence(lead, rate, level, &mut rng);
                padded.extend_from_slice(samples);
                padded.extend(silence(trail, rate, level, &mut rng));
                padded
            }
            Condition::Cut { seconds } => {
                let length = sample_count(seconds, rate).clamp(1, samples.len().max(1));
                let start = samples.len().saturating_sub(length) / 2;
                samples.iter().skip(start).take(length).copied().collect()
            }
        };
        Ok(Waveform::new(changed, rate))
    }

    /// Applies `change` to the clip at another sampling rate, and returns the result at the rate and with the
    /// length of the clip.
    fn at_rate(
        &self,
        clip: &Waveform,
        rate: u32,
        change: impl Fn(Vec<f32>) -> Vec<f32>,
    ) -> Result<Vec<f32>> {
        let resample = |from: &Waveform, to: u32| {
            from.resample(to).map_err(|source| Error::Resample {
                condition: self.name(),
                source,
            })
        };
        let there = change(resample(clip, rate)?.samples);
        let mut back = resample(&Waveform::new(there, rate), clip.sample_rate)?.samples;
        // Both lengths were rounded up.
        back.truncate(clip.samples.len());
        Ok(back)
    }

    /// Returns the first word of the text form.
    fn name(&self) -> &'static str {
        match self {
            Condition::Clean => "clean",
            Condition::Gain { .. } => "gain",
            Condition::Peak => "peak",
            Condition::Lowpass8k => "lowpass-8k",
            Condition::Telephone => "telephone",
            Condition::Quantise { .. } => "quantise",
            Condition::NoiseWhite { .. } => "noise-white",
            Condition::NoiseBabble { .. } => "noise-babble",
            Condition::Room(_) => "room",
            Condition::Speed { .. } => "speed",
            Condition::Silence { .. } => "silence",
            Condition::Cut { .. } => "cut",
        }
    }

    /// Returns whether every parameter is in its range.
    fn is_valid(&self) -> bool {
        match self {
            Condition::Clean
            | Condition::Peak
            | Condition::Lowpass8k
            | Condition::Telephone
            | Condition::Room(_) => true,
            Condition::Gain { db: level }
            | Condition::NoiseWhite { snr_db: level }
            | Condition::NoiseBabble { snr_db: level } => (-120.0..=120.0).contains(level),
            Condition::Quantise { bits } => (1..=24).contains(bits),
            Condition::Speed { percent } => (-50.0..=100.0).contains(percent),
            Condition::Silence { lead, trail } => {
                [lead, trail].iter().all(|s| (0.0..=60.0).contains(*s))
            }
            Condition::Cut { seconds } => *seconds > 0.0 && *seconds <= 3600.0,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Condition::Clean | Condition::Peak | Condition::Lowpass8k | Condition::Telephone => {
                Ok(())
            }
            Condition::Gain { db: number }
            | Condition::NoiseWhite { snr_db: number }
            | Condition::NoiseBabble { snr_db: number }
            | Condition::Speed { percent: number }
            | Condition::Cut { seconds: number } => write!(f, " {number}"),
            Condition::Quantise { bits } => write!(f, " {bits}"),
            Condition::Room(room) => write!(f, " {}", room.as_str()),
            Condition::Silence { lead, trail } => write!(f, " {lead} {trail}"),
        }
    }
}

impl FromStr for Condition {
    type Err = Error;

    /// # Errors
    /// [`Error::UnknownCondition`] lists the names of all conditions, [`Error::Parameter`] gives the text form
    /// of the condition.
    fn from_str(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let name = words.first().copied().unwrap_or_default();
        let Some(&(name, _)) = FORMS.iter().find(|form| form.0 == name) else {
            return Err(Error::UnknownCondition {
                name: name.to_owned(),
                known: FORMS.iter().map(|form| form.0).collect(),
            });
        };
        parsed(&words)
            .filter(Condition::is_valid)
            .ok_or_else(|| wrong_parameter(name, text))
    }
}

/// Parses a condition from its words. The parameters may be out of range.
fn parsed(words: &[&str]) -> Option<Condition> {
    let number = |word: &str| word.parse().ok();
    Some(match *words {
        ["clean"] => Condition::Clean,
        ["gain", db] => Condition::Gain { db: number(db)? },
        ["peak"] => Condition::Peak,
        ["lowpass-8k"] => Condition::Lowpass8k,
        ["telephone"] => Condition::Telephone,
        ["quantise", bits] => Condition::Quantise {
            bits: bits.parse().ok()?,
        },
        ["noise-white", snr] => Condition::NoiseWhite {
            snr_db: number(snr)?,
        },
        ["noise-babble", snr] => Condition::NoiseBabble {
            snr_db: number(snr)?,
        },
        ["room", "small"] => Condition::Room(Room::Small),
        ["room", "large"] => Condition::Room(Room::Large),
        ["speed", percent] => Condition::Speed {
            percent: number(percent)?,
        },
        ["silence", lead, trail] => Condition::Silence {
            lead: number(lead)?,
            trail: number(trail)?,
        },
        ["cut", seconds] => Condition::Cut {
            seconds: number(seconds)?,
        },
        _ => return None,
    })
}

fn wrong_parameter(condition: &'static str, actual: &str) -> Error {
    let form = FORMS.iter().find(|form| form.0 == condition);
    Error::Parameter {
        condition,
        expected: form.map_or(condition, |form| form.1),
        actual: actual.to_owned(),
    }
}

impl TryFrom<String> for Condition {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

/// Checks the sampling rate and the samples of a clip.
pub(crate) fn check_clip(condition: &'static str, clip: &Waveform) -> Result<()> {
    let error = |expected: String, actual: String| {
        Err(Error::Clip {
            condition,
            expected,
            actual,
        })
    };
    if !RATES.contains(&clip.sample_rate) {
        let expected = format!("a rate of {} to {} Hz", RATES.start(), RATES.end());
        return error(expected, format!("{} Hz", clip.sample_rate));
    }
    match clip.samples.iter().position(|x| !SAMPLE_RANGE.contains(x)) {
        None => Ok(()),
        Some(index) => {
            let value = clip.samples[index];
            error(
                format!(
                    "samples from {:e} to {:e}",
                    SAMPLE_RANGE.start(),
                    SAMPLE_RANGE.end()
                ),
                format!("{value:e} at sample {index}"),
            )
        }
    }
}

/// Returns the largest magnitude, 0 without samples.
fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, x| peak.max(x.abs()))
}

fn quantised(samples: &[f32], bits: u32) -> Vec<f32> {
    let half = 2f64.powi(bits as i32 - 1);
    let round = |&x: &f32| ((f64::from(x) * half).round().clamp(-half, half - 1.0) / half) as f32;
    samples.iter().map(round).collect()
}

fn sample_count(seconds: f64, rate: u32) -> usize {
    (seconds * f64::from(rate)).round() as usize
}

/// Returns white noise with the RMS `level`.
fn silence(seconds: f64, rate: u32, level: f64, rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..sample_count(seconds, rate))
        .map(|_| (level * normal(rng)) as f32)
        .collect()
}
