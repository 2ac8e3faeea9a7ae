//! Locks, so that only one process writes at a time, also across clones.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result};

/// Waits until this process holds the lock file alone. The lock is released when the file is dropped or the process is killed.
pub fn hold(path: &Path, what: &str) -> Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            println!("another process is working on {what}: waiting for it");
            file.lock()
                .with_context(|| format!("waiting for {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("locking {}", path.display()));
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_holder_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lock");
        let first = hold(&path, "a test").unwrap();
        let freed = AtomicBool::new(false);
        thread::scope(|scope| {
            let second = scope.spawn(|| {
                let _lock = hold(&path, "a test").unwrap();
                freed.load(Ordering::SeqCst)
            });
            thread::sleep(Duration::from_millis(100));
            freed.store(true, Ordering::SeqCst);
            drop(first);
            assert!(second.join().unwrap(), "the lock was held twice");
        });
    }

    #[test]
    fn a_lock_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let error = hold(&folder.path().join("file/lock"), "a test").unwrap_err();
        assert!(error.to_string().contains("file"), "{error:#}");
    }
}
