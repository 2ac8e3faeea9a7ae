#![doc = include_str!("../README.md")]

mod atomic;
mod block;
mod cepstrum;
mod chain;
mod config;
mod delta;
mod error;
mod extractor;
mod features;
mod mel;
mod npy;
mod parallel;
mod pitch;
pub mod prosody;
mod resample;
mod signal;
mod spectrum;
mod store;
mod trim;
mod waveform;
mod window;

pub use atomic::write_file;
pub use cepstrum::{mfcc, power_to_db};
pub use config::{Extra, FeatureConfig, MelNorm, MelScale, Output, PadMode, Window};
pub use delta::delta;
pub use error::{Error, Result};
pub use extractor::{FeatureExtractor, Scratch};
pub use features::Features;
pub use mel::MelFilterbank;
pub use npy::{NpyArray, read_npy, write_npy};
pub use parallel::extract_files;
pub use pitch::{Yin, YinScratch};
pub use resample::Resampler;
pub use store::{FeatureStore, StoreCounts};
pub use trim::trim;
pub use waveform::{WavInfo, WavReader, Waveform, decode_wav};
