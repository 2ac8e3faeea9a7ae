//! The whole chain, planned once.

use std::path::Path;
use std::sync::Arc;

use crate::block::{self, LANES, Lanes};
use crate::cepstrum::{Dct, Decibels};
use crate::config::{Extra, FeatureConfig, Output};
use crate::delta::{self, Delta};
use crate::error::{Error, Result};
use crate::features::Features;
use crate::mel::MelFilterbank;
use crate::pitch::{Yin, YinScratch};
use crate::prosody;
use crate::resample::Resampler;
use crate::spectrum::{Framing, Spectrum, SpectrumScratch};
use crate::trim::trim;
use crate::waveform::{WavReader, Waveform, decode_wav};

/// Share of the magnitude below [`Extra::SpectralRolloff`], librosa's default.
const ROLLOFF: f32 = 0.85;

/// Range of [`Extra::F0`] in Hz, that of speech, and the trough that YIN's authors advise.
const F0_MIN: f64 = 60.0;
const F0_MAX: f64 = 600.0;
const F0_TROUGH: f64 = 0.1;
/// The signal around a frame's centre that F0 is found in, counted in the longest periods.
const F0_PERIODS: f64 = 3.0;

/// Turns signals into [`Features`]; planned once from a checked [`FeatureConfig`].
///
/// A clone shares the plan. One extractor serves any number of threads, each with its own
/// [`Scratch`].
///
/// ```
/// use ser_features::{FeatureConfig, FeatureExtractor, Waveform};
///
/// let extractor = FeatureExtractor::new(&FeatureConfig::default())?;
/// let tone = (0..22_050).map(|n| (n as f32 * 0.1).sin()).collect();
/// let features = extractor.extract(&Waveform::new(tone, 22_050))?;
/// assert_eq!((features.frames(), features.coefficients()), (44, 40));
/// # Ok::<(), ser_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FeatureExtractor {
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct Plan {
    config: FeatureConfig,
    spectrum: Spectrum,
    bank: MelFilterbank,
    decibels: Decibels,
    dct: Dct,
    deltas: Vec<Delta>,
    yin: Option<Yin>,
}

/// Buffers that a thread reuses from signal to signal.
#[derive(Debug, Default)]
pub struct Scratch {
    reader: WavReader,
    waveform: Waveform,
    resampling: Resampling,
    chain: ChainScratch,
}

/// The last resampler used, and what it gave.
#[derive(Debug, Default)]
struct Resampling {
    resampler: Option<Resampler>,
    samples: Vec<f32>,
}

#[derive(Debug, Default)]
struct ChainScratch {
    emphasised: Vec<f32>,
    spectrum: SpectrumScratch,
    yin: YinScratch,
    /// One block: the power of each bin.
    power: Vec<Lanes>,
    /// Every block of the signal: the level of each mel band.
    levels: Vec<Lanes>,
    /// One frame: its power and magnitude spectra, its derivatives.
    row: Vec<f32>,
    magnitude: Vec<f32>,
}

impl FeatureExtractor {
    /// Plans the chain.
    ///
    /// # Errors
    /// [`Error::Config`] when [`FeatureConfig::validate`] finds a value out of range.
    pub fn new(config: &FeatureConfig) -> Result<Self> {
        let bank = MelFilterbank::new(config)?;
        let needs_all_bins = config.extras.iter().any(|extra| extra.is_spectral());
        let bins = if needs_all_bins {
            0..config.n_fft / 2 + 1
        } else {
            bank.covered_bins()
        };
        Ok(Self {
            plan: Arc::new(Plan {
                spectrum: Spectrum::new(config, bins),
                bank,
                decibels: Decibels::new(config),
                dct: Dct::new(config.n_mels, config.n_mfcc, config.lifter),
                deltas: (1..=config.deltas)
                    .map(|order| Delta::new(config.delta_width, order))
                    .collect(),
                yin: match config.extras.contains(&Extra::F0) {
                    true => Some(plan_f0(config)?),
                    false => None,
                },
                config: config.clone(),
            }),
        })
    }

    /// The configuration this extractor was planned from.
    pub fn config(&self) -> &FeatureConfig {
        &self.plan.config
    }

