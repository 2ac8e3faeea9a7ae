//! One run at a time in a folder of results, and what a run that was stopped leaves behind.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use ser_files::{UNFINISHED, remove_file};
use walkdir::WalkDir;

use crate::error::{Error, Result};
use crate::folder;

/// The right to write into a folder of results, while it lives.
///
/// It is a lock of the operating system on the file `.NAME.ser-lock` beside the folder, so a program that was killed holds none.
#[derive(Debug)]
pub struct Lock {
    _lock: ser_files::Lock,
}

impl Lock {
    /// Takes the folder, refuses if another run has it, and removes what a killed run left there half-written.
    ///
    /// # Errors
    /// [`Error::NoName`] for a folder such as `..`, [`Error::Locked`], [`Error::Io`].
    pub fn take(folder: &Path) -> Result<Self> {
        // A folder given as `.` has a name all the same, one given as `..` has none.
        let folder = std::path::absolute(folder).map_err(ser_files::Error::at(folder))?;
        if folder.file_name().is_none() {
            return Err(Error::NoName {
                path: folder,
                expected: "name the folder itself",
            });
        }
        let path = lock_of(&folder);
        if let Some(parent) = path.parent() {
            folder::create(parent)?;
        }
        let Some(lock) = ser_files::Lock::take(&path)? else {
            return Err(Error::Locked { path: folder });
        };
        sweep(&folder)?;
        Ok(Self { _lock: lock })
    }
}

/// The file that is locked for a folder.
fn lock_of(folder: &Path) -> PathBuf {
    ser_files::beside(folder, "lock")
}

/// Whether somebody holds a lock.
fn is_held(path: &Path) -> bool {
    let file = File::open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Removes what was being written or removed when a run was killed: in the folder, and beside it.
fn sweep(folder: &Path) -> Result<()> {
    // As deep as the answers of an ensemble's members lie.
    let inside = WalkDir::new(folder).max_depth(4).min_depth(1).into_iter();
    // A run further inside that is still going cleans up after itself.
    let inside = inside.filter_entry(|entry| !is_held(&lock_of(entry.path())));
    let inside = inside.flatten();
    let inside = inside.map(|entry| (entry.file_type().is_dir(), entry.into_path()));
    let left: Vec<(bool, PathBuf)> = inside
        .filter(|(is_folder, path)| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match is_folder {
                true => path.extension().is_some_and(|e| e == folder::UNFINISHED),
                false => name.starts_with(UNFINISHED),
            }
        })
        .collect();
    for (is_folder, path) in left {
        // What lay in a folder that is gone already is gone as well.
        if is_folder {
            folder::remove(&path)?;
        } else {
            remove_file(path)?;
        }
    }
    for extension in [
        folder::UNFINISHED.to_owned(),
        format!("old.{}", folder::UNFINISHED),
    ] {
        folder::remove(&folder.with_added_extension(extension))?;
    }
    Ok(())
}
