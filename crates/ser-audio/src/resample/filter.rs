//! The filters of the resampler.

use std::f64::consts::PI;

use rustfft::num_complex::Complex;
use ser_fourier::precise_forward;

/// The anti-aliasing filter: a sinc under a Kaiser window.
pub(super) struct Filter {
    /// Frequencies at which half of the amplitude passes, and from which nothing passes, in cycles per sample.
    cutoff: f64,
    stop: f64,
    /// Half the length of the filter in samples.
    half: f64,
    window: Kaiser,
}

/// Start and end of the transition band, as shares of the lower Nyquist frequency. soxr's HQ quality, which is
/// librosa's choice, has its transition in the same place, so the uppermost mel bands agree.
const PASS: f64 = 0.913;
const STOP: f64 = 1.0;
/// Attenuation of the stop band in dB, near what the rounding of 32-bit samples allows.
const ATTENUATION: f64 = 130.0;

impl Filter {
    /// Designs the filter for the conversion from one rate to another.
    pub(super) fn new(from: u32, to: u32) -> Self {
        let share = f64::from(from.min(to)) / f64::from(from);
        let width = PI * share * (STOP - PASS);
        Self {
            stop: share * STOP / 2.0,
            cutoff: share * (PASS + STOP) / 4.0,
            half: (ATTENUATION - 7.95) / (2.285 * width) / 2.0,
            window: Kaiser::new(ATTENUATION),
        }
    }

    /// Returns the number of samples that the filter reaches ahead and back.
    pub(super) fn reach(&self) -> usize {
        self.half.ceil() as usize
    }

    fn tap(&self, n: usize) -> f64 {
        let n = n as f64;
        2.0 * self.cutoff * sinc(2.0 * self.cutoff * n) * self.window.at(n / self.half)
    }

    /// Returns the number of bins, of a transform of `length` samples, that the filter passes to some extent.
    pub(super) fn bins(&self, length: usize) -> usize {
        (self.stop * length as f64).ceil() as usize + 1
    }

    /// Returns the gains of the first `bins` bins of a transform of `length` samples, divided by `length` because
    /// rustfft's inverse does not divide.
    pub(super) fn gains(&self, length: usize, bins: usize) -> Vec<f32> {
        let mut spectrum = vec![Complex::new(0.0, 0.0); length];
        for n in 0..=self.reach() {
            let tap = Complex::from(self.tap(n));
            spectrum[n] = tap;
            spectrum[(length - n) % length] = tap;
        }
        precise_forward(length).process(&mut spectrum);
        spectrum
            .iter()
            .take(bins)
            .map(|gain| (gain.re / length as f64) as f32)
            .collect()
    }
}

/// Returns `sin(πx) / πx`.
pub(super) fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    (PI * x).sin() / (PI * x)
}

/// The Kaiser window with a half length of 1.
pub(super) struct Kaiser {
    beta: f64,
    middle: f64,
}

impl Kaiser {
    /// Designs a window for an attenuation in dB above 50.
    pub(super) fn new(attenuation: f64) -> Self {
        let beta = 0.1102 * (attenuation - 8.7);
        Self {
            beta,
            middle: bessel_i0(beta),
        }
    }

    /// Returns the value at a distance from the middle.
    pub(super) fn at(&self, distance: f64) -> f64 {
        let inside = 1.0 - distance.powi(2);
        bessel_i0(self.beta * inside.max(0.0).sqrt()) / self.middle
    }
}

/// Returns the modified Bessel function of the first kind and order 0, from its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut k = 1.0;
    while term > sum * f64::EPSILON {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}
