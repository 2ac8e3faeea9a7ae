//! Features of samples, recordings and files.

use std::path::Path;
use std::sync::Arc;

use ser_audio::{AudioStream, Resampler, Waveform};

use crate::block::{self, LANES, Lanes};
use crate::chain::{self, Chain, ChainScratch, Piece};
use crate::config::FeatureConfig;
use crate::error::Result;
use crate::features::Features;
use crate::signal::{InMemory, Recording, RecordingBuffers};
use crate::spectrum::{Framing, Part, Spectrum, SpectrumScratch};

/// Turns signals into [`Features`]; planned once from a checked [`FeatureConfig`].
///
/// A clone shares the plan. One extractor serves any number of threads, each with its own
/// [`Scratch`].
///
/// ```
/// use ser_audio::Waveform;
/// use ser_features::{FeatureConfig, FeatureExtractor};
///
/// let extractor = FeatureExtractor::new(&FeatureConfig::default())?;
/// let tone = (0..22_050).map(|n| (n as f32 * 0.1).sin()).collect();
/// let features = extractor.extract(&Waveform::new(tone, 22_050))?;
/// assert_eq!((features.frames(), features.coefficients()), (44, 40));
/// # Ok::<(), ser_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FeatureExtractor {
    chain: Arc<Chain>,
}

/// Buffers that a thread reuses from signal to signal.
#[derive(Debug, Default)]
pub struct Scratch {
    resampler: Option<Resampler>,
    recording: RecordingBuffers,
    chain: ChainScratch,
}

impl FeatureExtractor {
    /// Plans the chain.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) when [`FeatureConfig::validate`] finds a value out of
    /// range.
    pub fn new(config: &FeatureConfig) -> Result<Self> {
        Ok(Self {
            chain: Arc::new(Chain::new(config)?),
        })
    }

    /// The configuration this extractor was planned from.
    pub fn config(&self) -> &FeatureConfig {
        self.chain.config()
    }

