//! The chain of stages from samples to features. It is planned once and processes a signal in segments.

use std::ops::Range;

use crate::block::{self, LANES, Lanes};
use crate::cepstrum::{Dct, Decibels};
use crate::config::{Extra, FeatureConfig, Output};
use crate::delta::{self, Delta};
use crate::error::Result;
use crate::formants::{FormantScratch, Formants};
use crate::functionals::{Functionals, FunctionalsScratch};
use crate::harmonics::Harmonics;
use crate::mel::MelFilterbank;
use crate::pitch::{Pitch, Yin, YinScratch};
use crate::prosody;
use crate::signal::Signal;
use crate::spectrum::{Framing, Part, Spectrum, SpectrumScratch};
use crate::trim::trim_signal;

/// Number of frames in a segment. The frames of a segment are processed together, and their levels are
/// in memory at the same time. With a hop of 10 ms, 4096 frames are 41 s, so most recordings are one
/// segment; only longer ones may pass through the chain twice.
const SEGMENT: usize = 4096;

/// Share of the magnitude below [`Extra::SpectralRolloff`]: librosa's default.
const ROLLOFF: f32 = 0.85;

/// Range of F0 in Hz, which is that of speech, and the threshold that the authors of YIN recommend. The range is
/// approximate, because that of the periods is rounded outwards to whole samples and the period found is refined.
const F0_MIN: f64 = 60.0;
const F0_MAX: f64 = 600.0;
const F0_TROUGH: f64 = 0.1;
/// Length of the signal around the centre of a frame in which F0 is searched, in longest periods.
const F0_PERIODS: f64 = 3.0;

#[derive(Debug)]
pub(crate) struct Chain {
    config: FeatureConfig,
    spectrum: Spectrum,
    bank: MelFilterbank,
    decibels: Decibels,
    dct: Dct,
    deltas: Vec<Delta>,
    yin: Option<Yin>,
    formants: Option<Formants>,
    functionals: Option<Functionals>,
}

/// Buffers that a thread reuses from signal to signal.
#[derive(Debug, Default)]
pub(crate) struct ChainScratch {
    frames: FrameScratch,
    /// The values of every frame of a clip for which functionals are computed: levels, and extra rows about the voice.
    clip: Vec<f32>,
    functionals: FunctionalsScratch,
}

#[derive(Debug, Default)]
struct FrameScratch {
    emphasised: Vec<f32>,
    /// The features of every frame of the segment.
    rows: Vec<f32>,
    sweep: SweepScratch,
}

#[derive(Debug, Default)]
struct SweepScratch {
    spectrum: SpectrumScratch,
    yin: YinScratch,
    formants: FormantScratch,
    /// The power of each bin, of one block.
    power: Vec<Lanes>,
    /// The level of each mel band, of every block of the segment.
    levels: Vec<Lanes>,
    /// The power spectrum or the derivatives of one frame.
    row: Vec<f32>,
    magnitude: Vec<f32>,
}

/// A part of the features of a signal: one row per frame, or one row for the whole clip.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// Number of rows of the whole signal.
    pub(crate) frames: usize,
    /// Index of the first row of this piece.
    pub(crate) first: usize,
    /// The values of this piece, row by row.
    pub(crate) rows: &'a [f32],
}

