//! The band in which speech has most of its energy, and the upper part of it.

use std::f64::consts::TAU;

/// Edges of the band in Hz: the hum of the mains lies below, with most of its harmonics.
const LOW: f64 = 150.0;
const HIGH: f64 = 4000.0;
/// Lower edge of the upper part in Hz, above what harmonics a hum has.
const UPPER: f64 = 600.0;

/// Quality of each section of a Butterworth filter of fourth and of second order: `1 / (2·cos φ)` where `φ` is the angle of
/// its poles.
const FOURTH_ORDER: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_376_6];
const SECOND_ORDER: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// A high-pass filter of fourth order and a low-pass filter of second order, and behind them another high-pass filter.
pub(crate) struct SpeechBand {
    sections: [Section; 5],
    /// Whether no sample came yet.
    is_new: bool,
}

impl SpeechBand {
    pub(crate) fn new(sample_rate: u32) -> Self {
        let rate = f64::from(sample_rate);
        // Where the edge is beyond what the sampling rate can carry, everything passes.
        let section = |edge: f64, quality, high_pass| match edge < 0.45 * rate {
            true => Section::new(TAU * edge / rate, quality, high_pass),
            false => Section::ALL_PASS,
        };
        let [first, second] = FOURTH_ORDER.map(|quality| section(LOW, quality, true));
        let [third, fourth] = FOURTH_ORDER.map(|quality| section(UPPER, quality, true));
        Self {
            sections: [
                first,
                second,
                section(HIGH, SECOND_ORDER, false),
                third,
                fourth,
            ],
            is_new: true,
        }
    }

    /// Adds the squares of the next samples, filtered, to a sum for the band and one for its upper part.
    pub(crate) fn add_squares(&mut self, samples: &[f32], sums: &mut [f64; 2]) {
        if let (true, Some(&first)) = (self.is_new, samples.first()) {
            // As if the first sample had lasted for ever: an offset is no sound that begins.
            self.sections[0].settle(first.into());
            self.is_new = false;
        }
        // In registers rather than in memory, where every sample would wait for the one before.
        let [mut first, mut second, mut low_pass, mut third, mut fourth] = self.sections;
        let [mut all, mut upper] = *sums;
        for &x in samples {
            let heard = low_pass.filter(second.filter(first.filter(f64::from(x))));
            let above = fourth.filter(third.filter(heard));
            all += heard * heard;
            upper += above * above;
        }
        self.sections = [first, second, low_pass, third, fourth];
        *sums = [all, upper];
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

    /// By the bilinear transform, with its edge at `w` radians per sample.
    fn new(w: f64, quality: f64, high_pass: bool) -> Self {
        let (sin, cos) = w.sin_cos();
        let alpha = sin / (2.0 * quality);
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

    /// Takes on the state that a constant leads to behind a high-pass filter.
    fn settle(&mut self, x: f64) {
        let first = -self.b * x;
        self.state = [first, self.input[1] * x - self.feedback[1] * first];
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
