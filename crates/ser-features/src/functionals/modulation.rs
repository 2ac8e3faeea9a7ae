//! Modulation: how fast levels rise and fall, as in syllables, tremor and roughness.

use std::fmt;
use std::sync::Arc;

use rustfft::Fft;
use rustfft::num_complex::Complex;

use crate::config::{FeatureConfig, Window};
use crate::window;

use super::statistics::mean;

/// The edges of the modulation ranges in Hz. Syllables occur at 3 to 8 Hz.
pub(super) const EDGES: [f64; 7] = [0.3, 1.5, 3.0, 5.0, 8.0, 13.0, 25.0];

/// The power that is added to that of the modulation, so that a constant track has a finite level.
const FLOOR: f64 = 1e-3;

/// Lengths in frames of the shortest planned transform and of the longest, which covers a segment of the
/// chain. A longer clip takes so much other work that planning its transform costs little in comparison.
const SHORTEST: usize = 256;
const LONGEST_PLANNED: usize = 4096;

pub(super) struct Modulation {
    /// Frames per second.
    rate: f64,
    transforms: Vec<Arc<dyn Fft<f32>>>,
}

#[derive(Debug, Default)]
pub(super) struct ModulationScratch {
    window: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    fft: Vec<Complex<f32>>,
}

impl Modulation {
    pub(super) fn new(config: &FeatureConfig) -> Self {
        let lengths = std::iter::successors(Some(SHORTEST), |length| Some(2 * length));
        Self {
            rate: f64::from(config.sample_rate) / config.hop_length as f64,
            transforms: lengths
                .take_while(|&length| length <= LONGEST_PLANNED)
                .map(ser_fourier::forward)
                .collect(),
        }
    }

    /// Returns the transform for the tracks of a clip, and writes the window to `scratch`.
    pub(super) fn start(
        &self,
        frames: usize,
        scratch: &mut ModulationScratch,
    ) -> Arc<dyn Fft<f32>> {
        scratch.window.clear();
        let weights = (0..frames).map(|t| window::weight(Window::Hann, t, frames) as f32);
        scratch.window.extend(weights);
        let length = frames.next_power_of_two().max(SHORTEST);
        let planned = self.transforms.iter().find(|plan| plan.len() == length);
        match planned {
            Some(plan) => plan.clone(),
            None => ser_fourier::forward(length),
        }
    }

    /// Returns the level of the modulation of a track in each range: `ln(mean of |X[k]|² + 0.001)` over the
    /// bins of the range, where `X` is the transform of the track minus its mean, under the window.
    pub(super) fn levels(
        &self,
        transform: &dyn Fft<f32>,
        track: &[f32],
        scratch: &mut ModulationScratch,
    ) -> [f64; EDGES.len() - 1] {
        let ModulationScratch {
            window,
            spectrum,
            fft,
        } = scratch;
        let length = transform.len();
        let mean = mean(track) as f32;
        let zero = Complex::new(0.0, 0.0);
        spectrum.clear();
        let values = track.iter().zip(window);
        spectrum.extend(values.map(|(&x, weight)| Complex::from((x - mean) * *weight)));
        spectrum.resize(length, zero);
        fft.resize(transform.get_inplace_scratch_len(), zero);
        transform.process_with_scratch(spectrum, fft);

        let bin_from =
            |hz: f64| ((hz * length as f64 / self.rate).ceil() as usize).min(length / 2 + 1);
        std::array::from_fn(|range| {
            let bins = &spectrum[bin_from(EDGES[range])..bin_from(EDGES[range + 1])];
            let power: f64 = bins.iter().map(|z| f64::from(z.norm_sqr())).sum();
            (power / bins.len().max(1) as f64 + FLOOR).ln()
        })
    }
}

impl fmt::Debug for Modulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Modulation")
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}
