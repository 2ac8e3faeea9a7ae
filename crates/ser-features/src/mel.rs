//! The mel scale and its filterbank.

use std::ops::Range;

use multiversion::multiversion;
use multiversion::target::target_cfg_f;

use crate::block::{self, LANES, Lanes, mul_add};
use crate::config::{FeatureConfig, MelNorm, MelScale};
use crate::error::{Error, Result};
use crate::features::Features;

/// Slaney's scale is linear up to 1 kHz = 15 mel.
const SLANEY_HZ_PER_MEL: f64 = 200.0 / 3.0;
const SLANEY_BREAK_HZ: f64 = 1000.0;
const SLANEY_BREAK_MEL: f64 = SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL;
/// Above that, 27 mel are a factor of 6.4.
const SLANEY_LOG_RATIO: f64 = 6.4;
const SLANEY_LOG_MELS: f64 = 27.0;

impl MelScale {
    /// Converts a frequency in Hz to mel.
    pub fn from_hz(self, hz: f64) -> f64 {
        match self {
            Self::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            Self::Slaney if hz < SLANEY_BREAK_HZ => hz / SLANEY_HZ_PER_MEL,
            Self::Slaney => {
                let octaves = (hz / SLANEY_BREAK_HZ).ln() / SLANEY_LOG_RATIO.ln();
                SLANEY_BREAK_MEL + SLANEY_LOG_MELS * octaves
            }
        }
    }

    /// Converts mel to a frequency in Hz.
    pub fn to_hz(self, mel: f64) -> f64 {
        match self {
            Self::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            Self::Slaney if mel < SLANEY_BREAK_MEL => mel * SLANEY_HZ_PER_MEL,
            Self::Slaney => {
                let octaves = (mel - SLANEY_BREAK_MEL) / SLANEY_LOG_MELS;
                SLANEY_BREAK_HZ * SLANEY_LOG_RATIO.powf(octaves)
            }
        }
    }
}

/// Returns the `n_mels + 2` corner frequencies of the bands in Hz. Band `m` rises from corner `m` to
/// corner `m + 1` and falls to corner `m + 2`.
pub(crate) fn corners(config: &FeatureConfig) -> Vec<f64> {
    let scale = config.mel_scale;
    let (low, high) = (scale.from_hz(config.fmin), scale.from_hz(config.fmax()));
    let step = (high - low) / (config.n_mels + 1) as f64;
    (0..config.n_mels + 2)
        .map(|i| scale.to_hz(low + step * i as f64))
        .collect()
}

/// A bank of triangular bands, evenly spaced in mel. Each band stores only the bins that it covers.
///
/// # Formula
/// With `n_mels + 2` corner frequencies `f` evenly spaced in mel from `fmin` to `fmax`, band `m`
/// gives the bin at `x` Hz the smaller of the weights `(x − f[m]) / (f[m+1] − f[m])` and
/// `(f[m+2] − x) / (f[m+2] − f[m+1])`, where that is above 0. [`MelNorm::Slaney`] multiplies it
/// by `2 / (f[m+2] − f[m])`.
#[derive(Debug, Clone, PartialEq)]
pub struct MelFilterbank {
    bands: Vec<Band>,
    /// The weights of all bands, one band after the other.
    weights: Vec<f32>,
    bins: usize,
}

/// The bins that a band covers and the position of its weights. An empty band covers none.
#[derive(Debug, Clone, PartialEq)]
struct Band {
    bins: Range<usize>,
    weights: Range<usize>,
}

impl MelFilterbank {
    /// Creates the bands of a configuration.
    ///
    /// # Errors
    /// [`Error::Config`] if [`FeatureConfig::validate`] finds a value out of range.
    pub fn new(config: &FeatureConfig) -> Result<Self> {
        config.validate()?;
        let corners = corners(config);
        let bins = config.n_fft / 2 + 1;
        let bin_hz = f64::from(config.sample_rate) / config.n_fft as f64;
        let mut bank = Self {
            bands: Vec::with_capacity(config.n_mels),
            weights: Vec::new(),
            bins,
        };
        for corner in corners.windows(3) {
            let (left, centre, right) = (corner[0], corner[1], corner[2]);
            let height = match config.mel_norm {
                MelNorm::Slaney => 2.0 / (right - left),
                MelNorm::None => 1.0,
            };
            let weight = |bin: usize| {
                let hz = bin as f64 * bin_hz;
                let rising = (hz - left) / (centre - left);
                let falling = (right - hz) / (right - centre);
                (height * rising.min(falling)) as f32
            };
            // One bin more on either side than the corners require, in case the corners are rounded.
            let first = ((left / bin_hz) as usize).saturating_sub(1);
            let last = ((right / bin_hz) as usize + 2).min(bins);
            let covered: Vec<usize> = (first..last).filter(|&bin| weight(bin) > 0.0).collect();
            let start = bank.weights.len();
            bank.weights.extend(covered.iter().map(|&bin| weight(bin)));
            bank.bands.push(Band {
                bins: match covered[..] {
                    [] => 0..0,
                    [first, .., last] => first..last + 1,
                    [only] => only..only + 1,
                },
                weights: start..bank.weights.len(),
            });
        }
        Ok(bank)
    }

