//! Locks that are released when their holder ends.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::Error;

/// A locked file, which only one program can hold at a time.
///
/// It is a lock of the operating system, so a killed program does not hold it.
///
/// # Examples
/// ```
/// # fn main() -> anyhow::Result<()> {
/// use ser_files::Lock;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("run.lock");
/// let lock = Lock::take(&path)?;
/// assert!(lock.is_some() && Lock::take(&path)?.is_none());
/// drop(lock);
/// assert!(Lock::take(&path)?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    /// Closing the file releases the lock.
    _file: File,
}

impl Lock {
    /// Creates and locks the file. Returns `None` if another program holds the lock.
    ///
    /// # Errors
    /// The errors of the file system, for example if the folder does not exist or does not support locks.
    pub fn take(path: &Path) -> Result<Option<Self>, Error> {
        loop {
            // Do not truncate an existing file, whatever it is.
            let open = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .open(path);
            let file = open.map_err(Error::at(path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(Error::at(path)(error)),
            }
            // The previous holder may have removed the file after we opened it and before we locked it. The lock would
            // then be on a file that nobody else can find.
            if is_at(&file, path) {
                return Ok(Some(Self {
                    path: path.to_owned(),
                    _file: file,
                }));
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock file that remains does no harm: only a held lock does.
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns true if the open file is the one at this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let number = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => number(open) == number(named),
        _ => false,
    }
}

/// Elsewhere the standard library cannot tell. On Windows too an open file may be removed and its name used again, so that
/// a program that opened the file just before its holder removed it may lock what nobody else finds.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
