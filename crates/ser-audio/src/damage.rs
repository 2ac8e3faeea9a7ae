//! What is missing from a damaged recording.

use std::fmt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::waveform::SAMPLE_RANGE;

/// What is missing from a recording that is damaged or was cut short. The rest of it keeps the times of the whole
/// recording.
///
/// It is displayed as a sentence: `cut short: the header promises 61.0 s, the file holds 12.3 s; 0.8 s in 3 places
/// could not be decoded and are silent`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Damage {
    /// Where the recording ends, if it was cut short.
    pub cut_short: Option<CutShort>,
    /// Seconds that could not be decoded and are silent.
    pub silent_seconds: f64,
    /// The number of places in which these seconds lie.
    pub places: usize,
    /// Number of samples, in all channels, that are not numbers, or beyond [`SAMPLE_RANGE`], and were set to 0.
    pub no_numbers: u64,
}

/// The end of a recording that was cut short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutShort {
    /// Seconds that the recording holds.
    pub held_seconds: f64,
    /// Seconds that its header promises, if it states a length.
    pub promised_seconds: Option<f64>,
}

impl Damage {
    /// Returns `None` if nothing is missing.
    pub(crate) fn some(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = Vec::new();
        if let Some(cut) = self.cut_short {
            let held = format!("the file holds {:.1} s", cut.held_seconds);
            told.push(match cut.promised_seconds {
                Some(promised) => {
                    format!("cut short: the header promises {promised:.1} s, {held}")
                }
                None => format!("cut short: {held}"),
            });
        }
        if self.places > 0 {
            let places = match self.places {
                1 => "one place".to_owned(),
                places => format!("{places} places"),
            };
            let seconds = self.silent_seconds;
            told.push(format!(
                "{seconds:.1} s in {places} could not be decoded and are silent"
            ));
        }
        if self.no_numbers > 0 {
            told.push(match self.no_numbers {
                1 => "1 sample is not a number and is silent".to_owned(),
                samples => format!("{samples} samples are not numbers and are silent"),
            });
        }
        f.write_str(&told.join("; "))
    }
}

/// Samples that are not numbers, or beyond [`SAMPLE_RANGE`].
#[derive(Default)]
pub(crate) struct NoNumbers {
    /// Number of such samples, and of all samples that were checked.
    pub(crate) count: u64,
    checked: u64,
    /// Position and value of the first such sample.
    first: Option<(u64, f32)>,
}

impl NoNumbers {
    /// Sets such samples to 0. `interleaved` holds whole frames of `channels` channels, the first of them at `position`.
    pub(crate) fn silence(&mut self, interleaved: &mut [f32], channels: u16, position: u64) {
        self.checked += interleaved.len() as u64;
        if interleaved.iter().all(|x| SAMPLE_RANGE.contains(x)) {
            return;
        }
        let frames = interleaved.chunks_exact_mut(channels.into());
        for (index, frame) in (position..).zip(frames) {
            for sample in frame {
                if !SAMPLE_RANGE.contains(sample) {
                    self.count += 1;
                    self.first.get_or_insert((index, *sample));
                    *sample = 0.0;
                }
            }
        }
    }

    /// Refuses a recording with more such samples than others, because it is not merely noisy.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        match self.first {
            Some((index, value)) if 2 * self.count > self.checked => Err(Error::OutOfRange {
                path: path.to_path_buf(),
                index,
                value,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_in_plain_words() {
        let cut = |promised_seconds| {
            Some(CutShort {
                held_seconds: 12.34,
                promised_seconds,
            })
        };
        let damage = Damage {
            cut_short: cut(Some(61.0)),
            silent_seconds: 0.8,
            places: 3,
            no_numbers: 2,
        };
        assert_eq!(
            damage.to_string(),
            "cut short: the header promises 61.0 s, the file holds 12.3 s; \
             0.8 s in 3 places could not be decoded and are silent; 2 samples are not numbers and are silent"
        );
        let damage = Damage {
            cut_short: cut(None),
            places: 1,
            silent_seconds: 1.0,
            ..Damage::default()
        };
        assert_eq!(
            damage.to_string(),
            "cut short: the file holds 12.3 s; 1.0 s in one place could not be decoded and are silent"
        );
        assert_eq!(Damage::default().some(), None);
    }
}
