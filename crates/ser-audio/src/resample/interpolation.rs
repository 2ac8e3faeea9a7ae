//! Interpolation of an oversampled signal to the samples of any rate.

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rustfft::num_complex::Complex;

use super::filter::{Kaiser, sinc};
use super::ratio::gcd;

/// Number of samples around a place from which its value is computed.
const TAPS: usize = 24;
/// Number of partial sums of the products, side by side: a third of the taps.
const SUMS: usize = TAPS / 3;
/// Attenuation of the images of the signal in dB.
const ATTENUATION: f64 = 140.0;

/// Least sampling rate of a signal divided by the lowest rate that can hold it. The filter falls between the
/// band of the signal and its first image, and needs that much room.
pub(super) const OVERSAMPLING: f64 = 1.62;

/// The largest number of rows of taps.
const MAX_ROWS: usize = 1 << 16;

/// Number of samples that must precede the first one.
pub(super) const LEAD: usize = TAPS / 2 - 1;

/// Places in a signal with a fixed distance, `k · step / step_out`.
#[derive(Clone, Copy)]
pub(super) struct Places {
    step: usize,
    step_out: usize,
}

impl Places {
    /// Returns `None` if the interpolation would take too much memory.
    pub(super) fn new(step: usize, step_out: usize) -> Option<Self> {
        let divisor = gcd(step, step_out);
        let (step, step_out) = (step / divisor, step_out / divisor);
        (step_out <= MAX_ROWS).then_some(Self { step, step_out })
    }

    /// Returns the taps of one place.
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

/// Samples an oversampled signal at some places while it arrives.
pub(super) struct Interpolation {
    places: Places,
    /// After as many places as there are rows, everything repeats `step` samples later.
    rows: Vec<Row>,
    /// Number of samples before place 0.
    lead: usize,
    /// Received samples that are still needed.
    pending: Vec<f32>,
    parts: Vec<[f32; SUMS]>,
    /// Row of the next place, the sample at which its cycle of places begins, and the first pending sample. The last
    /// two are counted from the first sample of all.
    row: usize,
    cycle: usize,
    passed: usize,
}

/// The taps of one place.
struct Row {
    /// The sample at the place or before it.
    position: usize,
    taps: [f32; TAPS],
}

impl Interpolation {
    /// Plans for a signal that begins `lead` samples, at least [`LEAD`], before place 0.
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

    /// Processes the next two blocks of the signal, the real and the imaginary parts, and appends the places
    /// that are now known.
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

/// Computes, for each row, the products with the samples around its place in [`SUMS`] partial sums, as long as the
/// samples are there. `cycle` is place 0 of the rows, `passed` the first pending sample. Returns the number of rows.
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

/// Adds up the partial sums of each place.
#[multiversion(targets("x86_64+avx2+fma"))]
fn add_up(parts: &[[f32; SUMS]], output: &mut Vec<f32>) {
    let sum = |p: &[f32; SUMS]| ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
    output.extend(parts.iter().map(sum));
}
