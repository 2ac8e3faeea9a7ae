//! One-channel audio in memory.

use std::ops::RangeInclusive;
use std::path::Path;

use multiversion::multiversion;

use crate::error::Result;
use crate::wav::WavReader;

/// The samples that recordings may have, ten thousand million times full scale: far beyond, the power of
/// a frame is infinite in single precision.
pub const SAMPLE_RANGE: RangeInclusive<f32> = -1e10..=1e10;

/// A mono signal and its sampling rate.
///
/// ```no_run
/// use ser_audio::Waveform;
///
/// let clip = Waveform::read("03-01-05-02-01-02-11.wav")?;
/// println!("{:.2} s at {} Hz", clip.duration(), clip.sample_rate);
/// # Ok::<(), ser_audio::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waveform {
    /// The samples; full scale is −1 to 1, and floating-point files may exceed it within
    /// [`SAMPLE_RANGE`].
    pub samples: Vec<f32>,
    /// Samples per second, in Hz.
    pub sample_rate: u32,
}

impl Waveform {
    /// A signal from samples already in memory.
    pub fn new(samples: Vec<f32>, sample_rate: u32) -> Self {
        Self {
            samples,
            sample_rate,
        }
    }

    /// Reads a WAV file and mixes its channels down to their mean.
    ///
    /// # Formats
    ///
    /// PCM of 8, 16, 24 and 32 bits and floating point of 32 bits, plain or
    /// `WAVE_FORMAT_EXTENSIBLE`, any number of channels, any rate, any further chunks before and
    /// after the samples; RF64 as well, for files beyond 4 GiB.
    ///
    /// # Scale
    ///
    /// As libsndfile has it: an integer of `b` bits is divided by `2^(b−1)`, where `b` is the size
    /// of its container (8-bit samples are unsigned, so 128 is taken away first). Floating-point
    /// samples are left as they are.
    ///
    /// # Lengths
    ///
    /// A program that writes to a pipe cannot go back and fill in the length. Its mark for that
    /// (`0xFFFFFFFF`; `0x7FFFF000` from SoX; `0x80000000` from arecord; 0 in a file whose RIFF length
    /// is unknown as well) means that the samples reach to the end of the file, of which a last incomplete frame is dropped. A
    /// real length that the file does not hold is an error: such a file was cut short. No samples at
    /// all is not an error here.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::Error::Io) when the file cannot be read, [`Wav`](crate::Error::Wav) when it is damaged or not WAV,
    /// [`Unsupported`](crate::Error::Unsupported) for a compressed or unusual sample format, and
    /// [`OutOfRange`](crate::Error::OutOfRange) when a floating-point sample is not a number or outside
    /// [`SAMPLE_RANGE`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let mut waveform = Self::default();
        WavReader::new().read_into(path, &mut waveform)?;
        Ok(waveform)
    }

    /// Length in seconds, 0 if the rate is.
    pub fn duration(&self) -> f64 {
        if self.sample_rate == 0 {
            return 0.0;
        }
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }
}

/// Mean square of a frame of which `inside` lies inside the signal and the rest is zeros.
///
/// # Formula
///
/// `Σ x² / frame_length`; 0 for a frame of no samples.
#[multiversion(targets("x86_64+avx2+fma"))]
pub fn mean_square(inside: &[f32], frame_length: usize) -> f32 {
    /// Sums that do not wait for each other, so that the compiler can use vector registers.
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

/// Root mean square of samples; 0 of none.
pub(crate) fn rms(samples: &[f32]) -> f32 {
    mean_square(samples, samples.len()).sqrt()
}
