//! Files that several programs may want to write, but only one does.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::lock::Lock;
use crate::{Error, NEW, UNFINISHED, fill_up, folder, unfinished};

/// The right to write a file that does not exist yet. It ends when the value is dropped.
///
/// It holds a [`Lock`] on a file beside `path`, so a killed program does not keep it. The next claim removes the
/// partial files that such a program left there.
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
    _lock: Lock,
}

/// The result of [`Claim::take`]: who may write a file.
#[derive(Debug)]
pub enum Claimed {
    /// The caller may write it.
    Mine(Claim),
    /// Another program is writing it.
    Others,
    /// The file already exists.
    Written,
}

impl Claim {
    /// Requests the right to write `path`.
    ///
    /// # Errors
    /// The errors of the file system, for example if the folder does not exist or does not support locks.
    pub fn take(path: &Path) -> Result<Claimed, Error> {
        let is_written = || path.try_exists().map_err(Error::at(path));
        if is_written()? {
            return Ok(Claimed::Written);
        }
        let Some(lock) = Lock::take(&path.with_file_name(begin(path) + LOCK))? else {
            return Ok(Claimed::Others);
        };
        // The previous holder of the lock may have written the file in the meantime.
        if is_written()? {
            return Ok(Claimed::Written);
        }
        let claim = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        claim.sweep().map_err(Error::at(path))?;
        Ok(Claimed::Mine(claim))
    }

    /// Removes partial files that killed programs left.
    fn sweep(&self) -> io::Result<()> {
        let begins = begin(&self.path);
        for entry in fs::read_dir(folder(&self.path)?)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // What follows holds a dot if the file belongs to another one, such as `a.csv` if this one is `a`.
            let is_partial = |end: &str| end != LOCK && !end.contains('.');
            if name.strip_prefix(&begins).is_some_and(is_partial) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Writes the file beside its final place, syncs it to disk and renames it. Each program writes its own temporary
    /// file, so no file is corrupted even where locks do not work; the last one to finish determines the content.
    ///
    /// # Errors
    /// The errors of the file system and of `fill`; no partial file remains.
    pub fn write(
        self,
        fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<(), Error> {
        let written = || {
            let file = unfinished(&self.path, &begin(&self.path), NEW)?;
            fill_up(file.as_file(), fill)?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            Ok(())
        };
        written().map_err(Error::at(&self.path))
    }
}

/// End of the name of a lock. The end of a partial file's name is random and longer.
const LOCK: &str = "lock";

/// Returns how the names of the lock and of the partial files begin.
fn begin(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{UNFINISHED}{name}.")
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
    fn a_claim_ends_with_whoever_has_it_and_what_is_left_is_swept_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let claim = mine(&path);
        assert!(matches!(Claim::take(&path).unwrap(), Claimed::Others));
        drop(claim);
        // The state that a killed program leaves.
        let left = [".unfinished-a.csv.lock", ".unfinished-a.csv.x7"];
        let of_another = ".unfinished-b.csv.x7";
        for name in left.iter().chain([&of_another]) {
            fs::write(folder.path().join(name), "half of wh").unwrap();
        }
        mine(&path).write(|file| file.write_all(b"all")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"all");
        assert!(folder.path().join(of_another).exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_claim_leaves_those_of_files_whose_names_begin_alike() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let claim = mine(&path);
        let partial = folder.path().join(".unfinished-a.csv.x7");
        fs::write(&partial, "half of wh").unwrap();
        for name in ["a", "a.csv.lock", "a.csv.x7"] {
            let other = mine(&folder.path().join(name));
            assert!(partial.exists(), "{name}");
            assert!(matches!(Claim::take(&path).unwrap(), Claimed::Others));
            other.write(|file| file.write_all(b"all")).unwrap();
        }
        claim.write(|file| file.write_all(b"all")).unwrap();
        fs::remove_file(partial).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[test]
    fn what_fails_leaves_nothing_and_can_be_claimed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let failed = mine(&path).write(|_| Err(io::Error::other("the source ran dry")));
        let failed = failed.unwrap_err();
        assert_eq!(failed.path, path);
        assert_eq!(failed.source.to_string(), "the source ran dry");
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
