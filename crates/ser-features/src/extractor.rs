//! Extraction of features from samples, recordings and files.

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

/// Turns signals into [`Features`]. An extractor is planned once from a valid [`FeatureConfig`].
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
    /// Plans the chain of stages.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if [`FeatureConfig::validate`] finds a value out of
    /// range.
    pub fn new(config: &FeatureConfig) -> Result<Self> {
        Ok(Self {
            chain: Arc::new(Chain::new(config)?),
        })
    }

    /// Returns the configuration of this extractor.
    pub fn config(&self) -> &FeatureConfig {
        self.chain.config()
    }

    /// Returns new buffers for the methods that take a [`Scratch`].
    pub fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    /// Extracts the features of a recording in any format that [`AudioStream`] reads, with any sampling
    /// rate, channel count and length. The recording is decoded, mixed down and resampled, and then
    /// processed as by [`extract_into`](Self::extract_into).
    ///
    /// Only a part of the recording, about 4096 frames, is in memory at a time, but all of its features
    /// are. If these are too many as well, use
    /// [`extract_file_in_pieces`](Self::extract_file_in_pieces).
    ///
    /// # Errors
    /// Those of [`AudioStream`], [`Resampler::new`] and [`extract_into`](Self::extract_into), with
    /// the path of the file.
    pub fn extract_file(&self, path: &Path) -> Result<Features> {
        let mut features = Features::default();
        self.extract_file_into(path, &mut self.scratch(), &mut features)?;
        Ok(features)
    }

    /// Does the same as [`extract_file`](Self::extract_file), but overwrites `features`.
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

    /// Does the same as [`extract_file_into`](Self::extract_file_into) for a file that is already open.
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

    /// Extracts the features of a recording of any length in memory that does not grow with the length, except
    /// for 4 bytes per frame if [`trim_db`](FeatureConfig::trim_db) is set.
    ///
    /// `take` receives one piece after another: the index of its first frame and its rows,
    /// `[frames, config.coefficients()]`. The values are exactly those of
    /// [`extract_file`](Self::extract_file). With [`Output::Functionals`](crate::Output::Functionals)
    /// there is one piece with one row, and the memory for the levels of every frame grows with the file.
    ///
    /// # Errors
    /// Those of [`extract_file`](Self::extract_file), possibly after some pieces, and any error that
    /// `take` returns.
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

    /// Returns the rate that a signal with the sampling rate `rate` counts as, and the rate that it is
    /// resampled to.
    pub(crate) fn rates(&self, rate: u32) -> (u32, u32) {
        (self.config().played_rate(rate), self.config().sample_rate)
    }

    /// Returns the last resampler if it fits a signal with the sampling rate `rate`, or else a new one;
    /// `None` if the signal needs no resampling.
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

    /// Extracts the features of a signal of any sampling rate. The signal is resampled to the configured
    /// rate and then processed as by [`extract_into`](Self::extract_into).
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

    /// Extracts the features of samples at the configured sampling rate and overwrites `features`.
    /// [`semitones`](FeatureConfig::semitones) has no effect here.
    ///
    /// The stages are trimming, pre-emphasis, framing and windowing, power spectrum, mel bands, dB,
    /// cosine transform, derivatives, extra rows and functionals, as far as the configuration asks for
    /// them. After a first call with the longest signal, later calls allocate nothing, except in trimming,
    /// 4 bytes per frame, and in functionals of more than 4096 frames.
    ///
    /// # Shape
    /// `[config.frames(n), config.coefficients()]`, where `n` is the number of samples after
    /// trimming; `[1, config.coefficients()]` for [`Output::Functionals`](crate::Output::Functionals).
    ///
    /// # Errors
    /// [`Error::Empty`](crate::Error::Empty) if there are no samples, or none after trimming;
    /// [`Error::TooShort`](crate::Error::TooShort) if the signal does not fill one frame, or if it has
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

    /// Computes the spectrogram of samples at the configured sampling rate: the stage before the mel
    /// bands. It does not trim the samples and applies no pre-emphasis.
    ///
    /// # Shape
    /// `[config.frames(samples.len()), n_fft/2 + 1]`
    ///
    /// # Formula
    /// `|X[k]|^power` of each windowed frame, `k = 0 … n_fft/2`.
    ///
    /// # Errors
    /// Those of [`extract_into`](Self::extract_into) that concern the length of the signal.
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

/// Copies a piece to its position among the features of its signal.
fn collect(piece: Piece<'_>, coefficients: usize, features: &mut Features) {
    if piece.first == 0 {
        features.reshape(piece.frames, coefficients);
    }
    let values = &mut features.as_mut_slice()[piece.first * coefficients..];
    values[..piece.rows.len()].copy_from_slice(piece.rows);
}
