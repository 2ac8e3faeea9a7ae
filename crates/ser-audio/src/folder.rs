//! The recordings of a folder.

use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Extensions of the files that folders are searched for, in lower case.
///
/// Only a hint for searching: what a file holds is told from its first bytes, not from its name. Some are of
/// recordings that cannot be decoded, such as AMR: in a folder they are refused with the reason, not passed over.
pub const EXTENSIONS: &[&str] = &[
    "3gp", "aac", "ac3", "aif", "aifc", "aiff", "amr", "ape", "au", "caf", "flac", "m4a", "m4b",
    "mka", "mkv", "mov", "mp2", "mp3", "mp4", "nist", "oga", "ogg", "opus", "snd", "sph", "w64",
    "wav", "wave", "weba", "webm", "wma",
];

/// Whether the name of a file is that of a recording: whether it ends in one of [`EXTENSIONS`], in any case.
///
/// What macOS leaves beside every file of an archive, under the file's own name behind `._`, is none.
pub fn is_recording(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    !name.starts_with(b"._") && has_extension(path, EXTENSIONS)
}

pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension()
        .is_some_and(|found| extensions.iter().any(|e| found.eq_ignore_ascii_case(e)))
}

/// All recordings below a folder as [`is_recording`] tells them, in the order of [`files`].
///
/// ```no_run
/// for path in ser_audio::recordings("speech".as_ref()) {
///     println!("{:.2} s", ser_audio::read(path?)?.duration());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn recordings(folder: &Path) -> impl Iterator<Item = Result<PathBuf, ser_files::Error>> {
    files(folder).filter(|file| file.as_ref().map_or(true, |path| is_recording(path)))
}

/// All files below a folder, through links as well, each folder in the order of its names.
pub fn files(folder: &Path) -> impl Iterator<Item = Result<PathBuf, ser_files::Error>> {
    let whole = folder.to_path_buf();
    let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name();
    entries.into_iter().filter_map(move |entry| match entry {
        Ok(entry) => entry.file_type().is_file().then(|| Ok(entry.into_path())),
        Err(error) => {
            let path = error.path().unwrap_or(&whole).to_path_buf();
            // A loop of links has no error of the system's, and names both ends.
            let in_words = io::Error::other(error.to_string());
            let source = error.into_io_error().unwrap_or(in_words);
            Some(Err(ser_files::Error { path, source }))
        }
    })
}
