//! Removal of what sounds at some time and in some band, to find out what would be heard without
//! it.

use std::f64::consts::PI;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use rustfft::Fft;
use rustfft::num_complex::Complex;

use super::condition::check_clip;
use super::error::{Error, Result};
use crate::waveform::Waveform;

/// Shortest window in seconds; it is extended to a power of two of samples.
const WINDOW: f64 = 0.03;
/// Number of frames that overlap at each sample.
const OVERLAP: usize = 4;
/// Share of the frames that are quieter than the floor, in each bin.
const FLOOR_SHARE: f64 = 0.1;
/// Accepted lengths in seconds: at least a few windows; each sample takes up to 100 bytes of memory.
const SECONDS: std::ops::RangeInclusive<f64> = 0.2..=60.0;
/// The name in error messages.
const NAME: &str = "occlusion";

/// A region of time and frequency. The end of each range is excluded.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Seconds from the start of the recording.
    pub seconds: Range<f64>,
    /// Frequencies in Hz.
    pub hertz: Range<f64>,
}

/// A recording from which regions can be removed, one after another.
///
/// # Formula
///
/// Let `X[t, k]` be the short-time Fourier transform (windows of 30 to 60 ms, a power of two of samples,
/// the square root of a Hann window, four over each sample), and let the floor `F[k]` be the value that a
/// tenth of the frames stay below in `|X[·, k]|`. Removing a region subtracts
/// `max(0, 1 − F[k] / |X[t, k]|) · X[t, k]` from each bin inside it. The background of the recording remains,
/// and nothing becomes louder. The subtracted part is transformed back and subtracted from the samples, so
/// that samples beyond the reach of a window do not change by a single bit.
///
/// ```
/// use ser_audio::conditions::{Occlusion, Region};
/// use ser_audio::Waveform;
///
/// // A tone of a quarter of a second in a second.
/// let tone = |n: u16| (f32::from(n) * 0.4).sin() * f32::from(u8::from((6000..10_000).contains(&n)));
/// let clip = Waveform::new((0..16_000).map(tone).collect(), 16_000);
/// let region = Region { seconds: 0.3..0.7, hertz: 500.0..1500.0 };
/// let without = Occlusion::new(&clip)?.without(&[region]);
/// assert!(without.samples[8000..8200].iter().all(|x| x.abs() < 0.01));
/// # Ok::<(), ser_audio::conditions::Error>(())
/// ```
pub struct Occlusion<'a> {
    clip: &'a Waveform,
    /// Square root of a Hann window.
    window: Vec<f32>,
    inverse: Arc<dyn Fft<f32>>,
    /// The part of each bin that can be removed: `[frames, bins]`.
    removable: Vec<Complex<f32>>,
}

