//! Estimation of the fundamental frequency of a voice.

use std::fmt;
use std::sync::Arc;

use multiversion::multiversion;
use rustfft::Fft;
use rustfft::num_complex::Complex;

use crate::error::{Error, Result};
use crate::prosody::frame_count;

/// Estimates the fundamental frequency (F0) of frames with the YIN algorithm. An instance is planned
/// once for a sampling rate.
///
/// # Formula
///
/// With the samples `x` of a frame, periods `τ` up to `⌈sample_rate / fmin⌉` = `P`, and sums over
/// `W = frame − P` samples:
///
/// ```text
/// d(τ)  = Σ_{j<W} (x[j] − x[j+τ])²        difference
/// d'(τ) = d(τ) · τ / Σ_{1≤i≤τ} d(i)       0: repeats exactly; 1: not at all
/// ```
///
/// The period is the first local minimum of `d'` below `trough_threshold`, searched from
/// `⌊sample_rate / fmax⌋` upwards. If there is none, it is the period with the smallest `d'`. A
/// parabola through the neighbouring values refines it. `d` is computed with one forward and one
/// backward Fourier transform.
///
/// # Voicing
///
/// F0 is 0 where `d'` of the chosen period is [`UNVOICED_FROM`](Self::UNVOICED_FROM) or more, where
/// the frame is silent, and near the edges of the signal, where fewer than `2P` samples of the frame
/// lie inside the signal.
///
/// # Limits
///
/// `d` is known at whole periods only. Above `sample_rate / 20`, the overtones of a bright voice may
/// not repeat after a whole number of samples, and the estimate is then an octave too low.
///
/// # Differences from librosa
///
/// `librosa.yin` (0.11) returns a frequency for unvoiced frames as well. Its difference function
/// includes zeros at the end of the frame, which makes `d'` grow with `τ`. Here, as in the paper, the
/// sum has the same number of terms for every `τ`.
///
/// # References
///
/// A. de Cheveigné, H. Kawahara (2002): YIN, a fundamental frequency estimator for speech and
/// music. JASA 111(4), 1917–1930.
///
/// ```
/// use ser_features::Yin;
///
/// let yin = Yin::new(16_000, 60.0, 600.0, 1024, 0.1)?;
/// let tone: Vec<f32> = (0..8000).map(|i| (0.0785398 * i as f32).sin()).collect();
/// let f0 = yin.track(&tone, 256);
/// assert_eq!(f0.len(), 1 + 8000 / 256);
/// assert!((f0[10] - 200.0).abs() < 1.0);
/// # Ok::<(), ser_features::Error>(())
/// ```
#[derive(Clone)]
pub struct Yin {
    sample_rate: f64,
    min_period: usize,
    max_period: usize,
    frame_length: usize,
    trough_threshold: f32,
    fft: Arc<dyn Fft<f32>>,
}

/// The pitch of a frame, as [`Yin`] estimates it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pitch {
    /// F0 in Hz; 0 if the frame is unvoiced.
    pub f0: f32,
    /// `d'` of the chosen period: 0 if the frame repeats exactly, about 1 for noise, and 1 if the
    /// frame is silent, too short, or too loud for single precision (samples beyond about 10¹⁵).
    pub aperiodicity: f32,
}

impl Pitch {
    /// The pitch of a frame without any repetition.
    pub(crate) const NONE: Self = Self {
        f0: 0.0,
        aperiodicity: 1.0,
    };
}

/// Buffers that a thread reuses from frame to frame.
#[derive(Debug, Default, Clone)]
pub struct YinScratch {
    spectrum: Vec<Complex<f32>>,
    fft: Vec<Complex<f32>>,
    /// `d` of each period from 1 on, and the sum of `d` up to that period.
    sums: Vec<(f64, f64)>,
    /// `d'`, by period.
    difference: Vec<f32>,
}

impl Yin {
    /// A frame is unvoiced if its `d'` is this value or more.
    pub const UNVOICED_FROM: f32 = 0.4;

