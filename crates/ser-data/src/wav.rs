//! What an index needs to know of a WAV file, found in one pass over it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use ser_wav::Layout;
use xxhash_rust::xxh3::Xxh3;

use crate::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) content: String,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    pub(crate) frames: u64,
}

/// Hashes format and samples, but no other chunk: two files that sound the same have the same `content`, whatever
/// an editor wrote around the samples.
pub(crate) fn probe(path: &Path) -> Result<Probe> {
    let io = |source| Error::io(path, source);
    let wav = |reason: String| Error::Wav {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).map_err(io)?;
    let len = file.metadata().map_err(io)?.len();
    // Room for a header; blocks are larger and go past this buffer.
    let mut reader = BufReader::with_capacity(512, file);
    let layout = Layout::find(&mut reader, Some(len)).map_err(|error| match error {
        ser_wav::Error::Io(source) => io(source),
        error => wav(error.to_string()),
    })?;
    let info = layout.info;
    if info.frames == 0 {
        return Err(wav("expected sound, found 0 samples".to_owned()));
    }

    let mut hash = Xxh3::new();
    hash.update(&info.channels.to_le_bytes());
    hash.update(&info.sample_rate.to_le_bytes());
    hash.update(&info.bits_per_sample.to_le_bytes());
    // Once more in bytes: so it has always been, and a clip keeps its hash.
    hash.update(&u64::from(info.bits_per_sample / 8).to_le_bytes());
    hash.update(&[u8::from(info.float)]);
    let mut left = info.frames * info.frame_bytes() as u64;
    let mut block = vec![0; 1 << 17];
    while left > 0 {
        let wanted = left.min(block.len() as u64) as usize;
        let found = reader.read(&mut block[..wanted]).map_err(io)?;
        if found == 0 {
            return Err(wav("it ended before its stated length".to_owned()));
        }
        hash.update(&block[..found]);
        left -= found as u64;
    }
    Ok(Probe {
        content: format!("{:032x}", hash.digest128()),
        sample_rate: info.sample_rate,
        channels: info.channels,
        frames: info.frames,
    })
}
