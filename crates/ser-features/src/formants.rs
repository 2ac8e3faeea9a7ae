//! Estimation of formants, the resonances of the vocal tract.

use std::f64::consts::TAU;
use std::fmt;

use multiversion::multiversion;

use crate::config::{FORMANTS_MIN_SAMPLE_RATE, MAX_SAMPLE_RATE, Window};
use crate::error::{Error, Result};
use crate::window;

/// Finds the first three formants of frames by linear prediction. An instance is planned once for a
/// sampling rate.
///
/// # Formula
///
/// A frame is 32 ms long. After the pre-emphasis `x[n] − 0.97·x[n−1]` and under a Hamming window, each
/// sample is predicted from the last `p = 2 + sample_rate / 1000` samples by the autocorrelation method
/// (Levinson's recursion, with `r[0]` raised by a factor of 1 + 1e-4): `A(z) = 1 − Σ aᵢ z⁻ⁱ`. Formants
/// are the peaks of `L(f) = −20·log₁₀ abs A(e^(2πi·f / sample_rate))` from 150 to 5500 Hz, on a grid with
/// a step of at most 16 Hz. A parabola through each peak refines it. Near a resonance
/// `L = −10·log₁₀((f − f₀)² + (b/2)²)`, so a curvature of `c` dB/Hz² at the peak corresponds to a
/// bandwidth of `b = 2·√((20 / ln 10) / −c)`. Peaks of 700 Hz or more are not formants.
///
/// # Limits
///
/// Two formants that share a peak count as one, and the next formant takes the place of the second. A
/// high voice has few harmonics that can show a formant.
///
/// # References
///
/// J. D. Markel, A. H. Gray (1976): Linear Prediction of Speech. Springer, chapter 7; S. McCandless
/// (1974): An algorithm for automatic formant extraction using linear prediction spectra. IEEE Trans.
/// ASSP 22(2), 135–141, for peaks of the spectrum.
///
/// ```
/// use ser_features::{Formants, FormantScratch};
///
/// // Pulses of 100 Hz through resonances at 600, 1400 and 2600 Hz.
/// let rate = 16_000;
/// let mut sound: Vec<f32> = (0..4000).map(|n| if n % 160 == 0 { 1.0 } else { 0.0 }).collect();
/// for hz in [600.0, 1400.0, 2600.0_f32] {
///     let (r, angle) = (0.98_f32, std::f32::consts::TAU * hz / rate as f32);
///     for n in 2..sound.len() {
///         sound[n] += 2.0 * r * angle.cos() * sound[n - 1] - r * r * sound[n - 2];
///     }
/// }
/// let found = Formants::new(rate)?.find(&sound, 2000, &mut FormantScratch::default());
/// let [first, second, third] = found.ok_or("three formants")?;
/// assert!((first.frequency - 600.0).abs() < 30.0 && (third.frequency - 2600.0).abs() < 60.0);
/// assert!(second.bandwidth < 300.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Formants {
    order: usize,
    window: Vec<f64>,
    /// Distance between the bins of the grid in Hz, and the number of bins that are searched.
    step: f64,
    bins: usize,
    /// `cos(2πmk/N)`: for each row of [`BINS`] bins `k`, one entry for each `m` up to the order.
    cosines: Vec<[f64; BINS]>,
}

/// One formant.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Formant {
    /// Centre frequency in Hz.
    pub frequency: f32,
    /// Width in Hz at half the power.
    pub bandwidth: f32,
}

/// Buffers that a thread reuses from frame to frame.
#[derive(Debug, Default, Clone)]
pub struct FormantScratch {
    padded: Vec<f32>,
    frame: Vec<f64>,
    autocorrelation: Vec<f64>,
    prediction: Vec<f64>,
    reversed: Vec<f64>,
    response: Vec<[f64; BINS]>,
}

const WINDOW_SECONDS: f64 = 0.032;
const PRE_EMPHASIS: f64 = 0.97;
/// Power of the added white noise relative to the frame, −40 dB: it keeps the recursion numerically stable.
const NOISE: f64 = 1e-4;
/// The largest step of the grid in Hz.
const STEP: u32 = 16;
const LOWEST: f64 = 150.0;
const HIGHEST: f64 = 5500.0;
const BROADEST: f64 = 700.0;

