//! Voice quality: measures of the spectrum of a voiced frame that tell a breathy voice from a pressed
//! one and a clear voice from a rough one.

use std::ops::Range;

/// Level differences between harmonics, and harmonics-to-noise ratios, of one voiced frame in dB.
///
/// # Formula
/// `L(f, w)` is the highest level in dB of the bins of the power spectrum within `w` of the frequency
/// `f`. The `k`-th harmonic has the level `Lₖ = L(k·F0, 0.3·F0)`. If no bin lies within that distance,
/// the next bin above counts. Levels more than 80 dB below the highest of the frame are raised to there.
///
/// A harmonics-to-noise ratio divides the power at the harmonics `k = 1, 2, …` of a frequency range by
/// the power half-way to the next harmonic: `10·log₁₀(Σₖ P(k·F0) / Σₖ P((k + ½)·F0))` with
/// `P(f) = 10^(L(f, 0.2·F0) / 10)`. It is 0 if no harmonic lies in the range.
///
/// # References
/// H. M. Hanson (1997): Glottal characteristics of female speakers: acoustic correlates. JASA 101(1),
/// 466–481, for the differences (there from the peaks of formants, here from the peaks of fixed
/// ranges); G. de Krom (1993): A cepstrum-based technique for determining a harmonics-to-noise ratio
/// in speech signals. JSHR 36(2), 254–266, for ratios by range.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Harmonics {
    /// `L₁ − L₂`: high in a breathy voice.
    pub h1_h2: f32,
    /// `L₂ − L₄`.
    pub h2_h4: f32,
    /// `L₁` minus the highest level from 300 to 1000 Hz.
    pub h1_a1: f32,
    /// `L₁` minus the highest level from 1000 to 2500 Hz.
    pub h1_a2: f32,
    /// `L₁` minus the highest level from 2500 to 4000 Hz.
    pub h1_a3: f32,
    /// Harmonics-to-noise ratio below 1 kHz.
    pub hnr_low: f32,
    /// Harmonics-to-noise ratio from 1 to 3 kHz.
    pub hnr_mid: f32,
    /// Harmonics-to-noise ratio from 3 to 7 kHz.
    pub hnr_high: f32,
}

/// Frequency ranges in Hz whose peaks stand for the first three formants.
const FORMANTS: [Range<f32>; 3] = [300.0..1000.0, 1000.0..2500.0, 2500.0..4000.0];

/// Upper ends in Hz of the frequency ranges of the harmonics-to-noise ratios.
const NOISE_RANGES: [f32; 3] = [1000.0, 3000.0, 7000.0];

/// The lowest power that counts, as a share of the highest power of the frame.
const FLOOR: f32 = 1e-8;

/// Maximum distance, in shares of F0, of the peak of a harmonic from its nominal frequency, and of the
/// bins whose power counts as that at a harmonic or half-way between two.
const HARMONIC_REACH: f32 = 0.3;
const POWER_REACH: f32 = 0.2;

impl Harmonics {
    /// Names of the rows of features.
    pub(crate) const NAMES: [&str; 8] = [
        "h1_h2", "h2_h4", "h1_a1", "h1_a2", "h1_a3", "hnr_low", "hnr_mid", "hnr_high",
    ];

    /// Returns the values in the order of their names.
    pub(crate) fn rows(self) -> [f32; 8] {
        let Self {
            h1_h2,
            h2_h4,
            h1_a1,
            h1_a2,
            h1_a3,
            hnr_low,
            hnr_mid,
            hnr_high,
        } = self;
        [
            h1_h2, h2_h4, h1_a1, h1_a2, h1_a3, hnr_low, hnr_mid, hnr_high,
        ]
    }

