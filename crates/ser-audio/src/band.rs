//! The band in which speech has most of its energy.

use std::f64::consts::TAU;

/// Edges of the band in Hz.
const LOW: f64 = 100.0;
const HIGH: f64 = 4000.0;

/// A high-pass and a low-pass filter of second order.
pub(crate) struct SpeechBand {
    sections: [Section; 2],
}

impl SpeechBand {
    pub(crate) fn new(sample_rate: u32) -> Self {
        let rate = f64::from(sample_rate);
        // Where the edge is beyond what the sampling rate can carry, everything passes.
        let section = |edge: f64, high_pass| match edge < 0.45 * rate {
            true => Section::butterworth(TAU * edge / rate, high_pass),
            false => Section::ALL_PASS,
        };
        Self {
            sections: [section(LOW, true), section(HIGH, false)],
        }
    }

    /// Adds the squares of the next samples, filtered, to a sum.
    pub(crate) fn add_squares(&mut self, samples: &[f32], mut sum: f64) -> f64 {
        // In registers rather than in memory, where every sample would wait for the one before.
        let [mut high_pass, mut low_pass] = self.sections;
        for &x in samples {
            let heard = low_pass.filter(high_pass.filter(f64::from(x)));
            sum += heard * heard;
        }
        self.sections = [high_pass, low_pass];
        sum
    }

    /// Clears what is left of a sound that died away: numbers that small take the processor long.
    pub(crate) fn end_frame(&mut self) {
        for section in &mut self.sections {
            if section.state.iter().all(|s| s.abs() < 1e-100) {
                section.state = [0.0; 2];
            }
        }
    }
}

/// A filter of second order in transposed direct form II, `y = b·x + s₀`; each value of the state comes
/// from the sample and the state before it, not from `y`, which would be one more thing to wait for.
#[derive(Clone, Copy)]
struct Section {
    b: f64,
    /// What the sample adds to each value of the state, and what of `s₀` is taken off.
    input: [f64; 2],
    feedback: [f64; 2],
    state: [f64; 2],
}

impl Section {
    const ALL_PASS: Self = Self {
        b: 1.0,
        input: [0.0; 2],
        feedback: [0.0; 2],
        state: [0.0; 2],
    };

    /// A Butterworth filter by the bilinear transform, with its edge at `w` radians per sample.
    fn butterworth(w: f64, high_pass: bool) -> Self {
        let (sin, cos) = w.sin_cos();
        let alpha = sin / 2f64.sqrt();
        let sign = if high_pass { -1.0 } else { 1.0 };
        let gain = (1.0 - sign * cos) / (2.0 * (1.0 + alpha));
        let a = [-2.0 * cos / (1.0 + alpha), (1.0 - alpha) / (1.0 + alpha)];
        Self {
            b: gain,
            input: [2.0 * sign * gain - a[0] * gain, gain - a[1] * gain],
            feedback: a,
            state: [0.0; 2],
        }
    }

    #[inline]
    fn filter(&mut self, x: f64) -> f64 {
        let [first, second] = self.state;
        self.state = [
            (self.input[0] * x + second) - self.feedback[0] * first,
            self.input[1] * x - self.feedback[1] * first,
        ];
        self.b * x + first
    }
}
