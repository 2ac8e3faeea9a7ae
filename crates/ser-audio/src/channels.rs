//! Several channels become one.

use crate::waveform::SAMPLE_RANGE;

/// What becomes of the channels of a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Channels {
    /// Their mean, as librosa has it.
    #[default]
    Mean,
    /// The mean of those that are heard, each with the sign that it has in common with the others.
    ///
    /// A channel whose correlation with the first audible one is below −0.5 would cancel it in the mean, as in recordings
    /// of which one wire was swapped: its sign is changed. One that is 40 dB below the loudest is left out, so that a dead
    /// channel does not halve the level. Both go by all that was heard until then, in steps of 4096 samples. Of one
    /// channel, and of ordinary stereo, this is the mean.
    Compared,
    /// One of them, counted from 1.
    Only(u16),
}

impl Channels {
    /// The one of this number, or else all of them compared.
    #[must_use]
    pub fn chosen(number: Option<u16>) -> Self {
        number.map_or(Self::Compared, Self::Only)
    }
}

/// Samples per channel after which channels are compared anew.
const WINDOW: usize = 4096;
/// Correlation below which a channel has the opposite sign.
const OPPOSITE: f64 = -0.5;
/// Power relative to the loudest channel below which a channel is not heard: −40 dB.
const UNHEARD: f64 = 1e-4;
/// Mean square from which on a channel is audible: −70 dBFS.
const AUDIBLE: f64 = 1e-7;
/// Correlation of two channels, whatever its sign, below which they have nothing in common.
const APART: f64 = 0.2;
/// Power of the softer one relative to the louder one from which on both are spoken into: −20 dB.
const BOTH: f64 = 1e-2;

/// Mixes interleaved samples down.
///
/// ```
/// use ser_audio::{Channels, Mixer};
///
/// let (mut mixer, mut samples) = (Mixer::new(Channels::Mean, 2), Vec::new());
/// mixer.push(&[0.5, 0.0, 0.5, 1.0], 2, &mut samples);
/// mixer.finish(&mut samples);
/// assert_eq!(samples, [0.25, 0.75]);
/// ```
pub struct Mixer {
    pub(crate) channels: Channels,
    /// Number of them.
    count: usize,
    /// Samples that wait for the rest of their window, interleaved.
    waiting: Vec<f32>,
    /// Samples compared, of each channel.
    compared: u64,
    /// Sums of squares.
    energies: Vec<f64>,
    /// Sums of products with the reference.
    products: Vec<f64>,
    /// The first channel that was audible.
    reference: Option<usize>,
    /// The weight of each channel.
    weights: Vec<f32>,
}

impl Mixer {
    /// Of samples of `count` channels, 1 or more.
    #[must_use]
    pub fn new(channels: Channels, count: usize) -> Self {
        Self {
            channels,
            count,
            waiting: Vec::new(),
            compared: 0,
            energies: vec![0.0; count],
            products: vec![0.0; count],
            reference: None,
            weights: vec![1.0; count],
        }
    }

    /// Whether the mean is all that is asked for.
    pub(crate) fn is_mean(&self) -> bool {
        self.channels == Channels::Mean || self.count == 1
    }

    /// Appends what becomes of `interleaved`, which holds whole frames of `count` channels; some of it may wait.
    pub fn push(&mut self, interleaved: &[f32], count: usize, samples: &mut Vec<f32>) {
        if count != self.count {
            // What is known of the channels is of others.
            self.finish(samples);
            *self = Self::new(self.channels, count);
        }
        if self.is_mean() {
            return mean(interleaved, count, samples);
        }
        if let Channels::Only(number) = self.channels {
            let channel = interleaved
                .iter()
                .skip(usize::from(number).clamp(1, count) - 1);
            return samples.extend(channel.step_by(count));
        }
        let mut rest = interleaved;
        while !rest.is_empty() {
            let missing = WINDOW * count - self.waiting.len();
            let (now, later) = rest.split_at(rest.len().min(missing));
            self.waiting.extend_from_slice(now);
            rest = later;
            if now.len() == missing {
                self.finish(samples);
            }
        }
    }

    /// Appends what waits.
    pub fn finish(&mut self, samples: &mut Vec<f32>) {
        if self.waiting.is_empty() {
            return;
        }
        self.compare();
        let (waiting, count) = (std::mem::take(&mut self.waiting), self.count);
        if self.weights.iter().all(|&weight| weight == 1.0) {
            mean(&waiting, count, samples);
        } else {
            let heard: f32 = self.weights.iter().map(|weight| weight.abs()).sum();
            samples.extend(waiting.chunks_exact(count).map(|frame| {
                let weighted = frame
                    .iter()
                    .zip(&self.weights)
                    .map(|(x, weight)| x * weight);
                weighted.sum::<f32>() / heard
            }));
        }
        self.waiting = waiting;
        self.waiting.clear();
    }

    /// Weighs the channels anew with the samples that wait.
    fn compare(&mut self) {
        let frames = || self.waiting.chunks_exact(self.count);
        self.compared += frames().len() as u64;
        // Stretches of a damaged file may hold what is no number.
        let number = |x: f32| match SAMPLE_RANGE.contains(&x) {
            true => f64::from(x),
            false => 0.0,
        };
        for (channel, energy) in self.energies.iter_mut().enumerate() {
            *energy += frames()
                .map(|frame| number(frame[channel]).powi(2))
                .sum::<f64>();
        }
        let audible = AUDIBLE * self.compared as f64;
        if self.reference.is_none() {
            self.reference = self.energies.iter().position(|&energy| energy >= audible);
        }
        let Some(reference) = self.reference else {
            return;
        };
        for (channel, product) in self.products.iter_mut().enumerate() {
            let products = frames().map(|frame| number(frame[channel]) * number(frame[reference]));
            *product += products.sum::<f64>();
        }
        let loudest = self.energies.iter().copied().fold(0.0, f64::max);
        for channel in 0..self.count {
            self.weights[channel] = if self.energies[channel] < UNHEARD * loudest {
                0.0
            } else if self.correlation(channel, reference) < OPPOSITE {
                -1.0
            } else {
                1.0
            };
        }
    }

    fn correlation(&self, channel: usize, reference: usize) -> f64 {
        let energies = self.energies[channel] * self.energies[reference];
        self.products[channel] / energies.sqrt().max(f64::MIN_POSITIVE)
    }

    /// Whether two channels that are both spoken into have nothing in common, as those of a call.
    #[must_use]
    pub fn are_apart(&self) -> bool {
        let loudest = self.energies.iter().copied().fold(0.0, f64::max);
        self.reference.is_some_and(|reference| {
            (0..self.count).any(|channel| {
                let [softer, audible] = [BOTH * loudest, AUDIBLE * self.compared as f64];
                channel != reference
                    && [channel, reference]
                        .iter()
                        .all(|&c| self.energies[c] >= softer.max(audible))
                    && self.correlation(channel, reference).abs() < APART
            })
        })
    }
}

/// Appends the mean over the channels of each frame.
fn mean(interleaved: &[f32], count: usize, samples: &mut Vec<f32>) {
    match count {
        1 => samples.extend_from_slice(interleaved),
        _ => {
            let frames = interleaved.chunks_exact(count);
            samples.extend(frames.map(|frame| frame.iter().sum::<f32>() / count as f32));
        }
    }
}
