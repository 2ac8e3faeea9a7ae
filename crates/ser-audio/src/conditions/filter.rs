//! Filters by Fourier transform, in double precision so that the quietest samples of a clip survive.

use rustfft::num_complex::Complex;
use ser_fourier::{precise_forward, precise_inverse};

/// Filters a signal with the given impulse response.
///
/// # Shape
///
/// `signal`: `[n]`, `response`: `[m]`, the result: `[n + m − 1]`.
///
/// # Formula
///
/// `y[k] = Σ_j response[j] · signal[k − j]`.
pub(crate) fn convolve(signal: &[f32], response: &[f64]) -> Vec<f64> {
    let length = (signal.len() + response.len()).saturating_sub(1);
    let size = length.next_power_of_two();
    let forward = precise_forward(size);
    let transformed = |values: &mut dyn Iterator<Item = f64>| {
        let mut spectrum: Vec<Complex<f64>> = values.map(Complex::from).collect();
        spectrum.resize(size, Complex::ZERO);
        forward.process(&mut spectrum);
        spectrum
    };
    let mut product = transformed(&mut signal.iter().map(|&x| f64::from(x)));
    let filter = transformed(&mut response.iter().copied());
    for (bin, gain) in product.iter_mut().zip(filter) {
        *bin *= gain;
    }
    precise_inverse(size).process(&mut product);
    // The inverse transform of rustfft does not divide by the length.
    let scale = 1.0 / size as f64;
    product[..length].iter().map(|z| z.re * scale).collect()
}

/// Multiplies each frequency of a signal by `gain(Hz)`, as a circular filter.
///
/// The result has the scale of rustfft's inverse, which does not divide by the length. This suits noise, whose
/// level is set afterwards.
pub(crate) fn colour(signal: &[f64], rate: u32, gain: impl Fn(f64) -> f64) -> Vec<f64> {
    let size = signal.len();
    let mut spectrum: Vec<Complex<f64>> = signal.iter().copied().map(Complex::from).collect();
    precise_forward(size).process(&mut spectrum);
    for (k, bin) in spectrum.iter_mut().enumerate() {
        // The upper half holds the negative frequencies in reverse order.
        *bin *= gain(k.min(size - k) as f64 * f64::from(rate) / size as f64);
    }
    precise_inverse(size).process(&mut spectrum);
    spectrum.iter().map(|z| z.re).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolution_is_the_sum_over_products() {
        let result = convolve(&[1.0, 2.0, 3.0], &[10.0, -1.0]);
        for (actual, expected) in result.iter().zip([10.0, 19.0, 28.0, -3.0]) {
            assert!((actual - expected).abs() < 1e-12, "{result:?}");
        }
        assert_eq!(result.len(), 4);
        assert_eq!(convolve(&[], &[1.0, 1.0]), [0.0]);
        assert!(convolve(&[], &[]).is_empty());
    }
}
