#![doc = include_str!("../README.md")]

mod block;
mod cepstrum;
mod chain;
mod config;
mod delta;
mod error;
mod extractor;
mod features;
mod formants;
mod functionals;
mod harmonics;
mod mel;
mod npy;
mod parallel;
mod pitch;
mod pool;
pub mod prosody;
mod signal;
mod spectrum;
mod store;
mod trim;
mod views;
mod window;

pub use cepstrum::{mfcc, power_to_db};
pub use config::{
    ALGORITHM_VERSION, Extra, FeatureConfig, MelNorm, MelScale, Output, PadMode, Window,
};
pub use delta::delta;
pub use error::{Error, Result};
pub use extractor::{FeatureExtractor, Scratch};
pub use features::Features;
pub use formants::{Formant, FormantScratch, Formants};
pub use harmonics::Harmonics;
pub use mel::MelFilterbank;
pub use npy::{NpyArray, read_npy, write_npy};
pub use parallel::extract_files;
pub use pitch::{Pitch, Yin, YinScratch};
pub use pool::ScratchPool;
pub use store::{FeatureStore, StoreCounts};
pub use trim::trim;
pub use views::Views;
