//! Turns features of any length into batches of one shape.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use ser_features::Features;
use ser_predict::{Input, Standardiser, check_coefficients};
use ser_recipe::Augmentation;
use tch::Tensor;

use crate::error::Result;

/// The part of a clip that goes into a batch.
#[derive(Debug, Clone, Copy)]
struct Window<'a> {
    /// The prepared clip.
    clip: &'a Features,
    /// First frame of the window, counted after stretching.
    start: usize,
    /// Number of frames of the whole clip after stretching.
    frames: usize,
}

/// Builds batches, and reuses its buffer from one batch to the next.
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

    /// Returns a training batch of prepared clips, stretched, cropped and masked at random: features
    /// `[B, T, C]` and lengths `[B]`.
    pub(crate) fn random(
        &mut self,
        clips: &[&Features],
        augmentation: &Augmentation,
        rng: &mut ChaCha8Rng,
    ) -> Result<(Tensor, Tensor)> {
        let stretch = augmentation.stretch;
        let windows: Vec<Window> = clips
            .iter()
            .map(|&clip| {
                let mut window = Window {
                    clip,
                    start: 0,
                    frames: clip.frames(),
                };
                if stretch > 0.0 {
                    let factor = rng.random_range(-stretch..=stretch).exp();
                    let frames = clip.frames() as f64 * factor;
                    window.frames = (frames.round() as usize).max(1);
                }
                let spare = window.frames.saturating_sub(self.input.frames);
                window.start = rng.random_range(0..=spare);
                window
            })
            .collect();
        self.fill(&windows)?;
        self.mask(augmentation, rng);
        self.tensors()
    }

    fn fill(&mut self, windows: &[Window]) -> Result<()> {
        let coefficients = self.standardiser.mean.len();
        let clip_len = self.input.frames * coefficients;
        self.data.clear();
        self.data.resize(windows.len() * clip_len, 0.0);
        self.lengths.clear();
        let mut stretched = Vec::with_capacity(coefficients);
        for (window, out) in windows
            .iter()
            .zip(self.data.chunks_exact_mut(clip_len.max(1)))
        {
            check_coefficients(window.clip, coefficients)?;
            let Window {
                clip,
                start,
                frames,
            } = *window;
            let taken = frames.saturating_sub(start).min(self.input.frames);
            self.lengths.push(taken as i64);
            // Frame `t` of the stretched clip lies at frame `t · step` of the original clip.
            let step = (clip.frames() as f64 - 1.0) / (frames as f64 - 1.0).max(1.0);
            let rows = out.chunks_exact_mut(coefficients.max(1)).take(taken);
            for (row, t) in rows.zip(start..) {
                if frames == clip.frames() {
                    self.standardiser.apply(clip.row(t), row);
                    continue;
                }
                let place = t as f64 * step;
                let before = (place as usize).min(clip.frames() - 1);
                let after = (before + 1).min(clip.frames() - 1);
                let share = (place - before as f64) as f32;
                let between = |(a, b): (&f32, &f32)| a + (b - a) * share;
                let pairs = clip.row(before).iter().zip(clip.row(after));
                stretched.clear();
                stretched.extend(pairs.map(between));
                self.standardiser.apply(&stretched, row);
            }
        }
        Ok(())
    }

    /// Sets random spans of frames and of coefficients to zero. Zero is the training mean, so a masked span carries no
    /// information.
    fn mask(&mut self, augmentation: &Augmentation, rng: &mut ChaCha8Rng) {
        let (frames, coefficients) = (self.input.frames, self.standardiser.mean.len());
        let Augmentation {
            masks,
            time_mask,
            coefficient_mask,
            ..
        } = *augmentation;
        for clip in self.data.chunks_exact_mut((frames * coefficients).max(1)) {
            for _ in 0..masks {
                let width = rng.random_range(0..=time_mask.min(frames));
                let start = rng.random_range(0..=frames - width);
                clip[start * coefficients..(start + width) * coefficients].fill(0.0);
                let width = rng.random_range(0..=coefficient_mask.min(coefficients));
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

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn input(frames: usize) -> Input {
        Input {
            frames,
            average: 1,
            relative_level: false,
        }
    }

    fn ramp(frames: usize) -> Features {
        let data = (0..frames * 2).map(|i| i as f32).collect();
        Features::from_parts(data, frames, 2).unwrap()
    }

    #[test]
    fn stretched_clips_keep_their_ends_and_change_their_length() {
        let (clip, input) = (ramp(40), input(100));
        let s = Standardiser {
            mean: vec![39.0; 2],
            deviation: vec![10.0; 2],
        };
        let augmentation = Augmentation {
            stretch: 0.3,
            ..Augmentation::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut seen = Vec::new();
        for _ in 0..50 {
            let mut batcher = Batcher::new(&input, &s);
            let (x, lengths) = batcher.random(&[&clip], &augmentation, &mut rng).unwrap();
            let n = Vec::<i64>::try_from(lengths).unwrap()[0] as usize;
            let x = Vec::<f32>::try_from(x.flatten(0, 2)).unwrap();
            assert!((x[0] + 3.9).abs() < 1e-5 && (x[2 * n - 2] - 3.9).abs() < 1e-5);
            assert!(x[..2 * n].windows(3).all(|w| w[2] > w[0]), "still a ramp");
            seen.push(n);
        }
        assert!(*seen.iter().min().unwrap() < 34 && *seen.iter().max().unwrap() > 48);
    }

    #[test]
    fn masks_blank_a_part_and_only_a_part() {
        const FRAMES: usize = 40;
        const COEFFICIENTS: usize = 8;
        // No value of the clip is the mean of its coefficient, so that only masks set values to zero.
        let data = (0..FRAMES * COEFFICIENTS).map(|i| i as f32).collect();
        let clip = Features::from_parts(data, FRAMES, COEFFICIENTS).unwrap();
        let (input, s) = (
            input(FRAMES),
            Standardiser::fit([&clip].into_iter()).unwrap(),
        );
        let augmentation = Augmentation {
            masks: 1,
            time_mask: 10,
            coefficient_mask: 3,
            ..Augmentation::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (mut most_frames, mut most_coefficients) = (0, 0);
        for _ in 0..50 {
            let mut batcher = Batcher::new(&input, &s);
            let (x, _) = batcher.random(&[&clip], &augmentation, &mut rng).unwrap();
            let x = Vec::<f32>::try_from(x.flatten(0, 2)).unwrap();
            let row = |t: usize| &x[t * COEFFICIENTS..(t + 1) * COEFFICIENTS];
            let is_blank_frame = |t: usize| row(t).iter().all(|&x| x == 0.0);
            let is_blank_coefficient = |c: usize| (0..FRAMES).all(|t| row(t)[c] == 0.0);
            for t in 0..FRAMES {
                for (c, &x) in row(t).iter().enumerate() {
                    let is_masked = is_blank_frame(t) || is_blank_coefficient(c);
                    assert_eq!(x == 0.0, is_masked, "frame {t}, coefficient {c}");
                }
            }
            let frames = (0..FRAMES).filter(|&t| is_blank_frame(t)).count();
            let coefficients = (0..COEFFICIENTS).filter(|&c| is_blank_coefficient(c));
            let coefficients = coefficients.count();
            assert!(frames <= 10 && coefficients <= 3);
            most_frames = most_frames.max(frames);
            most_coefficients = most_coefficients.max(coefficients);
        }
        // Masks as wide as asked for appear.
        assert!(most_frames > 5, "{most_frames}");
        assert_eq!(most_coefficients, 3);
    }
}
