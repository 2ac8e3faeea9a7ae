#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, clippy::print_stderr)] // only tests call it

pub mod loopback;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hound::{Sample, SampleFormat, WavSpec, WavWriter};
use opus_rs::{Application, OpusEncoder};

/// Returns the folder of the RAVDESS clips, which `SER_RAVDESS` names. Without it, prints that a test is skipped.
pub fn ravdess() -> Option<PathBuf> {
    folder("SER_RAVDESS")
}

/// Returns every `every`th of the 1440 RAVDESS clips, in the order of their paths. Without the corpus, prints that a test is skipped.
///
/// # Panics
/// The folder cannot be read, or has another number of clips.
pub fn ravdess_clips(every: usize) -> Option<Vec<PathBuf>> {
    let files = |folder: &Path| -> Vec<PathBuf> {
        let found = std::fs::read_dir(folder).unwrap();
        found.map(|entry| entry.unwrap().path()).collect()
    };
    let actors = files(&ravdess()?);
    let actors = actors.iter().filter(|path| path.is_dir());
    let mut clips: Vec<PathBuf> = actors.flat_map(|actor| files(actor)).collect();
    clips.retain(|path| path.extension().is_some_and(|extension| extension == "wav"));
    clips.sort();
    assert_eq!(clips.len(), 1440);
    Some(clips.into_iter().step_by(every).collect())
}

/// Returns the folder with the same clips as FLAC, which `SER_RAVDESS_FLAC` names. Without it, prints that a test is
/// skipped.
pub fn ravdess_flac() -> Option<PathBuf> {
    folder("SER_RAVDESS_FLAC")
}

fn folder(variable: &str) -> Option<PathBuf> {
    let folder = named(std::env::var_os(variable));
    if folder.is_none() {
        eprintln!("skipped: {variable} does not name a folder with the clips of RAVDESS");
    }
    folder
}

