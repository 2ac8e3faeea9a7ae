//! The built program, small inputs for it.
#![allow(dead_code, clippy::unwrap_used, clippy::print_stderr)] // every test file uses its own part

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;

pub fn ser() -> Command {
    Command::cargo_bin("ser").unwrap()
}

/// Standard output of a call that must end with `code`.
pub fn output(code: i32, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> String {
    let assert = ser().args(arguments).assert().code(code);
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// Standard error of a call that must end with `code`.
pub fn complaint(code: i32, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> String {
    let assert = ser().args(arguments).assert().code(code);
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// A synthetic corpus of four actors, written once for all tests of a file.
pub fn synthetic() -> &'static Path {
    static CORPUS: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, corpus) = CORPUS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let corpus = folder.path().join("corpus");
        output(0, &[&"synth", &corpus, &"--actors", &"4"]);
        (folder, corpus)
    });
    corpus
}

/// The folder of the real corpus, if the environment names one; says so if not.
pub fn ravdess() -> Option<PathBuf> {
    let folder = std::env::var_os("SER_RAVDESS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: set SER_RAVDESS to the folder of the RAVDESS WAV files to run this");
    }
    folder
}

/// A recipe that trains in seconds.
pub fn quick_recipe(folder: &Path, name: &str, protocol: &str, epochs: u32) -> PathBuf {
    let path = folder.join(format!("{name}.toml"));
    let text = format!(
        r#"
        name = "{name}"
        description = "a small network, for tests"
        [task]
        protocol = "{protocol}"
        emotions = ["neutral", "calm", "happy", "sad", "angry"]
        [features]
        sample_rate = 16000
        trim_db = 30.0
        n_fft = 512
        hop_length = 512
        output = "log_mel"
        n_mels = 32
        [input]
        frames = 64
        [network]
        architecture = "cnn"
        embedding = 32
        blocks = [
          {{ channels = 8, kernel = 5, stride = 2, pool = [2, 2] }},
          {{ channels = 16, kernel = 3, pool = [1, 2] }},
        ]
        [training]
        epochs = {epochs}
        batch_size = 16
        learning_rate = 3e-3
        schedule = "one-cycle"
        "#
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// A 16-bit mono WAV file of a tone.
pub fn tone(path: &Path, hertz: f32, seconds: f32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 22_050,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..(seconds * 22_050.0) as u32 {
        let phase = n as f32 / 22_050.0 * hertz * std::f32::consts::TAU;
        writer.write_sample((phase.sin() * 8000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}
