//! A plain classifier on plain features, enough to measure how hard a corpus is.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use realfft::RealToComplex;
use ser_data::{Corpus, Protocol};

const BANDS: usize = 24;

/// Statistics of one clip.
pub struct Measured {
    /// Mean over time of the log energy of the frames in dB.
    pub energy: f64,
    /// Mean and standard deviation of each of 24 mel bands over the loud frames, standard deviation of their
    /// differences, duration.
    pub bands: Vec<f64>,
}

pub fn measure(corpus: &Corpus) -> Vec<Measured> {
    let plan = |rate: u32| ser_fourier::real_forward(rate as usize / 40);
    let planned: Vec<(u32, Arc<dyn RealToComplex<f32>>)> = [16_000, 22_050, 48_000]
        .map(|rate| (rate, plan(rate)))
        .into();
    corpus
        .clips()
        .par_iter()
        .map(|clip| {
            let (rate, fft) = planned
                .iter()
                .find(|(rate, _)| *rate == clip.sample_rate)
                .unwrap();
            measure_clip(&clip.path, *rate, fft.as_ref())
        })
        .collect()
}

fn measure_clip(path: &Path, rate: u32, fft: &dyn RealToComplex<f32>) -> Measured {
    let mut reader = hound::WavReader::open(path).unwrap();
    let channels = usize::from(reader.spec().channels);
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .step_by(channels)
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect();
    let len = fft.len();
    let mut spectrum = fft.make_output_vec();
    let mel = |hertz: f64| (1.0 + hertz / 700.0).ln();
    let top = mel(7_500.0);
    let frames: Vec<(f64, Vec<f64>)> = samples
        .windows(len)
        .step_by(len * 2 / 5)
        .map(|frame| {
            let mut frame: Vec<f32> = frame
                .iter()
                .enumerate()
                .map(|(n, x)| {
                    x * (0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / len as f32).cos())
                })
                .collect();
            fft.process(&mut frame, &mut spectrum).unwrap();
            let mut bands = [1e-9; BANDS];
            let mut total = 1e-9;
            for (bin, value) in spectrum.iter().enumerate() {
                let band =
                    (mel(bin as f64 * f64::from(rate) / len as f64) / top * BANDS as f64) as usize;
                let power = f64::from(value.norm_sqr()) / len as f64;
                total += power;
                if band < BANDS {
                    bands[band] += power;
                }
            }
            (
                10.0 * total.log10(),
                bands.iter().map(|power| 10.0 * power.log10()).collect(),
            )
        })
        .collect();

    let loudest = frames
        .iter()
        .map(|(energy, _)| *energy)
        .fold(f64::MIN, f64::max);
    let energy = frames.iter().map(|(energy, _)| energy).sum::<f64>() / frames.len() as f64;
    let loud: Vec<&Vec<f64>> = frames
        .iter()
        .filter(|(energy, _)| *energy > loudest - 30.0)
        .map(|(_, bands)| bands)
        .collect();
    let mut bands = vec![loud.len() as f64];
    for band in 0..BANDS {
        let track: Vec<f64> = loud.iter().map(|frame| frame[band]).collect();
        let differences: Vec<f64> = track.windows(2).map(|pair| pair[1] - pair[0]).collect();
        bands.extend([mean(&track), deviation(&track), deviation(&differences)]);
    }
    Measured { energy, bands }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len().max(1) as f64).sqrt()
}

/// Returns the accuracy of linear discriminant analysis over all test clips of a protocol; it is trained on training
/// and validation clips.
pub fn linear_accuracy(corpus: &Corpus, protocol: Protocol, features: &[Vec<f64>]) -> f64 {
    let targets = corpus.targets();
    let (mut right, mut all) = (0, 0);
    for split in protocol.splits(corpus, 0).unwrap() {
        let known: Vec<usize> = split
            .train()
            .iter()
            .chain(split.validation())
            .copied()
            .collect();
        let model = Discriminant::fit(features, &targets, &known, corpus.labels().len());
        all += split.test().len();
        right += split
            .test()
            .iter()
            .filter(|&&clip| model.classify(&features[clip]) == targets[clip])
            .count();
    }
    right as f64 / all as f64
}

/// One Gaussian per class, with one covariance for all classes.
struct Discriminant {
    weights: Vec<Vec<f64>>,
    offsets: Vec<f64>,
}

impl Discriminant {
    fn fit(features: &[Vec<f64>], targets: &[usize], known: &[usize], classes: usize) -> Self {
        let width = features[0].len();
        let mut counts = vec![0.0; classes];
        let mut means = vec![vec![0.0; width]; classes];
        for &clip in known {
            counts[targets[clip]] += 1.0;
            for (sum, x) in means[targets[clip]].iter_mut().zip(&features[clip]) {
                *sum += x;
            }
        }
        for (mean, count) in means.iter_mut().zip(&counts) {
            mean.iter_mut().for_each(|sum| *sum /= count);
        }
        let mut covariance = vec![vec![0.0; width]; width];
        for &clip in known {
            let centred: Vec<f64> = features[clip]
                .iter()
                .zip(&means[targets[clip]])
                .map(|(x, m)| x - m)
                .collect();
            for (row, a) in covariance.iter_mut().zip(&centred) {
                for (sum, b) in row.iter_mut().zip(&centred) {
                    *sum += a * b / known.len() as f64;
                }
            }
        }
        for (place, row) in covariance.iter_mut().enumerate() {
            row[place] *= 1.02;
        }
        let weights: Vec<Vec<f64>> = means
            .iter()
            .map(|mean| solve(covariance.clone(), mean.clone()))
            .collect();
        let offsets = (weights.iter().zip(&means).zip(&counts))
            .map(|((w, m), count)| (count / known.len() as f64).ln() - 0.5 * dot(w, m))
            .collect();
        Self { weights, offsets }
    }

    fn classify(&self, x: &[f64]) -> usize {
        let scores = self
            .weights
            .iter()
            .zip(&self.offsets)
            .map(|(w, offset)| dot(w, x) + offset);
        scores
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap()
            .0
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves by Gaussian elimination; the matrix is positive definite.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for pivot in 0..n {
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let pivot_row = &above[pivot];
        for (row, values) in below.iter_mut().enumerate() {
            let factor = values[pivot] / pivot_row[pivot];
            for (value, known) in values.iter_mut().zip(pivot_row).skip(pivot) {
                *value -= factor * known;
            }
            right[pivot + 1 + row] -= factor * right[pivot];
        }
    }
    for row in (0..n).rev() {
        let known = dot(&matrix[row][row + 1..], &right[row + 1..]);
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}
