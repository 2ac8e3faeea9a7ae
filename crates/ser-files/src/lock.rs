//! Locks that end with whoever holds them.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::Error;

/// A file that one program at a time has, while it lives.
///
/// It is a lock of the operating system, so that a program that was killed holds none.
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
    /// Closing it ends the lock.
    _file: File,
}

impl Lock {
    /// Makes the file and takes it; `None` while another has it.
    ///
    /// # Errors
    /// Those of the file system, such as that the folder does not exist, or knows no locks.
    pub fn take(path: &Path) -> Result<Option<Self>, Error> {
        loop {
            // What lies there is not emptied, whatever it may be.
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
            // Who held it before may have removed the file between our opening and locking it: then the lock is on a file that
            // nobody else would find.
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
        // A lock file that stays is no obstacle: only a held one is.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether an open file is the one that a path names.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let number = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => number(open) == number(named),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
