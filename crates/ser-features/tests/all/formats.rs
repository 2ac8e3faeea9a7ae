//! Checks that features do not depend on the format in which a sound is stored.

use std::path::{Path, PathBuf};

use ser_audio::{AudioStream, Waveform, read};
use ser_features::{FeatureConfig, FeatureExtractor, FeatureStore, Features};

/// Returns the path of a fixture of `ser-audio`: a second of a chirp at 8000 Hz.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ser-audio/tests/fixtures")
        .join(name)
}

fn config() -> FeatureConfig {
    FeatureConfig {
        sample_rate: 16_000,
        n_fft: 512,
        hop_length: 160,
        ..FeatureConfig::default()
    }
}

/// Writes the same sound as WAV with 32-bit float samples.
fn as_wav(path: &Path, folder: &Path) -> PathBuf {
    let sound = read(path).unwrap();
    let copy = folder.join("copy.wav");
    ser_fixtures::write_wav_f32(&copy, sound.sample_rate, sound.samples);
    copy
}

/// Returns the features of a file, computed by an empty store.
fn through_a_store(store: &FeatureStore, path: &Path) -> Features {
    let found = std::sync::Mutex::new(None);
    let counts = store
        .extract(&[path], |_, features| {
            *found.lock().unwrap() = Some(features.unwrap());
        })
        .unwrap();
    assert_eq!((counts.hits, counts.computed), (0, 1));
    found.into_inner().unwrap().unwrap()
}

#[test]
fn every_format_gives_what_wav_gives() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "native.flac",
        "flac.ogg",
        "mono.mp3",
        "stereo.m4a",
        "vorbis.ogg",
        "pcm.aiff",
        "alaw.wav",
        "adpcm-ima.wav",
    ] {
        let (path, wav) = (fixture(name), as_wav(&fixture(name), folder.path()));
        for trim_db in [None, Some(30.0)] {
            let config = FeatureConfig {
                trim_db,
                ..config()
            };
            let extractor = FeatureExtractor::new(&config).unwrap();
            let expected = extractor.extract_file(&wav).unwrap();
            assert!(expected.frames() > 90, "{name}");
            assert_eq!(extractor.extract_file(&path).unwrap(), expected, "{name}");

            let stores = folder.path().join(name);
            let store = FeatureStore::open(&stores, &extractor).unwrap();
            assert_eq!(through_a_store(&store, &path), expected, "{name}");
            let same = |sound: &Waveform| Ok(sound.clone());
            let store = FeatureStore::open_changed(&stores, &extractor, "same", same).unwrap();
            assert_eq!(through_a_store(&store, &path), expected, "{name}");
            std::fs::remove_dir_all(stores).unwrap();
        }
    }
}

/// Ten minutes of μ-law whose length is known only at the end: it is decoded once to measure it, and not kept.
#[test]
fn a_long_recording_of_unknown_length_gives_what_wav_gives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    let data: Vec<u8> = (0..5_000_000u32)
        .map(|n| (n / 800 % 100 * (n % 80)) as u8)
        .collect();
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x12\0\0\0\x07\0\x01\0".to_vec();
    bytes.extend([8000u32, 8000].map(u32::to_le_bytes).concat());
    bytes.extend([1u16, 8, 0].map(u16::to_le_bytes).concat());
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(&data);
    let length = (bytes.len() as u32 - 8).to_le_bytes();
    bytes[4..8].copy_from_slice(&length);
    std::fs::write(&path, bytes).unwrap();
    let stream = AudioStream::open(&path).unwrap();
    assert_eq!((stream.frames(), stream.sample_rate()), (None, 8000));

    let wav = as_wav(&path, folder.path());
    for (sample_rate, trim_db) in [(8000, None), (16_000, Some(30.0))] {
        let config = FeatureConfig {
            sample_rate,
            trim_db,
            hop_length: 800,
            ..config()
        };
        let extractor = FeatureExtractor::new(&config).unwrap();
        let expected = extractor.extract_file(&wav).unwrap();
        assert!(expected.frames() > 4096);
        assert!(extractor.extract_file(&path).unwrap() == expected);
        let mut pieces = Vec::new();
        extractor
            .extract_file_in_pieces(&path, |_, rows| {
                pieces.extend_from_slice(rows);
                Ok(())
            })
            .unwrap();
        assert!(pieces == expected.as_slice());
    }
}
