//! Statistics of F0 and the other rows about the voice: melody, rhythm and voice quality.

use std::f64::consts::PI;

use crate::config::{Extra, FeatureConfig};

use super::bands::ENERGY;
use super::layout::name;
use super::statistics::{
    STATISTICS, Summary, THIRDS, mean, mean_abs, mean_and_std, percentile, sort,
};
use super::{Functionals, FunctionalsScratch, highest};

/// Number of points at which a course is sampled, and number of its cosine shapes.
const COURSE_POINTS: usize = 32;
const COURSE_SHAPES: usize = 7;

/// An unvoiced frame is audible if its energy is within this of the loudest, in nepers of power (40 dB).
const HEARD: f32 = 9.21;

/// A frame is soft if its energy is further than this from the loudest, in nepers of power (20 dB).
const SOFT: f32 = 4.605;

const CHANGE: [&str; 2] = ["change_mean", "change_median"];
const LINE: [&str; 5] = [
    "slope_start",
    "slope_end",
    "highest_at",
    "lowest_at",
    "with_log_energy",
];
const RUN: [&str; 3] = ["mean", "std", "longest"];
const SHARES: [&str; 4] = [
    "voiced_share",
    "unvoiced_share",
    "soft_share",
    "voiced_runs_per_frame",
];
const CEPSTRUM: [&str; 3] = ["voiced_mean", "voiced_std", "unvoiced_mean"];

/// Returns the number of values that a configuration with F0 adds.
pub(super) fn count(config: &FeatureConfig) -> usize {
    let statistics = STATISTICS.len();
    2 * statistics
        + 1
        + THIRDS.len()
        + 2 * CHANGE.len()
        + LINE.len()
        + 2 * COURSE_SHAPES
        + 2 * RUN.len()
        + SHARES.len()
        + CEPSTRUM.len() * config.n_mfcc
        + statistics * (config.extra_rows() - 1)
}

/// Returns the names of these values.
pub(super) fn names(config: &FeatureConfig) -> Vec<String> {
    let mut names = Vec::new();
    name(&mut names, "log_f0", STATISTICS);
    name(&mut names, "log_f0_step", STATISTICS);
    name(&mut names, "log_f0_step", ["mean_abs"]);
    name(&mut names, "log_f0", THIRDS);
    name(&mut names, "log_f0", CHANGE);
    name(&mut names, "log_energy", CHANGE);
    name(&mut names, "log_f0", LINE);
    for track in ["log_f0", "log_energy"] {
        names.extend((1..=COURSE_SHAPES).map(|k| format!("{track}_course_{k}")));
    }
    name(&mut names, "voiced_run", RUN);
    name(&mut names, "voiced_gap", RUN);
    names.extend(SHARES.map(str::to_owned));
    for index in 0..config.n_mfcc {
        name(&mut names, &format!("mfcc_{index}"), CEPSTRUM);
    }
    for (_, row) in after_f0(config) {
        name(&mut names, row, STATISTICS);
    }
    names
}

/// Returns the rows after F0, in their order: what names each, and its own name.
pub(super) fn after_f0(config: &FeatureConfig) -> impl Iterator<Item = (Extra, &'static str)> {
    let extras = config.extras.iter().copied();
    let extras = extras.filter(|&extra| extra != Extra::F0);
    extras.flat_map(|extra| extra.rows().iter().map(move |&row| (extra, row)))
}

/// Buffers that a thread reuses from clip to clip.
#[derive(Debug, Default)]
pub(super) struct VoiceScratch {
    /// The loud frames with an F0, and the logarithm of F0 there.
    frames: Vec<usize>,
    log_f0: Vec<f32>,
    /// The audible frames without an F0.
    unvoiced: Vec<usize>,
    /// The first frame of each run of consecutive loud voiced frames, and the frame after its last one.
    runs: Vec<(usize, usize)>,
    track: Vec<f32>,
    sorted: Vec<f32>,
}

