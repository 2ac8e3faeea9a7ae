//! Creates folders that are complete or absent.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Reports in advance, before there is work to lose, that [`fill`] would fail because `to` is something other than a
/// link or an empty folder.
///
/// # Errors
/// [`Error::InTheWay`], or [`Error::Io`] if the folder cannot be read.
pub fn may_fill(to: &Path) -> Result<()> {
    let Ok(there) = to.symlink_metadata() else {
        return Ok(());
    };
    let is_empty = || Ok::<_, Error>(read(to)?.next().is_none());
    if there.is_symlink() || there.is_dir() && is_empty()? {
        return Ok(());
    }
    Err(Error::InTheWay {
        path: to.to_owned(),
    })
}

/// Calls `fill` with a folder beside `to` (under a [name that no other program uses](ser_files::beside)) and renames it
/// to `to` when it is filled. A link or an empty folder at `to` is replaced.
///
/// # Errors
/// The errors of [`may_fill`], of the file system and of `fill`. Then no partial folder remains.
pub fn fill<T, E: From<Error>>(
    to: &Path,
    fill: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    may_fill(to)?;
    let staging = ser_files::beside(to, "unpacking");
    ser_files::remove_folder(&staging).map_err(Error::from)?;
    fs::create_dir_all(&staging).map_err(at(&staging))?;
    let filled = fill(&staging).and_then(|filled| {
        make_way(to)?;
        fs::rename(&staging, to).map_err(at(to))?;
        Ok(filled)
    });
    if filled.is_err() {
        // A partial folder only takes up space, and the lack of space may be the reason for the error.
        ser_files::remove_folder(&staging).map_err(Error::from)?;
    }
    filled
}

/// Removes a link or an empty folder, but never anything else.
///
/// # Errors
/// The errors of [`may_fill`], and [`Error::Io`] if it cannot be removed.
fn make_way(to: &Path) -> Result<()> {
    may_fill(to)?;
    match to.symlink_metadata() {
        Ok(there) if there.is_symlink() => fs::remove_file(to).map_err(at(to)),
        Ok(_) => fs::remove_dir(to).map_err(at(to)),
        Err(_) => Ok(()),
    }
}

fn read(folder: &Path) -> Result<fs::ReadDir> {
    fs::read_dir(folder).map_err(at(folder))
}

/// Adds the path to an error of the system, as [`ser_files::Error::at`] does.
pub(crate) fn at(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let at = ser_files::Error::at(path);
    move |source| at(source).into()
}

/// Returns `path` with `suffix` appended to its file name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(staging: &Path) -> Result<()> {
        let file = staging.join("new");
        fs::write(&file, "new").map_err(at(&file))
    }

    #[test]
    fn what_a_killed_program_left_is_not_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("deep/corpus");
        fs::create_dir_all(folder.path().join("deep/.corpus.ser-unpacking/half")).unwrap();
        fill(&to, write).unwrap();
        assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
        assert_eq!(fs::read_dir(to.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_of_the_user_that_is_called_like_an_unfinished_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let thesis = folder.path().join("corpus.unpacking/thesis.txt");
        fs::create_dir(thesis.parent().unwrap()).unwrap();
        fs::write(&thesis, "dear").unwrap();
        fill(&folder.path().join("corpus"), write).unwrap();
        assert!(thesis.is_file());
    }

    #[test]
    fn what_fails_leaves_nothing_and_an_empty_folder_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("corpus");
        fs::create_dir(&to).unwrap();
        let failed = fill(&to, |staging| {
            write(staging)?;
            write(&staging.join("missing"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fill(&to, write).unwrap();
        assert!(to.join("new").is_file());
    }

    #[test]
    fn what_is_in_the_way_stays_also_if_it_came_while_the_folder_was_filled() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("corpus");
        let refused = fill(&to, |staging| {
            fs::create_dir(&to).unwrap();
            fs::write(to.join("thesis.txt"), "dear").unwrap();
            write(staging)
        });
        let refused = [refused, fill(&to, write)];
        for refused in refused {
            let said = refused.unwrap_err().to_string();
            assert!(said.contains("corpus is in the way"), "{said}");
        }
        assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
    }
}
