//! A constant and tones fitted to a stretch of sound, with most weight on its quiet parts.

use std::f64::consts::TAU;

use rustfft::num_complex::Complex64;

/// Frequencies of the mains in Hz, and how far networks and recorders deviate from them.
const MAINS: [f64; 2] = [50.0, 60.0];
const ASTRAY: f64 = 0.5;
/// Number of multiples of the frequency that are fitted together, and the largest number of them in a buzz: up to 2 or
/// 2.4 kHz.
const HARMONICS: usize = 8;
const BUZZ: usize = 40;
/// Number of columns of the fit: a constant, and a cosine and a sine for each multiple.
const COLUMNS: usize = 1 + 2 * HARMONICS;

/// Number of blocks per second, whose power determines their weight, and the power, as a share of the mean of all
/// blocks, below which differences hardly count.
const BLOCKS: f64 = 20.0;
const LEAST: f64 = 1e-4;
/// The shortest stretch in seconds in which tones can be distinguished from a voice.
const SHORTEST: f64 = 1.5;

/// The frequency is first searched with this number of the lowest multiples in coarse steps in Hz, and then with all
/// multiples in finer steps.
const LOWEST: usize = 3;
const COARSE: f64 = 0.01;
const FINE: [f64; 3] = [0.004, 0.001, 0.000_25];

/// Share of the energy that remains, above which the first search finds no hum.
const CLEAN: f64 = 0.8;
/// Share of the energy that remains, below which a constant or tones count as a fault.
const FAULTY: f64 = 0.5;

/// A stretch of sound.
pub(super) struct Window<'a> {
    pub samples: &'a [f64],
    /// Time of the first sample in seconds.
    pub start: f64,
    /// Sampling rate in Hz.
    pub rate: f64,
}

/// A constant and tones: `constant + Re Σ tones[k−1] · exp(2πi·k·frequency·t)`.
pub(super) struct Fit {
    pub constant: f64,
    /// Frequency in Hz; 0 without tones.
    pub frequency: f64,
    pub tones: Vec<Complex64>,
    /// The weighted energy that remains.
    left: f64,
}

