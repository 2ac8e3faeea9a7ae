//! The distribution of the training clips, and the distance of a clip from them.

use ser_features::Features;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::input::{Input, Moments, Standardiser};
use crate::weights::{Sink, Source};

/// The description of a density, without its arrays, as the model file stores it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DensityInfo {
    /// Number of the network, counted from 0, from whose input the statistics are computed.
    pub network: usize,
    /// `K`: number of components.
    pub components: usize,
    /// Variance in every direction orthogonal to the components.
    pub rest: f32,
    /// Distance beyond which a clip is out of distribution.
    pub limit: f32,
}

/// A Gaussian of the [statistics](clip_statistics) of the training clips, fitted by probabilistic principal component
/// analysis (Tipping & Bishop 1999): it has a variance for each of a few components, and one for all other directions.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    /// Its description.
    pub info: DensityInfo,
    /// `[S]`: mean of each statistic.
    pub mean: Vec<f32>,
    /// `[K, S]`: the components, which have length 1 and are orthogonal to each other.
    pub components: Vec<f32>,
    /// `[K]`: variance along each component.
    pub variances: Vec<f32>,
}

/// Computes the statistics that describe a clip as a whole.
///
/// They are the means of the standardised coefficients over the frames. If a window has several frames, the standard
/// deviations of the coefficients, and those of their change from one frame to the next, are added.
///
/// # Shape
/// `[frames, C] → [S]`, where `S` is `C`, or `3 C` for windows of several frames
#[must_use]
pub fn clip_statistics(
    input: &Input,
    standardiser: &Standardiser,
    prepared: &Features,
) -> Vec<f32> {
    let width = standardiser.mean.len();
    let mut frame = vec![0.0; width];
    let mut last = vec![0.0; width];
    let (mut level, mut change) = (Moments::new(width), Moments::new(width));
    for t in 0..prepared.frames() {
        standardiser.apply(prepared.row(t), &mut frame);
        level.add(frame.iter().copied());
        if t > 0 {
            change.add(frame.iter().zip(&last).map(|(x, last)| x - last));
        }
        last.copy_from_slice(&frame);
    }
    let deviations = |moments: &Moments| moments.variances().map(f64::sqrt).collect::<Vec<_>>();
    let mut statistics: Vec<f64> = level.means().collect();
    if input.frames > 1 {
        statistics.extend(deviations(&level));
        statistics.extend(deviations(&change));
    }
    statistics.into_iter().map(|x| x as f32).collect()
}

/// Share of the clips whose distances lie within the limit of a density.
const WITHIN: f64 = 0.975;

/// Returns the limit for a density: the distance that 97.5 % of some clips do not exceed; `None` without clips.
#[must_use]
pub fn distance_limit(mut distances: Vec<f32>) -> Option<f32> {
    distances.sort_unstable_by(f32::total_cmp);
    let within = (distances.len() as f64 * WITHIN) as usize;
    distances.get(within).copied()
}

/// Returns `S`, the number of values that [`clip_statistics`] returns.
pub(crate) fn statistics_count(input: &Input, standardiser: &Standardiser) -> usize {
    let coefficients = standardiser.mean.len();
    match input.frames {
        1 => coefficients,
        _ => 3 * coefficients,
    }
}

impl Density {
    /// Returns the distance of a clip from the mean, which is about 1 for a training clip.
    ///
    /// With the statistics minus their means `x`, the components `cᵢ` and their variances `vᵢ`, it is
    /// `√((Σ (cᵢ·x)² / vᵢ + (‖x‖² − Σ (cᵢ·x)²) / rest) / S)`.
    #[must_use]
    pub fn distance(&self, statistics: &[f32]) -> f32 {
        let x = statistics.iter().zip(&self.mean);
        let x: Vec<f64> = x.map(|(x, mean)| f64::from(x - mean)).collect();
        let mut left: f64 = x.iter().map(|x| x * x).sum();
        let mut sum = 0.0;
        let size = self.mean.len().max(1);
        for (component, variance) in self.components.chunks_exact(size).zip(&self.variances) {
            let terms = component.iter().zip(&x).map(|(c, x)| f64::from(*c) * x);
            let square = terms.sum::<f64>().powi(2);
            sum += square / f64::from(*variance);
            left -= square;
        }
        sum += left.max(0.0) / f64::from(self.info.rest);
        (sum / size as f64).sqrt() as f32
    }

    pub(crate) fn store(&self, mut sink: Sink) {
        let (size, components) = (self.mean.len(), self.variances.len());
        sink.put("mean", &[size], self.mean.clone());
        sink.put("components", &[components, size], self.components.clone());
        sink.put("variances", &[components], self.variances.clone());
    }

    /// Takes the arrays of a density of `size` statistics, under the names by which [`Density::store`] writes them.
    pub(crate) fn take(info: DensityInfo, size: usize, mut source: Source) -> Result<Self> {
        let mean = source.take("mean", &[size])?;
        let components = source.take("components", &[info.components, size])?;
        let variances = source.take("variances", &[info.components])?;
        if let Some(variance) = variances.iter().find(|&&variance| variance <= 0.0) {
            return Err(Error::Weights {
                tensor: format!("{}variances", source.prefix),
                expected: "values above 0".to_owned(),
                actual: variance.to_string(),
            });
        }
        Ok(Self {
            info,
            mean,
            components,
            variances,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(frames: usize, rows: &[[f32; 2]]) -> Vec<f32> {
        let input = Input {
            frames,
            average: 1,
            relative_level: false,
        };
        let standardiser = Standardiser {
            mean: vec![1.0, 0.0],
            deviation: vec![2.0, 1.0],
        };
        let clip = Features::from_parts(rows.concat(), rows.len(), 2).unwrap();
        let found = clip_statistics(&input, &standardiser, &clip);
        assert_eq!(found.len(), statistics_count(&input, &standardiser));
        found
    }

    #[test]
    fn a_clip_is_described_by_its_mean_its_deviation_and_its_change() {
        // The standardised rows are 0 1 | 2 1 | 1 1, and the changes 2 0 | -1 0.
        let rows = [[1.0, 1.0], [5.0, 1.0], [3.0, 1.0]];
        let expected = [1.0, 1.0, (2.0_f32 / 3.0).sqrt(), 0.0, 1.5, 0.0];
        for (found, expected) in statistics(9, &rows).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert_eq!(statistics(1, &rows[1..2]), [2.0, 1.0]);
    }

    #[test]
    fn a_frame_alone_has_no_change_and_an_outlier_counts_as_the_limit() {
        let limit = Standardiser::LIMIT;
        assert_eq!(
            statistics(9, &[[1e9, -1e9]]),
            [limit, -limit, 0.0, 0.0, 0.0, 0.0]
        );
    }

    #[test]
    fn a_distance_is_measured_in_the_variance_of_its_direction() {
        let density = Density {
            info: DensityInfo {
                network: 0,
                components: 1,
                rest: 0.25,
                limit: 1.0,
            },
            mean: vec![1.0, 1.0],
            components: vec![0.6, 0.8],
            variances: vec![4.0],
        };
        let at = |x: f32, y: f32| density.distance(&[1.0 + x, 1.0 + y]);
        assert_eq!(at(0.0, 0.0), 0.0);
        // Two deviations along the component; there are two statistics.
        assert!((at(2.4, 3.2) - 2.0_f32.sqrt()).abs() < 1e-6);
        // Two deviations orthogonal to the component.
        assert!((at(-0.8, 0.6) - 2.0_f32.sqrt()).abs() < 1e-6);
    }
}
