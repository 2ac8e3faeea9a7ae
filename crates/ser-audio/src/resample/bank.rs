//! Conversion of one signal to several sampling rates.

use std::fmt;
use std::sync::Arc;

use rustfft::Fft;
use rustfft::num_complex::Complex;

use super::filter::Filter;
use super::interpolation::{Interpolation, LEAD, OVERSAMPLING, Places};
use super::ratio::{gcd, lcm, output_len};
use crate::error::{Error, Result};

/// Converts a signal to several sampling rates at once, as a [`Resampler`](super::Resampler) for each would,
/// with one transform of the signal for all of them. A bank is planned once.
///
/// The signal may also count as one of several rates: a signal that is played faster has a higher rate.
///
/// ```
/// use ser_audio::ResamplerBank;
///
/// // A recording of 48 kHz, as it is and played faster by a semitone.
/// let mut bank = ResamplerBank::new(&[(48_000, 16_000), (50_900, 16_000)])?;
/// let mut outputs = vec![Vec::new(); 2];
/// bank.process_into(&[0.0; 48_000], &mut outputs);
/// assert_eq!((outputs[0].len(), outputs[1].len()), (16_000, 15_089));
/// # Ok::<(), ser_audio::Error>(())
/// ```
pub struct ResamplerBank {
    forward: Arc<dyn Fft<f32>>,
    /// Number of samples that a block shares with each of its neighbours, before and after.
    margin: usize,
    /// Number of samples of silence before the signal.
    lead: usize,
    ways: Vec<Way>,
    /// Received samples from the start of the next block on.
    pending: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// Number of samples of the signal so far.
    taken: usize,
}

/// The conversion of the transformed signal to one rate.
struct Way {
    from: u32,
    to: u32,
    backward: Arc<dyn Fft<f32>>,
    /// Gains of bins 0, 1, … of the forward transform, as far as both transforms have them.
    gains: Vec<f32>,
    block: Vec<Complex<f32>>,
    margin: usize,
    /// Number of output samples made from the silence before the signal, and how many of them are still to come.
    lead: usize,
    silence: usize,
    /// `None` if the blocks already have the rate.
    interpolation: Option<Interpolation>,
    /// Number of samples returned.
    given: usize,
}

impl ResamplerBank {
    /// Plans the conversions, given as pairs of rates in Hz, of the same signal.
    ///
    /// # Errors
    /// [`Error::Resample`] for rates that [`Resampler::new`](super::Resampler::new) refuses, and for equal ones.
    pub fn new(rates: &[(u32, u32)]) -> Result<Self> {
        let mut unit = 1;
        let (mut steps, mut filters) = (Vec::new(), Vec::new());
        let (mut reach, mut margin_units, mut units) = (0, 0, MIN_BLOCK);
        for &(from, to) in rates {
            let error = |reason: String| Error::Resample { from, to, reason };
            if from == 0 || to == 0 {
                return Err(error("a rate of 0 has no samples".into()));
            }
            if from == to {
                return Err(error("equal rates need no resampling".into()));
            }
            if u64::from(to) > MAX_RISE * u64::from(from) {
                return Err(error(format!(
                    "expected at most {MAX_RISE} times the original rate"
                )));
            }
            let filter = Filter::new(from, to);
            reach = filter.reach().max(reach);
            steps.push(Steps::choose(from, to, &mut unit));
            filters.push(filter);
            // The blocks that all conversions so far need, so that an error names the one that makes them too long.
            margin_units = reach.div_ceil(unit);
            units = (4 * margin_units).next_power_of_two();
            let largest = |units: usize| {
                let length = units.saturating_mul(unit);
                let blocks = steps.iter().map(|steps: &Steps| steps.out(length));
                blocks.fold(length, usize::max)
            };
            while largest(units) < MIN_BLOCK {
                units *= 2;
            }
            if largest(units) > MAX_BLOCK {
                let divisor = gcd(from as usize, to as usize) as u32;
                return Err(error(format!(
                    "their ratio {}/{} needs blocks of {} samples, expected at most {MAX_BLOCK}",
                    to / divisor,
                    from / divisor,
                    largest(units)
                )));
            }
        }
        let length = units * unit;
        let lead_units = steps.iter().map(|steps| steps.lead().div_ceil(unit)).max();
        let (margin, lead) = (margin_units * unit, lead_units.unwrap_or(0) * unit);
        let forward = ser_fourier::forward(length);
        let ways = rates.iter().zip(steps).zip(filters);
        let ways: Vec<Way> = ways
            .map(|((&(from, to), steps), filter)| {
                let backward = ser_fourier::inverse(steps.out(length));
                let bins = length.min(backward.len()) / 2;
                let silence = steps.out(lead);
                Way {
                    gains: filter.gains(length, filter.bins(length).min(bins)),
                    block: vec![Complex::default(); backward.len()],
                    margin: steps.out(margin),
                    lead: silence,
                    interpolation: steps
                        .places
                        .map(|places| Interpolation::new(places, silence)),
                    from,
                    to,
                    backward,
                    silence,
                    given: 0,
                }
            })
            .collect();
        let scratch = ways
            .iter()
            .map(|way| way.backward.get_inplace_scratch_len());
        let scratch = scratch.fold(forward.get_inplace_scratch_len(), usize::max);
        let mut bank = Self {
            margin,
            lead,
            ways,
            pending: Vec::with_capacity(3 * length),
            spectrum: vec![Complex::default(); length],
            scratch: vec![Complex::default(); scratch],
            forward,
            taken: 0,
        };
        bank.reset();
        Ok(bank)
    }

