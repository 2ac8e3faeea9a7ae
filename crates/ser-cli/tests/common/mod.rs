//! The built program, small inputs for it.
#![allow(dead_code, clippy::unwrap_used)] // every test file uses its own part

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;

#[path = "../../../ser-experiment/tests/common/small.rs"]
mod small;

pub use small::*;

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

/// A recipe that trains in seconds, as a file.
pub fn quick_recipe(folder: &Path, name: &str, protocol: &str, epochs: u32) -> PathBuf {
    write_recipe(folder, name, &quick_recipe_text(name, protocol, epochs))
}

/// A recipe as a file.
pub fn write_recipe(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, text).unwrap();
    path
}