    /// Fresh buffers for the calls that end in `_into`.
    pub fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    /// Features of a WAV file of any rate and channel count: read, mixed down, and then as
    /// [`extract`](Self::extract).
    ///
    /// # Errors
    /// Those of [`Waveform::read`] and of [`extract`](Self::extract), with the file's path.
    pub fn extract_file(&self, path: &Path) -> Result<Features> {
        let mut features = Features::default();
        self.extract_file_into(path, &mut self.scratch(), &mut features)?;
        Ok(features)
    }

    /// As [`extract_file`](Self::extract_file), written over `features`.
    ///
    /// # Errors
    /// Those of [`extract_file`](Self::extract_file).
    pub fn extract_file_into(
        &self,
        path: &Path,
        scratch: &mut Scratch,
        features: &mut Features,
    ) -> Result<()> {
        let Scratch {
            reader,
            waveform,
            resampling,
            chain,
        } = scratch;
        let result = match reader.read_into(path, waveform) {
            Ok(_) => self.run(waveform, resampling, chain, features),
            Err(error) => Err(error),
        };
        result.map_err(|error| error.in_file(path))
    }

    /// As [`extract_file_into`](Self::extract_file_into) for a file whose bytes are in memory.
    pub(crate) fn extract_bytes_into(
        &self,
        bytes: &[u8],
        path: &Path,
        scratch: &mut Scratch,
        features: &mut Features,
    ) -> Result<()> {
        let Scratch {
            waveform,
            resampling,
            chain,
            ..
        } = scratch;
        decode_wav(bytes, path, waveform)?;
        self.run(waveform, resampling, chain, features)
            .map_err(|error| error.in_file(path))
    }

    /// Features of a signal of any rate: resampled to the configured rate, and then as
    /// [`extract_into`](Self::extract_into).
    ///
    /// # Errors
    /// [`Error::Resample`], and those of [`extract_into`](Self::extract_into).
    pub fn extract(&self, waveform: &Waveform) -> Result<Features> {
        let mut features = Features::default();
        let Scratch {
            resampling, chain, ..
        } = &mut self.scratch();
        self.run(waveform, resampling, chain, &mut features)?;
        Ok(features)
    }

    fn run(
        &self,
        waveform: &Waveform,
        resampling: &mut Resampling,
        chain: &mut ChainScratch,
        features: &mut Features,
    ) -> Result<()> {
        let samples = resampling.bring_to(self.config().sample_rate, waveform)?;
        self.plan.run(samples, chain, features)
    }

    /// Features of samples at the configured rate, written over `features`.
    ///
    /// The steps: trimming, pre-emphasis, framing and windowing, power spectrum, mel bands, dB,
    /// cosine transform, derivatives, extra rows; those the configuration asks for.
    /// After the first call with the longest signal nothing is allocated, but for a few bytes by
    /// trimming.
    ///
    /// # Shape
    /// `[config.frames(n), config.coefficients()]`, where `n` counts the samples that trimming
    /// leaves.
    ///
    /// # Errors
    /// [`Error::Empty`] without samples; [`Error::TooShort`] when the signal does not fill one
    /// frame, or has fewer frames than `delta_width` and `deltas` is not 0.
    pub fn extract_into(
        &self,
        samples: &[f32],
        scratch: &mut Scratch,
        features: &mut Features,
    ) -> Result<()> {
        self.plan.run(samples, &mut scratch.chain, features)
    }

    /// Spectrogram of samples at the configured rate: the step before the mel bands. Trimming and
    /// pre-emphasis are left to the caller.
    ///
    /// # Shape
    /// `[config.frames(samples.len()), n_fft/2 + 1]`
    ///
    /// # Formula
    /// `|X[k]|^power` of each windowed frame, `k = 0 … n_fft/2`.
    ///
    /// # Errors
    /// Those of [`extract_into`](Self::extract_into) that concern the signal's length.
    pub fn spectrogram(&self, samples: &[f32]) -> Result<Features> {
        let config = self.config();
        let framing = framing(config, samples)?;
        let bins = config.n_fft / 2 + 1;
        let spectrum = Spectrum::new(config, 0..bins);
        let mut scratch = SpectrumScratch::default();
        let mut power = vec![Lanes::ZERO; bins];
        let mut features = Features::default();
        let out = features.reshape(framing.frames(), bins);
        for (block, rows) in out.chunks_mut(LANES * bins).enumerate() {
            spectrum.power(&framing, block * LANES, &mut scratch, &mut power);
            raise(&mut power, config.power);
            block::store(&power, rows, bins);
        }
        Ok(features)
    }
}