    /// Resamples a whole signal to each rate and overwrites the outputs.
    ///
    /// # Panics
    /// If there are fewer outputs than rates.
    pub fn process_into(&mut self, samples: &[f32], outputs: &mut [Vec<f32>]) {
        for (way, output) in self.ways.iter().zip(outputs.iter_mut()) {
            output.clear();
            output.reserve(output_len(way.from, way.to, samples.len()));
        }
        self.reset();
        self.push(samples, outputs);
        self.finish(outputs);
    }

    /// Discards a signal that was begun.
    pub(super) fn reset(&mut self) {
        self.taken = 0;
        self.ways.iter_mut().for_each(Way::reset);
        self.pending.clear();
        // The silence before the signal.
        self.pending.resize(self.margin + self.lead, 0.0);
    }

    /// Processes the next samples, and appends to each output the part that is known.
    pub(super) fn push(&mut self, samples: &[f32], outputs: &mut [Vec<f32>]) {
        self.taken += samples.len();
        for piece in samples.chunks(self.forward.len()) {
            self.pending.extend_from_slice(piece);
            self.process_pending(outputs);
        }
    }

    /// Ends the signal, and appends the rest of each output.
    pub(super) fn finish(&mut self, outputs: &mut [Vec<f32>]) {
        let ends = self.ways.iter().zip(outputs.iter());
        let ends = ends.map(|(way, output)| {
            output.len() + output_len(way.from, way.to, self.taken) - way.given
        });
        let ends: Vec<usize> = ends.collect();
        while outputs
            .iter()
            .zip(&ends)
            .any(|(output, &end)| output.len() < end)
        {
            // Silence pushes out the samples that have not filled their block.
            self.pending.resize(self.needed(), 0.0);
            self.process_pending(outputs);
        }
        for (output, end) in outputs.iter_mut().zip(ends) {
            output.truncate(end);
        }
        self.reset();
    }

    /// Returns the number of new samples in a block.
    fn advance(&self) -> usize {
        self.forward.len() - 2 * self.margin
    }

    /// Returns the number of samples that two blocks need.
    fn needed(&self) -> usize {
        self.forward.len() + self.advance()
    }

    /// Resamples the received samples, two blocks at a time.
    fn process_pending(&mut self, outputs: &mut [Vec<f32>]) {
        let mut start = 0;
        while self.pending.len() - start >= self.needed() {
            let first = &self.pending[start..];
            let second = &first[self.advance()..];
            for ((z, &a), &b) in self.spectrum.iter_mut().zip(first).zip(second) {
                *z = Complex::new(a, b);
            }
            self.forward
                .process_with_scratch(&mut self.spectrum, &mut self.scratch);
            for (way, output) in self.ways.iter_mut().zip(outputs.iter_mut()) {
                let before = output.len();
                way.take(&self.spectrum, &mut self.scratch, output);
                way.given += output.len() - before;
            }
            start += 2 * self.advance();
        }
        self.pending.drain(..start);
    }
}

impl Way {
    fn reset(&mut self) {
        (self.given, self.silence) = (0, self.lead);
        if let Some(interpolation) = &mut self.interpolation {
            interpolation.reset();
        }
    }

