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
            let file = open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(Error::at(path)(error)),
            }
            if let Some(lock) = Self::on(file, path) {
                return Ok(Some(lock));
            }
        }
    }

    /// Creates and locks the file. If another program holds the lock, calls `on_wait` and waits until it is released.
    ///
    /// # Errors
    /// The errors of [`Lock::take`].
    ///
    /// # Examples
    /// ```
    /// # fn main() -> anyhow::Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("run.lock");
    /// let lock = ser_files::Lock::wait(&path, || println!("another program is at work: waiting for it"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(path: &Path, on_wait: impl FnOnce()) -> Result<Self, Error> {
        if let Some(lock) = Self::take(path)? {
            return Ok(lock);
        }
        on_wait();
        loop {
            let file = open(path)?;
            file.lock().map_err(Error::at(path))?;
            if let Some(lock) = Self::on(file, path) {
                return Ok(lock);
            }
        }
    }

    /// Returns the lock on a file that is locked, or `None` if the previous holder removed the file after it was opened
    /// and before it was locked: the lock is then on a file that nobody else can find.
    fn on(file: File, path: &Path) -> Option<Self> {
        is_at(&file, path).then(|| Self {
            path: path.to_owned(),
            _file: file,
        })
    }
}

fn open(path: &Path) -> Result<File, Error> {
    let mut options = File::options();
    // Do not truncate an existing file, whatever it is.
    options.write(true).create(true).truncate(false);
    options.open(path).map_err(Error::at(path))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn who_waits_says_so_and_gets_the_lock_when_it_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (is_released, (waits, told)) = (AtomicBool::new(false), mpsc::channel());
        let first = Lock::wait(&path, || unreachable!("nobody holds the lock")).unwrap();
        let (at, was_released) = (&path, &is_released);
        thread::scope(|scope| {
            let second = scope.spawn(move || {
                let _lock = Lock::wait(at, || waits.send(()).unwrap()).unwrap();
                was_released.load(Ordering::SeqCst)
            });
            told.recv().unwrap();
            is_released.store(true, Ordering::SeqCst);
            drop(first);
            assert!(second.join().unwrap(), "two held the lock at once");
        });
        assert!(!path.exists(), "a released lock leaves no file");
    }

    /// Fails if a lock on a file that was removed counts.
    #[test]
    fn of_many_that_wait_one_at_a_time_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let holders = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _lock = Lock::wait(&path, || ()).unwrap();
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        holders.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn a_lock_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/lock");
        assert_eq!(Lock::take(&path).unwrap_err().path, path);
        assert_eq!(Lock::wait(&path, || ()).unwrap_err().path, path);
    }
}