impl Chain {
    pub(crate) fn new(config: &FeatureConfig) -> Result<Self> {
        let bank = MelFilterbank::new(config)?;
        let is_spectral = |extra: &Extra| extra.needs_spectrum() || *extra == Extra::Harmonics;
        let needs_all_bins = config.extras.iter().any(is_spectral);
        let bins = if needs_all_bins {
            0..config.n_fft / 2 + 1
        } else {
            bank.covered_bins()
        };
        Ok(Self {
            spectrum: Spectrum::new(config, bins),
            bank,
            decibels: Decibels::new(config),
            // Without cepstral coefficients in the output, nothing limits `n_mfcc`, so none are planned.
            dct: match config.output {
                Output::Mfcc | Output::Functionals => {
                    Dct::new(config.n_mels, config.n_mfcc, config.lifter)
                }
                Output::LogMel | Output::Mel => Dct::new(config.n_mels, 0, 0.0),
            },
            deltas: (1..=config.deltas)
                .map(|order| Delta::new(config.delta_width, order))
                .collect(),
            yin: if config.extras.iter().any(|extra| extra.is_vocal()) {
                Some(plan_f0(config)?)
            } else {
                None
            },
            formants: if config.extras.contains(&Extra::Formants) {
                Some(Formants::new(config.sample_rate)?)
            } else {
                None
            },
            functionals: match config.output {
                Output::Functionals => Some(Functionals::new(config)),
                Output::Mfcc | Output::LogMel | Output::Mel => None,
            },
            config: config.clone(),
        })
    }

    pub(crate) fn config(&self) -> &FeatureConfig {
        &self.config
    }

    /// Passes the features of a signal to `take`, in order.
    pub(crate) fn run(
        &self,
        signal: &mut impl Signal,
        scratch: &mut ChainScratch,
        mut take: impl FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<()> {
        let ChainScratch {
            frames,
            clip,
            functionals: scratch,
        } = scratch;
        let Some(functionals) = &self.functionals else {
            return self.run_frames(signal, frames, take);
        };
        clip.clear();
        self.run_frames(signal, frames, |piece| {
            clip.extend_from_slice(piece.rows);
            Ok(())
        })?;
        take(Piece {
            frames: 1,
            first: 0,
            rows: functionals.apply(&self.dct, clip, scratch),
        })
    }

    /// Passes the values of each frame of a signal to `take`, in order.
    ///
    /// Each segment takes two sweeps. The first ends with the level of each mel band; the second needs
    /// the loudest level of the whole signal. If a signal has several segments, an extra pass finds that
    /// level first, so that the levels of all segments need not be in memory.
    fn run_frames(
        &self,
        signal: &mut impl Signal,
        scratch: &mut FrameScratch,
        mut take: impl FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<()> {
        let config = &self.config;
        let FrameScratch {
            emphasised,
            rows,
            sweep,
        } = scratch;
        let sound = match config.trim_db {
            Some(db) => trim_signal(signal, db, config.n_fft, config.hop_length, config.amin)?,
            None => 0..signal.len(),
        };
        let framing = Framing::new(config, sound.len())?;
        let frames = framing.frames();
        if config.deltas > 0 {
            delta::check_frames(config.delta_width, frames)?;
        }
        let segments = || {
            (0..frames)
                .step_by(SEGMENT)
                .map(|first| first..(first + SEGMENT).min(frames))
        };

        let mut loudest = f32::NEG_INFINITY;
        let is_relative = config.output != Output::Mel && config.top_db.is_some();
        if is_relative && frames > SEGMENT {
            for segment in segments() {
                let part = self.part(signal, &sound, framing, &segment, emphasised)?;
                loudest = loudest.max(self.sweep_levels(&part, segment, sweep, None));
            }
        }
        let stride = config.values_per_frame();
        // Derivatives need frames of the neighbouring segments.
        let context = match config.deltas {
            0 => 0,
            _ => config.delta_width.next_multiple_of(LANES),
        };
        for segment in segments() {
            let wide = segment.start.saturating_sub(context)..(segment.end + context).min(frames);
            let part = self.part(signal, &sound, framing, &wide, emphasised)?;
            rows.clear();
            rows.resize(wide.len() * stride, 0.0);
            let here = self.sweep_levels(&part, wide.clone(), sweep, Some(rows));
            self.sweep_rows(loudest.max(here), sweep, rows);
            take(Piece {
                frames,
                first: segment.start,
                rows: &rows[(segment.start - wide.start) * stride..][..segment.len() * stride],
            })?;
        }
        Ok(())
    }

    /// Returns the samples for some frames of the part `sound` of a signal.
    fn part<'a>(
        &self,
        signal: &'a mut impl Signal,
        sound: &Range<usize>,
        framing: Framing,
        frames: &Range<usize>,
        emphasised: &'a mut Vec<f32>,
    ) -> Result<Part<'a>> {
        let reach = self.yin.as_ref().map_or(0, Yin::reach);
        let span = framing.span(frames.clone(), reach);
        let of_signal = |position: usize| sound.start + position;
        let samples = match self.config.pre_emphasis {
            None => signal.samples(of_signal(span.start)..of_signal(span.end))?,
            Some(a) => {
                let before = span.start.saturating_sub(1);
                let samples = signal.samples(of_signal(before)..of_signal(span.end))?;
                pre_emphasise(samples, a as f32, span.start == 0, emphasised);
                emphasised
            }
        };
        Ok(Part {
            framing,
            samples,
            start: span.start,
        })
    }