    /// Fresh buffers for the calls that ask for them.
    pub fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    /// Features of a recording of any format that [`AudioStream`] reads, any rate, channel count and length:
    /// decoded, mixed down, resampled, and then as [`extract_into`](Self::extract_into).
    ///
    /// Of a recording only a part is in memory at a time, about 4096 frames; its features are, all
    /// of them. See [`extract_file_in_pieces`](Self::extract_file_in_pieces) where these are too
    /// many, too.
    ///
    /// # Errors
    /// Those of [`AudioStream`], [`Resampler::new`] and [`extract_into`](Self::extract_into), with
    /// the file's path.
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
        self.extract_stream_into(AudioStream::open(path)?, path, scratch, features)
    }

    /// As [`extract_file_into`](Self::extract_file_into) for a file that is opened.
    pub(crate) fn extract_stream_into(
        &self,
        stream: AudioStream,
        path: &Path,
        scratch: &mut Scratch,
        features: &mut Features,
    ) -> Result<()> {
        let coefficients = self.config().coefficients();
        self.run_stream(stream, scratch, |piece| {
            collect(piece, coefficients, features);
            Ok(())
        })
        .map_err(|error| error.in_file(path))
    }

    /// Features of a recording of any length in memory that does not grow with it.
    ///
    /// `take` gets piece after piece: the number of its first frame and its rows,
    /// `[frames, config.coefficients()]`. They are, value for value, those of
    /// [`extract_file`](Self::extract_file). Of [`Output::Functionals`](crate::Output::Functionals)
    /// there is one piece with one row, and memory for the levels of every frame grows with the file.
    ///
    /// # Errors
    /// Those of [`extract_file`](Self::extract_file), possibly after some pieces, and what `take`
    /// returns.
    pub fn extract_file_in_pieces(
        &self,
        path: &Path,
        mut take: impl FnMut(usize, &[f32]) -> Result<()>,
    ) -> Result<()> {
        let stream = AudioStream::open(path)?;
        self.run_stream(stream, &mut self.scratch(), |piece| {
            take(piece.first, piece.rows)
        })
        .map_err(|error| error.in_file(path))
    }

    fn run_stream(
        &self,
        stream: AudioStream,
        scratch: &mut Scratch,
        take: impl FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<()> {
        let Scratch {
            resampler,
            recording,
            chain,
        } = scratch;
        let resampler = self.resampler(stream.sample_rate(), resampler)?;
        let signal = &mut Recording::new(stream, resampler, recording)?;
        self.chain.run(signal, chain, take)
    }

    /// The rate that a signal of the rate `rate` counts as, and the one that it is brought to.
    pub(crate) fn rates(&self, rate: u32) -> (u32, u32) {
        (self.config().played_rate(rate), self.config().sample_rate)
    }

    /// The last resampler used if it fits a signal of the rate `rate`, or else another; nothing if
    /// there is nothing to change.
    fn resampler<'a>(
        &self,
        rate: u32,
        last: &'a mut Option<Resampler>,
    ) -> Result<Option<&'a mut Resampler>> {
        let (from, to) = self.rates(rate);
        if from == to {
            return Ok(None);
        }
        let resampler = match last.take() {
            Some(last) if last.from() == from && last.to() == to => last,
            _ => Resampler::new(from, to)?,
        };
        Ok(Some(last.insert(resampler)))
    }

    /// Features of a signal of any rate: resampled to the configured rate, and then as
    /// [`extract_into`](Self::extract_into).
    ///
    /// # Errors
    /// Those of [`Resampler::new`] and of [`extract_into`](Self::extract_into).
    pub fn extract(&self, waveform: &Waveform) -> Result<Features> {
        let mut features = Features::default();
        let mut resampled = Vec::new();
        let samples = match self.resampler(waveform.sample_rate, &mut None)? {
            None => &waveform.samples,
            Some(resampler) => {
                resampler.process_into(&waveform.samples, &mut resampled);
                &resampled
            }
        };
        self.extract_into(samples, &mut self.scratch(), &mut features)?;
        Ok(features)
    }

    /// Features of samples at the configured rate, written over `features`.
    /// [`semitones`](FeatureConfig::semitones) does nothing here.
    ///
    /// The steps: trimming, pre-emphasis, framing and windowing, power spectrum, mel bands, dB,
    /// cosine transform, derivatives, extra rows, functionals; those the configuration asks for.
    /// After the first call with the longest signal nothing is allocated, but for a few bytes by
    /// trimming, and by functionals of more than 4096 frames.
    ///
    /// # Shape
    /// `[config.frames(n), config.coefficients()]`, where `n` counts the samples that trimming
    /// leaves; `[1, config.coefficients()]` for [`Output::Functionals`](crate::Output::Functionals).
    ///
    /// # Errors
    /// [`Error::Empty`](crate::Error::Empty) without samples;
    /// [`Error::TooShort`](crate::Error::TooShort) when the signal does not fill one frame, or has
    /// fewer frames than `delta_width` and `deltas` is not 0.
    pub fn extract_into(
        &self,
        samples: &[f32],
        scratch: &mut Scratch,
        features: &mut Features,
    ) -> Result<()> {
        let coefficients = self.config().coefficients();
        let signal = &mut InMemory(samples);
        self.chain.run(signal, &mut scratch.chain, |piece| {
            collect(piece, coefficients, features);
            Ok(())
        })
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
        let framing = Framing::new(config, samples.len())?;
        let part = Part {
            framing,
            samples,
            start: 0,
        };
        let bins = config.n_fft / 2 + 1;
        let spectrum = Spectrum::new(config, 0..bins);
        let mut scratch = SpectrumScratch::default();
        let mut power = vec![Lanes::ZERO; bins];
        let mut features = Features::default();
        let out = features.reshape(framing.frames(), bins);
        for (block, rows) in out.chunks_mut(LANES * bins).enumerate() {
            spectrum.power(&part, block * LANES, &mut scratch, &mut power);
            chain::raise(&mut power, config.power);
            block::store(&power, rows, bins);
        }
        Ok(features)
    }
}

/// Puts a piece where it belongs among the features of its signal.
fn collect(piece: Piece<'_>, coefficients: usize, features: &mut Features) {
    if piece.first == 0 {
        features.reshape(piece.frames, coefficients);
    }
    let values = &mut features.as_mut_slice()[piece.first * coefficients..];
    values[..piece.rows.len()].copy_from_slice(piece.rows);
}