impl Functionals {
    /// Adds the values that [`names`] lists.
    pub(super) fn voice(&self, rows: &[f32], scratch: &mut FunctionalsScratch) {
        let FunctionalsScratch {
            mfcc,
            shape,
            is_loud,
            voice,
            summary,
            ..
        } = scratch;
        let f0 = || rows.chunks(self.stride).map(|row| row[self.n_mels]);
        voice.frames.clear();
        voice.log_f0.clear();
        for (frame, (hz, &is_loud)) in f0().zip(&*is_loud).enumerate() {
            if is_loud && hz > 0.0 {
                voice.frames.push(frame);
                voice.log_f0.push(hz.ln());
            }
        }
        let energy = &shape[ENERGY];
        voice.melody(energy, summary);
        voice.rhythm(summary);

        let count = energy.len() as f64;
        let loudest = highest(energy);
        let share = |frames: usize| frames as f64 / count;
        let frames = f0().zip(energy).enumerate();
        let unvoiced = frames.filter(|&(_, (hz, &e))| hz == 0.0 && e > loudest - HEARD);
        voice.unvoiced.clear();
        voice.unvoiced.extend(unvoiced.map(|(frame, _)| frame));
        summary.push(share(f0().filter(|&hz| hz > 0.0).count()));
        summary.push(share(voice.unvoiced.len()));
        summary.push(share(
            energy.iter().filter(|&&e| e < loudest - SOFT).count(),
        ));
        summary.push(share(voice.runs.len()));

        for index in 0..self.n_mfcc {
            let value = |frame: usize| mfcc[frame * self.n_mfcc + index];
            voice.track.clear();
            voice
                .track
                .extend(voice.frames.iter().map(|&frame| value(frame)));
            let (mean_voiced, std) = mean_and_std(&voice.track);
            voice.track.clear();
            let unvoiced = voice.unvoiced.iter();
            voice.track.extend(unvoiced.map(|&frame| value(frame)));
            summary.push(mean_voiced);
            summary.push(std);
            summary.push(mean(&voice.track));
        }
        for (index, extra) in (self.n_mels + 1..).zip(&self.after_f0) {
            // 0 dB is a level difference like any other; 0 Hz means that no formant was found.
            let measured = |row: &[f32]| match extra {
                Extra::Harmonics => row[self.n_mels] > 0.0,
                Extra::Formants => row[index] != 0.0,
                _ => true,
            };
            let frames = rows.chunks(self.stride).zip(&*is_loud);
            let frames = frames.filter(|&(row, &is_loud)| is_loud && measured(row));
            voice.track.clear();
            voice.track.extend(frames.map(|(row, _)| row[index]));
            summary.statistics(&voice.track);
        }
    }
}

impl VoiceScratch {
    /// Adds how F0 changes, and the energy with it.
    fn melody(&mut self, energy: &[f32], summary: &mut Summary) {
        let Self {
            frames,
            log_f0,
            track,
            sorted,
            ..
        } = self;
        summary.statistics(log_f0);
        track.clear();
        track.extend(log_f0.windows(2).map(|pair| pair[1] - pair[0]));
        summary.statistics(track);
        summary.push(mean_abs(track));
        summary.thirds(log_f0);

        // Changes from one frame to the very next, which are large in a rough voice.
        let neighbours = || (1..frames.len()).filter(|&i| frames[i] == frames[i - 1] + 1);
        let mut changes = |values: &dyn Fn(usize) -> f32| {
            track.clear();
            track.extend(neighbours().map(|i| (values(i) - values(i - 1)).abs()));
            sort(track, sorted);
            summary.push(mean(track));
            summary.push(percentile(sorted, 50));
        };
        changes(&|i| log_f0[i]);
        changes(&|i| energy[frames[i]]);

        let points = |i: usize| (frames[i] as f64, f64::from(log_f0[i]));
        let quarter = (frames.len() / 4).max(2).min(frames.len());
        summary.push(slope((0..quarter).map(points)));
        summary.push(slope((frames.len() - quarter..frames.len()).map(points)));
        let span = frames
            .last()
            .zip(frames.first())
            .map_or(0, |(last, first)| last - first);
        let place = |best: Option<usize>| {
            let from_start = best.map_or(0, |i| frames[i] - frames[0]);
            from_start as f64 / span.max(1) as f64
        };
        let by_value = |a: &usize, b: &usize| log_f0[*a].total_cmp(&log_f0[*b]);
        // Of equal values, the first counts.
        summary.push(place((0..frames.len()).rev().max_by(by_value)));
        summary.push(place((0..frames.len()).min_by(by_value)));
        let pairs = (0..frames.len()).map(|i| (f64::from(log_f0[i]), f64::from(energy[frames[i]])));
        summary.push(correlation(pairs));
        course(frames.len(), points, summary);
        course(energy.len(), |i| (i as f64, f64::from(energy[i])), summary);
    }