impl Window<'_> {
    /// Fits the offset and the hum; returns `None` if there is neither.
    pub fn fit(&self) -> Option<Fit> {
        let mean = self.samples.iter().sum::<f64>() / self.samples.len() as f64;
        let flat = Fit::constant(mean);
        let mut weights = self.weights(&flat)?;
        let mut offset = self.least_squares(None, &weights)?;
        weights = self.weights(&offset)?;
        offset = self.least_squares(None, &weights)?;

        let mut tones = None;
        if let Some(frequency) = self.search(&offset, &weights) {
            let fit = self.tones(frequency, &mut weights)?;
            offset = self.least_squares(None, &weights)?;
            tones = Some(fit).filter(|fit| fit.left < FAULTY * offset.left);
        }
        tones.or_else(|| (offset.left < FAULTY * self.energy(&weights)).then_some(offset))
    }

    /// Returns the number of samples of a block.
    fn block(&self) -> usize {
        (self.rate / BLOCKS) as usize
    }

    /// Returns the blocks, of which the last may be longer than the others.
    fn blocks<'a, T>(&self, values: &'a [T]) -> impl Iterator<Item = &'a [T]> {
        let block = self.block().max(1);
        let count = (values.len() / block).max(1);
        (0..count).map(move |at| {
            if at + 1 == count {
                &values[at * block..]
            } else {
                &values[at * block..(at + 1) * block]
            }
        })
    }

    /// Returns the weight of the samples of each block: the inverse of the power that a fit leaves there. Returns
    /// `None` for silence.
    fn weights(&self, fit: &Fit) -> Option<Vec<f64>> {
        let left = self.left(fit);
        let power = |block: &[f64]| block.iter().map(|x| x * x).sum::<f64>() / block.len() as f64;
        let powers: Vec<f64> = self.blocks(&left).map(power).collect();
        let least = LEAST * power(&left);
        (least > 0.0).then(|| powers.iter().map(|power| 1.0 / (power + least)).collect())
    }

    /// Returns what a fit leaves of each sample.
    fn left(&self, fit: &Fit) -> Vec<f64> {
        let pairs = self.samples.iter().zip(fit.values(self.start, self.rate));
        pairs.map(|(x, value)| x - value).collect()
    }

    /// Returns the sum of the weights of all samples.
    fn total(&self, weights: &[f64]) -> f64 {
        let blocks = self.blocks(self.samples).zip(weights);
        blocks
            .map(|(block, weight)| weight * block.len() as f64)
            .sum()
    }

    /// Returns `Σ weight · x · exp(−2πi·frequency·t)` over each block.
    fn turned_back(
        &self,
        samples: &[f64],
        frequency: f64,
        weights: &[f64],
    ) -> impl Iterator<Item = Complex64> {
        let mut phases = phases(frequency, self.start, self.rate);
        self.blocks(samples)
            .zip(weights)
            .map(move |(block, weight)| {
                let terms = block.iter().zip(&mut phases);
                terms.map(|(x, phase)| phase.conj() * x).sum::<Complex64>() * weight
            })
    }

    /// Returns the weighted energy.
    fn energy(&self, weights: &[f64]) -> f64 {
        let blocks = self.blocks(self.samples).zip(weights);
        blocks
            .map(|(block, weight)| weight * block.iter().map(|x| x * x).sum::<f64>())
            .sum()
    }

    /// Searches the frequency near those of the mains whose lowest multiples explain most of what a constant leaves.
    /// Returns `None` if they explain little.
    fn search(&self, offset: &Fit, weights: &[f64]) -> Option<f64> {
        if (self.samples.len() as f64) < SHORTEST * self.rate {
            return None;
        }
        let seconds = self.block() as f64 / self.rate;
        let total = self.total(weights);
        let left = self.left(offset);
        let mut best = (CLEAN * offset.left, None);
        for mains in MAINS {
            let multiples = (1..=LOWEST).map(|k| k as f64 * mains);
            let multiples = multiples.map(|f| self.turned_back(&left, f, weights).collect());
            let multiples: Vec<Vec<Complex64>> = multiples.collect();
            let steps = (ASTRAY / COARSE) as i32;
            for step in -steps..=steps {
                let astray = f64::from(step) * COARSE;
                let explained = (1..)
                    .map(f64::from)
                    .zip(&multiples)
                    .map(|(multiple, sums)| {
                        let turn = Complex64::cis(-TAU * multiple * astray * seconds);
                        // Horner's method: the last block is rotated most.
                        let sum = sums
                            .iter()
                            .rev()
                            .fold(Complex64::default(), |sum: Complex64, x| sum * turn + x);
                        2.0 * sum.norm_sqr() / total
                    });
                let left = offset.left - explained.sum::<f64>();
                if left < best.0 {
                    best = (left, Some(mains + astray));
                }
            }
        }
        best.1
    }

    /// Returns the best fit near a frequency, and sets the weights to those of what it leaves.
    fn tones(&self, frequency: f64, weights: &mut Vec<f64>) -> Option<Fit> {
        let mut frequency = frequency;
        for step in FINE {
            let around = (-2..=2).map(|n| frequency + f64::from(n) * step);
            let fits = around.filter_map(|frequency| self.least_squares(Some(frequency), weights));
            let best = fits.min_by(|a, b| a.left.total_cmp(&b.left))?;
            *weights = self.weights(&best)?;
            frequency = best.frequency;
        }
        self.least_squares(Some(frequency), weights)
    }

    /// Adds the further multiples to a fit with tones, each on its own; the sound must have a higher rate for them.
    pub fn add_buzz(&self, fit: &mut Fit) {
        let Some(weights) = self.weights(fit) else {
            return;
        };
        let left = self.left(fit);
        let total = self.total(&weights);
        for multiple in fit.tones.len() + 1..=BUZZ {
            let frequency = multiple as f64 * fit.frequency;
            if frequency > 0.45 * self.rate {
                break;
            }
            let sums = self.turned_back(&left, frequency, &weights);
            fit.tones.push(2.0 * sums.sum::<Complex64>() / total);
        }
    }

    /// Fits the constant, and the tones at the multiples of a frequency, that leave the least weighted energy.
    fn least_squares(&self, frequency: Option<f64>, weights: &[f64]) -> Option<Fit> {
        let columns = if frequency.is_some() { COLUMNS } else { 1 };
        let mut gram = [[0.0; COLUMNS]; COLUMNS];
        let mut moments = [0.0; COLUMNS];
        let mut phases = phases(frequency.unwrap_or(0.0), self.start, self.rate);
        for (block, weight) in self.blocks(self.samples).zip(weights) {
            for (x, phase) in block.iter().zip(&mut phases) {
                let mut row = [1.0; COLUMNS];
                let mut tone = Complex64::from(1.0);
                for pair in row[1..columns].chunks_exact_mut(2) {
                    tone *= phase;
                    (pair[0], pair[1]) = (tone.re, tone.im);
                }
                for i in 0..columns {
                    let weighted = weight * row[i];
                    moments[i] += weighted * x;
                    for (sum, value) in gram[i][..=i].iter_mut().zip(&row) {
                        *sum += weighted * value;
                    }
                }
            }
        }
        let solution = solve(&mut gram, &moments, columns)?;
        let explained: f64 = solution.iter().zip(&moments).map(|(a, b)| a * b).sum();
        Some(Fit {
            constant: solution[0],
            frequency: frequency.unwrap_or(0.0),
            tones: solution[1..columns]
                .chunks_exact(2)
                .map(|pair| Complex64::new(pair[0], -pair[1]))
                .collect(),
            left: self.energy(weights) - explained,
        })
    }
}

