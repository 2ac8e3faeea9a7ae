//! The recordings that files, folders and patterns stand for: one way for all commands.

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
    /// What to call it: its path below the folder that was given, or else its path.
    pub name: String,
}

/// The recordings that files, folders and patterns (`*.mp3`) stand for, sorted within each, and each file once, however
/// its path is spelled; and what stands for none.
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

/// The one path of a file among all that lead to it.
pub(crate) fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// What one file, folder or pattern stands for.
pub(crate) fn find_one(path: &Path, found: &mut Vec<Found>, skipped: &mut Vec<Skipped>) {
    if is_table(path) && !path.is_dir() {
        let reason = "a table, and no recording: `ser index`, `extract`, `evaluate` and training read manifests";
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
            let reason = format!("no recording below it: no file ends in one of {extensions}");
            skipped.push(Skipped::new(path, &reason));
        }
        return;
    }
    let pattern = path
        .to_str()
        .filter(|p| !path.exists() && p.contains(['*', '?', '[']));
    // As in a shell, `*` stands for no name that begins with a dot, such as those that macOS leaves in archives.
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
            "no file matches; `**` stands for folders",
        ));
    }
}
