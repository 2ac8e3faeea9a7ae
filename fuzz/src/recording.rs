//! What must hold for any bytes that are taken for a recording.

use std::io::Cursor;
use std::path::Path;

use ser_audio::{AudioStream, Channels, SAMPLE_RANGE};

/// Samples after which a recording is left: a few bytes may stand for hours of silence in some formats.
const ENOUGH: usize = 1 << 21;
/// Bytes that a second of made-up silence takes at least, of a file whose first pages may be read so many times.
const SECOND: usize = 500;
const TIMES: usize = 17;

/// Decodes from memory with the channels mixed in each way, and through a pipe; what looks like Ogg once more with checksums
/// that are right.
///
/// # Panics
/// Where the decoder breaks a promise.
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

/// How many samples there are, if that is known in time.
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

/// Gives every page of Ogg the checksum of its bytes: none would guess it.
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
