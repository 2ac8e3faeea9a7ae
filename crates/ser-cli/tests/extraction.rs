//! `ser extract`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::fs;
use std::path::Path;

use common::{complaint, output, synthetic, tone};
use safetensors::SafeTensors;
use ser_features::read_npy;

#[test]
fn npy_is_coefficients_by_frames_as_librosa_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, npy) = (folder.path().join("a.wav"), folder.path().join("a.npy"));
    tone(&wav, 440.0, 1.0);
    output(0, &[&"extract", &wav, &"--out", &npy]);
    assert_eq!(read_npy(&npy).unwrap().shape, [40, 44]); // 1 + 22 050 / 512 frames

    let config = folder.path().join("f.toml");
    fs::write(&config, "n_mfcc = 13\nhop_length = 256\ndeltas = 1\n").unwrap();
    output(0, &[&"extract", &wav, &"--config", &config, &"--out", &npy]);
    assert_eq!(read_npy(&npy).unwrap().shape, [26, 87]);
}

#[test]
fn a_wrong_key_or_value_of_the_config_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, config) = (folder.path().join("a.wav"), folder.path().join("f.toml"));
    let out = folder.path().join("a.npy");
    tone(&wav, 440.0, 0.2);
    for (text, named) in [
        ("n_mfc = 13", "n_mfc"),
        ("n_mfcc = 500", "n_mfcc"),
        ("n_fft = 0", "n_fft"),
    ] {
        fs::write(&config, text).unwrap();
        let message = complaint(1, &[&"extract", &wav, &"--config", &config, &"--out", &out]);
        assert!(message.contains(named), "{message}");
        assert!(!out.exists());
    }
}

#[test]
fn many_files_become_one_tensor_each() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        folder.path().join("in/a.wav"),
        folder.path().join("in/deep/b.wav"),
    );
    fs::create_dir_all(b.parent().unwrap()).unwrap();
    tone(&a, 300.0, 0.5);
    tone(&b, 600.0, 0.7);
    let (all, one) = (
        folder.path().join("all.safetensors"),
        folder.path().join("b.npy"),
    );
    output(0, &[&"extract", &folder.path().join("in"), &"--out", &all]);
    output(0, &[&"extract", &b, &"--out", &one]);

    let bytes = fs::read(&all).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    assert_eq!(names, ["a.wav", "deep/b.wav"]);
    let one = read_npy(&one).unwrap();
    let b = tensors.tensor("deep/b.wav").unwrap();
    assert_eq!(b.shape(), one.shape);
    let data: Vec<f32> = b
        .data()
        .chunks_exact(4)
        .map(|v| f32::from_le_bytes(v.try_into().unwrap()))
        .collect();
    assert_eq!(data, one.data.iter().map(|&v| v as f32).collect::<Vec<_>>());
    // The same call writes the same bytes.
    output(0, &[&"extract", &folder.path().join("in"), &"--out", &all]);
    assert_eq!(fs::read(&all).unwrap(), bytes);
}

#[test]
fn a_bad_file_among_good_ones_is_named_and_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (
        folder.path().join("good.wav"),
        folder.path().join("bad.wav"),
    );
    let out = folder.path().join("x.safetensors");
    tone(&good, 300.0, 0.5);
    fs::write(&bad, b"this is no sound").unwrap();
    let message = complaint(3, &[&"extract", &folder.path(), &"--out", &out]);
    assert!(
        message.contains("skipped") && message.contains("bad.wav"),
        "{message}"
    );
    let bytes = fs::read(&out).unwrap();
    assert_eq!(
        SafeTensors::deserialize(&bytes).unwrap().names(),
        ["good.wav"]
    );

    let message = complaint(
        1,
        &[&"extract", &bad, &"--out", &folder.path().join("b.npy")],
    );
    assert!(message.contains("bad.wav"), "{message}");
    // Nothing does not take the place of something.
    complaint(1, &[&"extract", &bad, &"--out", &out]);
    assert_eq!(fs::read(&out).unwrap(), bytes);
}

#[test]
fn a_store_gives_the_same_features_again() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = synthetic().join("Actor_01");
    let store = folder.path().join("store");
    let (first, second) = (
        folder.path().join("1.safetensors"),
        folder.path().join("2.safetensors"),
    );
    output(
        0,
        &[&"extract", &corpus, &"--store", &store, &"--out", &first],
    );
    output(
        0,
        &[&"extract", &corpus, &"--store", &store, &"--out", &second],
    );
    assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
}

#[test]
fn a_folder_may_hold_any_format() {
    let folder = tempfile::tempdir().unwrap();
    let sounds = folder.path().join("sounds");
    fs::create_dir_all(&sounds).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ser-audio/tests/fixtures");
    for name in ["native.flac", "stereo.mp3", "aac.m4a", "mulaw.wav"] {
        fs::copy(fixtures.join(name), sounds.join(name)).unwrap();
    }
    fs::write(sounds.join("notes.txt"), "no recording").unwrap();
    let (all, store) = (
        folder.path().join("all.safetensors"),
        folder.path().join("store"),
    );
    output(0, &[&"extract", &sounds, &"--out", &all]);
    let bytes = fs::read(&all).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    assert_eq!(names, ["aac.m4a", "mulaw.wav", "native.flac", "stereo.mp3"]);
    for _ in 0..2 {
        output(
            0,
            &[&"extract", &sounds, &"--store", &store, &"--out", &all],
        );
        assert_eq!(fs::read(&all).unwrap(), bytes);
    }
}
