//! Tests what an index stores: the same sound has the same content hash in whatever format it is stored.

use std::path::{Path, PathBuf};

use ser_audio::{Error, Probe, probe, read};

use crate::signals::{FIXTURES, bytes_of, fixture, wav};

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_facts_are_those_of_the_decoded_recording() {
    for (name, rate) in FIXTURES {
        let found = probe(&fixture(name)).unwrap();
        assert_eq!(found.sample_rate, rate, "{name}");
        let channels = match name {
            "opus-surround.mkv" => 6,
            name if name.starts_with("stereo") => 2,
            _ => 1,
        };
        assert_eq!(found.channels, channels, "{name}");
        let samples = read(fixture(name)).unwrap().samples;
        assert_eq!(found.frames, samples.len() as u64, "{name}");
    }
}

#[test]
fn lossless_copies_of_a_wav_file_have_its_content() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["flac.mkv", "flac.ogg", "native.flac", "pcm.aiff", "pcm.caf"] {
        let samples = read(fixture(name)).unwrap().samples;
        // ffmpeg stored some with 24 bits.
        let is_of_16 = samples.iter().all(|x| (x * 32_768.0).fract() == 0.0);
        let bytes = if is_of_16 { 2 } else { 3 };
        let data: Vec<u8> = samples
            .iter()
            .flat_map(|x| ((x * 2f32.powi(31)) as i32).to_le_bytes()[4 - bytes..].to_vec())
            .collect();
        let file = wav(1, 8 * bytes as u16, 8000, &data);
        let path = write(folder.path(), "clip.wav", &file);
        assert!(read(&path).unwrap().samples == samples, "{name}");
        assert_eq!(probe(&fixture(name)).unwrap(), probe(&path).unwrap());
    }
}

/// Returns AIFF of one channel; `data` is big-endian.
fn aiff(bits: u16, data: &[u8]) -> Vec<u8> {
    let mut common = 1u16.to_be_bytes().to_vec();
    common.extend((data.len() as u32 / u32::from(bits / 8)).to_be_bytes());
    common.extend(bits.to_be_bytes());
    // 8000 Hz as an 80-bit float: 1.953125 · 2^12.
    common.extend([0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0]);
    let mut body = b"AIFFCOMM".to_vec();
    body.extend((common.len() as u32).to_be_bytes());
    body.extend(common);
    body.extend(b"SSND");
    body.extend((data.len() as u32 + 8).to_be_bytes());
    body.extend([0; 8]);
    body.extend(data);
    [
        b"FORM".as_slice(),
        &(body.len() as u32).to_be_bytes(),
        &body,
    ]
    .concat()
}

#[test]
fn so_have_those_of_8_and_24_bits() {
    let folder = tempfile::tempdir().unwrap();
    // The whole range with both ends.
    let signed: Vec<i8> = (-128..=127).collect();
    let in_aiff: Vec<u8> = signed.iter().map(|&x| x as u8).collect();
    let in_wav: Vec<u8> = signed.iter().map(|&x| (i16::from(x) + 128) as u8).collect();
    let bytes = |bits, aiff_data: &[u8], wav_data: &[u8]| {
        let one = write(folder.path(), "clip.aiff", &aiff(bits, aiff_data));
        let other = write(folder.path(), "clip.wav", &wav(1, bits, 8000, wav_data));
        assert_eq!(read(&one).unwrap(), read(&other).unwrap(), "{bits} bits");
        assert_eq!(probe(&one).unwrap(), probe(&other).unwrap(), "{bits} bits");
    };
    bytes(8, &in_aiff, &in_wav);

    let signed = (0..4001).map(|n| (n - 2000) * 4194 + n % 7 - 608);
    let signed: Vec<i32> = signed.chain([-8_388_608, 8_388_607, -1, 0]).collect();
    let in_aiff: Vec<u8> = signed
        .iter()
        .flat_map(|x| x.to_be_bytes()[1..].to_vec())
        .collect();
    let in_wav: Vec<u8> = signed
        .iter()
        .flat_map(|x| x.to_le_bytes()[..3].to_vec())
        .collect();
    bytes(24, &in_aiff, &in_wav);
}

#[test]
fn a_tag_changes_no_content_and_a_packet_does() {
    let folder = tempfile::tempdir().unwrap();
    let content = |bytes: &[u8]| probe(&write(folder.path(), "clip", bytes)).unwrap().content;
    let mp3 = bytes_of("mono.mp3");
    // A title in ID3v2: frame TIT2 of six bytes.
    let mut tagged = b"ID3\x04\0\0\0\0\0\x10TIT2\0\0\0\x06\0\0\x03title".to_vec();
    tagged.extend(&mp3);
    assert_eq!(content(&tagged), content(&mp3));

    let mut damaged = mp3.clone();
    damaged[mp3.len() / 2] ^= 1;
    assert_ne!(content(&damaged), content(&mp3));
    assert_ne!(content(&bytes_of("vorbis.ogg")), content(&mp3));
}

/// Model files list the contents of the clips that they were trained on.
#[test]
fn a_wav_file_keeps_the_content_it_has_always_had() {
    let folder = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..4000u32).map(|n| (n * 37 % 251) as u8).collect();
    let path = write(folder.path(), "clip.wav", &wav(1, 16, 22_050, &data));
    let expected = Probe {
        content: "c92806d383527687efc2c85e204ddfd1".into(),
        sample_rate: 22_050,
        channels: 1,
        frames: 2000,
        damage: None,
    };
    assert_eq!(probe(&path).unwrap(), expected);
}

#[test]
fn a_recording_without_samples_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "clip.wav", &wav(1, 16, 8000, &[]));
    match probe(&path) {
        Err(Error::Wav { reason, .. }) => assert_eq!(reason, "expected sound, found 0 samples"),
        other => panic!("expected an error, got {other:?}"),
    }
}
