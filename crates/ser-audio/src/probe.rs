//! Format, length and content hash of a recording for an index, found in one pass.

use std::path::Path;

use symphonia::core::io::MediaSource;
use xxhash_rust::xxh3::Xxh3;

use crate::coded::Coded;
use crate::damage::Damage;
use crate::decode::{AudioStream, Decoder};
use crate::error::{Error, Result};
use crate::folder::has_extension;
use crate::wav::{WavInfo, WavStream};

/// What an index stores about a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Hash of format and samples in hexadecimal. Recordings with equal `content` sound the same, whatever else their
    /// files hold.
    pub content: String,
    /// Sampling rate in Hz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Samples per channel.
    pub frames: u64,
    /// What is missing from the recording.
    pub damage: Option<Damage>,
}

/// Reads a recording once to get its format, its length and the hash of its sound.
///
/// # Content
///
/// Integer samples of up to 24 bits are hashed as a WAV file stores them, so WAV, FLAC, and PCM in AIFF, CAF or
/// Matroska have the same `content` for the same samples. The same holds for floating point in WAV. For other codecs
/// the packets are hashed, because no two decoders agree on the samples to the last bit. Tags and chunks around the
/// sound do not count.
///
/// # Errors
///
/// Those of [`AudioStream::open`] and [`AudioStream::next_block`]. The samples of WAV files are not decoded, however,
/// so samples that are not numbers go unnoticed. A recording without samples is an error.
pub fn probe(path: &Path) -> Result<Probe> {
    match AudioStream::open(path)?.into_decoder() {
        Decoder::Wav(stream) => probe_wav(stream, path),
        Decoder::Coded(coded) => probe_coded(*coded),
    }
}

fn probe_wav(mut stream: WavStream<Box<dyn MediaSource>>, path: &Path) -> Result<Probe> {
    let mut hash = begin_pcm(&stream.info());
    while !stream.is_at_end() {
        hash.update(stream.read_bytes()?);
    }
    let info = stream.info();
    if info.frames == 0 {
        return Err(Error::wav(path, "expected sound, found 0 samples"));
    }
    Ok(Probe {
        content: finish(&hash),
        sample_rate: info.sample_rate,
        channels: info.channels,
        frames: info.frames,
        damage: stream.damage().some(),
    })
}

fn probe_coded(mut coded: Coded) -> Result<Probe> {
    let (sample_rate, channels) = (coded.sample_rate(), coded.channels());
    // Bits of a sample as WAV stores it, in whole bytes.
    let bits = coded.bits().map(|bits| 8 * bits.div_ceil(8) as u16);
    let mut hash = match bits {
        Some(bits_per_sample) => begin_pcm(&WavInfo {
            sample_rate,
            channels,
            bits_per_sample,
            float: false,
            padded: false,
            frames: 0,
        }),
        None => {
            let mut hash = Xxh3::new();
            hash.update(&channels.to_le_bytes());
            hash.update(&sample_rate.to_le_bytes());
            hash
        }
    };
    let (mut stored, mut frames) = (Vec::new(), 0);
    while coded.next_interleaved()? {
        frames += (coded.interleaved().len() / usize::from(coded.channels())) as u64;
        match bits {
            Some(bits) => {
                store(coded.interleaved(), bits, &mut stored);
                hash.update(&stored);
            }
            None => hash.update(coded.packet()),
        }
    }
    Ok(Probe {
        content: finish(&hash),
        sample_rate,
        channels,
        frames,
        damage: coded.damage().some(),
    })
}

/// Returns whether the name of a file is that of a lossy format: of any but those that usually lose nothing of the sound.
///
/// ```
/// assert!(ser_audio::is_lossy("speech.MP3".as_ref()));
/// assert!(ser_audio::is_lossy("speech.mka".as_ref()));
/// assert!(!ser_audio::is_lossy("speech.flac".as_ref()));
/// ```
pub fn is_lossy(path: &Path) -> bool {
    const LOSSLESS: &[&str] = &[
        "aif", "aifc", "aiff", "ape", "au", "caf", "flac", "nist", "snd", "sph", "w64", "wav",
        "wave",
    ];
    !has_extension(path, LOSSLESS)
}

/// Starts the hash of samples with a format.
fn begin_pcm(info: &WavInfo) -> Xxh3 {
    let mut hash = Xxh3::new();
    hash.update(&info.channels.to_le_bytes());
    hash.update(&info.sample_rate.to_le_bytes());
    hash.update(&info.bits_per_sample.to_le_bytes());
    // The size in bytes as well, which is redundant: without it, clips would not keep their hash.
    hash.update(&u64::from(info.bits_per_sample / 8).to_le_bytes());
    hash.update(&[u8::from(info.float)]);
    hash
}

fn finish(hash: &Xxh3) -> String {
    format!("{:032x}", hash.digest128())
}

/// Converts samples to the bytes of a WAV file: little-endian, 8-bit samples unsigned.
fn store(samples: &[f32], bits: u16, bytes: &mut Vec<u8>) {
    match bits {
        8 => store_as::<1>(samples, 128, bytes),
        16 => store_as::<2>(samples, 0, bytes),
        _ => store_as::<3>(samples, 0, bytes),
    }
}

/// Stores each sample in `BYTES` bytes. A constant number spares the compiler a loop over single bytes.
fn store_as<const BYTES: usize>(samples: &[f32], zero: i32, bytes: &mut Vec<u8>) {
    let scale = (1 << (8 * BYTES - 1)) as f32;
    bytes.resize(BYTES * samples.len(), 0);
    for (stored, sample) in bytes.as_chunks_mut::<BYTES>().0.iter_mut().zip(samples) {
        let integer = (sample * scale) as i32 + zero;
        stored.copy_from_slice(&integer.to_le_bytes()[..BYTES]);
    }
}
