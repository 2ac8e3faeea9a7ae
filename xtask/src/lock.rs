//! Locks, so that only one process writes at a time, also across clones.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ser_files::Lock;

/// Waits until this process holds the lock file alone. `what` tells the user what the other process is working on.
pub fn hold(path: &Path, what: &str) -> Result<Lock> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let tell = || println!("another process is working on {what}: waiting for it");
    Ok(Lock::wait(path, tell)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_lock_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lock");
        let _lock = hold(&path, "a test").unwrap();
        assert!(Lock::take(&path).unwrap().is_none());
    }

    #[test]
    fn a_lock_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let error = hold(&folder.path().join("file/lock"), "a test").unwrap_err();
        assert!(error.to_string().contains("file"), "{error:#}");
    }
}
