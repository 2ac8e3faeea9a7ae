//! Properties that must hold for any bytes that are read as a recording.

use std::io::Cursor;
use std::path::Path;

use ser_audio::{AudioStream, Channels, SAMPLE_RANGE};

/// Number of samples after which decoding stops. In some formats a few bytes may stand for hours of silence.
const ENOUGH: usize = 1 << 21;
/// Least number of bytes per second of inserted silence.
const SECOND: usize = 500;
/// Number of times that the first pages of a file may be read.
const TIMES: usize = 17;

/// Decodes the bytes from memory with the channels mixed in each way, and through a pipe. Bytes that look like Ogg are decoded once
/// more with correct checksums.
///
/// # Panics
/// The decoder violates a property.
pub fn check(data: &[u8]) {
    let name = Path::new("fuzz");
    let mut lengths = Vec::new();
    for channels in [Channels::Mean, Channels::Compared, Channels::Only(1)] {
        let Ok(stream) = AudioStream::from_bytes(data.into(), name) else {
            break;
        };
        lengths.extend(decode(stream.with(channels).unwrap(), data.len()));
    }
    assert!(
        lengths.windows(2).all(|pair| pair[0] == pair[1]),
        "{lengths:?}"
    );
    if let Ok(stream) = AudioStream::from_reader(Box::new(Cursor::new(data.to_vec())), name) {
        decode(stream, data.len());
    }
    if data.starts_with(b"OggS") {
        let mut mended = data.to_vec();
        mend(&mut mended);
        if let Ok(stream) = AudioStream::from_bytes(mended.into(), name) {
            decode(stream, data.len());
        }
    }
}

/// Decodes a stream. Returns the number of samples, or `None` if decoding stopped before the end.
fn decode(mut stream: AudioStream, bytes: usize) -> Option<usize> {
    assert!(stream.sample_rate() > 0 && stream.channels() > 0);
    let (mut samples, mut taken) = (Vec::new(), 0);
    let is_whole = loop {
        match stream.next_block(&mut samples) {
            Ok(true) => assert!(!samples.is_empty()),
            Ok(false) => break true,
            Err(_) => break false,
        }
        assert!(samples.iter().all(|x| SAMPLE_RANGE.contains(x)));
        taken += samples.len();
        samples.clear();
        if taken > ENOUGH {
            break false;
        }
    };
    if let Some(damage) = stream.damage() {
        let most = (TIMES * bytes + (1 << 17)) / SECOND;
        assert!(damage.silent_seconds <= most as f64, "{damage}");
        assert!(!damage.to_string().is_empty());
    }
    is_whole.then_some(taken)
}

/// Gives each Ogg page the checksum of its bytes, which a fuzzer could not guess.
fn mend(file: &mut [u8]) {
    let mut start = 0;
    while let Some(page) = file.get_mut(start..).filter(|page| page.len() >= 27) {
        let Some(segments) = page.get(27..27 + usize::from(page[26])) else {
            return;
        };
        let body: usize = segments.iter().map(|&len| usize::from(len)).sum();
        let len = (27 + segments.len() + body).min(page.len());
        page[22..26].fill(0);
        let mut sum = 0u32;
        for &byte in &page[..len] {
            sum ^= u32::from(byte) << 24;
            for _ in 0..8 {
                sum = sum << 1 ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
            }
        }
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        start += len;
    }
}