impl Fit {
    fn constant(constant: f64) -> Self {
        Self {
            constant,
            frequency: 0.0,
            tones: Vec::new(),
            left: 0.0,
        }
    }

    /// Returns the values at a rate in Hz, from a time in seconds on.
    pub fn values(&self, start: f64, rate: f64) -> impl Iterator<Item = f64> {
        phases(self.frequency, start, rate).map(|base| {
            let tones = self.tones.iter().rev();
            let sum = tones.fold(Complex64::default(), |sum, tone| (sum + tone) * base);
            self.constant + sum.re
        })
    }
}

/// Returns `exp(2πi·frequency·t)` at a rate in Hz, from a time in seconds on.
fn phases(frequency: f64, start: f64, rate: f64) -> impl Iterator<Item = Complex64> + use<> {
    let turn = Complex64::cis(TAU * frequency / rate);
    let first = Complex64::cis(TAU * frequency * start);
    std::iter::successors(Some(first), move |phase| Some(phase * turn))
}

/// Solves a symmetric positive definite system with `equations` equations, given by its lower triangle, with Cholesky's
/// decomposition. Entries beyond the equations are 0. Returns `None` if there is no solution.
fn solve(
    a: &mut [[f64; COLUMNS]; COLUMNS],
    b: &[f64; COLUMNS],
    equations: usize,
) -> Option<[f64; COLUMNS]> {
    for i in 0..equations {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let rest = a[i][j] - sum;
            a[i][j] = match i == j {
                true if rest > 0.0 => rest.sqrt(),
                true => return None,
                false => rest / a[j][j],
            };
        }
    }
    let mut x = [0.0; COLUMNS];
    for i in 0..equations {
        let sum: f64 = (0..i).map(|k| a[i][k] * x[k]).sum();
        x[i] = (b[i] - sum) / a[i][i];
    }
    for i in (0..equations).rev() {
        let sum: f64 = (i + 1..equations).map(|k| a[k][i] * x[k]).sum();
        x[i] = (x[i] - sum) / a[i][i];
    }
    Some(x)
}
