//! Functionals: one row of statistics of the log-mel levels of a clip, for models that take no sequence.
//!
//! The names of the values, in [`layout`], describe them; the formulas are in `docs/features.md`.

mod bands;
mod layout;
mod modulation;
mod statistics;
mod voice;

use std::f64::consts::LN_10;

use crate::block::{self, LANES, Lanes};
use crate::cepstrum::Dct;
use crate::config::{Extra, FeatureConfig};

use bands::{Bands, ENERGY, SHAPE};
use layout::{BAND_GROUPS, COURSE, SLOW};
pub(crate) use layout::{count, names, validate};
use modulation::{Modulation, ModulationScratch};
use statistics::{Summary, mean, mean_abs, mean_and_std, percentile, slopes, sort};
use voice::VoiceScratch;

/// Nepers of power in a decibel.
const NEPERS: f64 = LN_10 / 10.0;

/// Number of frames on each side over which slopes and slow slopes are computed.
const REACH: usize = 2;
const SLOW_REACH: usize = 5;

/// A frame is loud if its energy is not below this percentile of the energies of the clip.
const LOUD_PERCENT: usize = 40;

/// A frame is near the loudest if its energy differs by less than this, in nepers of power (13 dB).
const NEAR_LOUDEST: f32 = 3.0;

#[derive(Debug)]
pub(crate) struct Functionals {
    n_mels: usize,
    n_mfcc: usize,
    relative_level: bool,
    /// Number of values in a row: the levels of all bands, then F0 and the other rows about the voice, if any.
    stride: usize,
    /// What each value after F0 is.
    after_f0: Vec<Extra>,
    bands: Bands,
    modulation: Modulation,
}

/// Buffers that a thread reuses from clip to clip.
#[derive(Debug, Default)]
pub(crate) struct FunctionalsScratch {
    levels: Vec<Lanes>,
    /// `[frames, n_mfcc]`
    mfcc: Vec<f32>,
    /// The power of each band, of one frame.
    power: Vec<f64>,
    /// The shape, whether it is loud, and the weight by its energy, of every frame.
    shape: [Vec<f32>; SHAPE.len()],
    is_loud: Vec<bool>,
    weights: Vec<f64>,
    /// The current track, its slopes, and the slopes of these.
    track: Vec<f32>,
    slope: Vec<f32>,
    curve: Vec<f32>,
    voice: VoiceScratch,
    modulation: ModulationScratch,
    summary: Summary,
}

impl Functionals {
    pub(crate) fn new(config: &FeatureConfig) -> Self {
        Self {
            n_mels: config.n_mels,
            n_mfcc: config.n_mfcc,
            relative_level: config.relative_level,
            stride: config.values_per_frame(),
            after_f0: voice::after_f0(config).map(|(extra, _)| extra).collect(),
            bands: Bands::new(config),
            modulation: Modulation::new(config),
        }
    }

