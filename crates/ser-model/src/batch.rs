//! From features of any length to batches of one shape.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use ser_features::Features;
use ser_recipe::{Augmentation, Input};
use tch::Tensor;

use crate::error::{Error, Result};
use crate::standardiser::Standardiser;

/// Standardised values beyond this many deviations are limited to it: a recording unlike any of the
/// training part must not drown all else in one value.
const LIMIT: f32 = 5.0;

/// What the recipe asks for before standardisation: neighbouring frames averaged (a rest that does
/// not fill a group is dropped, unless it is all there is), the level taken out.
pub(crate) fn prepare(input: &Input, clip: &Features) -> Result<Features> {
    let (coefficients, group) = (clip.coefficients(), input.average.max(1));
    let mut data = clip.as_slice().to_vec();
    let mut frames = clip.frames();
    if group > 1 && frames > 0 {
        frames = (frames / group).max(1);
        let rows = clip.as_slice().chunks(group * coefficients).take(frames);
        data = rows
            .flat_map(|rows| {
                let n = rows.len() / coefficients;
                (0..coefficients)
                    .map(move |c| rows[c..].iter().step_by(coefficients).sum::<f32>() / n as f32)
            })
            .collect();
    }
    if input.relative_level {
        take_level(&mut data);
    }
    Ok(Features::from_parts(data, frames, coefficients)?)
}

/// Takes the mean of all values from each.
pub(crate) fn take_level(data: &mut [f32]) {
    let sum: f64 = data.iter().map(|&x| f64::from(x)).sum();
    let mean = (sum / data.len().max(1) as f64) as f32;
    data.iter_mut().for_each(|x| *x -= mean);
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

/// A part of a clip on its way into a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    /// The prepared clip.
    pub(crate) clip: &'a Features,
    /// First frame, counted after stretching.
    pub(crate) start: usize,
    /// Frames of the clip after stretching.
    pub(crate) frames: usize,
}

impl<'a> Window<'a> {
    /// A window of the clip as it is.
    pub(crate) fn plain(clip: &'a Features, start: usize) -> Self {
        Self {
            clip,
            start,
            frames: clip.frames(),
        }
    }
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

    /// A training batch of prepared clips: stretched, cropped and masked at random. Features
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
                let mut window = Window::plain(clip, 0);
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

    /// A batch of given windows. Features `[B, T, C]` and lengths `[B]`.
    pub(crate) fn windows(&mut self, windows: &[Window]) -> Result<(Tensor, Tensor)> {
        self.fill(windows)?;
        self.tensors()
    }

    fn fill(&mut self, windows: &[Window]) -> Result<()> {
        let coefficients = self.standardiser.mean.len();
        let clip_len = self.input.frames * coefficients;
        self.data.clear();
        self.data.resize(windows.len() * clip_len, 0.0);
        self.lengths.clear();
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
            // Frame `t` of the stretched clip lies at `t · step` of the clip itself.
            let step = (clip.frames() as f64 - 1.0) / (frames as f64 - 1.0).max(1.0);
            let rows = out.chunks_exact_mut(coefficients.max(1)).take(taken);
            for (row, t) in rows.zip(start..) {
                if frames == clip.frames() {
                    self.standardiser.apply(clip.row(t), row);
                } else {
                    let place = t as f64 * step;
                    let before = (place as usize).min(clip.frames() - 1);
                    let after = (before + 1).min(clip.frames() - 1);
                    let share = (place - before as f64) as f32;
                    let between = |(a, b): (&f32, &f32)| a + (b - a) * share;
                    let pairs = clip.row(before).iter().zip(clip.row(after));
                    row.iter_mut()
                        .zip(pairs.map(between))
                        .for_each(|(z, x)| *z = x);
                    self.standardiser.apply_in_place(row);
                }
                row.iter_mut().for_each(|z| *z = z.clamp(-LIMIT, LIMIT));
            }
        }
        Ok(())
    }

    /// Zero is the training mean, so a masked stretch carries no information.
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

pub(crate) fn check_coefficients(features: &Features, expected: usize) -> Result<()> {
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
            average: 1,
            relative_level: false,
        }
    }

    fn ramp(frames: usize) -> Features {
        let data = (0..frames * 2).map(|i| i as f32).collect();
        Features::from_parts(data, frames, 2).unwrap()
    }

    #[test]
    fn short_clips_are_padded_with_the_training_mean() {
        let (clip, input) = (ramp(3), input(5));
        let s = Standardiser::fit([&clip].into_iter()).unwrap();
        let window = Window::plain(&clip, 0);
        let (x, lengths) = Batcher::new(&input, &s).windows(&[window]).unwrap();
        assert_eq!(x.size(), [1, 5, 2]);
        assert_eq!(Vec::<i64>::try_from(lengths).unwrap(), [3]);
        let x = Vec::<f32>::try_from(x.flatten(0, 2)).unwrap();
        assert_eq!(x[6..], [0.0; 4]);
        assert!(x[..6].iter().any(|&z| z != 0.0));
    }

    #[test]
    fn frames_are_averaged_and_the_level_taken_out() {
        let mut input = input(5);
        input.average = 2;
        let averaged = prepare(&input, &ramp(5)).unwrap();
        // Rows 0 1 | 2 3 and 4 5 | 6 7; the fifth row fills no group.
        assert_eq!(averaged.as_slice(), [1.0, 2.0, 5.0, 6.0]);
        assert_eq!(prepare(&input, &ramp(1)).unwrap().as_slice(), [0.0, 1.0]);
        input.relative_level = true;
        let relative = prepare(&input, &ramp(5)).unwrap();
        assert_eq!(relative.as_slice(), [-2.5, -1.5, 1.5, 2.5]);
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
        let (clip, input) = (ramp(40), input(40));
        let s = Standardiser::fit([&clip].into_iter()).unwrap();
        let augmentation = Augmentation {
            masks: 1,
            time_mask: 10,
            ..Augmentation::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut most = 0;
        for _ in 0..50 {
            let mut batcher = Batcher::new(&input, &s);
            let (x, _) = batcher.random(&[&clip], &augmentation, &mut rng).unwrap();
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
