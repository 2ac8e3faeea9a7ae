//! Tests what is detected by its first bytes, and recordings inside other data.

use std::path::Path;
use std::sync::Arc;

use ser_audio::{AudioStream, Error, Result};

use crate::signals::{bytes_of, drain, piped, wav};

fn decode(bytes: &[u8]) -> Result<Vec<f32>> {
    let stream = AudioStream::from_bytes(Arc::from(bytes), Path::new("clip.wav"))?;
    drain(stream)
}

/// Decodes a file from memory and through a pipe, and expects the same from both.
fn both(bytes: &[u8]) -> Vec<f32> {
    let samples = decode(bytes).unwrap();
    assert_eq!(piped(bytes.to_vec()).unwrap(), samples);
    samples
}

/// Returns 1000 samples of 16 bits, little-endian.
fn samples() -> Vec<u8> {
    (0..1000i32)
        .flat_map(|n| ((n * 7919 % 65_536 - 32_768) as i16).to_le_bytes())
        .collect()
}

fn swapped(data: &[u8], width: usize) -> Vec<u8> {
    data.chunks(width)
        .flat_map(|sample| sample.iter().rev().copied())
        .collect()
}

fn au(encoding: u32, channels: u32, data: &[u8], len: u32) -> Vec<u8> {
    let fields = [28, len, encoding, 8000, channels, 0];
    let fields = fields.iter().flat_map(|x: &u32| x.to_be_bytes());
    [b".snd".to_vec(), fields.collect(), data.to_vec()].concat()
}

fn sphere(fields: &str, data: &[u8]) -> Vec<u8> {
    let mut file = format!("NIST_1A\n   1024\n{fields}\nend_head\n").into_bytes();
    file.resize(1024, b' ');
    file.extend(data);
    file
}

#[test]
fn sun_audio_is_read() {
    let data = samples();
    let expected = decode(&wav(1, 16, 8000, &data)).unwrap();
    let turned = swapped(&data, 2);
    assert_eq!(both(&au(3, 1, &turned, 2000)), expected);
    assert_eq!(
        both(&au(3, 1, &turned, u32::MAX)),
        expected,
        "a writer into a pipe"
    );
    assert_eq!(
        both(&au(3, 1, &turned, 1000)),
        expected[..500],
        "text behind the samples"
    );
    let mean: Vec<f32> = expected.chunks(2).map(|x| (x[0] + x[1]) / 2.0).collect();
    assert_eq!(both(&au(3, 2, &turned, 2000)), mean);
    let bytes: Vec<u8> = (0..=255).collect();
    let mu_law = bytes_of("mulaw.wav");
    let start = mu_law.windows(4).position(|w| w == b"data").unwrap() + 8;
    assert_eq!(
        both(&au(1, 1, &mu_law[start..], 8000)),
        decode(&mu_law).unwrap()
    );
    let unsigned: Vec<u8> = bytes.iter().map(|x| x ^ 0x80).collect();
    assert_eq!(
        both(&au(2, 1, &bytes, 256)),
        decode(&wav(1, 8, 8000, &unsigned)).unwrap()
    );
    let error = decode(&au(23, 1, &bytes, 256)).unwrap_err().to_string();
    assert!(
        error.ends_with("Sun audio: encoding 23 is not supported"),
        "{error}"
    );
}

#[test]
fn an_incomplete_last_sample_is_left_out() {
    for (encoding, width) in [(3, 2), (4, 3), (5, 4), (7, 8)] {
        let data = vec![0; 96_000];
        let expected = both(&au(encoding, 1, &data, u32::MAX));
        assert_eq!(expected.len(), 96_000 / width);
        for extra in 1..width {
            let cut = [&data[..], &vec![1; extra]].concat();
            assert_eq!(both(&au(encoding, 1, &cut, u32::MAX)), expected, "{width}");
        }
    }
}

#[test]
fn sphere_is_read_and_shorten_refused() {
    let data = samples();
    let expected = decode(&wav(1, 16, 8000, &data)).unwrap();
    let fields =
        "channel_count -i 1\nsample_rate -i 8000\nsample_n_bytes -i 2\nsample_count -i 1000";
    let of = |more: &str, data: &[u8]| sphere(&format!("{fields}\n{more}"), data);
    assert_eq!(both(&of("sample_byte_format -s2 01", &data)), expected);
    assert_eq!(
        both(&of("sample_byte_format -s2 10", &swapped(&data, 2))),
        expected
    );
    let packed = decode(&of("sample_coding -s26 pcm,embedded-shorten-v2.00", &data));
    let error = packed.unwrap_err().to_string();
    assert!(
        error.ends_with("compressed with shorten: unpack it with sph2pipe"),
        "{error}"
    );
    let error = decode(&sphere("channel_count -i 1", &data))
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("lacks its length or its sampling rate"),
        "{error}"
    );
}

