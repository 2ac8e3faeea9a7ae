//! Mixing of several channels into one.

/// How the channels of a recording are mixed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Channels {
    /// Their mean, as in librosa.
    #[default]
    Mean,
    /// The mean of the audible channels, each with the sign that it has in common with the others.
    ///
    /// A channel whose correlation with the first audible one is below −0.5 would cancel it in the mean, as in
    /// recordings with one wire swapped. Its sign is inverted. A channel 40 dB below the loudest is left out, so that a
    /// dead channel does not halve the level. Both decisions use all samples up to that time, in steps of 4096 samples.
    /// For one channel, and for ordinary stereo, the result is the mean.
    Compared,
    /// One of them, counted from 1.
    Only(u16),
}

impl Channels {
    /// Returns the channel with this number, or else all channels compared.
    #[must_use]
    pub fn chosen(number: Option<u16>) -> Self {
        number.map_or(Self::Compared, Self::Only)
    }
}

/// Number of samples per channel after which channels are compared anew.
const WINDOW: usize = 4096;
/// Correlation below which a channel has the opposite sign.
const OPPOSITE: f64 = -0.5;
/// Power relative to the loudest channel below which a channel is left out: −40 dB.
const UNHEARD: f64 = 1e-4;
/// Mean square from which on a channel is audible: −70 dBFS.
const AUDIBLE: f64 = 1e-7;
/// Absolute correlation of two channels below which they have nothing in common.
const APART: f64 = 0.2;
/// Power of the softer channel relative to the louder one from which on somebody speaks into both: −20 dB.
const BOTH: f64 = 1e-2;

/// Mixes interleaved samples down to one channel.
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
    /// Number of channels.
    count: usize,
    /// Samples that wait for the rest of their window, interleaved.
    waiting: Vec<f32>,
    /// Number of samples compared, per channel.
    compared: u64,
    /// Sum of each channel, so that a constant offset does not count.
    sums: Vec<f64>,
    /// Sum of squares of each channel.
    squares: Vec<f64>,
    /// Sum of products of each channel with the reference.
    products: Vec<f64>,
    /// The first channel that was audible.
    reference: Option<usize>,
    /// The weight of each channel.
    weights: Vec<f32>,
}

impl Mixer {
    /// Creates a mixer for samples of `count` channels, 1 or more.
    #[must_use]
    pub fn new(channels: Channels, count: usize) -> Self {
        Self {
            channels,
            count,
            waiting: Vec::new(),
            compared: 0,
            sums: vec![0.0; count],
            squares: vec![0.0; count],
            products: vec![0.0; count],
            reference: None,
            weights: vec![1.0; count],
        }
    }

    /// Returns whether only the mean is needed.
    pub(crate) fn is_mean(&self) -> bool {
        self.channels == Channels::Mean || self.count == 1
    }

    /// Mixes `interleaved`, which holds whole frames of `count` channels with samples within
    /// [`SAMPLE_RANGE`](crate::SAMPLE_RANGE), and appends the result. Some samples may wait.
    pub fn push(&mut self, interleaved: &[f32], count: usize, samples: &mut Vec<f32>) {
        if count != self.count {
            // What is known of the old channels does not apply to the new ones.
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

    /// Mixes the samples that wait, and appends the result.
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

    /// Updates the weights of the channels with the samples that wait.
    fn compare(&mut self) {
        let frames = || self.waiting.chunks_exact(self.count);
        self.compared += frames().len() as u64;
        for channel in 0..self.count {
            let values = || frames().map(|frame| f64::from(frame[channel]));
            self.sums[channel] += values().sum::<f64>();
            self.squares[channel] += values().map(|x| x * x).sum::<f64>();
        }
        if self.reference.is_none() {
            let audible = AUDIBLE * self.compared as f64;
            self.reference = (0..self.count).find(|&channel| self.energy(channel) >= audible);
            if self.reference.is_some() && self.compared > frames().len() as u64 {
                // Products are known from here on, so all other sums begin here too.
                self.compared = 0;
                self.sums.fill(0.0);
                self.squares.fill(0.0);
                return self.compare();
            }
        }
        let Some(reference) = self.reference else {
            return;
        };
        for (channel, product) in self.products.iter_mut().enumerate() {
            let products =
                frames().map(|frame| f64::from(frame[channel]) * f64::from(frame[reference]));
            *product += products.sum::<f64>();
        }
        let loudest = self.loudest();
        for channel in 0..self.count {
            self.weights[channel] = if self.energy(channel) < UNHEARD * loudest {
                0.0
            } else if self.correlation(channel, reference) < OPPOSITE {
                -1.0
            } else {
                1.0
            };
        }
    }

    /// Returns the energy of a channel without its offset.
    fn energy(&self, channel: usize) -> f64 {
        let offset = self.sums[channel].powi(2) / self.compared as f64;
        (self.squares[channel] - offset).max(0.0)
    }

    fn loudest(&self) -> f64 {
        (0..self.count).fold(0.0, |loudest, channel| self.energy(channel).max(loudest))
    }

    fn correlation(&self, channel: usize, reference: usize) -> f64 {
        let offsets = self.sums[channel] * self.sums[reference] / self.compared as f64;
        let energies = self.energy(channel) * self.energy(reference);
        (self.products[channel] - offsets) / energies.sqrt().max(f64::MIN_POSITIVE)
    }

    /// Returns whether two channels that somebody speaks into have nothing in common, like those of a call.
    #[must_use]
    pub fn are_apart(&self) -> bool {
        let loudest = self.loudest();
        self.reference.is_some_and(|reference| {
            (0..self.count).any(|channel| {
                let [softer, audible] = [BOTH * loudest, AUDIBLE * self.compared as f64];
                channel != reference
                    && [channel, reference]
                        .iter()
                        .all(|&c| self.energy(c) >= softer.max(audible))
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
