//! One-channel audio in memory.

use std::ops::RangeInclusive;

use multiversion::multiversion;

/// The valid range of samples, 10¹⁰ times full scale. Far beyond it, the power of a frame would be infinite in single
/// precision.
pub const SAMPLE_RANGE: RangeInclusive<f32> = -1e10..=1e10;

/// A mono signal and its sampling rate.
///
/// [`read`](crate::read) returns one for any recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waveform {
    /// The samples. Full scale is −1 to 1; floating-point files may exceed it within
    /// [`SAMPLE_RANGE`].
    pub samples: Vec<f32>,
    /// Sampling rate in Hz.
    pub sample_rate: u32,
}

impl Waveform {
    /// Creates a signal from samples.
    pub fn new(samples: Vec<f32>, sample_rate: u32) -> Self {
        Self {
            samples,
            sample_rate,
        }
    }

    /// Returns the length in seconds, 0 if the sampling rate is 0.
    pub fn duration(&self) -> f64 {
        if self.sample_rate == 0 {
            return 0.0;
        }
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }
}

/// Returns the mean square of a frame whose part `inside` lies inside the signal. The rest of the frame is zeros.
///
/// # Formula
///
/// `Σ x² / frame_length`; 0 for a frame of no samples.
#[multiversion(targets("x86_64+avx2+fma"))]
pub fn mean_square(inside: &[f32], frame_length: usize) -> f32 {
    /// Number of independent sums, so that the compiler can use vector registers.
    const LANES: usize = 16;

    let (blocks, rest) = inside.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for block in blocks {
        for (sum, x) in sums.iter_mut().zip(block) {
            *sum += x * x;
        }
    }
    let sum = sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>();
    sum / frame_length.max(1) as f32
}

/// Returns the root mean square of samples, 0 if there are none.
pub(crate) fn rms(samples: &[f32]) -> f32 {
    mean_square(samples, samples.len()).sqrt()
}
