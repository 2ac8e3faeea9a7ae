//! Framing, windowing, and the power spectrum of a block of frames.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rustfft::Fft;
use rustfft::num_complex::Complex;

use crate::block::{LANES, Lanes, mul_add};
use crate::config::{FeatureConfig, PadMode};
use crate::error::{Error, Result};
use crate::window;

/// The positions of the frames of a signal. Frame `t` starts at sample `t·hop − pad`; samples outside
/// the signal follow `pad_mode`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framing {
    length: usize,
    hop: usize,
    pad: usize,
    pad_mode: PadMode,
    /// Number of samples of the signal.
    samples: usize,
    frames: usize,
}

impl Framing {
    /// Computes the frames of a signal. There is at least one.
    ///
    /// # Errors
    /// [`Error::Empty`] if the signal has no samples, [`Error::TooShort`] if it does not fill one frame.
    pub(crate) fn new(config: &FeatureConfig, samples: usize) -> Result<Self> {
        let frames = config.frames(samples);
        if samples == 0 {
            return Err(Error::Empty);
        }
        if frames == 0 {
            return Err(Error::TooShort {
                what: "one frame (`n_fft`, not padded, because `center` is false)",
                unit: "samples",
                expected: config.n_fft,
                actual: samples,
            });
        }
        Ok(Self {
            length: config.n_fft,
            hop: config.hop_length,
            pad: if config.center { config.n_fft / 2 } else { 0 },
            pad_mode: config.pad_mode,
            samples,
            frames,
        })
    }

    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    /// Returns the range of samples that frames need, with `reach` more on both sides, within the signal.
    ///
    /// A frame that extends over one end of the signal mirrors samples up to one beyond its other end.
    pub(crate) fn span(&self, frames: Range<usize>, reach: usize) -> Range<usize> {
        let reach = reach.max(1);
        let start = (frames.start * self.hop).saturating_sub(self.pad + reach);
        let end = (frames.end - 1) * self.hop + self.length + reach;
        start.min(self.samples)..end.saturating_sub(self.pad).min(self.samples)
    }

    /// Returns the part of a frame that lies inside the signal.
    fn inside(&self, index: usize) -> Range<usize> {
        let start = index * self.hop;
        let end = (start + self.length).saturating_sub(self.pad);
        let end = end.min(self.samples);
        start.saturating_sub(self.pad).min(end)..end
    }

    /// Returns the index in the signal of sample `position` of the padded signal, or `None` if that sample
    /// is a padding zero.
    fn source(&self, position: usize) -> Option<usize> {
        let last = self.samples - 1;
        match self.pad_mode {
            PadMode::Constant => position
                .checked_sub(self.pad)
                .filter(|&index| index <= last),
            PadMode::Edge => Some(position.saturating_sub(self.pad).min(last)),
            PadMode::Reflect => {
                // The mirrored signal repeats after the way to its end and back.
                let offset = position.abs_diff(self.pad) % (2 * last).max(1);
                Some(offset.min(2 * last - offset))
            }
        }
    }
}

/// Samples of a signal from some position on: at least those that the requested frames need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) framing: Framing,
    pub(crate) samples: &'a [f32],
    /// Position in the signal of the first of these samples.
    pub(crate) start: usize,
}

impl<'a> Part<'a> {
    /// Returns the sample in the middle of a frame, counted from the first sample of the part.
    pub(crate) fn centre(&self, index: usize) -> usize {
        let framing = &self.framing;
        index * framing.hop + framing.length / 2 - framing.pad - self.start
    }

    /// Returns the part of a frame that lies inside the signal.
    pub(crate) fn inside(&self, index: usize) -> &'a [f32] {
        let inside = self.framing.inside(index);
        &self.samples[inside.start - self.start..inside.end - self.start]
    }

    /// Returns the samples of a frame: a part of the signal itself, or `padded`, which is filled if the
    /// frame extends over an end of the signal.
    fn frame<'b>(&self, index: usize, padded: &'b mut Vec<f32>) -> &'b [f32]
    where
        'a: 'b,
    {
        let inside = self.inside(index);
        let Framing {
            length, hop, pad, ..
        } = self.framing;
        if inside.len() == length {
            return inside;
        }
        let start = index * hop;
        let before = pad.saturating_sub(start).min(length);
        let after = start + before + inside.len()..start + length;
        padded.clear();
        padded.extend((start..start + before).map(|position| self.sample(position)));
        padded.extend_from_slice(inside);
        padded.extend(after.map(|position| self.sample(position)));
        padded
    }

    /// Returns sample `position` of the padded signal.
    fn sample(&self, position: usize) -> f32 {
        self.framing
            .source(position)
            .map_or(0.0, |index| self.samples[index - self.start])
    }
}