    /// Plans for frequencies from `fmin` to `fmax` in Hz and frames of `frame_length` samples.
    ///
    /// For speech, 60 to 600 Hz and a `trough_threshold` of 0.1 are usual. A frame must hold two of
    /// the longest periods: at least 33 ms for an `fmin` of 60 Hz.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] unless `0 < fmin < fmax ≤ sample_rate / 2`,
    /// `2 · ⌈sample_rate / fmin⌉ ≤ frame_length ≤ 2²⁰` and `trough_threshold ≥ 0`.
    pub fn new(
        sample_rate: u32,
        fmin: f64,
        fmax: f64,
        frame_length: usize,
        trough_threshold: f64,
    ) -> Result<Self> {
        let config = |key, expected: String, actual: String| Error::Config {
            key,
            expected,
            actual,
        };
        let rate = f64::from(sample_rate);
        if !(fmax > 0.0 && fmax <= rate / 2.0) {
            let expected = format!("above 0 and at most half the sampling rate, {}", rate / 2.0);
            return Err(config("fmax", expected, fmax.to_string()));
        }
        if !(fmin > 0.0 && fmin < fmax) {
            let expected = format!("above 0 and below fmax = {fmax}");
            return Err(config("fmin", expected, fmin.to_string()));
        }
        // The conversion of a large float to an integer saturates, so a tiny `fmin` fails the next check.
        let max_period = (rate / fmin).ceil() as usize;
        if frame_length / 2 < max_period || frame_length > MAX_FRAME_LENGTH {
            let expected = format!("two periods of fmin = {fmin} to {MAX_FRAME_LENGTH} samples");
            return Err(config("frame_length", expected, frame_length.to_string()));
        }
        if trough_threshold.is_nan() || trough_threshold < 0.0 {
            let actual = trough_threshold.to_string();
            return Err(config("trough_threshold", "0 or more".into(), actual));
        }
        Ok(Self {
            sample_rate: rate,
            min_period: (rate / fmax).floor() as usize,
            max_period,
            frame_length,
            trough_threshold: trough_threshold as f32,
            fft: ser_fourier::forward(frame_length.next_power_of_two()),
        })
    }

    /// Returns F0 in Hz of each frame, 0 for unvoiced frames. Frame `i` is centred on sample
    /// `i · hop_length`.
    ///
    /// The number of frames is that of [`frame_count`](crate::prosody::frame_count).
    pub fn track(&self, samples: &[f32], hop_length: usize) -> Vec<f32> {
        let mut scratch = YinScratch::default();
        (0..frame_count(samples.len(), self.frame_length, hop_length))
            .map(|frame| self.pitch(samples, frame * hop_length, &mut scratch).f0)
            .collect()
    }

    /// Returns how many samples a frame extends to either side of its centre.
    pub(crate) fn reach(&self) -> usize {
        self.frame_length.div_ceil(2)
    }

    /// Estimates the pitch of the frame that is centred on sample `centre` of a signal.
    pub fn pitch(&self, samples: &[f32], centre: usize, scratch: &mut YinScratch) -> Pitch {
        let start = centre.saturating_sub(self.frame_length / 2);
        let end = (centre + self.frame_length.div_ceil(2)).min(samples.len());
        let Some(frame) = samples.get(start..end) else {
            return Pitch::NONE;
        };
        if frame.len() < 2 * self.max_period {
            return Pitch::NONE;
        }
        let (head, tail) = frame.split_at(self.terms(frame));
        let first = sum_of_squares(head);
        // No value of the correlation is above twice the energy of the frame, times the length of the transform.
        let loudest = f64::from(f32::MAX) / (4 * self.fft.len()) as f64;
        let is_audible = first > 0.0 && first + sum_of_squares(tail) <= loudest;
        if !is_audible {
            return Pitch::NONE;
        }
        self.correlate(frame, scratch);
        self.normalise(frame, first, scratch);
        self.choose(&scratch.difference)
    }

    /// Returns the number of terms of the difference function.
    fn terms(&self, frame: &[f32]) -> usize {
        frame.len() - self.max_period
    }

    /// Leaves `Σ_{j<W} x[j] x[j+τ]`, times the length of the transform, in the real parts.
    ///
    /// One transform `Z` has the frame as its real part and the first `W` samples of the frame as its
    /// imaginary part. The product of one of the two spectra in it and the conjugate of the other is
    /// `½ Im(Zₖ Zₙ₋ₖ) + ¼ i (|Zₖ|² − |Zₙ₋ₖ|²)`. It belongs to a real sequence, so a forward
    /// transform of the conjugate replaces the backward one. Nothing wraps around, because
    /// `W + P` is not above the length.
    fn correlate(&self, frame: &[f32], scratch: &mut YinScratch) {
        let n = self.fft.len();
        let terms = self.terms(frame);
        let spectrum = &mut scratch.spectrum;
        spectrum.clear();
        spectrum.extend(frame[..terms].iter().map(|&x| Complex::new(x, x)));
        spectrum.extend(frame[terms..].iter().map(|&x| Complex::new(x, 0.0)));
        spectrum.resize(n, Complex::default());
        scratch
            .fft
            .resize(self.fft.get_inplace_scratch_len(), Complex::default());
        self.fft.process_with_scratch(spectrum, &mut scratch.fft);

        multiply(spectrum);
        self.fft.process_with_scratch(spectrum, &mut scratch.fft);
    }