    /// Fills `scratch.levels` with the level of every mel band of `frames`, block after block, and
    /// writes the extra values of `rows`. Returns the loudest level.
    fn sweep_levels(
        &self,
        part: &Part<'_>,
        frames: Range<usize>,
        scratch: &mut SweepScratch,
        mut rows: Option<&mut Vec<f32>>,
    ) -> f32 {
        let config = &self.config;
        let bins = self.spectrum.bins();
        scratch.power.resize(bins.len(), Lanes::ZERO);
        let blocks = frames.len().div_ceil(LANES);
        scratch.levels.resize(blocks * config.n_mels, Lanes::ZERO);

        let mut loudest = f32::NEG_INFINITY;
        for (block, first) in frames.clone().step_by(LANES).enumerate() {
            self.spectrum
                .power(part, first, &mut scratch.spectrum, &mut scratch.power);
            if !config.extras.is_empty()
                && let Some(rows) = &mut rows
            {
                let stride = LANES * config.values_per_frame();
                let end = rows.len().min((block + 1) * stride);
                self.write_extras(part, first, scratch, &mut rows[block * stride..end]);
            }
            raise(&mut scratch.power, config.power);
            let levels = &mut scratch.levels[block * config.n_mels..][..config.n_mels];
            self.bank.apply_block(&scratch.power, bins.start, levels);
            if config.output != Output::Mel {
                let block_loudest = self.decibels.apply_block(levels);
                // Lanes beyond the last frame hold no frame of this signal.
                let lanes = LANES.min(frames.end - first);
                loudest = block_loudest.0[..lanes]
                    .iter()
                    .copied()
                    .fold(loudest, f32::max);
            }
        }
        loudest
    }

    /// Turns the levels of a segment into its rows; `loudest` is the loudest level of the signal.
    fn sweep_rows(&self, loudest: f32, scratch: &mut SweepScratch, rows: &mut [f32]) {
        let config = &self.config;
        let stride = config.values_per_frame();
        let floor = self.decibels.floor(loudest);
        for (levels, rows) in scratch
            .levels
            .chunks_mut(config.n_mels)
            .zip(rows.chunks_mut(LANES * stride))
        {
            match config.output {
                Output::Mfcc => self.dct.apply_block(levels, floor, rows, stride),
                Output::LogMel | Output::Functionals => {
                    block::raise_to(levels, floor);
                    block::store(levels, rows, stride);
                }
                Output::Mel => block::store(levels, rows, stride),
            }
        }

        let base = config.base_coefficients();
        scratch.row.resize(base, 0.0);
        for (order, delta) in (1..).zip(&self.deltas) {
            for frame in 0..rows.len() / stride {
                delta.row(rows, stride, frame, &mut scratch.row);
                rows[frame * stride + order * base..][..base].copy_from_slice(&scratch.row);
            }
        }
    }

