//! Several kinds of features of the same sound.

use ser_audio::{ResamplerBank, Waveform};

use crate::config::FeatureConfig;
use crate::error::Result;
use crate::extractor::{FeatureExtractor, Scratch};
use crate::features::Features;
use crate::pool::ScratchPool;

/// Extracts several kinds of features from each sound. It is planned once from their configurations.
///
/// The features are those of a [`FeatureExtractor`] for each configuration. Stages that the
/// configurations have in common are computed once: a sound is resampled once to each rate, and the
/// filters for that are planned for the first sound of a rate instead of for every sound. Memory is
/// reused from sound to sound. Threads that extract at the same time have their own memory.
///
/// ```
/// use ser_audio::Waveform;
/// use ser_features::{FeatureConfig, Output, Views};
///
/// let levels = FeatureConfig { output: Output::LogMel, ..FeatureConfig::default() };
/// let views = Views::new([&levels, &levels.faster(1.0)])?;
/// let tone = (0..48_000).map(|n| (n as f32 * 0.1).sin()).collect();
/// let features = views.extract(&Waveform::new(tone, 48_000))?;
/// // A semitone faster, the second is shorter.
/// assert_eq!((features[0].frames(), features[1].frames()), (44, 41));
/// # Ok::<(), ser_features::Error>(())
/// ```
#[derive(Debug)]
pub struct Views {
    extractors: Vec<FeatureExtractor>,
    memory: ScratchPool<Memory>,
}

/// Memory that a thread reuses from sound to sound.
#[derive(Debug, Default)]
struct Memory {
    /// The rates that the last sound counted as, with the rates that it was resampled to, in ascending
    /// order. `bank` holds the resamplers between them, if any.
    rates: Vec<(u32, u32)>,
    bank: Option<ResamplerBank>,
    /// The sound at each of these rates.
    resampled: Vec<Vec<f32>>,
    scratch: Scratch,
}

impl Views {
    /// Plans an extractor for each configuration.
    ///
    /// # Errors
    /// Those of [`FeatureExtractor::new`].
    pub fn new<'a>(configs: impl IntoIterator<Item = &'a FeatureConfig>) -> Result<Self> {
        let extractors = configs.into_iter().map(FeatureExtractor::new);
        Ok(Self {
            extractors: extractors.collect::<Result<_>>()?,
            memory: ScratchPool::default(),
        })
    }

    /// Returns the configurations, in their order.
    pub fn configs(&self) -> impl Iterator<Item = &FeatureConfig> {
        self.extractors.iter().map(FeatureExtractor::config)
    }

    /// Extracts the features of a sound of any sampling rate: one for each configuration, in their order.
    ///
    /// # Errors
    /// Those of [`FeatureExtractor::extract`] for the first configuration that fails.
    pub fn extract(&self, sound: &Waveform) -> Result<Vec<Features>> {
        self.memory.with(|memory| self.extract_with(sound, memory))
    }

    fn extract_with(&self, sound: &Waveform, memory: &mut Memory) -> Result<Vec<Features>> {
        let rates: Vec<_> = self
            .extractors
            .iter()
            .map(|e| e.rates(sound.sample_rate))
            .collect();
        let Memory {
            rates: planned,
            bank,
            resampled,
            scratch,
        } = memory;
        let mut wanted: Vec<_> = rates
            .iter()
            .filter(|(from, to)| from != to)
            .copied()
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        if *planned != wanted {
            *bank = if wanted.is_empty() {
                None
            } else {
                Some(ResamplerBank::new(&wanted)?)
            };
            *planned = wanted;
            resampled.resize(planned.len(), Vec::new());
        }
        if let Some(bank) = bank {
            bank.process_into(&sound.samples, resampled);
        }
        let extract = |(extractor, rates): (&FeatureExtractor, &(u32, u32))| {
            let samples = match planned.binary_search(rates) {
                Ok(position) => &resampled[position],
                Err(_) => &sound.samples,
            };
            let mut features = Features::default();
            extractor.extract_into(samples, scratch, &mut features)?;
            Ok(features)
        };
        self.extractors.iter().zip(&rates).map(extract).collect()
    }
}
