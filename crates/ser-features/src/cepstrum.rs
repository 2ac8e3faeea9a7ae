//! Decibels and cepstral coefficients.

use std::f64::consts::PI;

use multiversion::multiversion;
use multiversion::target::target_cfg_f;

use crate::block::{self, LANES, Lanes, log2, mul_add};
use crate::config::FeatureConfig;
use crate::error::{Error, Result};
use crate::features::Features;

/// Decibels per octave of power.
const DB_PER_LOG2: f32 = 10.0 * std::f32::consts::LOG10_2;

/// The decibel scale of a configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decibels {
    amin: f32,
    reference_db: f32,
    top_db: Option<f32>,
}

impl Decibels {
    pub(crate) fn new(config: &FeatureConfig) -> Self {
        Self {
            amin: config.amin as f32,
            reference_db: (10.0 * config.reference.max(config.amin).log10()) as f32,
            top_db: config.top_db.map(|top_db| top_db as f32),
        }
    }

    /// Converts power into dB in place and returns the loudest value of each lane. The floor is applied
    /// later, because the loudest value of a signal is known only at its end.
    pub(crate) fn apply_block(&self, levels: &mut [Lanes]) -> Lanes {
        to_decibels(levels, self.amin, self.reference_db)
    }

    /// Returns the lowest level of a signal whose loudest level is `loudest`.
    pub(crate) fn floor(&self, loudest: f32) -> f32 {
        self.top_db
            .map_or(f32::NEG_INFINITY, |top_db| loudest - top_db)
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn to_decibels(levels: &mut [Lanes], amin: f32, reference_db: f32) -> Lanes {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    let mut loudest = Lanes::splat(f32::NEG_INFINITY);
    for level in levels {
        for lane in 0..LANES {
            let octaves = log2::<FUSED>(level.0[lane].max(amin));
            let db = mul_add::<FUSED>(DB_PER_LOG2, octaves, -reference_db);
            level.0[lane] = db;
            loudest.0[lane] = loudest.0[lane].max(db);
        }
    }
    loudest
}

/// Converts a power spectrogram into dB in place, with the `ref`, `amin` and `top_db` of the
/// configuration.
///
/// # Formula
/// `10·log₁₀(max(amin, x)) − 10·log₁₀(max(amin, ref))`, raised to at least `top_db` below the largest.
/// The logarithm is a series with a relative error below 1e-6: about 1e-4 dB at worst.
///
/// # Errors
/// [`Error::Config`] if [`FeatureConfig::validate`] finds a value out of range.
pub fn power_to_db(config: &FeatureConfig, spectrogram: &mut Features) -> Result<()> {
    config.validate()?;
    let decibels = Decibels::new(config);
    let values = spectrogram.as_mut_slice();
    let mut loudest = f32::NEG_INFINITY;
    for values in values.chunks_mut(LANES) {
        let mut block = [Lanes::ZERO];
        block[0].0[..values.len()].copy_from_slice(values);
        decibels.apply_block(&mut block);
        values.copy_from_slice(&block[0].0[..values.len()]);
        loudest = values.iter().copied().fold(loudest, f32::max);
    }
    let floor = decibels.floor(loudest);
    for value in values {
        *value = value.max(floor);
    }
    Ok(())
}

/// Number of coefficients that are computed together, one register each.
const TILE: usize = 8;

/// Number of levels that are first added up on their own. Levels of the same sign add up to large sums,
/// and adding each level to such a sum would lose some precision every time.
const RUN: usize = 16;

/// The planned discrete cosine transform, type II, orthonormal, with the lifter included in the weights.
#[derive(Debug, Clone)]
pub(crate) struct Dct {
    inputs: usize,
    outputs: usize,
    /// The weights, tile after tile. Within a tile, the weights of one input lie side by side.
    /// The last tile is filled up with zeros.
    weights: Vec<[f32; TILE]>,
}

impl Dct {
    /// Plans a transform of `inputs` levels into `outputs` coefficients.
    ///
    /// # Formula
    /// `c[k] = l[k] · √(2/N) · Σₙ x[n] · cos(πk(n + ½)/N)`, with `√(1/N)` for `k = 0`, and the
    /// lifter `l[k] = 1 + lifter/2 · sin(π(k + 1)/lifter)`.
    pub(crate) fn new(inputs: usize, outputs: usize, lifter: f64) -> Self {
        let n = inputs as f64;
        let weight = |k: usize, input: usize| {
            if k >= outputs {
                return 0.0;
            }
            let k = k as f64;
            let norm = if k == 0.0 { 1.0 / n } else { 2.0 / n }.sqrt();
            let lift = if lifter > 0.0 {
                1.0 + lifter / 2.0 * (PI * (k + 1.0) / lifter).sin()
            } else {
                1.0
            };
            (lift * norm * (PI * k * (input as f64 + 0.5) / n).cos()) as f32
        };
        let weights = (0..outputs.div_ceil(TILE))
            .flat_map(|tile| (0..inputs).map(move |input| (tile, input)))
            .map(|(tile, input)| std::array::from_fn(|i| weight(tile * TILE + i, input)))
            .collect();
        Self {
            inputs,
            outputs,
            weights,
        }
    }

    /// Computes the coefficients of a block of levels, which are first raised to `floor`. Writes them into
    /// rows that lie `stride` apart, as many frames as there are rows.
    pub(crate) fn apply_block(
        &self,
        levels: &[Lanes],
        floor: f32,
        rows: &mut [f32],
        stride: usize,
    ) {
        let tiles = self.weights.chunks(self.inputs);
        for (first, weights) in (0..self.outputs).step_by(TILE).zip(tiles) {
            let sums = cosine_sums(weights, levels, floor);
            let outputs = TILE.min(self.outputs - first);
            for (lane, row) in rows.chunks_mut(stride).enumerate() {
                for (value, sum) in row[first..first + outputs].iter_mut().zip(&sums) {
                    *value = sum.0[lane];
                }
            }
        }
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn cosine_sums(weights: &[[f32; TILE]], levels: &[Lanes], floor: f32) -> [Lanes; TILE] {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    let mut sums = [Lanes::ZERO; TILE];
    for (weights, levels) in weights.chunks(RUN).zip(levels.chunks(RUN)) {
        let mut run = [Lanes::ZERO; TILE];
        for (weights, levels) in weights.iter().zip(levels) {
            for (sum, &weight) in run.iter_mut().zip(weights) {
                for lane in 0..LANES {
                    let level = levels.0[lane].max(floor);
                    sum.0[lane] = mul_add::<FUSED>(weight, level, sum.0[lane]);
                }
            }
        }
        for (sum, run) in sums.iter_mut().zip(&run) {
            for lane in 0..LANES {
                sum.0[lane] += run.0[lane];
            }
        }
    }
    sums
}

/// Computes mel-frequency cepstral coefficients from log-mel levels, with the `n_mfcc` and `lifter` of
/// the configuration.
///
/// # Shape
/// `[frames, n_mels]` → `[frames, n_mfcc]`
///
/// # Formula
/// `c[k] = l[k] · √(2/N) · Σₙ x[n] · cos(πk(n + ½)/N)` over the `N = n_mels` levels, with
/// `√(1/N)` for `k = 0` (DCT-II, orthonormal) and the lifter
/// `l[k] = 1 + lifter/2 · sin(π(k + 1)/lifter)`.
///
/// # Errors
/// [`Error::Config`] if [`FeatureConfig::validate`] finds a value out of range, or if `n_mfcc` is not 1
/// to `n_mels`, whatever the `output` of the configuration is; [`Error::Shape`] if there are not
/// `n_mels` levels per frame.
pub fn mfcc(config: &FeatureConfig, log_mel: &Features) -> Result<Features> {
    config.validate()?;
    config.validate_n_mfcc()?;
    let inputs = log_mel.coefficients();
    if inputs != config.n_mels {
        return Err(Error::Shape {
            what: "log-mel levels",
            expected: format!("[frames, {}]", config.n_mels),
            actual: format!("[frames, {inputs}]"),
        });
    }
    let dct = Dct::new(inputs, config.n_mfcc, config.lifter);
    let mut features = Features::default();
    let out = features.reshape(log_mel.frames(), config.n_mfcc);
    let mut levels = vec![Lanes::ZERO; inputs];
    let blocks = log_mel.as_slice().chunks(LANES * inputs);
    for (rows, out) in blocks.zip(out.chunks_mut(LANES * config.n_mfcc)) {
        block::load(rows, inputs, &mut levels);
        dct.apply_block(&levels, f32::NEG_INFINITY, out, config.n_mfcc);
    }
    Ok(features)
}
