//! Derivatives along time.

use crate::error::{Error, Result};
use crate::features::Features;

/// Returns the weights of the frames around one frame. They give the derivative, at that frame, of the
/// polynomial that is fitted to the frames.
///
/// # Formula
/// Least squares over the positions `j = −h … h`, `h = (width − 1) / 2`. The slope of the line
/// is `Σ j·x[j] / S₂`; the second derivative of the parabola is
/// `2·Σ (width·j² − S₂)·x[j] / (width·S₄ − S₂²)`, with `S₂ = Σ j²` and `S₄ = Σ j⁴`.
fn weights(width: usize, order: u8) -> Vec<f32> {
    let half = (width / 2) as f64;
    let positions = || (0..width).map(|j| j as f64 - half);
    let s2: f64 = positions().map(|j| j.powi(2)).sum();
    let s4: f64 = positions().map(|j| j.powi(4)).sum();
    let n = width as f64;
    positions()
        .map(|j| match order {
            1 => j / s2,
            _ => 2.0 * (n * j * j - s2) / (n * s4 - s2 * s2),
        })
        .map(|weight| weight as f32)
        .collect()
}

/// A planned derivative of order 1 or 2.
#[derive(Debug, Clone)]
pub(crate) struct Delta {
    weights: Vec<f32>,
}

impl Delta {
    pub(crate) fn new(width: usize, order: u8) -> Self {
        Self {
            weights: weights(width, order),
        }
    }

    /// Computes the derivative at frame `index` of the first values of rows that lie `stride` apart.
    ///
    /// The first and last `h` frames use the polynomial that is fitted to the outermost `width` frames.
    /// Its degree is the order of the derivative, so the derivative is the same at all of its points.
    pub(crate) fn row(&self, rows: &[f32], stride: usize, index: usize, out: &mut [f32]) {
        let last_start = rows.len() / stride - self.weights.len();
        let start = index.saturating_sub(self.weights.len() / 2).min(last_start);
        out.fill(0.0);
        for (row, &weight) in rows.chunks(stride).skip(start).zip(&self.weights) {
            for (sum, &value) in out.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
    }
}

/// Checks that there are as many frames as a derivative along time is wide.
pub(crate) fn check_frames(width: usize, frames: usize) -> Result<()> {
    if frames < width {
        return Err(Error::TooShort {
            what: "derivatives along time (`delta_width`)",
            unit: "frames",
            expected: width,
            actual: frames,
        });
    }
    Ok(())
}

/// Computes the derivative of every coefficient along time with a Savitzky–Golay filter.
///
/// # Shape
/// `[frames, coefficients]` → the same. Per frame (`order` 1) or per frame² (`order` 2).
///
/// # Formula
/// The value at a frame is the derivative of the polynomial of degree `order` that best fits the
/// `width` frames around it. The first and last frames use the polynomial of the outermost `width`
/// frames (librosa's mode `interp`).
///
/// # Errors
/// [`Error::Config`] if `width` is not an odd number from 3, or if `order` is not 1 or 2;
/// [`Error::TooShort`] if there are fewer than `width` frames.
pub fn delta(features: &Features, width: usize, order: u8) -> Result<Features> {
    if width < 3 || width.is_multiple_of(2) {
        return Err(Error::Config {
            key: "delta_width",
            expected: "an odd number from 3".to_owned(),
            actual: width.to_string(),
        });
    }
    if !(1..=2).contains(&order) {
        return Err(Error::Config {
            key: "deltas",
            expected: "1 or 2".to_owned(),
            actual: order.to_string(),
        });
    }
    check_frames(width, features.frames())?;
    let stride = features.coefficients();
    let plan = Delta::new(width, order);
    let mut result = Features::default();
    let out = result.reshape(features.frames(), stride);
    for (index, out) in out.chunks_mut(stride.max(1)).enumerate() {
        plan.row(features.as_slice(), stride, index, out);
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: impl Iterator<Item = f32>) -> Features {
        let values: Vec<f32> = values.collect();
        let frames = values.len();
        Features::from_parts(values, frames, 1).unwrap()
    }

    #[test]
    fn a_ramp_has_its_slope_everywhere_and_no_curvature() {
        let ramp = column((0..20).map(|t| 3.0 * t as f32 - 7.0));
        for slope in delta(&ramp, 9, 1).unwrap().as_slice() {
            assert!((slope - 3.0).abs() < 1e-5);
        }
        for curvature in delta(&ramp, 9, 2).unwrap().as_slice() {
            assert!(curvature.abs() < 1e-5);
        }
    }

    #[test]
    fn a_parabola_has_its_curvature_everywhere() {
        let parabola = column((0..20).map(|t| 0.5 * (t * t) as f32));
        for curvature in delta(&parabola, 5, 2).unwrap().as_slice() {
            assert!((curvature - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn fewer_frames_than_the_width_are_refused() {
        let short = column((0..8).map(|t| t as f32));
        assert!(matches!(
            delta(&short, 9, 1),
            Err(Error::TooShort {
                expected: 9,
                actual: 8,
                ..
            })
        ));
        assert!(delta(&short, 8, 1).is_err());
        assert!(delta(&short, 7, 3).is_err());
    }
}
