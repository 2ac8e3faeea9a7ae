//! From features of any length to batches of one shape.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use ser_features::Features;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::{Error, Result};
use crate::recipe::Input;

/// One clip with its class.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// Features `[frames, coefficients]`, not yet standardised.
    pub features: &'a Features,
    /// Number of the class.
    pub target: usize,
}

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
    pub fn fit<'a>(clips: impl Iterator<Item = &'a Features> + Clone) -> Result<Self> {
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
}

/// Consecutive windows of `length` frames that cover a clip of `frames`, evenly spread: their
/// first frames. A clip that is not longer than a window gets one.
pub(crate) fn window_starts(frames: usize, length: usize) -> Vec<usize> {
    let count = frames.div_ceil(length).max(1);
    let last = frames.saturating_sub(length);
    (0..count)
        .map(|i| {
            if count == 1 {
                0
            } else {
                i * last / (count - 1)
            }
        })
        .collect()
}

/// Builds batches; keeps its buffer from one to the next.
#[derive(Debug)]
pub(crate) struct Batcher<'a> {
    input: &'a Input,
    standardiser: &'a Standardiser,
    data: Vec<f32>,
    lengths: Vec<i64>,
}

impl<'a> Batcher<'a> {
    pub(crate) fn new(input: &'a Input, standardiser: &'a Standardiser) -> Self {
        Self {
            input,
            standardiser,
            data: Vec::new(),
            lengths: Vec::new(),
        }
    }

    /// A training batch: random crops, random masks. Features `[B, T, C]` and lengths `[B]`.
    pub(crate) fn random(
        &mut self,
        clips: &[&Features],
        rng: &mut ChaCha8Rng,
    ) -> Result<(Tensor, Tensor)> {
        let crops: Vec<_> = clips
            .iter()
            .map(|clip| {
                let spare = clip.frames().saturating_sub(self.input.frames);
                (*clip, rng.random_range(0..=spare))
            })
            .collect();
        self.fill(&crops)?;
        self.mask(rng);
        self.tensors()
    }

    /// A batch of windows given by clip and first frame.
    pub(crate) fn windows(&mut self, windows: &[(&Features, usize)]) -> Result<(Tensor, Tensor)> {
        self.fill(windows)?;
        self.tensors()
    }

    fn fill(&mut self, windows: &[(&Features, usize)]) -> Result<()> {
        let coefficients = self.standardiser.mean.len();
        let clip_len = self.input.frames * coefficients;
        self.data.clear();
        self.data.resize(windows.len() * clip_len, 0.0);
        self.lengths.clear();
        for ((features, start), out) in windows.iter().zip(self.data.chunks_exact_mut(clip_len)) {
            check_coefficients(features, coefficients)?;
            let frames = features
                .frames()
                .saturating_sub(*start)
                .min(self.input.frames);
            self.lengths.push(frames as i64);
            let rows = &features.as_slice()[start * coefficients..];
            let rows = rows.chunks_exact(coefficients).take(frames);
            for (row, out) in rows.zip(out.chunks_exact_mut(coefficients)) {
                let Standardiser { mean, deviation } = self.standardiser;
                for (((z, x), mean), deviation) in out.iter_mut().zip(row).zip(mean).zip(deviation)
                {
                    *z = (x - mean) / deviation;
                }
            }
        }
        Ok(())
    }

    /// Zero is the training mean, so a masked stretch carries no information.
    fn mask(&mut self, rng: &mut ChaCha8Rng) {
        let (frames, coefficients) = (self.input.frames, self.standardiser.mean.len());
        for clip in self.data.chunks_exact_mut(frames * coefficients) {
            for _ in 0..self.input.masks {
                let width = rng.random_range(0..=self.input.time_mask);
                let start = rng.random_range(0..=frames - width);
                clip[start * coefficients..(start + width) * coefficients].fill(0.0);
                let width = rng.random_range(0..=self.input.coefficient_mask);
                let start = rng.random_range(0..=coefficients - width);
                for row in clip.chunks_exact_mut(coefficients) {
                    row[start..start + width].fill(0.0);
                }
            }
        }
    }

