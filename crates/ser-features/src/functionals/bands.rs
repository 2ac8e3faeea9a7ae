//! The shape of the spectrum of one frame, from its mel levels.

use std::ops::Range;

use crate::config::FeatureConfig;

/// The names of the values of [`Bands::shape`].
pub(super) const SHAPE: [&str; 7] = [
    "log_centroid",
    "log_bandwidth",
    "flatness",
    "low_to_mid",
    "mid_to_high",
    "hammarberg",
    "log_energy",
];

/// Position of the energy in [`SHAPE`].
pub(super) const ENERGY: usize = 6;

/// The positions of the mel bands in frequency.
#[derive(Debug)]
pub(super) struct Bands {
    /// Centre of each band in Hz, ascending.
    centres: Vec<f64>,
    below_1k: Range<usize>,
    below_2k: Range<usize>,
    from_1k_to_5k: Range<usize>,
    from_2k_to_5k: Range<usize>,
    from_5k: Range<usize>,
}

impl Bands {
    pub(super) fn new(config: &FeatureConfig) -> Self {
        let centres = config.mel_centres();
        let below = |hz: f64| centres.partition_point(|&centre| centre < hz);
        let (at_1k, at_2k, at_5k) = (below(1000.0), below(2000.0), below(5000.0));
        Self {
            below_1k: 0..at_1k,
            below_2k: 0..at_2k,
            from_1k_to_5k: at_1k..at_5k,
            from_2k_to_5k: at_2k..at_5k,
            from_5k: at_5k..centres.len(),
            centres,
        }
    }

    /// Returns whether there are bands as low as [`shape`](Self::shape) needs.
    pub(super) fn are_low_enough(&self) -> bool {
        !self.below_1k.is_empty()
    }

    /// Returns whether there are bands as high as [`shape`](Self::shape) needs.
    pub(super) fn are_high_enough(&self) -> bool {
        !self.from_2k_to_5k.is_empty() && !self.from_5k.is_empty()
    }

    /// Returns the [`SHAPE`] of a frame with the given levels, which are natural logarithms of power. `power`
    /// is a buffer.
    ///
    /// # Formula
    /// With `p = exp(x)` and the centres `f` of the bands, in order: `ln c` of `c = Σ p·f / Σ p`;
    /// `ln(1 + √(Σ p·(f − c)² / Σ p))`; `mean(x) − ln mean(p)`; the level of all power below 1 kHz minus
    /// that from 1 to 5 kHz; that from 1 to 5 kHz minus that above 5 kHz; the highest level below 2 kHz minus
    /// the highest from 2 to 5 kHz (Hammarberg et al. 1980); `ln Σ p`.
    pub(super) fn shape(&self, levels: &[f32], power: &mut Vec<f64>) -> [f32; 7] {
        power.clear();
        // Without `top_db`, levels span a wider range than `exp` can represent in single precision.
        power.extend(levels.iter().map(|&level| f64::from(level).exp()));
        let sum: f64 = power.iter().sum();
        let weighted = |value: &dyn Fn(f64) -> f64| {
            let products = power.iter().zip(&self.centres).map(|(p, &f)| p * value(f));
            products.sum::<f64>() / sum
        };
        let centroid = weighted(&|f| f);
        let variance = weighted(&|f| (f - centroid).powi(2));
        let mean_level = levels.iter().map(|&x| f64::from(x)).sum::<f64>() / levels.len() as f64;
        let level_of = |bands: &Range<usize>| power[bands.clone()].iter().sum::<f64>().ln();
        let (low, mid, high) = (
            level_of(&self.below_1k),
            level_of(&self.from_1k_to_5k),
            level_of(&self.from_5k),
        );
        let peak = |bands: &Range<usize>| {
            let levels = levels[bands.clone()].iter().copied();
            f64::from(levels.fold(f32::NEG_INFINITY, f32::max))
        };
        [
            centroid.ln(),
            variance.sqrt().ln_1p(),
            mean_level - (sum / levels.len() as f64).ln(),
            low - mid,
            mid - high,
            peak(&self.below_2k) - peak(&self.from_2k_to_5k),
            sum.ln(),
        ]
        .map(|value| value as f32)
    }
}
