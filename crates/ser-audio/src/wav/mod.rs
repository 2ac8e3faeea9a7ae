//! WAV files: their headers and samples.

mod header;
mod stream;

pub use header::WavInfo;
pub(crate) use header::{data_chunk, is_unknown_length};
pub(crate) use stream::WavStream;
pub use stream::decode_wav;