    /// Returns the number of bands.
    pub fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Returns the weight of every frequency bin in every band.
    ///
    /// # Shape
    /// `[n_mels, n_fft/2 + 1]`, row-major.
    pub fn to_dense(&self) -> Vec<f32> {
        let mut dense = vec![0.0; self.bands.len() * self.bins];
        for (band, row) in self.bands.iter().zip(dense.chunks_mut(self.bins)) {
            row[band.bins.clone()].copy_from_slice(&self.weights[band.weights.clone()]);
        }
        dense
    }

    /// Computes the mel spectrogram of a spectrogram.
    ///
    /// # Shape
    /// `[frames, n_fft/2 + 1]` → `[frames, n_mels]`
    ///
    /// # Errors
    /// [`Error::Shape`] if the spectrogram has another number of bins.
    pub fn apply(&self, spectrogram: &Features) -> Result<Features> {
        if spectrogram.coefficients() != self.bins {
            return Err(Error::Shape {
                what: "spectrogram",
                expected: format!("[frames, {}]", self.bins),
                actual: format!("[frames, {}]", spectrogram.coefficients()),
            });
        }
        let mut mel = Features::default();
        let out = mel.reshape(spectrogram.frames(), self.bands());
        let mut power = vec![Lanes::ZERO; self.bins];
        let mut energy = vec![Lanes::ZERO; self.bands()];
        let blocks = spectrogram.as_slice().chunks(LANES * self.bins);
        for (rows, out) in blocks.zip(out.chunks_mut(LANES * self.bands())) {
            block::load(rows, self.bins, &mut power);
            self.apply_block(&power, 0, &mut energy);
            block::store(&energy, out, self.bands());
        }
        Ok(mel)
    }

    /// Returns the bins from the first to the last that a band covers, at least one.
    pub(crate) fn covered_bins(&self) -> Range<usize> {
        let covered = |band: &&Band| !band.bins.is_empty();
        let covered = || self.bands.iter().filter(covered).map(|band| &band.bins);
        let first = covered().map(|bins| bins.start).min().unwrap_or(0);
        let end = covered().map(|bins| bins.end).max().unwrap_or(1);
        first..end
    }

    /// Computes the energy in each band of a block whose first row is bin `first_bin`.
    pub(crate) fn apply_block(&self, power: &[Lanes], first_bin: usize, energy: &mut [Lanes]) {
        sum_bands(&self.bands, &self.weights, power, first_bin, energy);
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn sum_bands(
    bands: &[Band],
    weights: &[f32],
    power: &[Lanes],
    first_bin: usize,
    energy: &mut [Lanes],
) {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    for (band, energy) in bands.iter().zip(energy) {
        let mut sum = Lanes::ZERO;
        if !band.bins.is_empty() {
            let power = &power[band.bins.start - first_bin..band.bins.end - first_bin];
            for (power, &weight) in power.iter().zip(&weights[band.weights.clone()]) {
                for lane in 0..LANES {
                    sum.0[lane] = mul_add::<FUSED>(weight, power.0[lane], sum.0[lane]);
                }
            }
        }
        *energy = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_scales_meet_their_published_points() {
        for (scale, hz, mel) in [
            (MelScale::Slaney, 500.0, 7.5),
            (MelScale::Slaney, 1000.0, 15.0),
            (MelScale::Slaney, 6400.0, 42.0),
            (MelScale::Htk, 700.0, 2595.0 * 2f64.log10()),
        ] {
            assert!((scale.from_hz(hz) - mel).abs() < 1e-9, "{scale:?} {hz}");
            assert!((scale.to_hz(mel) - hz).abs() < 1e-9, "{scale:?} {mel}");
        }
    }

    #[test]
    fn slaney_bands_have_unit_area() {
        let config = FeatureConfig {
            n_fft: 1 << 16,
            n_mels: 20,
            n_mfcc: 20,
            ..FeatureConfig::default()
        };
        let bank = MelFilterbank::new(&config).unwrap();
        let bin_hz = f64::from(config.sample_rate) / config.n_fft as f64;
        for row in bank.to_dense().chunks((1 << 15) + 1) {
            let area: f64 = row.iter().map(|&w| f64::from(w) * bin_hz).sum();
            assert!((area - 1.0).abs() < 1e-4, "area {area}");
        }
    }

    #[test]
    fn more_bands_than_bins_leave_some_bands_empty() {
        let config = FeatureConfig {
            n_fft: 64,
            ..FeatureConfig::default()
        };
        let bank = MelFilterbank::new(&config).unwrap();
        assert!(bank.bands.iter().any(|band| band.bins.is_empty()));
        let flat = Features::from_parts(vec![1.0; 33], 1, 33).unwrap();
        let mel = bank.apply(&flat).unwrap();
        for (row, &energy) in bank.to_dense().chunks(33).zip(mel.as_slice()) {
            assert!((row.iter().sum::<f32>() - energy).abs() < 1e-6);
        }
    }
}