impl Resampling {
    /// The samples of a signal at another rate, resampled if they have to be.
    fn bring_to<'a>(&'a mut self, rate: u32, waveform: &'a Waveform) -> Result<&'a [f32]> {
        if waveform.sample_rate == rate {
            return Ok(&waveform.samples);
        }
        let resampler = match self.resampler.take() {
            Some(last) if last.from() == waveform.sample_rate && last.to() == rate => last,
            _ => Resampler::new(waveform.sample_rate, rate)?,
        };
        self.resampler
            .insert(resampler)
            .process_into(&waveform.samples, &mut self.samples);
        Ok(&self.samples)
    }
}

impl Extra {
    fn is_spectral(self) -> bool {
        matches!(
            self,
            Self::SpectralCentroid | Self::SpectralRolloff | Self::SpectralFlatness
        )
    }
}

impl Plan {
    /// The chain in two sweeps over the signal: the first ends with the level of each mel band,
    /// the second starts when the signal's loudest level is known.
    fn run(
        &self,
        samples: &[f32],
        scratch: &mut ChainScratch,
        features: &mut Features,
    ) -> Result<()> {
        let config = &self.config;
        let samples = match config.trim_db {
            Some(db) => &samples[trim(samples, db, config.n_fft, config.hop_length)],
            None => samples,
        };
        let mut emphasised = std::mem::take(&mut scratch.emphasised);
        let samples = match config.pre_emphasis {
            Some(a) => pre_emphasise(samples, a as f32, &mut emphasised),
            None => samples,
        };
        let result = self.run_sweeps(samples, scratch, features);
        scratch.emphasised = emphasised;
        result
    }

    fn run_sweeps(
        &self,
        samples: &[f32],
        scratch: &mut ChainScratch,
        features: &mut Features,
    ) -> Result<()> {
        let config = &self.config;
        let framing = framing(config, samples)?;
        if config.deltas > 0 {
            delta::check_frames(config.delta_width, framing.frames())?;
        }
        let stride = config.coefficients();
        let rows = features.reshape(framing.frames(), stride);

        let loudest = self.sweep_levels(&framing, scratch, rows);
        let floor = self.decibels.floor(loudest);
        for (levels, rows) in scratch
            .levels
            .chunks_mut(config.n_mels)
            .zip(rows.chunks_mut(LANES * stride))
        {
            match config.output {
                Output::Mfcc => self.dct.apply_block(levels, floor, rows, stride),
                Output::LogMel => {
                    block::raise_to(levels, floor);
                    block::store(levels, rows, stride);
                }
                Output::Mel => block::store(levels, rows, stride),
            }
        }

        let base = config.base_coefficients();
        scratch.row.resize(base, 0.0);
        for (order, delta) in (1..).zip(&self.deltas) {
            for frame in 0..framing.frames() {
                delta.row(rows, stride, frame, &mut scratch.row);
                rows[frame * stride + order * base..][..base].copy_from_slice(&scratch.row);
            }
        }
        Ok(())
    }

    /// Fills `scratch.levels` with the mel level of every band, block after block, and the extra
    /// rows with theirs. Returns the loudest level.
    fn sweep_levels(
        &self,
        framing: &Framing<'_>,
        scratch: &mut ChainScratch,
        rows: &mut [f32],
    ) -> f32 {
        let config = &self.config;
        let bins = self.spectrum.bins();
        let blocks = framing.frames().div_ceil(LANES);
        scratch.power.resize(bins.len(), Lanes::ZERO);
        scratch.levels.resize(blocks * config.n_mels, Lanes::ZERO);

        let mut loudest = f32::NEG_INFINITY;
        for (block, rows) in rows.chunks_mut(LANES * config.coefficients()).enumerate() {
            let first = block * LANES;
            self.spectrum
                .power(framing, first, &mut scratch.spectrum, &mut scratch.power);
            if !config.extras.is_empty() {
                self.write_extras(framing, first, scratch, rows);
            }
            raise(&mut scratch.power, config.power);
            let levels = &mut scratch.levels[block * config.n_mels..][..config.n_mels];
            self.bank.apply_block(&scratch.power, bins.start, levels);
            if config.output != Output::Mel {
                let block_loudest = self.decibels.apply_block(levels);
                // Lanes beyond the last frame hold no frame of this signal.
                let frames = LANES.min(framing.frames() - first);
                loudest = block_loudest.0[..frames]
                    .iter()
                    .copied()
                    .fold(loudest, f32::max);
            }
        }
        loudest
    }

