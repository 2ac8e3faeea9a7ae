//! The band in which speech has most of its energy, and the upper part of that band.

use std::f64::consts::TAU;

/// Edges of the band in Hz. Mains hum and most of its harmonics lie below it.
const LOW: f64 = 150.0;
const HIGH: f64 = 4000.0;
/// Lower edge of the upper part in Hz, above the harmonics of hum.
const UPPER: f64 = 600.0;

/// Quality of each section of a Butterworth filter of fourth and of second order: `1 / (2·cos φ)`, where `φ` is the
/// angle of its poles.
const FOURTH_ORDER: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_376_6];
const SECOND_ORDER: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// The lowest rate in Hz to which samples are averaged.
const LEAST_RATE: u32 = 16_000;

/// A fourth-order high-pass filter and a second-order low-pass filter, followed by another fourth-order high-pass
/// filter for the upper part. Samples with a high rate are first averaged in small groups; the aliases of that do not
/// matter here.
pub(crate) struct SpeechBand {
    sections: [Section; 5],
    /// Number of samples in a group, number of samples in the current group so far, and their sum.
    group: usize,
    count: usize,
    sum: f32,
    /// Whether no group has been filtered yet.
    is_new: bool,
}

/// Sums of squares of the filtered samples.
#[derive(Default, Clone, Copy)]
pub(crate) struct Squares {
    /// The sums of the band and of its upper part.
    pub sums: [f64; 2],
    /// Number of values in each sum.
    pub count: u32,
}

impl SpeechBand {
    pub(crate) fn new(sample_rate: u32) -> Self {
        let group = (sample_rate / LEAST_RATE).max(1);
        let rate = f64::from(sample_rate) / f64::from(group);
        // If the edge is higher than the sampling rate can carry, everything passes.
        let section = |edge: f64, quality, high_pass| {
            if edge < 0.45 * rate {
                Section::new(TAU * edge / rate, quality, high_pass)
            } else {
                Section::ALL_PASS
            }
        };
        let [first, second] = FOURTH_ORDER.map(|quality| section(LOW, quality, true));
        let [third, fourth] = FOURTH_ORDER.map(|quality| section(UPPER, quality, true));
        let low_pass = section(HIGH, SECOND_ORDER, false);
        Self {
            sections: [first, second, low_pass, third, fourth],
            group: group as usize,
            count: 0,
            sum: 0.0,
            is_new: true,
        }
    }

    /// Filters the next samples and adds their squares.
    pub(crate) fn add_squares(&mut self, samples: &[f32], squares: &mut Squares) {
        let missing = (self.group - self.count) % self.group;
        let (head, rest) = samples.split_at(samples.len().min(missing));
        self.sum += head.iter().sum::<f32>();
        self.count += head.len();
        if head.len() == missing && missing > 0 {
            let sum = std::mem::take(&mut self.sum);
            self.count = 0;
            self.filter(std::iter::once(sum), squares);
        }
        let groups = rest.chunks_exact(self.group);
        let tail = groups.remainder();
        self.sum += tail.iter().sum::<f32>();
        self.count += tail.len();
        self.filter(groups.map(|group| group.iter().sum()), squares);
    }

    /// Filters groups, given by their sums, and adds the squares.
    fn filter(&mut self, sums: impl Iterator<Item = f32>, squares: &mut Squares) {
        let mut means = sums
            .map(|sum| f64::from(sum / self.group as f32))
            .peekable();
        if let (true, Some(&first)) = (self.is_new, means.peek()) {
            // Starts as if the first value had lasted for ever, because an offset is not a sound that begins.
            self.sections[0].settle(first);
            self.is_new = false;
        }
        // Kept in registers: in memory, every value would wait for the previous one.
        let [mut first, mut second, mut low_pass, mut third, mut fourth] = self.sections;
        let ([mut all, mut upper], mut count) = (squares.sums, squares.count);
        for x in means {
            let heard = low_pass.filter(second.filter(first.filter(x)));
            let above = fourth.filter(third.filter(heard));
            all += heard * heard;
            upper += above * above;
            count += 1;
        }
        self.sections = [first, second, low_pass, third, fourth];
        *squares = Squares {
            sums: [all, upper],
            count,
        };
    }

    /// Clears the state of sound that has died away, because very small numbers slow the processor down.
    pub(crate) fn end_frame(&mut self) {
        for section in &mut self.sections {
            if section.state.iter().all(|s| s.abs() < 1e-100) {
                section.state = [0.0; 2];
            }
        }
    }
}

/// A second-order filter in transposed direct form II, `y = b·x + s₀`. Each value of the state is computed
/// from the sample and the previous state, not from `y`, so that there is one thing less to wait for.
#[derive(Clone, Copy)]
struct Section {
    b: f64,
    /// What the sample adds to each value of the state, and what part of `s₀` is subtracted.
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

    /// Designs a filter by the bilinear transform, with its edge at `w` radians per sample.
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

    /// Sets the state that a constant leads to in a high-pass filter.
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