/// The planned power spectrum of a block of frames.
///
/// Frames `a` and `b` are transformed together as `z = a + i·b`. The transform of a real
/// frame is its own mirrored conjugate, so the two can be separated again:
/// `A[k] = (Z[k] + Z̄[N−k]) / 2` and `B[k] = (Z[k] − Z̄[N−k]) / 2i`.
/// This takes one transform instead of two, and works for any length, also an odd one.
#[derive(Clone)]
pub(crate) struct Spectrum {
    fft: Arc<dyn Fft<f32>>,
    /// The window, centred in the length of the transform and halved: these are the halves of the formula above.
    half_window: Vec<f32>,
    bins: Range<usize>,
}

#[derive(Debug, Default)]
pub(crate) struct SpectrumScratch {
    spectrum: Vec<Complex<f32>>,
    fft: Vec<Complex<f32>>,
    padded: [Vec<f32>; 2],
}

impl fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spectrum")
            .field("n_fft", &self.fft.len())
            .field("bins", &self.bins)
            .finish_non_exhaustive()
    }
}

impl Spectrum {
    /// Plans the power of the frequency bins `bins`, a part of `0..n_fft/2 + 1`.
    pub(crate) fn new(config: &FeatureConfig, bins: Range<usize>) -> Self {
        let window = window::periodic(config.window, config.win_length());
        let mut half_window = vec![0.0; config.n_fft];
        let start = (config.n_fft - window.len()) / 2;
        for (half, value) in half_window[start..].iter_mut().zip(window) {
            *half = (0.5 * value) as f32;
        }
        Self {
            fft: ser_fourier::forward(config.n_fft),
            half_window,
            bins,
        }
    }

    /// Returns the bins that [`power`](Self::power) computes.
    pub(crate) fn bins(&self) -> Range<usize> {
        self.bins.clone()
    }

    /// Writes `|X[k]|²` of a block of frames from `first` on, one row per bin. Lanes beyond the last frame
    /// keep their old values.
    pub(crate) fn power(
        &self,
        part: &Part<'_>,
        first: usize,
        scratch: &mut SpectrumScratch,
        power: &mut [Lanes],
    ) {
        let spectrum = aligned(&mut scratch.spectrum, self.fft.len());
        let fft_scratch = aligned(&mut scratch.fft, self.fft.get_inplace_scratch_len());
        let last = part.framing.frames() - 1;
        let frames = LANES.min(last + 1 - first);
        for pair in 0..frames.div_ceil(2) {
            let [padded_a, padded_b] = &mut scratch.padded;
            let a = first + 2 * pair;
            let b = (a + 1).min(last);
            let a = part.frame(a, padded_a);
            let b = part.frame(b, padded_b);
            let peaks = window_pair(a, b, &self.half_window, spectrum);
            let gains = level_pair(spectrum, peaks);
            self.fft.process_with_scratch(spectrum, fft_scratch);
            split_pair(spectrum, gains, self.bins.start, pair, power);
        }
    }
}

/// Returns `length` values of the buffer, starting at a cache line. The transform moves whole vectors
/// and is a tenth faster there.
fn aligned(buffer: &mut Vec<Complex<f32>>, length: usize) -> &mut [Complex<f32>] {
    const CACHE_LINE: usize = 64;
    const SLACK: usize = CACHE_LINE / size_of::<Complex<f32>>();
    buffer.resize(length + SLACK, Complex::new(0.0, 0.0));
    let start = buffer.as_ptr().align_offset(CACHE_LINE).min(SLACK);
    &mut buffer[start..start + length]
}

/// Windows two frames into one complex signal. Returns their peaks as the bits of an `f32`: the bits
/// of positive numbers have the same order as the numbers, and a maximum does not depend on the order of
/// evaluation.
#[multiversion(targets("x86_64+avx2+fma"))]
fn window_pair(a: &[f32], b: &[f32], window: &[f32], out: &mut [Complex<f32>]) -> [u32; 2] {
    let mut peaks = [0; 2];
    for (((out, &a), &b), &w) in out.iter_mut().zip(a).zip(b).zip(window) {
        *out = Complex::new(a * w, b * w);
        peaks[0] = peaks[0].max(out.re.abs().to_bits());
        peaks[1] = peaks[1].max(out.im.abs().to_bits());
    }
    peaks
}