/// Number of bins of the grid that are computed together: a few vector registers.
const BINS: usize = 16;

impl Formants {
    /// Names of the rows of features.
    pub(crate) const NAMES: [&str; 6] = [
        "formant_1",
        "formant_2",
        "formant_3",
        "bandwidth_1",
        "bandwidth_2",
        "bandwidth_3",
    ];

    /// Returns the values of three formants in the order of the names.
    pub(crate) fn rows(formants: [Formant; 3]) -> [f32; 6] {
        let [a, b, c] = formants.map(|formant| formant.frequency);
        let [d, e, f] = formants.map(|formant| formant.bandwidth);
        [a, b, c, d, e, f]
    }

    /// Plans for a sampling rate in Hz.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the rate is below 8 kHz, because the third formant may lie near 4 kHz, or
    /// above 1 MHz.
    pub fn new(sample_rate: u32) -> Result<Self> {
        let range = FORMANTS_MIN_SAMPLE_RATE..=MAX_SAMPLE_RATE;
        if !range.contains(&sample_rate) {
            return Err(Error::Config {
                key: "sample_rate",
                expected: format!("{} to {} Hz for formants", range.start(), range.end()),
                actual: sample_rate.to_string(),
            });
        }
        let length = (WINDOW_SECONDS * f64::from(sample_rate)).round() as usize;
        let grid = sample_rate.div_ceil(STEP).next_power_of_two() as usize;
        let step = f64::from(sample_rate) / grid as f64;
        // The parabola through a peak moves it by less than a bin.
        let bins = ((HIGHEST / step) as usize + 3).min(grid / 2 + 1);
        let order = 2 + sample_rate as usize / 1000;
        let cosine = |m: usize, k: usize| (TAU * (m * k % grid) as f64 / grid as f64).cos();
        let rows = (0..bins).step_by(BINS);
        let cosines = rows.flat_map(|first| {
            (0..=order).map(move |m| std::array::from_fn(|i| cosine(m, first + i)))
        });
        Ok(Self {
            order,
            window: window::periodic(Window::Hamming, length),
            step,
            bins,
            cosines: cosines.collect(),
        })
    }

    /// Returns the first three formants around sample `centre` of a signal in order of frequency, or
    /// `None` if there are fewer or the frame is silent. Samples beyond the ends of the signal are 0.
    pub fn find(
        &self,
        samples: &[f32],
        centre: usize,
        scratch: &mut FormantScratch,
    ) -> Option<[Formant; 3]> {
        self.frame(samples, centre, scratch);
        self.predict(scratch)?;
        self.respond(scratch);
        self.peaks(&scratch.response)
    }

    /// Leaves the windowed frame, after pre-emphasis, in `frame`.
    fn frame(&self, samples: &[f32], centre: usize, scratch: &mut FormantScratch) {
        let FormantScratch { padded, frame, .. } = scratch;
        let half = self.window.len() / 2;
        // One sample more than the frame: pre-emphasis of the first sample needs the one before it.
        let before = (half + 1).saturating_sub(centre);
        let start = (centre + before)
            .saturating_sub(half + 1)
            .min(samples.len());
        let end = (centre + self.window.len() - half).clamp(start, samples.len());
        padded.clear();
        padded.resize(before, 0.0);
        padded.extend_from_slice(&samples[start..end]);
        padded.resize(self.window.len() + 1, 0.0);
        frame.clear();
        let pairs = padded.iter().zip(&padded[1..]).zip(&self.window);
        frame.extend(pairs.map(|((&before, &x), weight)| {
            weight * (f64::from(x) - PRE_EMPHASIS * f64::from(before))
        }));
    }