    /// Writes the extra rows of a block: the last values of its frames.
    fn write_extras(
        &self,
        part: &Part<'_>,
        first: usize,
        scratch: &mut SweepScratch,
        rows: &mut [f32],
    ) {
        let config = &self.config;
        let length = config.n_fft;
        let offset = config.values_per_frame() - config.extra_rows();
        let bin_width = config.sample_rate as f32 / length as f32;
        let has_harmonics = config.extras.contains(&Extra::Harmonics);
        let needs_spectrum = config.extras.iter().any(|extra| extra.needs_spectrum());
        let SweepScratch {
            power: block,
            row: power,
            magnitude,
            yin,
            formants,
            ..
        } = scratch;
        for (lane, row) in rows.chunks_mut(config.values_per_frame()).enumerate() {
            let frame = first + lane;
            let (inside, centre) = (part.inside(frame), part.centre(frame));
            let pitch = match &self.yin {
                Some(plan) => plan.pitch(part.samples, centre, yin),
                None => Pitch::NONE,
            };
            // Without F0 there are no harmonics, so the spectrum is not needed for them.
            if needs_spectrum || has_harmonics && pitch.f0 > 0.0 {
                power.clear();
                power.extend(block.iter().map(|power| power.0[lane]));
            }
            if needs_spectrum {
                magnitude.clear();
                magnitude.extend(power.iter().map(|power| power.sqrt()));
            }
            let mut rest = &mut row[offset..];
            for extra in &config.extras {
                let (values, after) = rest.split_at_mut(extra.rows().len());
                rest = after;
                match extra {
                    Extra::Rms => values[0] = prosody::rms(inside, length),
                    Extra::ZeroCrossingRate => {
                        values[0] = prosody::zero_crossing_rate(inside, length);
                    }
                    Extra::SpectralCentroid => {
                        values[0] = prosody::spectral_centroid(magnitude, bin_width);
                    }
                    Extra::SpectralRolloff => {
                        values[0] = prosody::spectral_rolloff(magnitude, bin_width, ROLLOFF);
                    }
                    Extra::SpectralFlatness => values[0] = prosody::spectral_flatness(power),
                    Extra::F0 => values[0] = pitch.f0,
                    Extra::Aperiodicity => values[0] = pitch.aperiodicity,
                    Extra::Harmonics => {
                        values.copy_from_slice(&Harmonics::of(power, bin_width, pitch.f0).rows());
                    }
                    Extra::Formants => {
                        let voiced = self.formants.as_ref().filter(|_| pitch.f0 > 0.0);
                        let found = voiced.and_then(|f| f.find(part.samples, centre, formants));
                        values.copy_from_slice(&Formants::rows(found.unwrap_or_default()));
                    }
                }
            }
        }
    }
}

/// Turns power into magnitude if `exponent` is 1.
pub(crate) fn raise(power: &mut [Lanes], exponent: f64) {
    if exponent == 1.0 {
        for value in power.iter_mut().flat_map(|lanes| &mut lanes.0) {
            *value = value.sqrt();
        }
    }
}

/// Computes `y[n] = x[n] − a·x[n−1]` and `y[0] = 3·x[0] − x[1]`: `librosa.effects.preemphasis` adds
/// `2·x[0] − x[1]` to the first value instead of subtracting `a` times a sample before it. If `is_start`
/// is false, the first sample has no output and only precedes the others.
fn pre_emphasise(samples: &[f32], a: f32, is_start: bool, out: &mut Vec<f32>) {
    out.clear();
    if let (Some(&first), true) = (samples.first(), is_start) {
        let second = samples.get(1).copied().unwrap_or(first);
        out.push(first + 2.0 * first - second);
    }
    out.extend(samples.windows(2).map(|pair| pair[1] - a * pair[0]));
}

/// Plans F0 independently of `n_fft`, which may be too short for two periods of a low voice.
fn plan_f0(config: &FeatureConfig) -> Result<Yin> {
    let rate = config.sample_rate;
    let frame_length = (F0_PERIODS * f64::from(rate) / F0_MIN).ceil() as usize;
    Yin::new(rate, F0_MIN, F0_MAX, frame_length, F0_TROUGH)
}