impl fmt::Debug for Occlusion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Occlusion")
            .field("samples", &self.clip.samples.len())
            .field("window", &self.window.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Occlusion<'a> {
    /// Analyses a recording.
    ///
    /// # Errors
    ///
    /// [`Error::Clip`] for a clip shorter than 0.2 s or longer than 60 s, for digital silence, for a
    /// sampling rate outside 1 kHz to 1 MHz, and for a sample that is not a number or beyond 10¹⁰.
    pub fn new(clip: &'a Waveform) -> Result<Self> {
        check_clip(NAME, clip)?;
        let (shortest, longest) = (SECONDS.start(), SECONDS.end());
        let error = |expected: String, actual: String| Error::Clip {
            condition: NAME,
            expected,
            actual,
        };
        if !SECONDS.contains(&clip.duration()) {
            return Err(error(
                format!("{shortest} to {longest} s"),
                format!("{:.3} s", clip.duration()),
            ));
        }
        if clip.samples.iter().all(|&x| x == 0.0) {
            return Err(error("sound".to_owned(), "digital silence".to_owned()));
        }
        let size = ((WINDOW * f64::from(clip.sample_rate)) as usize).next_power_of_two();
        let hann = |n: usize| (PI * n as f64 / size as f64).sin() as f32;
        let mut occlusion = Self {
            clip,
            window: (0..size).map(hann).collect(),
            inverse: ser_fourier::inverse(size),
            removable: Vec::new(),
        };
        occlusion.analyse(&*ser_fourier::forward(size));
        Ok(occlusion)
    }

    /// Returns the recording without what sounds in any of the regions. The time of a frame is that of its
    /// middle; frames whose middle lies beyond an end have the time of the first or last sample.
    pub fn without(&self, regions: &[Region]) -> Waveform {
        let (size, bins) = (self.window.len(), self.bins());
        let rate = f64::from(self.clip.sample_rate);
        let mut samples = self.clip.samples.clone();
        let mut frame = vec![Complex::ZERO; size];
        let mut scratch = vec![Complex::ZERO; self.inverse.get_inplace_scratch_len()];
        // The inverse transform of rustfft does not divide by the length, and the squares of the windows over a
        // sample add up to half their number.
        let scale = 2.0 / (size * OVERLAP) as f32;
        for (index, removable) in self.removable.chunks_exact(bins).enumerate() {
            let middle = self.start(index) + (size / 2) as isize;
            let last = self.clip.samples.len() as isize - 1;
            let seconds = middle.clamp(0, last) as f64 / rate;
            let here: Vec<&Range<f64>> = regions
                .iter()
                .filter(|region| region.seconds.contains(&seconds))
                .map(|region| &region.hertz)
                .collect();
            if here.is_empty() {
                continue;
            }
            frame.fill(Complex::ZERO);
            for (bin, &taken) in removable.iter().enumerate() {
                let hertz = bin as f64 * rate / size as f64;
                if here.iter().any(|band| band.contains(&hertz)) {
                    // The upper half holds the negative frequencies in reverse order.
                    frame[(size - bin) % size] = taken.conj();
                    frame[bin] = taken;
                }
            }
            self.inverse.process_with_scratch(&mut frame, &mut scratch);
            for (n, (taken, weight)) in frame.iter().zip(&self.window).enumerate() {
                let place = self.start(index).checked_add_unsigned(n);
                let place = place.and_then(|place| usize::try_from(place).ok());
                if let Some(sample) = place.and_then(|place| samples.get_mut(place)) {
                    *sample -= scale * weight * taken.re;
                }
            }
        }
        Waveform::new(samples, self.clip.sample_rate)
    }

    /// Computes `removable`.
    fn analyse(&mut self, forward: &dyn Fft<f32>) {
        let (size, bins) = (self.window.len(), self.bins());
        let samples = &self.clip.samples;
        let hop = size / OVERLAP;
        let frames = samples.len().div_ceil(hop) + OVERLAP - 1;
        let mut spectra = Vec::with_capacity(frames * bins);
        let mut frame = vec![Complex::ZERO; size];
        let mut scratch = vec![Complex::ZERO; forward.get_inplace_scratch_len()];
        for index in 0..frames {
            for (n, (value, weight)) in frame.iter_mut().zip(&self.window).enumerate() {
                let place = usize::try_from(self.start(index) + n as isize).ok();
                let sample = place.and_then(|place| samples.get(place));
                *value = Complex::from(sample.map_or(0.0, |sample| weight * sample));
            }
            forward.process_with_scratch(&mut frame, &mut scratch);
            spectra.extend_from_slice(&frame[..bins]);
        }
        // Frames that extend over an end would lower the floor.
        let whole = OVERLAP - 1..frames + 1 - OVERLAP;
        let below = (FLOOR_SHARE * whole.len() as f64) as usize;
        for bin in 0..bins {
            let level = |frame: usize| spectra[frame * bins + bin].norm();
            let mut levels: Vec<f32> = whole.clone().map(level).collect();
            let (_, &mut floor, _) = levels.select_nth_unstable_by(below, f32::total_cmp);
            for value in spectra[bin..].iter_mut().step_by(bins) {
                let level = value.norm();
                *value *= if level > floor {
                    1.0 - floor / level
                } else {
                    0.0
                };
            }
        }
        self.removable = spectra;
    }

    /// Returns the number of frequency bins from 0 Hz to half the sampling rate.
    fn bins(&self) -> usize {
        self.window.len() / 2 + 1
    }

    /// Returns the first sample of a frame. The first frames begin before the recording, so that every sample lies
    /// in the same number of frames.
    fn start(&self, frame: usize) -> isize {
        let hop = self.window.len() / OVERLAP;
        (frame * hop) as isize - ((OVERLAP - 1) * hop) as isize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a floor of 0 everything can be removed: the transform and its inverse match.
    #[test]
    fn all_of_it_is_the_recording_itself() {
        for rate in [8000, 44_100] {
            let mut clip = Waveform::new(vec![0.0; rate as usize], rate);
            // Four fifths of the clip have sound, so more than a tenth of the frames is silent.
            for (n, x) in clip.samples[..(rate as usize * 4) / 5]
                .iter_mut()
                .enumerate()
            {
                *x = (n as f32 * 0.3).sin() + (n as f32 * n as f32 * 1e-4).cos();
            }
            let all = Region {
                seconds: 0.0..1.0,
                hertz: 0.0..f64::INFINITY,
            };
            let nothing = Occlusion::new(&clip).unwrap().without(&[all]);
            let left = nothing.samples.iter().fold(0.0, |m: f32, x| m.max(x.abs()));
            assert!(left < 2e-5, "{left} at {rate} Hz");
        }
    }
}