    /// Adds the lengths of the stretches of voice and of the pauses between them.
    fn rhythm(&mut self, summary: &mut Summary) {
        let stretches = self.frames.chunk_by(|a, b| b - a == 1);
        self.runs.clear();
        self.runs
            .extend(stretches.map(|run| (run[0], run[0] + run.len())));
        let mut lengths = |lengths: &mut dyn Iterator<Item = usize>| {
            self.track.clear();
            self.track.extend(lengths.map(|length| length as f32));
            let (mean, std) = mean_and_std(&self.track);
            summary.push(mean);
            summary.push(std);
            summary.push(f64::from(self.track.iter().copied().fold(0.0, f32::max)));
        };
        lengths(&mut self.runs.iter().map(|(start, end)| end - start));
        lengths(&mut self.runs.windows(2).map(|pair| pair[1].0 - pair[0].1));
    }
}

/// Returns the slope of the least-squares line through points; 0 for fewer than two points.
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let (variance, covariance, _) = moments(points);
    if variance > 0.0 {
        covariance / variance
    } else {
        0.0
    }
}

/// Returns Pearson's correlation; 0 if one of the values does not change.
fn correlation(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let (x, covariance, y) = moments(points);
    if x > 0.0 && y > 0.0 {
        covariance / (x * y).sqrt()
    } else {
        0.0
    }
}

/// Returns the sums of the squares of `x`, of the products, and of the squares of `y`, each centred on its mean.
fn moments(points: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64, f64) {
    let count = points.clone().count().max(1) as f64;
    let (x, y) = points
        .clone()
        .fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (x_mean, y_mean) = (x / count, y / count);
    points.fold((0.0, 0.0, 0.0), |(xx, xy, yy), (x, y)| {
        let (x, y) = (x - x_mean, y - y_mean);
        (xx + x * x, xy + x * y, yy + y * y)
    })
}

/// Adds the shapes of a course through `count` points with ascending `x`.
///
/// # Formula
/// The course is sampled at 32 evenly spaced places `j` from the first point to the last, with straight
/// lines between points: `1/32 · Σⱼ zⱼ·cos(π·k·(j + ½)/32)` for `k = 1 … 7`; 0 without points.
fn course(count: usize, point: impl Fn(usize) -> (f64, f64), summary: &mut Summary) {
    let mut sampled = [0.0; COURSE_POINTS];
    if let Some(last) = count.checked_sub(1) {
        let (start, end) = (point(0).0, point(last).0);
        let mut next = 0;
        for (j, z) in sampled.iter_mut().enumerate() {
            let x = start + (end - start) * j as f64 / (COURSE_POINTS - 1) as f64;
            while next < last && point(next).0 < x {
                next += 1;
            }
            let ((x0, z0), (x1, z1)) = (point(next.saturating_sub(1)), point(next));
            let share = if x1 > x0 {
                ((x - x0) / (x1 - x0)).clamp(0.0, 1.0)
            } else {
                1.0
            };
            *z = z0 + (z1 - z0) * share;
        }
    }
    for k in 1..=COURSE_SHAPES {
        let wave = |j: usize| (PI * k as f64 * (j as f64 + 0.5) / COURSE_POINTS as f64).cos();
        let sum: f64 = sampled.iter().enumerate().map(|(j, z)| z * wave(j)).sum();
        summary.push(sum / COURSE_POINTS as f64);
    }
}
