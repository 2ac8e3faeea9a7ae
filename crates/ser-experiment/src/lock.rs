//! Lets one run at a time use a folder of results, and removes what a killed run left behind.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use ser_files::{UNFINISHED, remove_file};
use walkdir::WalkDir;

use crate::error::{Error, Result};
use crate::folder;

/// A lock on a folder of results, held until it is dropped.
///
/// It is a lock of the operating system on the file `.NAME.ser-lock` beside the folder, so a killed program does not keep it.
#[derive(Debug)]
pub struct Lock {
    _lock: ser_files::Lock,
}

impl Lock {
    /// Locks the folder, and removes half-written files and folders that a killed run left there.
    ///
    /// # Errors
    /// - [`Error::NoName`] for a folder such as `..`
    /// - [`Error::Locked`] if another run holds the lock
    /// - [`Error::Io`] if the lock file or a leftover cannot be opened or removed
    pub fn take(folder: &Path) -> Result<Self> {
        // The absolute path of `.` has a name, that of `..` has none.
        let folder = std::path::absolute(folder).map_err(ser_files::Error::at(folder))?;
        if folder.file_name().is_none() {
            return Err(Error::NoName {
                path: folder,
                expected: "this path has no name; name the folder itself",
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

/// Returns the path of the lock file of a folder.
fn lock_of(folder: &Path) -> PathBuf {
    ser_files::beside(folder, "lock")
}

/// Returns whether any program holds the lock.
fn is_held(path: &Path) -> bool {
    let file = File::open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Removes what was being written or removed when a run was killed, in the folder and beside it.
fn sweep(folder: &Path) -> Result<()> {
    // The predictions of the members of an ensemble lie four levels deep.
    let inside = WalkDir::new(folder).max_depth(4).min_depth(1).into_iter();
    // A run that is still active in a folder inside this one cleans up after itself.
    let inside = inside.filter_entry(|entry| !is_held(&lock_of(entry.path())));
    let inside = inside.flatten();
    let inside = inside.map(|entry| (entry.file_type().is_dir(), entry.into_path()));
    let left: Vec<(bool, PathBuf)> = inside
        .filter(|(is_folder, path)| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if *is_folder {
                path.extension().is_some_and(|e| e == folder::UNFINISHED)
            } else {
                name.starts_with(UNFINISHED)
            }
        })
        .collect();
    for (is_folder, path) in left {
        // Entries inside a folder that was removed earlier in this loop no longer exist, which is not an error.
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