/// Returns the folder; a variable with an empty value names none.
fn named(value: Option<OsString>) -> Option<PathBuf> {
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Writes samples as a mono WAV file of 32-bit floats.
///
/// # Panics
/// The file cannot be written.
pub fn write_wav_f32(path: &Path, sample_rate: u32, samples: impl IntoIterator<Item = f32>) {
    write(path, sample_rate, 1, 32, SampleFormat::Float, samples);
}

/// Writes two channels, of the length of the shorter one, as a WAV file of 32-bit floats.
///
/// # Panics
/// The file cannot be written.
pub fn write_stereo_f32(path: &Path, sample_rate: u32, left: &[f32], right: &[f32]) {
    let samples = left.iter().zip(right).flat_map(|(&l, &r)| [l, r]);
    write(path, sample_rate, 2, 32, SampleFormat::Float, samples);
}

/// Writes samples as a mono WAV file of 16-bit integers.
///
/// # Panics
/// The file cannot be written.
pub fn write_wav(path: &Path, sample_rate: u32, samples: impl IntoIterator<Item = i16>) {
    write_interleaved(path, sample_rate, 1, samples);
}

/// Writes interleaved samples as a WAV file of 16-bit integers with this number of channels.
///
/// # Panics
/// The file cannot be written, or a channel lacks its last sample.
pub fn write_interleaved(
    path: &Path,
    sample_rate: u32,
    channels: u16,
    samples: impl IntoIterator<Item = i16>,
) {
    write(path, sample_rate, channels, 16, SampleFormat::Int, samples);
}

fn write(
    path: &Path,
    sample_rate: u32,
    channels: u16,
    bits_per_sample: u16,
    sample_format: SampleFormat,
    samples: impl IntoIterator<Item = impl Sample>,
) {
    let spec = WavSpec {
        channels,
        sample_rate,
        bits_per_sample,
        sample_format,
    };
    let mut writer = WavWriter::create(path, spec).unwrap();
    for sample in samples {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
}

/// Returns a voice-like signal around a pitch in hertz: gliding harmonics, three seconds of syllables alternating with
/// two of pause, and faint noise.
pub fn voice(sample_rate: u32, seconds: f64, pitch: f64) -> Vec<f32> {
    let mut phase = 0.0_f64;
    let sample = |n: u32| {
        let t = f64::from(n) / f64::from(sample_rate);
        let pitch = pitch + 60.0 * (2.0 * t).sin() + 20.0 * (9.0 * t).sin();
        phase += pitch / f64::from(sample_rate);
        let turn = std::f64::consts::TAU * phase;
        let harmonics = (1..20).map(|k| (f64::from(k) * turn).sin() / f64::from(k));
        let loud = (3.0 * t).sin().max(0.0) * f64::from(u8::from(t % 5.0 < 3.0));
        let noise = f64::from(n.wrapping_mul(2_654_435_761) >> 16) / 65_536.0 - 0.5;
        (0.2 * loud * harmonics.sum::<f64>() + 1e-3 * noise) as f32
    };
    (0..(seconds * f64::from(sample_rate)) as u32)
        .map(sample)
        .collect()
}

/// Number of samples in a frame of [`flac`].
pub const FLAC_FRAME: usize = 4096;

/// Returns a mono FLAC file with uncompressed 16-bit samples in frames of [`FLAC_FRAME`]; the last frame is padded with
/// zeros.
///
/// # References
/// RFC 9639.
pub fn flac(sample_rate: u32, samples: &[i16]) -> Vec<u8> {
    let mut file = b"fLaC\x80\0\0\x22".to_vec();
    // Frames of 4096 samples and of any number of bytes.
    file.extend([0x10, 0x00, 0x10, 0x00, 0, 0, 0, 0, 0, 0]);
    let total = samples.len().next_multiple_of(FLAC_FRAME) as u64;
    file.extend(((u64::from(sample_rate) << 44) | (15 << 36) | total).to_be_bytes());
    file.extend([0; 16]);
    for (number, samples) in (0u32..).zip(samples.chunks(FLAC_FRAME)) {
        // The rate code 0 refers to the header of the file, which has the rate.
        let rate = match sample_rate {
            8000 => 4,
            48_000 => 10,
            _ => 0,
        };
        let mut frame = vec![0xFF, 0xF8, 0xC0 | rate, 0x08];
        // The frame number is coded like a character in UTF-8.
        let number = char::from_u32(number).unwrap();
        frame.extend(number.encode_utf8(&mut [0; 4]).as_bytes());
        frame.push(crc(&frame, 8, 0x07) as u8);
        frame.push(0x02);
        frame.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
        frame.resize(frame.len() + 2 * (FLAC_FRAME - samples.len()), 0);
        frame.extend((crc(&frame, 16, 0x8005) as u16).to_be_bytes());
        file.extend(frame);
    }
    file
}

/// Number of samples in a packet of [`opus`], 20 ms.
const OPUS_PACKET: usize = 960;
/// Delay of its encoder in samples.
const OPUS_LATE: usize = 312;

/// Encodes samples at 48 kHz as mono Opus in Ogg with this bit rate, as messengers send it.
///
/// # References
/// RFC 3533, RFC 7845.
pub fn opus(samples: &[f32], bits_per_second: i32) -> Vec<u8> {
    let mut encoder = OpusEncoder::new(48_000, 1, Application::Voip).unwrap();
    encoder.bitrate_bps = bits_per_second;
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend((OPUS_LATE as u16).to_le_bytes());
    head.extend([0; 7]);
    let mut file = ogg_page(2, 0, 0, &[&head]);
    file.extend(ogg_page(0, 0, 1, &[b"OpusTags\0\0\0\0\0\0\0\0"]));

    let heard = samples.len() + OPUS_LATE;
    let mut samples = samples.to_vec();
    samples.resize(heard.next_multiple_of(OPUS_PACKET), 0.0);
    let packets = samples.len() / OPUS_PACKET;
    let mut packet = [0; 1276];
    for (n, frame) in (1..).zip(samples.chunks(OPUS_PACKET)) {
        let len = encoder.encode(frame, OPUS_PACKET, &mut packet).unwrap();
        let granule = (n * OPUS_PACKET).min(heard) as u64;
        let flags = if n == packets { 4 } else { 0 };
        file.extend(ogg_page(flags, granule, n as u32 + 1, &[&packet[..len]]));
    }
    file
}

/// Returns page `number` of an Ogg stream, with whole packets. Bit 1 of `flags` marks the first page, bit 2 the last;
/// `granule` is the number of samples up to the end of the page.
///
/// # References
/// RFC 3533, section 6.
pub fn ogg_page(flags: u8, granule: u64, number: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend(granule.to_le_bytes());
    page.extend([1, 0, 0, 0]);
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    let segments = packets.iter().map(|packet| packet.len() / 255 + 1);
    page.push(segments.sum::<usize>() as u8);
    for packet in packets {
        page.resize(page.len() + packet.len() / 255, 255);
        page.push((packet.len() % 255) as u8);
    }
    page.extend(packets.concat());
    let sum = crc(&page, 32, 0x04C1_1DB7);
    page[22..26].copy_from_slice(&sum.to_le_bytes());
    page
}

/// Number of samples in a frame of [`mp3`].
pub const MP3_FRAME: usize = 576;

/// Returns a silent MP3 frame, mono at 16 kHz; `bit_rate` is the index of the bit rate, 1 to 14.
///
/// # References
/// ISO/IEC 13818-3, 2.4.
pub fn mp3_silence(bit_rate: u8) -> Vec<u8> {
    let kilobits = match bit_rate {
        ..=8 => 8 * usize::from(bit_rate),
        _ => 16 * usize::from(bit_rate) - 64,
    };
    let mut frame = vec![0xFF, 0xF3, bit_rate << 4 | 8, 0xC0];
    frame.resize(kilobits * 1000 / 8 * MP3_FRAME / 16_000, 0);
    frame
}

/// Returns an MP3 file of these frames, mono at 16 kHz, after a tag that counts them and has a table as LAME and ffmpeg
/// write it.
pub fn mp3(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut tag = mp3_silence(14);
    let ends = frames.iter().scan(0, |end, frame| {
        *end += frame.len();
        Some(*end)
    });
    let ends: Vec<usize> = ends.collect();
    let bytes = ends.last().unwrap_or(&0) + tag.len();
    // The position is noted once per `every` frames, so that there are fewer than 400 notes.
    let mut every = 1;
    while frames.len() / every >= 400 {
        every *= 2;
    }
    let notes = frames.len() / every;
    let mut fields = b"Xing\0\0\0\x07".to_vec();
    fields.extend((frames.len() as u32).to_be_bytes());
    fields.extend((bytes as u32).to_be_bytes());
    fields.extend((0..100).map(|entry| match entry {
        0 => 0,
        _ => (256 * ends[(entry * notes / 100 + 1) * every - 1] / bytes) as u8,
    }));
    tag[13..13 + fields.len()].copy_from_slice(&fields);
    [tag, frames.concat()].concat()
}

/// Returns the CRC of `width` bits for a polynomial, most significant bit first, with the initial value 0.
fn crc(bytes: &[u8], width: u32, polynomial: u32) -> u32 {
    let mask = u32::MAX >> (32 - width);
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ (u32::from(byte) << (width - 8)), |sum, _| {
            let carry = (sum >> (width - 1)) & 1;
            ((sum << 1) & mask) ^ (carry * polynomial)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_names_no_folder() {
        assert_eq!(named(None), None);
        assert_eq!(named(Some("".into())), None);
        assert_eq!(named(Some("clips".into())), Some("clips".into()));
    }
}
