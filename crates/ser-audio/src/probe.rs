//! What an index needs to know of a recording, found in one pass over it.

use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::wav::WavStream;

/// What an index keeps of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Hash of format and samples, in hex: recordings with equal `content` sound the same, whatever else their
    /// files hold.
    pub content: String,
    /// Samples per second and channel, in Hz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Samples per channel.
    pub frames: u64,
}

/// Hashes format and samples of a WAV file, but no other chunk: two files that sound the same have the same
/// `content`, whatever an editor wrote around the samples.
///
/// # Errors
///
/// [`Error::Io`], [`Error::Wav`] and [`Error::Unsupported`]; a recording without samples is an error.
pub fn probe(path: &Path) -> Result<Probe> {
    let mut stream = WavStream::open(path)?;
    let info = stream.info();
    if info.frames == 0 {
        return Err(Error::wav(path, "expected sound, found 0 samples"));
    }
    let mut hash = Xxh3::new();
    hash.update(&info.channels.to_le_bytes());
    hash.update(&info.sample_rate.to_le_bytes());
    hash.update(&info.bits_per_sample.to_le_bytes());
    // Once more in bytes: so it has always been, and a clip keeps its hash.
    hash.update(&u64::from(info.bits_per_sample / 8).to_le_bytes());
    hash.update(&[u8::from(info.float)]);
    let mut bytes = Vec::new();
    while !stream.is_at_end() {
        stream.read_bytes(&mut bytes)?;
        hash.update(&bytes);
    }
    Ok(Probe {
        content: format!("{:032x}", hash.digest128()),
        sample_rate: info.sample_rate,
        channels: info.channels,
        frames: info.frames,
    })
}
