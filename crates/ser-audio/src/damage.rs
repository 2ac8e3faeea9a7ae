//! What a damaged recording lacks.

use std::fmt;

/// What a recording lacks that is damaged or was cut short; the rest of it has the times that it had in the whole one.
///
/// Displayed as plain words: `cut short: the header promises 61.0 s, the file holds 12.3 s; 0.8 s in 3 places could not
/// be decoded and are silent`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Damage {
    /// Where it ends, if it was cut short.
    pub cut_short: Option<CutShort>,
    /// Seconds that could not be decoded and are silent.
    pub silent_seconds: f64,
    /// The number of places at which they lie.
    pub places: usize,
    /// Samples that are no numbers, or beyond [`SAMPLE_RANGE`](crate::SAMPLE_RANGE), and are 0.
    pub no_numbers: u64,
}

/// The end of a recording that was cut short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutShort {
    /// Seconds that it holds.
    pub held_seconds: f64,
    /// Seconds that its header promises, if it does.
    pub promised_seconds: Option<f64>,
}

impl Damage {
    /// `None` of a recording that lacks nothing.
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
            let samples = self.no_numbers;
            told.push(format!("{samples} samples are no numbers, and silent"));
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
             0.8 s in 3 places could not be decoded and are silent; 2 samples are no numbers, and silent"
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
