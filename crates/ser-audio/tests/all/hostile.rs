//! Tests damaged and hostile recordings: an error or a shorter signal, never a panic, never much memory.

use std::path::Path;

use ser_audio::{Error, read};

use crate::signals::{FIXTURES, Random, bytes_of, fixture, piped, wav};

/// Reads `bytes` as a file.
fn read_bytes(bytes: &[u8]) -> ser_audio::Result<Vec<f32>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip");
    std::fs::write(&path, bytes).unwrap();
    read(&path).map(|waveform| waveform.samples)
}

#[test]
fn a_recording_cut_short_anywhere_is_an_error_or_shorter() {
    for (name, _) in FIXTURES {
        let bytes = bytes_of(name);
        let whole = read(fixture(name)).unwrap().samples.len();
        for length in (0..bytes.len()).step_by(97) {
            for result in [
                read_bytes(&bytes[..length]),
                piped(bytes[..length].to_vec()),
            ] {
                let samples = result.map_or(0, |samples| samples.len());
                assert!(samples <= whole, "{name} cut to {length} bytes");
            }
        }
    }
}

#[test]
fn flipped_bytes_are_an_error_or_another_signal() {
    for (name, _) in FIXTURES {
        let bytes = bytes_of(name);
        let mut random = Random::new(name.len() as u64);
        for round in 0..100 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + random.bits() % 5 {
                // Half of the time in the headers.
                let end = if random.number() < 0.0 {
                    600
                } else {
                    bytes.len()
                };
                damaged[random.bits() as usize % end] = random.bits() as u8;
            }
            for samples in [read_bytes(&damaged), piped(damaged)].into_iter().flatten() {
                assert!(
                    samples.iter().all(|x| x.is_finite()),
                    "{name} in round {round}"
                );
                assert!(samples.len() < 1 << 20, "{name} in round {round}");
            }
        }
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    let text = "This is not a recording, whatever its name says.\n".repeat(1000);
    let folder = tempfile::tempdir().unwrap();
    const EMPTY: &str = "the file is empty: download the recording again";
    let unknown = "no known audio format; ffmpeg turns most into WAV";
    for (name, bytes, reason) in [
        ("text.mp3", text.as_bytes(), unknown),
        ("empty.ogg", b"", EMPTY),
        ("empty.wav", b"", EMPTY),
        ("empty.WAV", b"", EMPTY),
        ("empty.m4a", b"", EMPTY),
        ("one.flac", b"f", unknown),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        match read(&path) {
            Err(error @ Error::Unsupported { .. }) => {
                assert_eq!(error.to_string(), format!("{}: {reason}", path.display()));
            }
            other => panic!("{name}: expected a refusal, got {other:?}"),
        }
    }
    let missing = read(folder.path().join("missing.wav"));
    assert!(matches!(missing, Err(Error::Io(_))));
    assert!(matches!(read(folder.path()), Err(Error::Io(_))));
}

#[test]
fn a_wav_file_without_samples_is_empty() {
    assert!(read_bytes(&wav(1, 16, 8000, &[])).unwrap().is_empty());
}

#[test]
fn of_endless_chunks_only_the_first_are_read() {
    let plain = wav(1, 16, 8000, &[0; 100]);
    let chunks = |count: usize| b"JUNK\0\0\0\0".repeat(count);
    let with = |count| [&plain[..36], &chunks(count), &plain[36..]].concat();
    assert_eq!(read_bytes(&with(900)).unwrap().len(), 50);
    for result in [read_bytes(&with(1000)), piped(with(1000))] {
        let error = result.unwrap_err().to_string();
        assert!(
            error.ends_with("at most 1000 chunks before the samples, found more"),
            "{error}"
        );
    }
    // Behind the samples, one invalid chunk after many valid ones goes unnoticed.
    let behind = [&plain[..], &chunks(1000), b"\x01\x01\x01\x01\0\0\0\0end"].concat();
    assert_eq!(read_bytes(&behind).unwrap().len(), 50);
}

#[test]
fn a_damaged_wav_file_is_not_tried_as_anything_else() {
    let mut file = wav(1, 16, 8000, &[0; 100]);
    file[24..28].copy_from_slice(&[0; 4]);
    assert!(matches!(read_bytes(&file), Err(Error::Wav { .. })));
}

