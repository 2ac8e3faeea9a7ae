//! Runs the seeds of a target as a plain test, so that `cargo test` checks the seeds of the fuzzer and every case that it has found.

use std::fs;
use std::path::{Path, PathBuf};

/// Calls `check` with the bytes of each file in `fuzz/seeds/<target>`, in the order of their names.
///
/// # Panics
/// `check` panics, after the name of the file was printed, or there are no seeds.
pub fn each(target: &str, check: fn(&[u8])) {
    for path in paths(target) {
        // The test harness shows this only if the test fails.
        println!("{}", path.display());
        check(&fs::read(&path).unwrap());
    }
}

/// Returns the files in `fuzz/seeds/<target>`, in the order of their names.
///
/// # Panics
/// There are none.
pub fn paths(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|above| above.join("fuzz/seeds").join(target))
        .find(|folder| folder.is_dir())
        .unwrap();
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds of {target}");
    paths
}
