//! What an index needs to know of a WAV file, found in one pass over it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use hound::{SampleFormat, WavReader};
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
    let reader = BufReader::with_capacity(1 << 17, File::open(path).map_err(io)?);
    let header = WavReader::new(reader).map_err(|error| match error {
        hound::Error::IoError(error) => wav(format!("the WAV header ends early: {error}")),
        other => wav(other.to_string()),
    })?;
    let (spec, samples) = (header.spec(), u64::from(header.len()));
    if samples == 0 || spec.sample_rate == 0 {
        return Err(wav(format!(
            "expected sound, found {samples} samples at {} Hz",
            spec.sample_rate
        )));
    }
    // Samples may lie in wider containers, which hound does not tell: the length of the data chunk, right before the
    // data, does.
    let mut reader = header.into_inner();
    let mut length = [0; 4];
    reader
        .seek_relative(-4)
        .and_then(|()| reader.read_exact(&mut length))
        .map_err(io)?;
    let data_bytes = u64::from(u32::from_le_bytes(length));

    let mut hash = Xxh3::new();
    hash.update(&spec.channels.to_le_bytes());
    hash.update(&spec.sample_rate.to_le_bytes());
    hash.update(&spec.bits_per_sample.to_le_bytes());
    hash.update(&(data_bytes / samples).to_le_bytes());
    hash.update(&[u8::from(spec.sample_format == SampleFormat::Float)]);
    let mut data = reader.take(data_bytes);
    let mut found = 0;
    loop {
        let bytes = data.fill_buf().map_err(io)?;
        if bytes.is_empty() {
            break;
        }
        hash.update(bytes);
        let read = bytes.len();
        found += read as u64;
        data.consume(read);
    }

    if found < data_bytes {
        return Err(wav(format!(
            "cut off: the header announces {data_bytes} bytes of samples, the file holds {found}"
        )));
    }
    Ok(Probe {
        content: format!("{:032x}", hash.digest128()),
        sample_rate: spec.sample_rate,
        channels: spec.channels,
        frames: samples / u64::from(spec.channels),
    })
}