/// An MP3 under such a name is decoded; see `formats.rs`.
#[test]
fn what_is_only_called_wav_is_told_what_wav_is_like() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.WAV");
    for (bytes, said) in [
        (b"Dear diary".repeat(100), "it does not begin as RIFF WAVE"),
        (b"RI".to_vec(), "it ends after 2 bytes, inside the header"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        match read(&path) {
            Err(Error::Wav { reason, .. }) => assert_eq!(reason, said),
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
}

#[test]
fn rates_and_channels_beyond_the_limits_are_refused() {
    let error = read_bytes(&wav(1, 16, 768_001, &[0; 100]))
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("of 1 to 768000 Hz, found 768001 Hz"),
        "{error}"
    );
    assert_eq!(
        read_bytes(&wav(1, 16, 768_000, &[0; 100])).unwrap().len(),
        50
    );

    let mut wide = wav(1, 8, 8000, &[0; 512]);
    wide[22..24].copy_from_slice(&256u16.to_le_bytes());
    wide[28..32].copy_from_slice(&(256 * 8000u32).to_le_bytes());
    wide[32..34].copy_from_slice(&256u16.to_le_bytes());
    let error = read_bytes(&wide).unwrap_err().to_string();
    assert!(error.ends_with("1 to 255 channels, found 256"), "{error}");
}

/// Returns WAV of 64-bit floats.
fn doubles(values: &[f64]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    wav(3, 64, 8000, &data)
}

#[test]
fn a_sample_that_is_no_number_or_beyond_all_bounds_is_silent() {
    for bad in [f64::NAN, f64::INFINITY, 3e20, -1.1e10] {
        let samples = read_bytes(&doubles(&[0.25, 0.5, bad, 1.0])).unwrap();
        assert_eq!(samples, [0.25, 0.5, 0.0, 1.0]);
        match read_bytes(&doubles(&[0.25, bad, bad, bad])) {
            Err(Error::OutOfRange { index, value, .. }) => {
                assert_eq!(index, 1);
                assert!(value.is_nan() && bad.is_nan() || value == bad as f32);
            }
            other => panic!("expected an error, got {other:?}"),
        }
    }
}

/// Offset of the field of `pcm.caf` that states the frames of a packet.
const CAF_FRAMES: usize = 8 + 12 + 8 + 4 + 4 + 4;

#[test]
fn a_packet_of_gigabytes_is_refused_before_there_is_room_for_it() {
    let mut caf = bytes_of("pcm.caf");
    caf[CAF_FRAMES..CAF_FRAMES + 4].copy_from_slice(&[0x7F; 4]);
    match read_bytes(&caf) {
        Err(Error::Unsupported { reason, .. }) => {
            assert!(
                reason.starts_with("expected at most 131072 samples in a packet"),
                "{reason}"
            );
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Returns AAC in ADTS, ten times over. The payload of the packets in `damaged` is not AAC.
fn packets(damaged: std::ops::Range<usize>) -> Vec<u8> {
    let mut bytes = bytes_of("aac.aac").repeat(10);
    let (mut start, mut packet) = (0, 0);
    while start < bytes.len() {
        let length = (usize::from(bytes[start + 3] & 3) << 11)
            | (usize::from(bytes[start + 4]) << 3)
            | usize::from(bytes[start + 5] >> 5);
        if damaged.contains(&packet) {
            bytes[start + 7..start + length].fill(0);
        }
        start += length;
        packet += 1;
    }
    bytes
}

#[test]
fn bad_packets_are_silent_and_what_follows_stays_where_it_was() {
    let whole = read_bytes(&packets(0..0)).unwrap();
    // More than a second of them.
    for bad in [40..60, 40..100] {
        let samples = read_bytes(&packets(bad.clone())).unwrap();
        let (first, last) = (bad.start * 1024, bad.end * 1024);
        assert_eq!(samples[..first], whole[..first]);
        let silence = samples.iter().filter(|&&x| x == 0.0).count();
        assert!(silence > last - first - 2048, "{silence}");
        // The bytes do not give the time exactly to the last sample.
        let (found, expected) = (samples.len() as f64, whole.len() as f64);
        assert!(
            (found - expected).abs() < 0.1 * 16_000.0,
            "{found} of {expected}"
        );
    }
}

#[test]
fn what_is_mostly_undecodable_is_an_error_that_says_how_much_can_be_decoded() {
    match read_bytes(&packets(5..165)) {
        Err(Error::Damaged { reason, .. }) => {
            assert!(reason.starts_with("no more than 0."), "{reason}");
        }
        other => panic!("expected an error, got {other:?}"),
    }
    match read_bytes(&packets(0..170)) {
        Err(Error::Damaged { reason, .. }) => {
            assert!(reason.starts_with("50 packets in a row"), "{reason}");
        }
        other => panic!("expected an error, got {other:?}"),
    }
}

#[test]
fn a_rate_that_changes_is_an_error() {
    let both = [bytes_of("vorbis.ogg"), bytes_of("flac.ogg")].concat();
    match piped(both) {
        Err(Error::Damaged {
            path,
            seconds,
            reason,
        }) => {
            assert_eq!(path, Path::new("pipe"));
            assert_eq!(seconds, 1.0);
            assert_eq!(reason, "the sampling rate changes from 16000 to 8000 Hz");
        }
        other => panic!("expected an error, got {other:?}"),
    }
}

/// Returns the beginning of CAF with AAC: a chunk that never ends, of zeros behind the number of packets, 2^40.
fn endless_table(chunk: &[u8; 4], zeros: usize) -> Vec<u8> {
    let mut bytes = b"caff\0\x01\0\0desc".to_vec();
    bytes.extend(32_u64.to_be_bytes());
    bytes.extend(16_000_f64.to_be_bytes());
    bytes.extend(b"aac \0\0\0\0");
    for number in [0, 1024, 1, 0_u32] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(chunk);
    bytes.extend((1_u64 << 50).to_be_bytes());
    bytes.extend((1_u64 << 40).to_be_bytes());
    bytes.resize(bytes.len() + zeros, 0);
    bytes
}

#[test]
fn tables_before_the_sound_of_caf_end_somewhere() {
    for chunk in [b"pakt", b"kuki"] {
        let bytes = endless_table(chunk, 5 << 20);
        for result in [read_bytes(&bytes), piped(bytes.clone())] {
            match result {
                Err(Error::Unsupported { reason, .. }) => assert!(
                    reason.starts_with("more than 4 MiB come before its sound"),
                    "{reason}"
                ),
                other => panic!("expected an error, got {other:?}"),
            }
        }
    }
    // Behind something else, it is not looked for.
    let behind = [vec![1; 3000], endless_table(b"pakt", 1 << 16)].concat();
    assert!(
        read_bytes(&behind)
            .unwrap_err()
            .to_string()
            .contains("no known audio format")
    );
}