/// Scales the quieter frame of a pair to the level of the louder one if it is far below it: the rounding
/// of the transform is relative to the louder frame and would drown the quieter one. Returns the factor
/// by which the power of each frame must be multiplied. All factors are powers of two, so they cause
/// no rounding.
fn level_pair(pair: &mut [Complex<f32>], peaks: [u32; 2]) -> [f32; 2] {
    const EXPONENT_SHIFT: u32 = f32::MANTISSA_DIGITS - 1;
    /// Tolerated difference in powers of two: 12 dB, which neighbouring frames of a voice seldom exceed.
    const TOLERATED: u32 = 2;

    let [a, b] = peaks.map(|bits| bits >> EXPONENT_SHIFT);
    let mut gains = [1.0, 1.0];
    if a.abs_diff(b) <= TOLERATED {
        return gains;
    }
    let quieter = usize::from(b < a);
    if peaks[quieter] == 0 {
        gains[quieter] = 0.0;
        return gains;
    }
    let scale = 2f32.powi(a.abs_diff(b).min(f32::MAX_EXP as u32 - 1) as i32);
    for z in pair {
        match quieter {
            0 => z.re *= scale,
            _ => z.im *= scale,
        }
    }
    gains[quieter] = scale.powi(-2);
    gains
}

/// Writes the power of the two frames of a pair, from bin `first_bin` on, multiplied by `gains`.
#[multiversion(targets("x86_64+avx2+fma"))]
fn split_pair(
    spectrum: &[Complex<f32>],
    gains: [f32; 2],
    first_bin: usize,
    pair: usize,
    power: &mut [Lanes],
) {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    let [gain_a, gain_b] = gains;
    // Bin 0 is its own mirror image; bin k mirrors bin N − k.
    let (power, first_bin) = match (first_bin, power) {
        (0, [zeroth, rest @ ..]) => {
            let z = 2.0 * spectrum[0];
            zeroth.0[2 * pair] = z.re * z.re * gain_a;
            zeroth.0[2 * pair + 1] = z.im * z.im * gain_b;
            (rest, 1)
        }
        (first_bin, power) => (power, first_bin),
    };
    let bins = &spectrum[first_bin..][..power.len()];
    let mirrored = &spectrum[spectrum.len() - first_bin + 1 - power.len()..][..power.len()];
    for ((power, z), w) in power.iter_mut().zip(bins).zip(mirrored.iter().rev()) {
        let sum = z + w;
        let difference = z - w;
        let a = mul_add::<FUSED>(sum.re, sum.re, difference.im * difference.im);
        let b = mul_add::<FUSED>(sum.im, sum.im, difference.re * difference.re);
        power.0[2 * pair] = a * gain_a;
        power.0[2 * pair + 1] = b * gain_b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares frames, of signals down to a single sample, with a padded copy of the signal.
    #[test]
    fn frames_follow_the_padding_however_short_the_signal() {
        for pad_mode in [PadMode::Constant, PadMode::Reflect, PadMode::Edge] {
            for (length, n_fft, hop_length) in [
                (1, 9, 2),
                (2, 16, 3),
                (3, 2, 1),
                (5, 16, 4),
                (20, 7, 30),
                (40, 8, 5),
            ] {
                let config = FeatureConfig {
                    n_fft,
                    hop_length,
                    pad_mode,
                    ..FeatureConfig::default()
                };
                let samples: Vec<f32> = (1..=length).map(|n| n as f32).collect();
                let period = (2 * (length - 1)).max(1);
                let padded: Vec<f32> = (-(n_fft as i32) / 2..length + n_fft as i32 / 2)
                    .map(|i| match pad_mode {
                        PadMode::Constant if i < 0 || i >= length => 0.0,
                        PadMode::Constant => samples[i as usize],
                        PadMode::Edge => samples[i.clamp(0, length - 1) as usize],
                        PadMode::Reflect => {
                            let i = i.rem_euclid(period);
                            samples[i.min(period - i).min(length - 1) as usize]
                        }
                    })
                    .collect();
                let framing = Framing::new(&config, samples.len()).unwrap();
                let part = Part {
                    framing,
                    samples: &samples,
                    start: 0,
                };
                let expected: Vec<&[f32]> = padded.windows(n_fft).step_by(hop_length).collect();
                assert_eq!(framing.frames(), expected.len());
                for (index, expected) in expected.into_iter().enumerate() {
                    let mut buffer = vec![f32::NAN; 3];
                    let frame = part.frame(index, &mut buffer);
                    assert_eq!(
                        frame, expected,
                        "{pad_mode:?} {length} {n_fft} {hop_length}"
                    );
                }
            }
        }
    }
}