    /// Fills in `d'` for all periods. `first` is the energy of the first `W` samples.
    fn normalise(&self, frame: &[f32], first: f64, scratch: &mut YinScratch) {
        let YinScratch {
            spectrum,
            sums,
            difference,
            ..
        } = scratch;
        let terms = self.terms(frame);
        let scale = 2.0 / self.fft.len() as f64;
        sums.clear();
        let (mut shifted, mut sum) = (first, 0.0);
        let ends = frame[..self.max_period].iter().zip(&frame[terms..]);
        let differences = ends.zip(&spectrum[1..]).map(|((&before, &behind), z)| {
            let square = |x: f32| f64::from(x) * f64::from(x);
            shifted += square(behind) - square(before);
            let d = (first + shifted - scale * f64::from(z.re)).max(0.0);
            sum += d;
            (d, sum)
        });
        sums.extend(differences);
        difference.clear();
        difference.push(1.0);
        // What rounding leaves of a constant must not look like a periodic signal.
        if sum <= ROUNDING * first * sums.len() as f64 {
            difference.resize(1 + sums.len(), 1.0);
            return;
        }
        difference.extend((1..).zip(&*sums).map(|(period, &(d, sum))| {
            let relative = d * f64::from(period) / sum;
            if sum > 0.0 { relative as f32 } else { 1.0 }
        }));
    }

    /// Chooses the best period.
    fn choose(&self, difference: &[f32]) -> Pitch {
        let is_trough = |period: usize| {
            let d = difference[period];
            d < self.trough_threshold
                && d < difference[period - 1]
                && difference.get(period + 1).is_none_or(|&next| d <= next)
        };
        let periods = self.min_period..=self.max_period;
        let Some(period) = periods
            .clone()
            .find(|&period| is_trough(period))
            .or_else(|| periods.min_by(|&a, &b| difference[a].total_cmp(&difference[b])))
        else {
            return Pitch::NONE;
        };
        let aperiodicity = difference[period];
        if aperiodicity >= Self::UNVOICED_FROM {
            return Pitch {
                aperiodicity,
                ..Pitch::NONE
            };
        }
        let shift = match (difference[period - 1], difference.get(period + 1)) {
            (before, Some(&after)) => parabola_vertex(before, difference[period], after),
            (_, None) => 0.0,
        };
        Pitch {
            f0: (self.sample_rate / (period as f64 + f64::from(shift))) as f32,
            aperiodicity,
        }
    }
}

impl fmt::Debug for Yin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yin")
            .field("sample_rate", &self.sample_rate)
            .field("periods", &(self.min_period..=self.max_period))
            .field("frame_length", &self.frame_length)
            .field("trough_threshold", &self.trough_threshold)
            .finish_non_exhaustive()
    }
}

/// Error of the transform in single precision, as a share of the energy.
const ROUNDING: f64 = 32.0 * f32::EPSILON as f64;

/// The longest accepted frame in samples: a longer one is a mistake.
const MAX_FRAME_LENGTH: usize = 1 << 20;

/// Replaces the transform `Z` of two real sequences, one as its real and one as its imaginary part,
/// with the conjugate of the product that [`Yin::correlate`] states. The length of `Z` is even.
fn multiply(spectrum: &mut [Complex<f32>]) {
    // Bins 0 and N/2 are their own mirror images; bin k mirrors bin N − k.
    let middle = spectrum.len() / 2;
    for own in [0, middle] {
        spectrum[own] = product(spectrum[own], spectrum[own]);
    }
    let (low, high) = spectrum.split_at_mut(middle);
    multiply_halves(&mut low[1..], &mut high[1..]);
}

#[inline(always)]
fn product(a: Complex<f32>, b: Complex<f32>) -> Complex<f32> {
    let re = 0.5 * (a.re * b.im + a.im * b.re);
    let im = 0.25 * (b.norm_sqr() - a.norm_sqr());
    Complex::new(re, im)
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn multiply_halves(low: &mut [Complex<f32>], high: &mut [Complex<f32>]) {
    for (a, b) in low.iter_mut().zip(high.iter_mut().rev()) {
        let z = product(*a, *b);
        (*a, *b) = (z, z.conj());
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn sum_of_squares(samples: &[f32]) -> f64 {
    /// Number of independent sums, so that no addition waits for another.
    const SUMS: usize = 16;
    let square = |x: f32| f64::from(x) * f64::from(x);
    let (blocks, rest) = samples.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for block in blocks {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum += square(x);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| square(x)).sum::<f64>()
}

/// Returns where the parabola through three neighbours is lowest, relative to the middle one and at
/// most one step from it.
fn parabola_vertex(before: f32, middle: f32, after: f32) -> f32 {
    let curvature = before - 2.0 * middle + after;
    let slope = (after - before) / 2.0;
    if slope.abs() >= curvature.abs() {
        return 0.0;
    }
    -slope / curvature
}
