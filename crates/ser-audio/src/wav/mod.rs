//! WAV files: their headers, and the samples behind them.

mod header;
mod stream;

pub use header::WavInfo;
pub use stream::{WavReader, WavStream, decode_wav};
