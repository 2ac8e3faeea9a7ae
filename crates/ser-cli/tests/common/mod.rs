//! Calls of the built program, and small inputs for it.
#![allow(dead_code, clippy::unwrap_used)] // Each test file uses only a part of this module.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use serde_json::Value;

#[path = "../../../ser-experiment/tests/common/small.rs"]
mod small;

pub use small::*;

/// The file of the built-in model.
pub const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../data/models/robust.safetensors"
);

pub fn ser() -> Command {
    Command::cargo_bin("ser").unwrap()
}

/// Returns the standard output of a call that must end with `code`.
pub fn output(code: i32, arguments: &[&dyn AsRef<OsStr>]) -> String {
    let assert = ser().args(arguments).assert().code(code);
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// Returns the standard error of a call that must end with `code`.
pub fn complaint(code: i32, arguments: &[&dyn AsRef<OsStr>]) -> String {
    let assert = ser().args(arguments).assert().code(code);
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// Returns the arguments of a call of `predict` on these recordings.
pub fn words<'w>(files: &'w [PathBuf], more: &[&'w dyn AsRef<OsStr>]) -> Vec<&'w dyn AsRef<OsStr>> {
    let mut words: Vec<&dyn AsRef<OsStr>> = vec![&"predict"];
    words.extend(files.iter().map(|file| file as &dyn AsRef<OsStr>));
    words.extend(more);
    words
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Returns the arguments of a call of `command` with a recipe, a corpus and a folder for the results.
pub fn with_recipe<'a>(
    command: &'a &'static str,
    recipe: &'a impl AsRef<OsStr>,
    data: &'a impl AsRef<OsStr>,
    out: &'a impl AsRef<OsStr>,
) -> [&'a dyn AsRef<OsStr>; 7] {
    [command, &"--recipe", recipe, &"--data", data, &"--out", out]
}

/// Returns a synthetic corpus of four actors, which is written once for all tests of a file.
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

/// Writes a recipe that trains in seconds.
pub fn quick_recipe(folder: &Path, name: &str, protocol: &str, epochs: u32) -> PathBuf {
    write_recipe(folder, name, &quick_recipe_text(name, protocol, epochs))
}

/// Writes a recipe to a file.
pub fn write_recipe(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(format!("{name}.toml"));
    fs::write(&path, text).unwrap();
    path
}

/// Writes an ensemble of two recipes, with additional lines in its task.
pub fn ensemble(folder: &Path, name: &str, members: [&Path; 2], task: &str) -> PathBuf {
    let [one, two] = members;
    let text = format!(
        "name = \"{name}\"\ndescription = \"several\"\n\
         members = [{{ recipe = {one:?} }}, {{ recipe = {two:?} }}]\n\
         [task]\nprotocol = \"loso\"\n{task}\n\
         emotions = [\"neutral\", \"calm\", \"happy\", \"sad\", \"angry\"]\n"
    );
    write_recipe(folder, name, &text)
}

/// Returns the first synthetic clips of a speaker.
pub fn clips(speaker: u8, count: usize) -> Vec<PathBuf> {
    let folder = synthetic().join(format!("Actor_{speaker:02}"));
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    all.truncate(count);
    all
}

/// Returns the sampling rate and the 16-bit samples of a WAV file.
pub fn read_wav(path: &Path) -> (u32, Vec<i16>) {
    let reader = hound::WavReader::open(path).unwrap();
    let rate = reader.spec().sample_rate;
    (rate, reader.into_samples().map(Result::unwrap).collect())
}

/// Writes clips one after the other, each followed by a pause of a second, as one recording.
pub fn long(path: &Path, clips: &[PathBuf]) {
    let mut rate = 0;
    let mut recording = Vec::new();
    for clip in clips {
        let (clip_rate, samples) = read_wav(clip);
        rate = clip_rate;
        recording.extend(samples);
        recording.resize(recording.len() + rate as usize, 0);
    }
    ser_fixtures::write_wav(path, rate, recording);
}

/// Parses lines of JSON.
pub fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
