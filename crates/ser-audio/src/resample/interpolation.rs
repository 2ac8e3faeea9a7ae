//! From an oversampled signal to the samples of any rate.

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rustfft::num_complex::Complex;

use super::filter::{Kaiser, sinc};
use super::ratio::gcd;

/// Samples around a place that its value is made of.
const TAPS: usize = 24;
/// Parts that the products are added up in, side by side: a third of the taps.
const SUMS: usize = TAPS / 3;
/// What is left of the images of the signal, in dB.
const ATTENUATION: f64 = 140.0;

/// How many times its own rate, the lowest that holds it, a signal must be sampled at: the filter
/// falls between the signal's band and the first image of it, and needs that much room.
pub(super) const OVERSAMPLING: f64 = 1.62;

/// Rows of taps at most.
const MAX_ROWS: usize = 1 << 16;

/// Samples that must come before the first one.
pub(super) const LEAD: usize = TAPS / 2 - 1;

/// Places in a signal that lie a fixed ratio apart, `k · step / step_out`.
#[derive(Clone, Copy)]
pub(super) struct Places {
    step: usize,
    step_out: usize,
}

impl Places {
    /// `None` if interpolating there takes too much memory.
    pub(super) fn new(step: usize, step_out: usize) -> Option<Self> {
        let divisor = gcd(step, step_out);
        let (step, step_out) = (step / divisor, step_out / divisor);
        (step_out <= MAX_ROWS).then_some(Self { step, step_out })
    }

    /// The taps of one of them.
    fn row(&self, k: usize, window: &Kaiser) -> Row {
        let place = k * self.step;
        let share = (place % self.step_out) as f64 / self.step_out as f64;
        let tap = |i: usize| {
            let distance = i as f64 - LEAD as f64 - share;
            sinc(distance) * window.at(2.0 * distance / TAPS as f64)
        };
        Row {
            position: place / self.step_out,
            taps: std::array::from_fn(|i| tap(i) as f32),
        }
    }
}

/// Samples an oversampled signal at some places, as it comes.
pub(super) struct Interpolation {
    places: Places,
    /// After as many places as there are rows, all repeats `step` samples later.
    rows: Vec<Row>,
    /// Samples before the place 0.
    lead: usize,
    /// What came and is still needed.
    pending: Vec<f32>,
    parts: Vec<[f32; SUMS]>,
    /// Row of the next place, where the places of its cycle begin, and the first sample that is pending:
    /// both counted from the first sample of all.
    row: usize,
    cycle: usize,
    passed: usize,
}

/// One place.
struct Row {
    /// The sample at it or before it.
    position: usize,
    taps: [f32; TAPS],
}

impl Interpolation {
    /// Plans for a signal that begins `lead` samples, [`LEAD`] at least, before the place 0.
    pub(super) fn new(places: Places, lead: usize) -> Self {
        let window = Kaiser::new(ATTENUATION);
        Self {
            rows: (0..places.step_out)
                .map(|k| places.row(k, &window))
                .collect(),
            places,
            lead,
            pending: Vec::new(),
            parts: Vec::new(),
            row: 0,
            cycle: lead - LEAD,
            passed: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.pending.clear();
        (self.row, self.cycle, self.passed) = (0, self.lead - LEAD, 0);
    }

    /// Takes the next two blocks of the signal, the real and the imaginary parts, and appends the places
    /// that are known now.
    pub(super) fn push(&mut self, blocks: &[Complex<f32>], output: &mut Vec<f32>) {
        self.pending.extend(blocks.iter().map(|z| z.re));
        self.pending.extend(blocks.iter().map(|z| z.im));
        self.parts.clear();
        loop {
            let rows = &self.rows[self.row..];
            let weighed = weigh(
                &self.pending,
                rows,
                self.cycle,
                self.passed,
                &mut self.parts,
            );
            if weighed < rows.len() {
                self.row += weighed;
                break;
            }
            self.row = 0;
            self.cycle += self.places.step;
        }
        add_up(&self.parts, output);
        let next = self.cycle + self.rows[self.row].position;
        let done = (next - self.passed).min(self.pending.len());
        self.pending.drain(..done);
        self.passed += done;
    }
}

/// What each row makes of the samples around its place, in [`SUMS`] parts, as far as they are there.
/// `cycle` is the place 0 of the rows, `passed` the first of the pending samples. Returns for how many
/// rows.
#[multiversion(targets("x86_64+avx2+fma"))]
fn weigh(
    pending: &[f32],
    rows: &[Row],
    cycle: usize,
    passed: usize,
    parts: &mut Vec<[f32; SUMS]>,
) -> usize {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    // Elsewhere `mul_add` is a slow call.
    let mul_add = |a: f32, b: f32, c: f32| if FUSED { a.mul_add(b, c) } else { a * b + c };
    let last = (pending.len() + passed).checked_sub(cycle + TAPS);
    let known = last.map_or(0, |last| rows.partition_point(|row| row.position <= last));
    let before = parts.len();
    parts.resize(before + known, [0.0; SUMS]);
    for (parts, Row { position, taps }) in parts[before..].iter_mut().zip(rows) {
        let around = &pending[cycle + position - passed..][..TAPS];
        for (i, part) in parts.iter_mut().enumerate() {
            let sum = around[i] * taps[i];
            let sum = mul_add(around[i + SUMS], taps[i + SUMS], sum);
            *part = mul_add(around[i + 2 * SUMS], taps[i + 2 * SUMS], sum);
        }
    }
    known
}

/// Adds the parts of each place up.
#[multiversion(targets("x86_64+avx2+fma"))]
fn add_up(parts: &[[f32; SUMS]], output: &mut Vec<f32>) {
    let sum = |p: &[f32; SUMS]| ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
    output.extend(parts.iter().map(sum));
}
