//! Finds the recordings that files, folders and patterns stand for, in the same way for all commands.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};
use ser_data::is_table;

use crate::corpus::Skipped;

/// A recording that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// Its name: the path relative to the given folder, or else the path.
    pub name: String,
}

/// Finds the recordings that files, folders and patterns such as `*.mp3` stand for.
///
/// The recordings of each input are sorted. Each file comes once, even if several paths lead to it. Also returns the inputs
/// and files that were skipped.
#[must_use]
pub fn find(given: &[PathBuf]) -> (Vec<Found>, Vec<Skipped>) {
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    for path in given {
        find_one(path, &mut found, &mut skipped);
    }
    let mut seen = HashSet::new();
    found.retain(|found: &Found| seen.insert(identity(&found.path)));
    (found, skipped)
}

/// Returns the canonical path of a file, or `path` itself if there is none.
pub(crate) fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Finds the recordings that one file, folder or pattern stands for, and adds them to `found`.
pub(crate) fn find_one(path: &Path, found: &mut Vec<Found>, skipped: &mut Vec<Skipped>) {
    if is_table(path) && !path.is_dir() {
        let reason = "a table, not a recording: `ser index`, `extract`, `evaluate` and training read manifests";
        skipped.push(Skipped::new(path, reason));
        return;
    }
    let before = found.len() + skipped.len();
    let named = |path: PathBuf| {
        let name = path.to_string_lossy().into_owned();
        Found { path, name }
    };
    if path.is_dir() {
        for file in ser_audio::recordings(path) {
            match file {
                Ok(file) => {
                    let name = file.strip_prefix(path).unwrap_or(&file);
                    let name = name.to_string_lossy().replace('\\', "/");
                    found.push(Found { path: file, name });
                }
                Err(error) => skipped.push(Skipped::new(&error.path, &error.to_string())),
            }
        }
        if before == found.len() + skipped.len() {
            let extensions = ser_audio::EXTENSIONS.join(", ");
            let reason =
                format!("no recording in this folder: no file name ends in one of {extensions}");
            skipped.push(Skipped::new(path, &reason));
        }
        return;
    }
    let pattern = path
        .to_str()
        .filter(|p| !path.exists() && p.contains(['*', '?', '[']));
    // As in a shell, `*` does not match a name that begins with a dot, such as the files that macOS leaves in archives.
    let as_in_shells = MatchOptions {
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let matches = pattern.and_then(|pattern| glob_with(pattern, as_in_shells).ok());
    let Some(matches) = matches else {
        found.push(named(path.to_owned()));
        return;
    };
    for matched in matches {
        match matched {
            Ok(path) if path.is_file() => found.push(named(path)),
            Ok(_) => {}
            Err(error) => {
                let reason = ser_files::in_words(error.error());
                skipped.push(Skipped::new(error.path(), &reason));
            }
        }
    }
    if before == found.len() + skipped.len() {
        skipped.push(Skipped::new(
            path,
            "no file matches; `**` matches any folders",
        ));
    }
}
