//! The band in which speech has most of its energy.

use std::f64::consts::TAU;

/// Edges of the band in Hz.
const LOW: f64 = 100.0;
const HIGH: f64 = 4000.0;

/// A high-pass and a low-pass filter of second order, one sample at a time.
pub(crate) struct SpeechBand {
    /// `None` where the edge is beyond what the sampling rate can carry.
    sections: [Option<Section>; 2],
}

impl SpeechBand {
    pub(crate) fn new(sample_rate: u32) -> Self {
        let rate = f64::from(sample_rate);
        let section = |edge: f64, high_pass| {
            (edge < 0.45 * rate).then(|| Section::butterworth(TAU * edge / rate, high_pass))
        };
        Self {
            sections: [section(LOW, true), section(HIGH, false)],
        }
    }

    pub(crate) fn filter(&mut self, x: f64) -> f64 {
        self.sections
            .iter_mut()
            .flatten()
            .fold(x, |x, section| section.filter(x))
    }

    /// Clears what is left of a sound that died away: numbers that small take the processor long.
    pub(crate) fn end_frame(&mut self) {
        for section in self.sections.iter_mut().flatten() {
            if section.state.iter().all(|s| s.abs() < 1e-100) {
                section.state = [0.0; 2];
            }
        }
    }
}

/// A filter of second order in transposed direct form II.
struct Section {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Section {
    /// A Butterworth filter by the bilinear transform, with its edge at `w` radians per sample.
    fn butterworth(w: f64, high_pass: bool) -> Self {
        let (sin, cos) = w.sin_cos();
        let alpha = sin / 2f64.sqrt();
        let sign = if high_pass { -1.0 } else { 1.0 };
        let gain = (1.0 - sign * cos) / (2.0 * (1.0 + alpha));
        Self {
            b: [gain, 2.0 * sign * gain, gain],
            a: [-2.0 * cos / (1.0 + alpha), (1.0 - alpha) / (1.0 + alpha)],
            state: [0.0; 2],
        }
    }

    fn filter(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }
}
