//! Analysis windows.

use std::f64::consts::PI;

use crate::config::Window;

/// Returns the periodic window of `length` samples. The weight of a single sample is 1.
///
/// # Formula
/// That of each [`Window`], with `N = length`: the symmetric window of `N + 1` samples without
/// the last one, so that shifted copies have a constant sum.
pub(crate) fn periodic(window: Window, length: usize) -> Vec<f64> {
    (0..length).map(|n| weight(window, n, length)).collect()
}

/// Returns the weight of sample `n` in [`periodic`].
pub(crate) fn weight(window: Window, n: usize, length: usize) -> f64 {
    if length == 1 {
        return 1.0;
    }
    let x = n as f64 / length as f64;
    match window {
        Window::Hann => 0.5 - 0.5 * (2.0 * PI * x).cos(),
        Window::Hamming => 0.54 - 0.46 * (2.0 * PI * x).cos(),
        Window::Blackman => 0.42 - 0.5 * (2.0 * PI * x).cos() + 0.08 * (4.0 * PI * x).cos(),
        Window::Bartlett => 1.0 - (2.0 * x - 1.0).abs(),
        Window::Rectangular => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_samples_of_each_window() {
        let close = |window, expected: [f64; 4]| {
            for (got, want) in periodic(window, 4).into_iter().zip(expected) {
                assert!(
                    (got - want).abs() < 1e-15,
                    "{window:?}: {got} is not {want}"
                );
            }
        };
        close(Window::Hann, [0.0, 0.5, 1.0, 0.5]);
        close(Window::Hamming, [0.08, 0.54, 1.0, 0.54]);
        close(Window::Blackman, [0.0, 0.34, 1.0, 0.34]);
        close(Window::Bartlett, [0.0, 0.5, 1.0, 0.5]);
        close(Window::Rectangular, [1.0; 4]);
    }

    #[test]
    fn hann_windows_half_a_length_apart_add_up_to_one() {
        let window = periodic(Window::Hann, 2048);
        for n in 0..1024 {
            assert!((window[n] + window[n + 1024] - 1.0).abs() < 1e-12);
        }
    }
}
