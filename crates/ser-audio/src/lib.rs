#![doc = include_str!("../README.md")]

mod band;
mod channels;
mod clock;
mod coded;
pub mod conditions;
mod counted;
mod damage;
mod decode;
mod error;
mod flac;
mod folder;
mod foreign;
pub mod fourier;
mod ogg;
mod opus;
mod pipe;
mod probe;
mod quality;
mod resample;
mod restoration;
mod voice;
mod wav;
mod waveform;
mod wrapper;

pub use channels::Channels;
pub use damage::{CutShort, Damage};
pub use decode::{AudioStream, MAX_CHANNELS, MAX_SAMPLE_RATE, MAX_SAMPLES, read};
pub use error::{Error, Result};
pub use folder::{EXTENSIONS, files, is_recording, recordings};
pub use probe::{Probe, probe};
pub use quality::{Quality, Warning};
pub use resample::{Resampler, ResamplerBank};
pub use restoration::restored;
pub use voice::{Segment, VoiceActivity};
pub use wav::{WavInfo, decode_wav};
pub use waveform::{SAMPLE_RANGE, Waveform, mean_square};
