//! Placeholder for the README, which replaces this line.

mod cepstrum;
mod config;
mod delta;
mod error;
mod extractor;
mod features;
mod kernel;
mod mel;
mod npy;
mod parallel;
mod pitch;
mod prosody;
mod resample;
mod spectrum;
mod trim;
mod waveform;
mod window;

pub use config::{Extra, FeatureConfig, MelNorm, MelScale, Output, PadMode, Window};
pub use error::{Error, Result};
pub use extractor::{FeatureExtractor, Scratch};
pub use features::Features;
pub use parallel::extract_files;
pub use waveform::Waveform;
