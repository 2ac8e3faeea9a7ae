//! Turns the features of a clip into the input of a network: prepared frames, then standardised windows.

use ser_features::Features;
use serde::{Deserialize, Serialize};

use crate::architecture::one;
use crate::error::{Error, Result};

/// Describes how frames become the windows of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Number of frames in a window. A longer clip is cut into windows that cover it, and its answer is the mean over
    /// them; a shorter clip is padded with the training mean and masked.
    pub frames: usize,
    /// Number of neighbouring frames that are averaged into one before any other step.
    #[serde(default = "one")]
    pub average: usize,
    /// Whether the mean of a clip over all frames and coefficients is subtracted from every value. For log-mel levels
    /// this mean is the level of the recording, which carries no information outside the corpus.
    #[serde(default)]
    pub relative_level: bool,
}

impl Input {
    /// Prepares the frames of a clip for standardisation: averages neighbouring frames and subtracts the level.
    ///
    /// Frames at the end that do not fill a group are dropped, unless the clip has no others.
    ///
    /// # Shape
    /// `[frames, coefficients] → [max(frames / average, 1), coefficients]`
    #[must_use]
    pub fn prepare(&self, clip: &Features) -> Features {
        let coefficients = clip.coefficients();
        let group = self.average.max(1);
        let mut data = clip.as_slice().to_vec();
        let mut frames = clip.frames();
        if group > 1 && frames > 0 {
            frames = (frames / group).max(1);
            let rows = clip.as_slice().chunks(group * coefficients).take(frames);
            data = rows
                .flat_map(|rows| {
                    let n = rows.len() / coefficients;
                    (0..coefficients).map(move |c| {
                        rows[c..].iter().step_by(coefficients).sum::<f32>() / n as f32
                    })
                })
                .collect();
        }
        if self.relative_level {
            subtract_level(&mut data);
        }
        // `from_parts` cannot fail here: the sizes agree by construction.
        Features::from_parts(data, frames, coefficients).unwrap_or_default()
    }

    /// Returns the first frame of each window of a clip with `frames` prepared frames. The windows cover the clip and
    /// are evenly spread. A clip that is not longer than a window has one.
    pub(crate) fn window_starts(&self, frames: usize) -> impl Iterator<Item = usize> + use<> {
        let count = frames.div_ceil(self.frames).max(1);
        let last = frames.saturating_sub(self.frames);
        (0..count).map(move |i| match count {
            1 => 0,
            _ => i * last / (count - 1),
        })
    }
}

/// Subtracts the mean of all values from each value.
pub fn subtract_level(data: &mut [f32]) {
    let sum: f64 = data.iter().map(|&x| f64::from(x)).sum();
    let mean = (sum / data.len().max(1) as f64) as f32;
    data.iter_mut().for_each(|x| *x -= mean);
}

/// The sums of the values and of their squares over frames, for each coefficient.
pub(crate) struct Moments {
    count: usize,
    sum: Vec<f64>,
    square: Vec<f64>,
}

impl Moments {
    pub(crate) fn new(coefficients: usize) -> Self {
        Self {
            count: 0,
            sum: vec![0.0; coefficients],
            square: vec![0.0; coefficients],
        }
    }

    pub(crate) fn add(&mut self, frame: impl Iterator<Item = f32>) {
        self.count += 1;
        for (x, (sum, square)) in frame.zip(self.sum.iter_mut().zip(&mut self.square)) {
            *sum += f64::from(x);
            *square += f64::from(x) * f64::from(x);
        }
    }

    pub(crate) fn means(&self) -> impl Iterator<Item = f64> {
        let n = self.count.max(1) as f64;
        self.sum.iter().map(move |sum| sum / n)
    }

    pub(crate) fn variances(&self) -> impl Iterator<Item = f64> {
        let n = self.count.max(1) as f64;
        let squares = self.square.iter().zip(self.means());
        squares.map(move |(square, mean)| (square / n - mean * mean).max(0.0))
    }
}

/// Mean and standard deviation of every coefficient over all frames of the training part, which standardise a value:
/// `z = (x − mean) / deviation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standardiser {
    /// Mean of each coefficient.
    pub mean: Vec<f32>,
    /// Population standard deviation of each coefficient; 1 for a constant coefficient.
    pub deviation: Vec<f32>,
}

