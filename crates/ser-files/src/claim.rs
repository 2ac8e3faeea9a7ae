//! Files that several programs may want to write, of which one does.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::{Error, UNFINISHED, fill_up, remove_file};

/// The right to write a file that is not there yet, while it lives.
///
/// It is a lock of the operating system on the unfinished file beside it. A program that was killed holds none, and leaves no
/// more than that one file, which whoever comes next takes up.
///
/// # Examples
/// ```
/// # fn main() -> anyhow::Result<()> {
/// # use std::io::Write;
/// use ser_files::{Claim, Claimed};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("answers.csv");
/// let Claimed::Mine(claim) = Claim::take(&path)? else { panic!() };
/// assert!(matches!(Claim::take(&path)?, Claimed::Others));
/// claim.write(|file| writeln!(file, "calm"))?;
/// assert!(matches!(Claim::take(&path)?, Claimed::Written));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    unfinished: PathBuf,
    /// Closing it ends the lock.
    file: File,
}

/// Who may write a file.
#[derive(Debug)]
pub enum Claimed {
    /// Nobody else.
    Mine(Claim),
    /// Another program, which is writing it.
    Others,
    /// Nobody any more: it is there.
    Written,
}

impl Claim {
    /// Asks for the right to write `path`.
    ///
    /// # Errors
    /// Those of the file system, such as that the folder does not exist, or knows no locks.
    pub fn take(path: &Path) -> Result<Claimed, Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = path.with_file_name(format!("{UNFINISHED}{name}"));
        let is_written = || path.try_exists().map_err(Error::at(path));
        loop {
            if is_written()? {
                return Ok(Claimed::Written);
            }
            // What it holds is another's until it is locked.
            let mut options = File::options();
            let options = options.write(true).create(true).truncate(false);
            let file = options.open(&unfinished).map_err(Error::at(&unfinished))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Claimed::Others),
                Err(TryLockError::Error(error)) => return Err(Error::at(&unfinished)(error)),
            }
            // Who held it before may have given it its name, or removed it, between our opening and locking it.
            if !is_at(&file, &unfinished) {
                continue;
            }
            if is_written()? {
                remove_file(&unfinished)?;
                return Ok(Claimed::Written);
            }
            return Ok(Claimed::Mine(Self {
                path: path.to_owned(),
                unfinished,
                file,
            }));
        }
    }

    /// Writes the file, waits until the disk has it, and gives it its name.
    ///
    /// # Errors
    /// Those of the file system and what `fill` returns; nothing is left behind then.
    pub fn write(
        self,
        fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let write = || {
            self.file.set_len(0)?;
            fill_up(&self.file, fill)?;
            self.file.sync_all()?;
            fs::rename(&self.unfinished, &self.path)
        };
        write().inspect_err(|_| {
            // The first error says more.
            let _ = fs::remove_file(&self.unfinished);
        })
    }
}

/// Whether an open file is the one that a path names.
#[cfg(unix)]
#[must_use]
pub fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let number = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => number(open) == number(named),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
#[must_use]
pub fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use std::io::Write;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn mine(path: &Path) -> Claim {
        match Claim::take(path).unwrap() {
            Claimed::Mine(claim) => claim,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_claim_ends_with_whoever_has_it_and_what_is_left_is_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let claim = mine(&path);
        (&claim.file)
            .write_all(b"half of what was to be writ")
            .unwrap();
        assert!(matches!(Claim::take(&path).unwrap(), Claimed::Others));
        drop(claim);
        assert!(!path.exists());
        mine(&path).write(|file| file.write_all(b"all")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"all");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_fails_leaves_nothing_and_can_be_claimed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let failed = mine(&path).write(|_| Err(io::Error::other("the source ran dry")));
        assert_eq!(failed.unwrap_err().to_string(), "the source ran dry");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        mine(&path);
        let missing = folder.path().join("missing/a.csv");
        Claim::take(&missing).unwrap_err();
    }

    #[test]
    fn of_many_at_once_one_writes_each_file() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let path = folder.path().join(round.to_string());
            let written = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        if let Claimed::Mine(claim) = Claim::take(&path).unwrap() {
                            claim.write(|file| file.write_all(b"all")).unwrap();
                            written.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
            });
            assert_eq!(written.into_inner(), 1);
            assert_eq!(fs::read(&path).unwrap(), b"all");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 50);
    }

    #[test]
    fn of_many_at_once_one_writes_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.json");
        let write = |text: String| crate::write_new(&path, text).unwrap();
        let written: Vec<bool> = std::thread::scope(|scope| {
            let writers = (0..8).map(|i| scope.spawn(move || write(i.to_string())));
            let writers: Vec<_> = writers.collect();
            writers.into_iter().map(|w| w.join().unwrap()).collect()
        });
        let first = written.iter().position(|&is| is).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), first.to_string());
        assert_eq!(written.iter().filter(|&&is| is).count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