    /// Appends the result of the spectrum of two blocks.
    fn take(
        &mut self,
        spectrum: &[Complex<f32>],
        scratch: &mut [Complex<f32>],
        output: &mut Vec<f32>,
    ) {
        let bins = self.gains.len();
        let length_out = self.block.len();
        let (low, high) = self.block.split_at_mut(bins);
        for ((out, z), &gain) in low.iter_mut().zip(spectrum).zip(&self.gains) {
            *out = z * gain;
        }
        // The negative frequencies −1, −2, … lie at the end, in reverse order.
        let negative = spectrum.iter().rev().zip(&self.gains[1..]);
        for (out, (z, &gain)) in high.iter_mut().rev().zip(negative) {
            *out = z * gain;
        }
        self.block[bins..=length_out - bins].fill(Complex::default());
        self.backward.process_with_scratch(&mut self.block, scratch);
        let kept = &self.block[self.margin..length_out - self.margin];
        match &mut self.interpolation {
            Some(interpolation) => interpolation.push(kept, output),
            None => {
                let skipped = self.silence.min(kept.len());
                self.silence -= skipped;
                output.extend(kept[skipped..].iter().map(|z| z.re));
                let skipped = self.silence.min(kept.len());
                self.silence -= skipped;
                output.extend(kept[skipped..].iter().map(|z| z.im));
            }
        }
    }
}

impl fmt::Debug for ResamplerBank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rates: Vec<_> = self.ways.iter().map(|way| (way.from, way.to)).collect();
        f.debug_struct("ResamplerBank")
            .field("rates", &rates)
            .field("length", &self.forward.len())
            .field("margin", &self.margin)
            .finish_non_exhaustive()
    }
}

/// The relation between a signal and its blocks.
#[derive(Clone, Copy)]
struct Steps {
    /// The shortest time that is a whole number of samples, in samples of the signal and of the resulting blocks.
    step: usize,
    step_out: usize,
    /// The positions of the output samples in the resulting blocks; `None` if each sample of the blocks is one.
    places: Option<Places>,
}

impl Steps {
    /// Chooses blocks with the rate `to` if these are easy to transform together with those of the other conversions,
    /// whose times are multiples of `unit` samples. Updates `unit` so that the times of this one are multiples of it as
    /// well.
    fn choose(from: u32, to: u32, unit: &mut usize) -> Self {
        let (from, to) = (from as usize, to as usize);
        let divisor = gcd(from, to);
        let (step, step_out) = (from / divisor, to / divisor);
        let direct = Self {
            step,
            step_out,
            places: None,
        };
        let (whole, part) = oversampled(from.min(to) as f64 / from as f64);
        let is_easy = is_easy(step) && is_easy(step_out) && lcm(*unit, step) <= MIN_BLOCK;
        let places = if is_easy {
            None
        } else {
            Places::new(step * whole, step_out * part)
        };
        let chosen = match places {
            None => direct,
            places => Self {
                step: part,
                step_out: whole,
                places,
            },
        };
        *unit = lcm(*unit, chosen.step);
        chosen
    }

    /// Returns the number of output samples for `samples` samples of the signal; both are whole times.
    fn out(&self, samples: usize) -> usize {
        (samples / self.step).saturating_mul(self.step_out)
    }

    /// Returns the number of samples of silence that must precede the signal.
    fn lead(&self) -> usize {
        match self.places {
            None => 0,
            Some(_) => LEAD.div_ceil(self.step_out) * self.step,
        }
    }
}

/// Returns the lowest easy rate at which the share `share` of the signal's own rate is oversampled: `n` samples
/// for `m` of the signal, as `(n, m)`.
fn oversampled(share: f64) -> (usize, usize) {
    let enough = |&(n, m): &(usize, usize)| n as f64 >= OVERSAMPLING * share * m as f64;
    /// Blocks for a rate that many octaves below that of the signal would be too long.
    const LOWEST_OCTAVE: u32 = 24;

    // 2, 4/3, 1, 2/3, 1/2, 1/3, …
    let octaves = (0..LOWEST_OCTAVE).map(|octave| 1_usize << octave);
    let lower = octaves.flat_map(|m| [(2, m), (4, 3 * m)]);
    let (n, m) = lower.take_while(enough).last().unwrap_or((2, 1));
    let divisor = gcd(n, m);
    (n / divisor, m / divisor)
}

/// Returns whether transforms of that length times any power of two are fast.
fn is_easy(mut length: usize) -> bool {
    for prime in [2, 3, 5, 7] {
        while length.is_multiple_of(prime) {
            length /= prime;
        }
    }
    length == 1
}

/// Blocks below this length in samples are mostly overlap and overhead.
const MIN_BLOCK: usize = 4096;
/// The longest block in samples: the header of a file may state any rate.
const MAX_BLOCK: usize = 1 << 19;
/// The largest number of output samples for one input sample.
const MAX_RISE: u64 = 100;