    /// Leaves `1, −a₁, …, −a_p` in `prediction`. Returns `None` for a frame without power.
    fn predict(&self, scratch: &mut FormantScratch) -> Option<()> {
        let FormantScratch {
            frame,
            autocorrelation: r,
            prediction,
            reversed,
            ..
        } = scratch;
        autocorrelate(frame, self.order, r);
        r[0] *= 1.0 + NOISE;
        let mut error = r[0];
        if error < f64::MIN_POSITIVE {
            return None;
        }
        prediction.clear();
        prediction.push(1.0);
        for order in 1..=self.order {
            let lags = r[1..=order].iter().rev();
            let sum: f64 = prediction.iter().zip(lags).map(|(a, r)| a * r).sum();
            let reflection = -sum / error;
            prediction.push(0.0);
            reversed.clone_from(prediction);
            reversed.reverse();
            for (a, b) in prediction.iter_mut().zip(&*reversed) {
                *a += reflection * b;
            }
            error *= 1.0 - reflection * reflection;
        }
        Some(())
    }

    /// Leaves `|A|²` over the grid in `response`. With the autocorrelation `c` of the predictor it is
    /// `c₀ + 2 Σ cₘ cos(2πmk/N)`.
    fn respond(&self, scratch: &mut FormantScratch) {
        let FormantScratch {
            autocorrelation: c,
            prediction,
            response,
            ..
        } = scratch;
        autocorrelate(prediction, self.order, c);
        c[1..].iter_mut().for_each(|c| *c *= 2.0);
        response.resize(self.cosines.len() / c.len(), [0.0; BINS]);
        cosine_sums(c, &self.cosines, response);
    }

    /// Returns the first three peaks of `L`, which are the troughs of `|A|²`.
    fn peaks(&self, response: &[[f64; BINS]]) -> Option<[Formant; 3]> {
        let step = self.step;
        let level = |power: f64| -10.0 * power.max(f64::MIN_POSITIVE).log10();
        let peak = |(bin, around): (usize, &[f64])| {
            let [before, here, after] = *around else {
                return None;
            };
            if here >= before || here > after {
                return None;
            }
            let [before, here, after] = [before, here, after].map(level);
            let curvature = before - 2.0 * here + after;
            if curvature >= 0.0 {
                return None;
            }
            let shift = (before - after) / (2.0 * curvature);
            let frequency = ((bin + 1) as f64 + shift) * step;
            let decay = 20.0 / std::f64::consts::LN_10;
            let bandwidth = 2.0 * step * (decay / -curvature).sqrt();
            let fits = (LOWEST..HIGHEST).contains(&frequency) && bandwidth < BROADEST;
            fits.then_some(Formant {
                frequency: frequency as f32,
                bandwidth: bandwidth as f32,
            })
        };
        let response = &response.as_flattened()[..self.bins];
        let mut found = response.windows(3).enumerate().filter_map(peak);
        Some([found.next()?, found.next()?, found.next()?])
    }
}

/// Computes `r[m] = Σ x[n]·x[n + m]` for the lags `m` up to `order`.
#[multiversion(targets("x86_64+avx2+fma"))]
fn autocorrelate(x: &[f64], order: usize, r: &mut Vec<f64>) {
    /// Number of independent sums, so that no addition waits for another.
    const SUMS: usize = 16;
    r.clear();
    r.extend((0..=order).map(|lag| {
        let later = x.get(lag..).unwrap_or_default();
        let (now, now_rest) = x[..later.len()].as_chunks::<SUMS>();
        let (later, later_rest) = later.as_chunks::<SUMS>();
        let mut sums = [0.0; SUMS];
        for (now, later) in now.iter().zip(later) {
            for i in 0..SUMS {
                sums[i] += now[i] * later[i];
            }
        }
        let rest: f64 = now_rest.iter().zip(later_rest).map(|(a, b)| a * b).sum();
        sums.iter().sum::<f64>() + rest
    }));
}

/// Computes `Σ c[m]·cosines[m]` for each row of bins, over the cosines of that row.
#[multiversion(targets("x86_64+avx2+fma"))]
fn cosine_sums(c: &[f64], cosines: &[[f64; BINS]], sums: &mut [[f64; BINS]]) {
    for (cosines, sums) in cosines.chunks_exact(c.len()).zip(sums) {
        let mut row = [0.0; BINS];
        for (&c, cosines) in c.iter().zip(cosines) {
            for i in 0..BINS {
                row[i] += c * cosines[i];
            }
        }
        *sums = row;
    }
}

impl fmt::Debug for Formants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Formants")
            .field("order", &self.order)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