impl Standardiser {
    /// Largest magnitude of a standardised value, in deviations. Larger values are clipped to it, so that in a
    /// recording unlike the training part a single value does not outweigh all others.
    pub const LIMIT: f32 = 5.0;

    /// Computes the statistics of the clips of the training part.
    ///
    /// # Errors
    /// [`Error::NoFrames`] if the clips have no frame; [`Error::Shape`] if their numbers of coefficients differ.
    pub fn fit<'a>(clips: impl Iterator<Item = &'a Features> + Clone) -> Result<Self> {
        let coefficients = clips.clone().next().map_or(0, Features::coefficients);
        let mut moments = Moments::new(coefficients);
        for clip in clips {
            check_coefficients(clip, coefficients)?;
            for row in clip.as_slice().chunks_exact(coefficients.max(1)) {
                moments.add(row.iter().copied());
            }
        }
        if moments.count == 0 || coefficients == 0 {
            return Err(Error::NoFrames);
        }
        let mean: Vec<f64> = moments.means().collect();
        let deviation = moments.variances().zip(&mean).map(|(variance, m)| {
            // Because of rounding, a constant coefficient has a variance of about ε·m² instead of 0.
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

    /// Standardises one frame and clips its values to ±[`Standardiser::LIMIT`]: `[C] → [C]`.
    pub fn apply(&self, frame: &[f32], out: &mut [f32]) {
        let statistics = self.mean.iter().zip(&self.deviation);
        for (out, (x, (mean, deviation))) in out.iter_mut().zip(frame.iter().zip(statistics)) {
            *out = ((x - mean) / deviation).clamp(-Self::LIMIT, Self::LIMIT);
        }
    }

    /// Writes the standardised window of a prepared clip that begins at frame `start` to `out`, `[frames, C]`, and
    /// returns how many of its frames belong to the clip. The others are zeros, which stand for the training mean.
    pub(crate) fn window(
        &self,
        input: &Input,
        clip: &Features,
        start: usize,
        out: &mut Vec<f32>,
    ) -> usize {
        let coefficients = self.mean.len();
        out.clear();
        out.resize(input.frames * coefficients, 0.0);
        let taken = clip.frames().saturating_sub(start).min(input.frames);
        let rows = out.chunks_exact_mut(coefficients.max(1)).take(taken);
        for (row, t) in rows.zip(start..) {
            self.apply(clip.row(t), row);
        }
        taken
    }
}

/// Checks that the frames of `features` have `expected` coefficients.
///
/// # Errors
/// [`Error::Shape`] if they have another number of coefficients.
pub fn check_coefficients(features: &Features, expected: usize) -> Result<()> {
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
    use proptest::prelude::*;

    use super::*;

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
        let clip = ramp(3);
        let s = Standardiser::fit([&clip].into_iter()).unwrap();
        let mut x = Vec::new();
        assert_eq!(s.window(&input(5), &clip, 0, &mut x), 3);
        assert_eq!(x.len(), 10);
        assert_eq!(x[6..], [0.0; 4]);
        assert!(x[..6].iter().any(|&z| z != 0.0));
    }

    #[test]
    fn frames_are_averaged_and_the_level_taken_out() {
        let mut input = input(5);
        input.average = 2;
        // The groups are the rows 0 1 | 2 3 and 4 5 | 6 7. The fifth row does not fill a group.
        assert_eq!(input.prepare(&ramp(5)).as_slice(), [1.0, 2.0, 5.0, 6.0]);
        assert_eq!(input.prepare(&ramp(1)).as_slice(), [0.0, 1.0]);
        input.relative_level = true;
        let relative = input.prepare(&ramp(5));
        assert_eq!(relative.as_slice(), [-2.5, -1.5, 1.5, 2.5]);
    }

    #[test]
    fn standardised_training_frames_have_mean_0_and_deviation_1() {
        let clips = [ramp(7), ramp(30)];
        let s = Standardiser::fit(clips.iter()).unwrap();
        let mut out = [0.0; 2];
        let rows = clips.iter().flat_map(|c| c.as_slice().chunks(2));
        let z: Vec<f32> = rows
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
            let starts: Vec<usize> = input(length).window_starts(frames).collect();
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
