//! What is missing from a damaged recording.

use std::fmt;

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
    /// Number of samples that are not numbers, or beyond [`SAMPLE_RANGE`](crate::SAMPLE_RANGE), and were set to 0.
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