    /// Writes the extra rows of a block, the last values of its frames.
    fn write_extras(
        &self,
        framing: &Framing<'_>,
        first: usize,
        scratch: &mut ChainScratch,
        rows: &mut [f32],
    ) {
        let config = &self.config;
        let (length, offset) = (config.n_fft, config.coefficients() - config.extras.len());
        let bin_width = config.sample_rate as f32 / length as f32;
        let ChainScratch {
            power: block,
            row: power,
            magnitude,
            yin,
            ..
        } = scratch;
        for (lane, row) in rows.chunks_mut(config.coefficients()).enumerate() {
            let frame = first + lane;
            let inside = framing.inside(frame);
            power.clear();
            power.extend(block.iter().map(|power| power.0[lane]));
            magnitude.clear();
            magnitude.extend(power.iter().map(|power| power.sqrt()));
            for (value, extra) in row[offset..].iter_mut().zip(&config.extras) {
                *value = match extra {
                    Extra::Rms => prosody::rms(inside, length),
                    Extra::ZeroCrossingRate => prosody::zero_crossing_rate(inside, length),
                    Extra::SpectralCentroid => prosody::spectral_centroid(magnitude, bin_width),
                    Extra::SpectralRolloff => {
                        prosody::spectral_rolloff(magnitude, bin_width, ROLLOFF)
                    }
                    Extra::SpectralFlatness => prosody::spectral_flatness(power),
                    Extra::F0 => self.yin.as_ref().map_or(0.0, |plan| {
                        plan.f0(framing.samples(), framing.centre(frame), yin)
                    }),
                };
            }
        }
    }
}

/// The frames of a signal, of which there is at least one.
fn framing<'a>(config: &FeatureConfig, samples: &'a [f32]) -> Result<Framing<'a>> {
    if samples.is_empty() {
        return Err(Error::Empty);
    }
    let framing = Framing::new(config, samples);
    if framing.frames() == 0 {
        return Err(Error::TooShort {
            what: "one frame (`n_fft`, not padded as `center` is false)",
            unit: "samples",
            expected: config.n_fft,
            actual: samples.len(),
        });
    }
    Ok(framing)
}

/// Turns power into magnitude where that is configured.
fn raise(power: &mut [Lanes], exponent: f64) {
    if exponent == 1.0 {
        for value in power.iter_mut().flat_map(|lanes| &mut lanes.0) {
            *value = value.sqrt();
        }
    }
}

/// `y[n] = x[n] − a·x[n−1]`, where the sample before the first is the one that continues the
/// first two in a straight line, as `librosa.effects.preemphasis` has it: it *adds*
/// `2·x[0] − x[1]` to the first value.
fn pre_emphasise<'a>(samples: &[f32], a: f32, out: &'a mut Vec<f32>) -> &'a [f32] {
    out.clear();
    if let Some(&first) = samples.first() {
        let second = samples.get(1).copied().unwrap_or(first);
        out.push(first + 2.0 * first - second);
    }
    out.extend(samples.windows(2).map(|pair| pair[1] - a * pair[0]));
    out
}

/// Plans F0 independently of `n_fft`, which may be too short to hold two periods of a low voice.
fn plan_f0(config: &FeatureConfig) -> Result<Yin> {
    let rate = config.sample_rate;
    let frame_length = (F0_PERIODS * f64::from(rate) / F0_MIN).ceil() as usize;
    Yin::new(rate, F0_MIN, F0_MAX, frame_length, F0_TROUGH)
}