    /// Computes the values of a frame from its power spectrum, whose bins lie `bin_width` Hz apart, and its
    /// F0 in Hz. All values are 0 if F0 is 0 or less than `bin_width`.
    ///
    /// # Shape
    /// `power`: `[1 + n_fft / 2]`, the squared magnitudes.
    ///
    /// ```
    /// use ser_features::Harmonics;
    ///
    /// // Harmonics of 200 Hz, each 6 dB below the one before, in a spectrum of 20 Hz a bin.
    /// let mut power = vec![0.0; 401];
    /// for k in 1..=40_i32 {
    ///     power[10 * k as usize] = 0.25_f32.powi(k);
    /// }
    /// let voice = Harmonics::of(&power, 20.0, 200.0);
    /// assert!((voice.h1_h2 - 6.02).abs() < 0.01 && (voice.h2_h4 - 12.04).abs() < 0.01);
    /// assert_eq!(Harmonics::of(&power, 20.0, 0.0), Harmonics::default());
    /// ```
    pub fn of(power: &[f32], bin_width: f32, f0: f32) -> Self {
        if power.is_empty() || f0.is_nan() || f0 < bin_width {
            return Self::default();
        }
        let floor = peak(power) * FLOOR;
        let highest = |hz: f32, reach: f32| {
            let (low, high) = ((hz - reach) / bin_width, (hz + reach) / bin_width);
            highest(power, low.ceil() as usize, high.floor() as usize).max(floor)
        };
        let harmonic = |k: f32| decibels(highest(k * f0, HARMONIC_REACH * f0));
        let first = harmonic(1.0);
        let formant = |Range { start, end }: &Range<f32>| {
            first - decibels(highest((start + end) / 2.0, (end - start) / 2.0))
        };
        let mut sums = [(0.0, 0.0); NOISE_RANGES.len()];
        let mut range = 0;
        let end = (NOISE_RANGES[2]).min(power.len() as f32 * bin_width);
        for k in (1..).map(|k| k as f32).take_while(|k| (k + 0.5) * f0 < end) {
            while k * f0 >= NOISE_RANGES[range] {
                range += 1;
            }
            let (harmonics, noise) = &mut sums[range];
            *harmonics += highest(k * f0, POWER_REACH * f0);
            *noise += highest((k + 0.5) * f0, POWER_REACH * f0);
        }
        let [hnr_low, hnr_mid, hnr_high] =
            sums.map(|(harmonics, noise)| decibels(harmonics) - decibels(noise));
        Self {
            h1_h2: first - harmonic(2.0),
            h2_h4: harmonic(2.0) - harmonic(4.0),
            h1_a1: formant(&FORMANTS[0]),
            h1_a2: formant(&FORMANTS[1]),
            h1_a3: formant(&FORMANTS[2]),
            hnr_low,
            hnr_mid,
            hnr_high,
        }
    }
}

/// Returns the highest power from bin `low` to bin `high`, or that of bin `low` if `high` is below it.
fn highest(power: &[f32], low: usize, high: usize) -> f32 {
    let last = power.len() - 1;
    let low = low.min(last);
    let bins = &power[low..=high.clamp(low, last)];
    let higher = |highest: f32, &x: &f32| if x > highest { x } else { highest };
    bins.iter().fold(0.0, higher)
}

/// Returns the highest of all powers.
fn peak(power: &[f32]) -> f32 {
    /// Number of independent maxima, so that no comparison waits for another.
    const MAXIMA: usize = 16;
    let (blocks, rest) = power.as_chunks::<MAXIMA>();
    let mut peaks = [0.0_f32; MAXIMA];
    for block in blocks {
        for (peak, &x) in peaks.iter_mut().zip(block) {
            *peak = if x > *peak { x } else { *peak };
        }
    }
    peaks.iter().chain(rest).copied().fold(0.0, f32::max)
}

/// Converts power to dB. The result is finite even if a sum of powers exceeded single precision.
fn decibels(power: f32) -> f32 {
    10.0 * power.clamp(f32::MIN_POSITIVE, f32::MAX).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_whose_sum_overflows_still_give_numbers() {
        for loudest in [1e38, f32::INFINITY] {
            let voice = Harmonics::of(&[loudest; 401], 20.0, 200.0);
            assert!(voice.rows().iter().all(|x| x.is_finite()), "{voice:?}");
        }
    }
}
