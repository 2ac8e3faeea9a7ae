#![doc = include_str!("../README.md")]

mod band;
mod coded;
mod decode;
mod error;
mod pipe;
mod quality;
mod voice;

pub use decode::{AudioStream, EXTENSIONS, MAX_CHANNELS, MAX_SAMPLE_RATE, MAX_SAMPLES, read};
pub use error::{Error, Result};
pub use quality::{Quality, Warning};
pub use voice::{Segment, VoiceActivity};