    /// Computes the functionals of a clip of at least one frame. Overwrites its levels in dB.
    ///
    /// # Shape
    /// `[frames, n_mels]`, plus the columns of the extra rows if there are any → [`count`] values.
    pub(crate) fn apply<'a>(
        &self,
        dct: &Dct,
        rows: &mut [f32],
        scratch: &'a mut FunctionalsScratch,
    ) -> &'a [f32] {
        self.centre(rows);
        self.prepare(dct, rows, scratch);
        scratch.summary.clear();
        self.levels_and_cepstrum(rows, scratch);
        self.movement(scratch);
        self.loud_frames(scratch);
        self.course(scratch);
        self.spectral_shape(rows, scratch);
        self.modulations(rows, scratch);
        if self.stride > self.n_mels {
            self.voice(rows, scratch);
        }
        length_and_energy(scratch);
        scratch.summary.values()
    }

    /// Converts levels from dB to nepers and, if `relative_level` is set, subtracts their mean over the clip.
    fn centre(&self, rows: &mut [f32]) {
        let levels =
            |row: &[f32]| -> f64 { row[..self.n_mels].iter().map(|&x| f64::from(x)).sum() };
        let sum: f64 = rows.chunks(self.stride).map(levels).sum();
        let mean = if self.relative_level {
            sum / (rows.len() / self.stride * self.n_mels) as f64
        } else {
            0.0
        };
        for row in rows.chunks_mut(self.stride) {
            for level in &mut row[..self.n_mels] {
                *level = ((f64::from(*level) - mean) * NEPERS) as f32;
            }
        }
    }

    /// Computes the cepstrum, the shape and the energy of every frame.
    fn prepare(&self, dct: &Dct, rows: &[f32], scratch: &mut FunctionalsScratch) {
        let frames = rows.len() / self.stride;
        scratch.levels.resize(self.n_mels, Lanes::ZERO);
        scratch.mfcc.resize(frames * self.n_mfcc, 0.0);
        let blocks = rows.chunks(LANES * self.stride);
        for (rows, mfcc) in blocks.zip(scratch.mfcc.chunks_mut(LANES * self.n_mfcc)) {
            block::load(rows, self.stride, &mut scratch.levels);
            dct.apply_block(&scratch.levels, f32::NEG_INFINITY, mfcc, self.n_mfcc);
        }

        scratch.shape.iter_mut().for_each(Vec::clear);
        for row in rows.chunks(self.stride) {
            let shape = self.bands.shape(&row[..self.n_mels], &mut scratch.power);
            for (track, value) in scratch.shape.iter_mut().zip(shape) {
                track.push(value);
            }
        }

        let energy = &scratch.shape[ENERGY];
        sort(energy, &mut scratch.track);
        let threshold = percentile(&scratch.track, LOUD_PERCENT);
        scratch.is_loud.clear();
        let is_loud = energy.iter().map(|&e| f64::from(e) >= threshold);
        scratch.is_loud.extend(is_loud);
        let loudest = highest(energy);
        scratch.weights.clear();
        let weights = energy.iter().map(|&e| f64::from(e - loudest).exp());
        scratch.weights.extend(weights);
    }

    fn levels_and_cepstrum(&self, rows: &[f32], scratch: &mut FunctionalsScratch) {
        let FunctionalsScratch {
            mfcc,
            track,
            summary,
            ..
        } = scratch;
        for index in 0..self.n_mfcc {
            column(mfcc, self.n_mfcc, index, track);
            summary.statistics(track);
        }
        for band in 0..self.n_mels {
            column(rows, self.stride, band, track);
            summary.statistics(track);
        }
    }

    /// Adds how fast the cepstrum changes.
    fn movement(&self, scratch: &mut FunctionalsScratch) {
        let FunctionalsScratch {
            mfcc,
            track,
            slope,
            curve,
            summary,
            ..
        } = scratch;
        for index in 0..self.n_mfcc {
            column(mfcc, self.n_mfcc, index, track);
            slopes(track, REACH, slope);
            slopes(slope, REACH, curve);
            summary.push(mean_and_std(slope).1);
            summary.push(mean_abs(slope));
            summary.push(mean_and_std(curve).1);
        }
        for index in 0..self.n_mfcc.min(SLOW) {
            column(mfcc, self.n_mfcc, index, track);
            slopes(track, SLOW_REACH, slope);
            summary.push(mean_and_std(slope).1);
            summary.push(mean_abs(slope));
        }
    }

    /// Adds the cepstrum of the loud frames, in which there is a voice rather than a pause.
    fn loud_frames(&self, scratch: &mut FunctionalsScratch) {
        let FunctionalsScratch {
            mfcc,
            is_loud,
            weights,
            track,
            summary,
            ..
        } = scratch;
        let total: f64 = weights.iter().sum();
        for index in 0..self.n_mfcc {
            let frames = || mfcc.iter().skip(index).step_by(self.n_mfcc);
            track.clear();
            let loud = frames().zip(&*is_loud).filter(|&(_, &is_loud)| is_loud);
            track.extend(loud.map(|(&value, _)| value));
            let (mean, std) = mean_and_std(track);
            let weighted = frames().zip(&*weights);
            let weighted: f64 = weighted
                .map(|(&value, weight)| f64::from(value) * weight)
                .sum();
            summary.push(mean);
            summary.push(std);
            summary.push(weighted / total);
        }
    }

    /// Adds how the cepstrum changes from the beginning to the end.
    fn course(&self, scratch: &mut FunctionalsScratch) {
        for index in 0..COURSE {
            column(&scratch.mfcc, self.n_mfcc, index, &mut scratch.track);
            scratch.summary.thirds(&scratch.track);
        }
    }

    /// Adds the shape of the spectrum, and how much it rises from frame to frame.
    fn spectral_shape(&self, rows: &[f32], scratch: &mut FunctionalsScratch) {
        let FunctionalsScratch {
            shape,
            track,
            slope,
            summary,
            ..
        } = scratch;
        for track in shape {
            slopes(track, REACH, slope);
            summary.statistics(track);
            summary.thirds(track);
            summary.statistics(slope);
        }
        track.clear();
        let (before, after) = (rows.chunks(self.stride), rows.chunks(self.stride).skip(1));
        track.extend(before.zip(after).map(|(before, after)| {
            let pairs = before[..self.n_mels].iter().zip(after);
            let rise: f32 = pairs.map(|(before, after)| (after - before).max(0.0)).sum();
            rise / self.n_mels as f32
        }));
        summary.statistics(track);
    }

    fn modulations(&self, rows: &[f32], scratch: &mut FunctionalsScratch) {
        let FunctionalsScratch {
            shape,
            track,
            modulation,
            summary,
            ..
        } = scratch;
        let frames = rows.len() / self.stride;
        let transform = self.modulation.start(frames, modulation);
        let mut add = |track: &[f32]| {
            let levels = self.modulation.levels(&*transform, track, modulation);
            levels.into_iter().for_each(|level| summary.push(level));
        };
        add(&shape[ENERGY]);
        let width = self.n_mels / BAND_GROUPS;
        for group in 0..BAND_GROUPS {
            // The last group includes the bands that remain.
            let end = match group + 1 {
                BAND_GROUPS => self.n_mels,
                next => next * width,
            };
            track.clear();
            let groups = rows.chunks(self.stride).map(|row| &row[group * width..end]);
            track.extend(groups.map(|levels| mean(levels) as f32));
            add(track);
        }
    }
}

fn length_and_energy(scratch: &mut FunctionalsScratch) {
    let (energy, summary) = (&scratch.shape[ENERGY], &mut scratch.summary);
    let frames = energy.len() as f64;
    let loudest = highest(energy);
    let near = energy.iter().filter(|&&e| e > loudest - NEAR_LOUDEST);
    let peaks = energy.windows(3).filter(|e| e[1] > e[0] && e[1] > e[2]);
    summary.push(frames);
    summary.push(near.count() as f64 / frames);
    summary.push(peaks.count() as f64 / frames);
}

fn highest(track: &[f32]) -> f32 {
    track.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Copies the values at `index` of rows that lie `stride` apart into `track`.
fn column(rows: &[f32], stride: usize, index: usize, track: &mut Vec<f32>) {
    track.clear();
    track.extend(rows.iter().skip(index).step_by(stride));
}
