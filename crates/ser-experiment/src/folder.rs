//! Folders of results. A folder under its final name is complete; an unfinished one is marked by its extension.

use std::fs;
use std::path::{Path, PathBuf};

use ser_files::{remove_folder, write_file};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Extension of a folder that is being written or removed. No other program uses it, so a folder with it may be removed.
pub(crate) const UNFINISHED: &str = "ser-unfinished";

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).map_err(ser_files::Error::at(path))?;
    serde_json::from_str(&text).map_err(|error| Error::other_version(path, error))
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| ser_files::Error::at(path)(error.into()))?;
    Ok(write_file(path, text)?)
}

pub(crate) fn create(folder: &Path) -> Result<()> {
    Ok(fs::create_dir_all(folder).map_err(ser_files::Error::at(folder))?)
}

/// Returns the entries of a folder, sorted by name.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(ser_files::Error::at(folder))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(ser_files::Error::at(folder))?;
    files.sort_unstable();
    Ok(files)
}

/// Returns an error if the folder holds anything, unless `is_own` says that it may be replaced.
pub(crate) fn refuse_foreign(folder: &Path, is_own: impl Fn(&Path) -> bool) -> Result<()> {
    // A finished folder is renamed to its final name, and `.` and `..` have no name.
    let path = folder.to_owned();
    if folder.file_name().is_none() {
        let expected = "--out must name a folder of its own";
        return Err(Error::NoName { path, expected });
    }
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ser_files::Error::at(folder)(error).into()),
    };
    if entries.next().is_some() && !is_own(folder) {
        Err(Error::Foreign { path })
    } else {
        Ok(())
    }
}

/// Removes a folder, if it exists. It is renamed first, because a folder under its final name must be complete.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    if folder.file_name().is_none() {
        return Err(Error::NoName {
            path: folder.to_owned(),
            expected: "not removed, because this path has no name",
        });
    }
    let aside = match folder.extension() {
        Some(extension) if extension == UNFINISHED => folder.to_owned(),
        _ => folder.with_added_extension(format!("old.{UNFINISHED}")),
    };
    if aside != folder {
        remove_folder(&aside)?;
        match fs::rename(folder, &aside) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            moved => moved.map_err(ser_files::Error::at(folder))?,
        }
    }
    Ok(remove_folder(&aside)?)
}
