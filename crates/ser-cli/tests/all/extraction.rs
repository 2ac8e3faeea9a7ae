//! Tests of `ser extract`.

use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use ser_features::read_npy;

use crate::common::{self, complaint, output, synthetic, tone};

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
    // A call without a usable recording does not replace the file.
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

/// Writes a manifest of two parts of a file and one whole file, with an additional column.
fn with_parts(folder: &Path) -> std::path::PathBuf {
    for (name, hertz) in [("long.wav", 300.0), ("=short.wav", 600.0)] {
        tone(&folder.join(name), hertz, 2.0);
    }
    let manifest = folder.join("mine.csv");
    let text = "path,emotion,speaker,start,end,room\nlong.wav,sad,a,0,0.5,hall\nlong.wav,happy,a,1,2,\n=short.wav,happy,b,,,bath\n";
    fs::write(&manifest, text).unwrap();
    manifest
}

#[test]
fn functionals_are_a_row_a_recording_with_what_the_manifest_says() {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, out) = (with_parts(folder.path()), folder.path().join("f.csv"));
    let told = output(0, &[&"extract", &manifest, &"--out", &out]);
    assert!(told.starts_with("3 recordings, "), "{told}");
    let written = format!("written: {}", out.display());
    assert!(told.contains(&written), "{told}");
    let mut table = csv::Reader::from_path(&out).unwrap();
    let header: Vec<String> = table.headers().unwrap().iter().map(str::to_owned).collect();
    let known = [
        "path", "seconds", "emotion", "speaker", "start", "end", "room",
    ];
    assert_eq!(header[..7], known);
    for name in ["mfcc_0_mean", "mfcc_1_std", "log_f0_mean", "loud_share"] {
        assert_eq!(
            header.iter().filter(|column| *column == name).count(),
            1,
            "{name}"
        );
    }
    let rows: Vec<Vec<String>> = table
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let known: Vec<&[String]> = rows.iter().map(|row| &row[1..7]).collect();
    assert_eq!(
        known,
        [
            ["2", "happy", "b", "", "", "bath"],
            ["0.5", "sad", "a", "0", "0.5", "hall"],
            ["1", "happy", "a", "1", "2", ""],
        ]
    );
    assert!(rows[0][0].ends_with("/=short.wav"), "{}", rows[0][0]);
    assert!(rows.iter().all(|row| row.len() == header.len()));
    assert!(
        rows.iter()
            .flat_map(|row| &row[7..])
            .all(|value| value.parse::<f32>().unwrap().is_finite())
    );

    // Without a manifest, there is only the recording, and its functionals are the same.
    let (short, alone) = (
        folder.path().join("=short.wav"),
        folder.path().join("alone.csv"),
    );
    output(0, &[&"extract", &short, &"--out", &alone]);
    let mut table = csv::Reader::from_path(&alone).unwrap();
    let columns = table.headers().unwrap().clone();
    assert_eq!(columns.iter().skip(2).collect::<Vec<_>>(), header[7..]);
    let row = table.records().next().unwrap().unwrap();
    assert_eq!(&row[1], "2");
    assert_eq!(row.iter().skip(2).collect::<Vec<_>>(), rows[0][7..]);
}

#[test]
fn parquet_and_csv_are_one_table_and_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = with_parts(folder.path());
    let out = folder.path().join("f.parquet");
    output(0, &[&"extract", &manifest, &"--out", &out]);
    let bytes = fs::read(&out).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    output(0, &[&"extract", &manifest, &"--out", &out]);
    assert_eq!(fs::read(&out).unwrap(), bytes);
    // A call without a usable recording does not replace the file, and leaves nothing beside it.
    let bad = folder.path().join("bad.wav");
    fs::write(&bad, b"this is no sound").unwrap();
    let before = fs::read_dir(folder.path()).unwrap().count();
    complaint(1, &[&"extract", &bad, &"--out", &out]);
    assert_eq!(fs::read(&out).unwrap(), bytes);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
}

#[test]
fn what_is_no_table_is_refused_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, out) = (folder.path().join("a.wav"), folder.path().join("a.csv"));
    tone(&wav, 300.0, 0.5);
    let said = complaint(1, &[&"extract", &wav, &"--recipe", &"cnn", &"--out", &out]);
    assert!(said.contains("--recipe mlp"), "{said}");
    let said = complaint(1, &[&"extract", &wav, &"--recipe", &"best", &"--out", &out]);
    assert!(
        said.contains("joins recipes") && said.contains("--recipe cnn or "),
        "{said}"
    );
    let manifest = folder.path().join("m.csv");
    fs::write(
        &manifest,
        "path,emotion,speaker,mfcc_0_mean\na.wav,sad,a,1\n",
    )
    .unwrap();
    let said = complaint(1, &[&"extract", &manifest, &"--out", &out]);
    assert!(said.contains("rename the column `mfcc_0_mean`"), "{said}");
    assert!(!out.exists());
}

#[test]
fn a_recording_is_extracted_once_however_it_is_spelled() {
    let folder = tempfile::tempdir().unwrap();
    tone(&folder.path().join("A.WAV"), 300.0, 0.5);
    fs::write(folder.path().join("._A.WAV"), "left by macOS").unwrap();
    let ser = |inputs: &[&str]| {
        let mut words = vec!["extract"];
        words.extend(inputs);
        words.extend(["--out", "a.csv"]);
        let ended = common::ser()
            .current_dir(&folder)
            .args(words)
            .assert()
            .success();
        String::from_utf8(ended.get_output().stdout.clone()).unwrap()
    };
    for inputs in [&["A.WAV", "./A.WAV", "."][..], &["*.WAV"], &["."]] {
        let told = ser(inputs);
        assert!(told.starts_with("1 recording, "), "{inputs:?}: {told}");
    }
}
