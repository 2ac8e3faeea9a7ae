//! The recordings of a folder.

use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Extensions of the files that a search in a folder finds, in lower case.
///
/// They are only a hint for searching: the first bytes of a file show what it holds, not its name. Some belong to
/// recordings that cannot be decoded, such as AMR: in a folder these are refused with the reason, not ignored.
pub const EXTENSIONS: &[&str] = &[
    "3gp", "aac", "ac3", "aif", "aifc", "aiff", "amr", "ape", "au", "caf", "flac", "m4a", "m4b",
    "mka", "mkv", "mov", "mp2", "mp3", "mp4", "nist", "oga", "ogg", "opus", "snd", "sph", "w64",
    "wav", "wave", "weba", "webm", "wma",
];

/// Returns whether the name of a file is that of a recording: whether it ends in one of [`EXTENSIONS`], in any case.
///
/// The files that macOS stores beside every file of an archive, with the same name after a prefix `._`, are not
/// recordings.
pub fn is_recording(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    !name.starts_with(b"._") && has_extension(path, EXTENSIONS)
}

pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    extensions
        .iter()
        .any(|extension| ser_files::has_extension(path, extension))
}

/// Returns all recordings below a folder, as [`is_recording`] recognises them, in the order of [`files`].
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

/// Returns all files below a folder, following links, with each folder in the order of its names.
pub fn files(folder: &Path) -> impl Iterator<Item = Result<PathBuf, ser_files::Error>> {
    let whole = folder.to_path_buf();
    let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name();
    entries.into_iter().filter_map(move |entry| match entry {
        Ok(entry) => entry.file_type().is_file().then(|| Ok(entry.into_path())),
        Err(error) => {
            let path = error.path().unwrap_or(&whole).to_path_buf();
            // A loop of links is no error of the system. Its text names both ends.
            let in_words = io::Error::other(error.to_string());
            let source = error.into_io_error().unwrap_or(in_words);
            Some(Err(ser_files::Error { path, source }))
        }
    })
}