#[test]
fn rifx_and_wave64_are_read() {
    let data = samples();
    let file = wav(1, 16, 8000, &data);
    let expected = decode(&file).unwrap();
    let mut rifx = b"RIFX".to_vec();
    rifx.extend(swapped(&file[4..8], 4));
    rifx.extend(b"WAVEfmt ");
    for (from, to) in [
        (16, 20),
        (20, 22),
        (22, 24),
        (24, 28),
        (28, 32),
        (32, 34),
        (34, 36),
    ] {
        rifx.extend(swapped(&file[from..to], to - from));
    }
    rifx.extend(b"data");
    rifx.extend(swapped(&file[40..44], 4));
    rifx.extend(swapped(&data, 2));
    assert_eq!(both(&rifx), expected);

    const REST: &[u8] = b"\xF3\xAC\xD3\x11\x8C\xD1\0\xC0\x4F\x8E\xDB\x8A";
    let chunk = |name: &[u8], body: &[u8]| {
        let len = (24 + body.len() as u64).to_le_bytes();
        let mut chunk = [name, REST, &len, body].concat();
        chunk.resize(chunk.len().next_multiple_of(8), 0);
        chunk
    };
    let mut wave64 = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0".to_vec();
    wave64.extend([0; 8]);
    wave64.extend(b"wave");
    wave64.extend(REST);
    wave64.extend(chunk(b"junk", &[1; 5]));
    wave64.extend(chunk(b"fmt ", &file[20..36]));
    wave64.extend(chunk(b"data", &data));
    assert_eq!(both(&wave64), expected);
}

#[test]
fn mp3_in_wav_is_read() {
    let mp3 = bytes_of("mono.mp3");
    let mut file = wav(0x55, 0, 16_000, &mp3);
    let expected = piped(mp3).unwrap();
    assert_eq!(both(&file), expected);
    let unpadded = [&file[..36], b"LIST\x03\0\0\0abc", &file[36..]].concat();
    assert_eq!(both(&unpadded), expected);
    for (tag, name) in [(0x161u16, "WMA"), (0x50, "MP2")] {
        file[20..22].copy_from_slice(&tag.to_le_bytes());
        let error = decode(&file).unwrap_err().to_string();
        let reason = format!("a WAV file that holds {name}: convert it with ffmpeg");
        assert!(error.ends_with(&reason), "{error}");
    }
}

#[test]
fn what_lies_in_front_of_a_recording_is_passed_over() {
    for file in [
        wav(1, 16, 8000, &samples()),
        bytes_of("native.flac"),
        bytes_of("vorbis.ogg"),
        bytes_of("opus.ogg"),
    ] {
        let expected = decode(&file).unwrap();
        for junk in [&b"\xEF\xBB\xBF"[..], &[0; 128], b"HTTP/1.1 200 OK\r\n\r\n"] {
            assert_eq!(both(&[junk, &file].concat()), expected);
        }
    }
}

#[test]
fn what_is_no_recording_is_named_with_the_next_step() {
    let mut tar = vec![b'a'; 257];
    tar.extend(b"ustar\x0000");
    let speex = [b"OggS".as_slice(), &[0; 24], b"Speex   1.2"].concat();
    let cases: [(&[u8], &str); 20] = [
        (
            b"<!DOCTYPE html><html>Not found",
            "a web page, not the recording: download the recording again",
        ),
        (
            b"\xEF\xBB\xBF\r\n<HTML>",
            "a web page, not the recording: download the recording again",
        ),
        (
            b"<?xml version=\"1.0\"?><Error>",
            "XML, not the recording: download the recording again",
        ),
        (
            b"{\"error\": \"not found\"}",
            "JSON, not the recording: download the recording again",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d",
            "a Git LFS pointer, not the recording: run `git lfs pull`",
        ),
        (
            b"/annex/objects/SHA256E-s31--a1.wav\n",
            "a git-annex pointer, not the recording: run `git annex get`",
        ),
        (b"PK\x03\x04\x14\0", "a zip archive: unpack it"),
        (b"\x1F\x8B\x08\0", "packed with gzip: unpack it with gunzip"),
        (&tar, "a tar archive: unpack it with tar -xf"),
        (b"%PDF-1.7", "a PDF: give the recording instead"),
        (b"\xFF\xD8\xFF\xE0", "a picture: give the recording instead"),
        (
            b"MThd\0\0\0\x06",
            "MIDI, notes without sound: play it into a WAV file",
        ),
        (b"#!AMR-WB\n", "AMR: convert it with ffmpeg"),
        (
            b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9",
            "WMA or another file in ASF: convert it with ffmpeg",
        ),
        (&speex, "Speex: convert it with ffmpeg"),
        (b"wvpk\0", "WavPack: convert it with ffmpeg"),
        (
            b"\0\0\0\x1Cftypaax ",
            "a protected audio book of Audible: only its seller's programs can play it",
        ),
        (
            b"bplist00\xD3",
            "a property list, which iCloud leaves in place of a file: download the recording in the Finder",
        ),
        (
            b"\0\x05\x16\x07\0\x02",
            "metadata that macOS stores beside a file (AppleDouble): give the recording instead",
        ),
        (
            &[0; 5000],
            "nothing but zeros, as broken downloads leave: download the recording again",
        ),
    ];
    for (bytes, said) in cases {
        for found in [decode(bytes), piped(bytes.to_vec())] {
            match found {
                Err(Error::Unsupported { reason, .. }) => assert_eq!(reason, said),
                other => panic!("expected {said}, got {other:?}"),
            }
        }
    }
}

#[test]
fn foreign_headers_cut_short_anywhere_are_an_error_or_shorter() {
    let data = samples();
    let fields =
        "channel_count -i 1\nsample_rate -i 8000\nsample_n_bytes -i 2\nsample_count -i 1000";
    for file in [
        au(3, 1, &data, 2000),
        sphere(fields, &data),
        wav(0x55, 0, 16_000, &bytes_of("mono.mp3")),
    ] {
        let whole = decode(&file).unwrap().len();
        for length in (0..100).chain((100..file.len()).step_by(37)) {
            for result in [decode(&file[..length]), piped(file[..length].to_vec())] {
                assert!(result.map_or(0, |samples| samples.len()) <= whole);
            }
        }
    }
}