    fn tensors(&self) -> Result<(Tensor, Tensor)> {
        let shape = [
            self.lengths.len() as i64,
            self.input.frames as i64,
            self.standardiser.mean.len() as i64,
        ];
        let features = Tensor::f_from_slice(&self.data)?.f_reshape(shape)?;
        Ok((features, Tensor::f_from_slice(&self.lengths)?))
    }
}

fn check_coefficients(features: &Features, expected: usize) -> Result<()> {
    if features.coefficients() == expected {
        return Ok(());
    }
    Err(Error::Shape {
        what: "coefficients of a frame",
        expected: expected.to_string(),
        actual: features.coefficients().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn input(frames: usize) -> Input {
        Input {
            frames,
            masks: 0,
            time_mask: 0,
            coefficient_mask: 0,
        }
    }

    fn ramp(frames: usize) -> Features {
        let data = (0..frames * 2).map(|i| i as f32).collect();
        Features::from_parts(data, frames, 2).unwrap()
    }

    #[test]
    fn standardised_training_frames_have_mean_0_and_deviation_1() {
        let clips = [ramp(7), ramp(30)];
        let s = Standardiser::fit(clips.iter()).unwrap();
        let z: Vec<f32> = clips
            .iter()
            .flat_map(|c| {
                c.as_slice()
                    .chunks(2)
                    .map(|r| (r[1] - s.mean[1]) / s.deviation[1])
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

    #[test]
    fn short_clips_are_padded_with_the_training_mean() {
        let (clip, input) = (ramp(3), input(5));
        let s = Standardiser::fit([&clip].into_iter()).unwrap();
        let (x, lengths) = Batcher::new(&input, &s).windows(&[(&clip, 0)]).unwrap();
        assert_eq!(x.size(), [1, 5, 2]);
        assert_eq!(Vec::<i64>::try_from(lengths).unwrap(), [3]);
        let x = Vec::<f32>::try_from(x.flatten(0, 2)).unwrap();
        assert_eq!(x[6..], [0.0; 4]);
        assert!(x[..6].iter().any(|&z| z != 0.0));
    }

    #[test]
    fn masks_blank_a_part_and_only_a_part() {
        let clip = ramp(40);
        let s = Standardiser::fit([&clip].into_iter()).unwrap();
        let input = Input {
            frames: 40,
            masks: 1,
            time_mask: 10,
            coefficient_mask: 0,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut most = 0;
        for _ in 0..50 {
            let (x, _) = Batcher::new(&input, &s).random(&[&clip], &mut rng).unwrap();
            let x = Vec::<f32>::try_from(x.flatten(0, 2)).unwrap();
            let blank = x.chunks(2).filter(|row| *row == [0.0, 0.0]).count();
            assert!(blank <= 10);
            most = most.max(blank);
        }
        assert!(most > 5, "masks as wide as asked for appear: {most}");
    }

    #[test]
    fn features_of_another_width_are_refused() {
        let (narrow, wide) = (ramp(5), Features::from_parts(vec![0.0; 15], 5, 3).unwrap());
        assert!(matches!(
            Standardiser::fit([&narrow, &wide].into_iter()),
            Err(Error::Shape { .. })
        ));
    }

    proptest! {
        #[test]
        fn windows_cover_every_frame_and_stay_inside(frames in 1_usize..2000, length in 1_usize..300) {
            let starts = window_starts(frames, length);
            let mut covered = 0;
            for &start in &starts {
                prop_assert!(start <= covered, "a gap before {start}");
                covered = start + length;
                prop_assert!(starts.len() == 1 || covered <= frames);
            }
            prop_assert!(covered >= frames);
        }
    }
}
