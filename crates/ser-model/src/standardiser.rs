//! Statistics of the training part that features are standardised by.

use ser_features::Features;
use serde::{Deserialize, Serialize};

use crate::batch::check_coefficients;
use crate::error::{Error, Result};

/// Mean and deviation of every coefficient over all frames of the training part:
/// `z = (x − mean) / deviation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standardiser {
    /// Mean of each coefficient.
    pub mean: Vec<f32>,
    /// Population standard deviation of each coefficient; 1 where a coefficient is constant.
    pub deviation: Vec<f32>,
}

impl Standardiser {
    /// Measures the training part.
    ///
    /// # Errors
    /// [`Error::Data`] without a frame, [`Error::Shape`] where clips disagree on coefficients.
    pub(crate) fn fit<'a>(clips: impl Iterator<Item = &'a Features> + Clone) -> Result<Self> {
        let coefficients = clips.clone().next().map_or(0, Features::coefficients);
        let (mut frames, mut sum, mut square) = (
            0_usize,
            vec![0.0_f64; coefficients],
            vec![0.0_f64; coefficients],
        );
        for clip in clips {
            check_coefficients(clip, coefficients)?;
            frames += clip.frames();
            for row in clip.as_slice().chunks_exact(coefficients.max(1)) {
                for (c, &x) in row.iter().enumerate() {
                    sum[c] += f64::from(x);
                    square[c] += f64::from(x) * f64::from(x);
                }
            }
        }
        if frames == 0 || coefficients == 0 {
            return Err(Error::Data(
                "the training part has no frame of features".to_owned(),
            ));
        }
        let n = frames as f64;
        let mean: Vec<f64> = sum.iter().map(|s| s / n).collect();
        let deviation = square.iter().zip(&mean).map(|(q, m)| {
            let variance = (q / n - m * m).max(0.0);
            // Rounding leaves a constant coefficient a variance of about ε·m².
            if variance <= 1e-12 * (1.0 + m * m) {
                1.0
            } else {
                variance.sqrt() as f32
            }
        });
        Ok(Self {
            deviation: deviation.collect(),
            mean: mean.iter().map(|&m| m as f32).collect(),
        })
    }

    /// How far a clip lies from the average of training: root mean square of its standardised values,
    /// about 1 for a clip of training.
    pub(crate) fn distance(&self, clip: &Features) -> f32 {
        let mut z = vec![0.0; self.mean.len()];
        let mut sum = 0.0_f64;
        for frame in clip.as_slice().chunks_exact(self.mean.len().max(1)) {
            self.apply(frame, &mut z);
            sum += z.iter().map(|z| f64::from(z * z)).sum::<f64>();
        }
        (sum / clip.as_slice().len().max(1) as f64).sqrt() as f32
    }

    /// Standardises one frame.
    pub(crate) fn apply(&self, frame: &[f32], out: &mut [f32]) {
        let statistics = self.mean.iter().zip(&self.deviation);
        for ((z, x), (mean, deviation)) in out.iter_mut().zip(frame).zip(statistics) {
            *z = (x - mean) / deviation;
        }
    }

    /// Standardises one frame where it lies.
    pub(crate) fn apply_in_place(&self, frame: &mut [f32]) {
        let statistics = self.mean.iter().zip(&self.deviation);
        for (x, (mean, deviation)) in frame.iter_mut().zip(statistics) {
            *x = (*x - mean) / deviation;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(frames: usize) -> Features {
        let data = (0..frames * 2).map(|i| i as f32).collect();
        Features::from_parts(data, frames, 2).unwrap()
    }

    #[test]
    fn standardised_training_frames_have_mean_0_and_deviation_1() {
        let clips = [ramp(7), ramp(30)];
        let s = Standardiser::fit(clips.iter()).unwrap();
        let mut out = [0.0; 2];
        let z: Vec<f32> = clips
            .iter()
            .flat_map(|c| c.as_slice().chunks(2))
            .map(|row| {
                s.apply(row, &mut out);
                out[1]
            })
            .collect();
        let n = z.len() as f32;
        assert!((z.iter().sum::<f32>() / n).abs() < 1e-5);
        assert!((z.iter().map(|z| z * z).sum::<f32>() / n - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_constant_coefficient_stays_finite() {
        let clip = Features::from_parts(vec![0.1; 300], 300, 1).unwrap();
        let s = Standardiser::fit([&clip].into_iter()).unwrap();
        assert_eq!(s.deviation, [1.0]);
    }
}
