#![doc = include_str!("../README.md")]

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner, FftPlannerScalar};

/// Plans the transform `X[k] = Σ_n x[n] · exp(−2πi·kn/length)`.
///
/// # Example
///
/// ```
/// use rustfft::num_complex::Complex;
///
/// let transform = ser_fourier::forward(4);
/// let mut signal = [0.0, 1.0, 0.0, 0.0].map(Complex::<f32>::from);
/// transform.process(&mut signal);
/// let bins = [(1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)];
/// assert_eq!(signal.map(|bin| (bin.re, bin.im)), bins);
/// ```
pub fn forward(length: usize) -> Arc<dyn Fft<f32>> {
    FftPlanner::new().plan_fft_forward(length)
}

/// Plans the transform `x[n] = Σ_k X[k] · exp(2πi·kn/length)`, which is the inverse of [`forward`] times `length`.
///
/// # Example
///
/// ```
/// use rustfft::num_complex::Complex;
///
/// let transform = ser_fourier::inverse(4);
/// let mut spectrum = [0.0, 1.0, 0.0, 0.0].map(Complex::<f32>::from);
/// transform.process(&mut spectrum);
/// let samples = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)];
/// assert_eq!(spectrum.map(|sample| (sample.re, sample.im)), samples);
/// ```
pub fn inverse(length: usize) -> Arc<dyn Fft<f32>> {
    FftPlanner::new().plan_fft_inverse(length)
}

/// Plans a transform that gives the bins 0 to `length / 2` of [`forward`] for a real signal.
///
/// # Example
///
/// ```
/// let transform = ser_fourier::real_forward(4);
/// let mut bins = transform.make_output_vec();
/// transform.process(&mut [0.0, 1.0, 0.0, 0.0], &mut bins)?;
/// let bins: Vec<_> = bins.iter().map(|bin| (bin.re, bin.im)).collect();
/// assert_eq!(bins, [(1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)]);
/// # Ok::<(), realfft::FftError>(())
/// ```
pub fn real_forward(length: usize) -> Arc<dyn RealToComplex<f32>> {
    RealFftPlanner::new().plan_fft_forward(length)
}

/// Plans [`forward`] in double precision, without vector code, for filters and noise, which are computed only once, and for tests.
///
/// # Example
///
/// ```
/// use rustfft::num_complex::Complex;
///
/// let transform = ser_fourier::precise_forward(4);
/// let mut signal = [0.0, 1.0, 0.0, 0.0].map(Complex::<f64>::from);
/// transform.process(&mut signal);
/// let bins = [(1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)];
/// assert_eq!(signal.map(|bin| (bin.re, bin.im)), bins);
/// ```
pub fn precise_forward(length: usize) -> Arc<dyn Fft<f64>> {
    FftPlannerScalar::new().plan_fft_forward(length)
}

/// Plans [`inverse`] as [`precise_forward`] plans [`forward`].
///
/// # Example
///
/// ```
/// use rustfft::num_complex::Complex;
///
/// let transform = ser_fourier::precise_inverse(4);
/// let mut spectrum = [0.0, 1.0, 0.0, 0.0].map(Complex::<f64>::from);
/// transform.process(&mut spectrum);
/// let samples = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)];
/// assert_eq!(spectrum.map(|sample| (sample.re, sample.im)), samples);
/// ```
pub fn precise_inverse(length: usize) -> Arc<dyn Fft<f64>> {
    FftPlannerScalar::new().plan_fft_inverse(length)
}
