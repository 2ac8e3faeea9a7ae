//! Files that are there whole or not at all.

mod claim;
mod lock;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub use claim::{Claim, Claimed};
pub use lock::Lock;

/// What the system said of a file or folder.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", path.display(), in_words(source))]
pub struct Error {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl Error {
    /// Puts the path in front of what the system says.
    ///
    /// # Examples
    /// ```
    /// let read = |path| std::fs::read(path).map_err(ser_files::Error::at(path));
    /// let refused = read("no-such-folder/answers.csv").unwrap_err().to_string();
    /// assert!(refused.starts_with("no-such-folder/answers.csv: "));
    /// ```
    pub fn at(path: impl AsRef<Path>) -> impl Fn(io::Error) -> Self {
        move |source| Self {
            path: path.as_ref().to_owned(),
            source,
        }
    }
}

/// A name beside `path` that no other program gives: `.NAME.ser-WHAT`. What lies there may be replaced and removed.
///
/// # Examples
/// ```
/// let lock = ser_files::beside("runs/mine".as_ref(), "lock");
/// assert_eq!(lock, std::path::Path::new("runs/.mine.ser-lock"));
/// ```
#[must_use]
pub fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".ser-{what}"));
    path.with_file_name(name)
}

/// The text of an error without the path that it may begin with, for who names the file beside it.
///
/// # Examples
/// ```
/// let refused = std::fs::read("gone.wav").map_err(ser_files::Error::at("gone.wav"));
/// let text = refused.unwrap_err().to_string();
/// assert!(ser_files::without_path(&text, "gone.wav".as_ref()).starts_with("No such file"));
/// ```
#[must_use]
pub fn without_path<'a>(text: &'a str, path: &Path) -> &'a str {
    let named = format!("{}: ", path.display());
    text.strip_prefix(&named).unwrap_or(text)
}

/// What the system says, with what to do about it where that is plain.
pub fn in_words(error: &io::Error) -> String {
    let words = match error.kind() {
        // What is not the system's has words of its own.
        _ if error.get_ref().is_some() => return error.to_string(),
        io::ErrorKind::NotFound => "No such file or folder: check the path",
        io::ErrorKind::PermissionDenied => {
            "permission denied: take a file or folder that is yours, or change its permissions"
        }
        io::ErrorKind::AlreadyExists => {
            "a file or folder of that name is in the way: name another place"
        }
        io::ErrorKind::IsADirectory => "it is a folder, where a file is expected",
        io::ErrorKind::NotADirectory => "it is no folder, or a part of its path is none",
        io::ErrorKind::StorageFull => {
            "No space left on device: make room there, or name another disk"
        }
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only: name another place",
        _ => return error.to_string(),
    };
    words.to_owned()
}

/// What the name of an unfinished file begins with. A program that is killed leaves it behind.
pub const UNFINISHED: &str = ".unfinished-";

/// Writes a file beside `path`, waits until the disk has it, and gives it that name, in place of any file that
/// has it. A link stays, and what it leads to is written; a device or a pipe is written into.
///
/// # Errors
/// Those of the file system and what `fill` returns; nothing is left behind then, and a file that was there
/// stays as it was. What a device or a pipe has got by then cannot be taken back.
///
/// # Examples
/// ```
/// # fn main() -> anyhow::Result<()> {
/// # use std::io::Write;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("emotions.txt");
/// ser_files::write(&path, |file| writeln!(file, "calm"))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "calm\n");
/// # Ok(())
/// # }
/// ```
pub fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let path = match path.metadata() {
        Ok(there) if !there.is_file() && !there.is_dir() => {
            return fill_up(&File::options().write(true).open(path)?, fill);
        }
        Ok(_) => path.canonicalize()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.read_link() {
            // A link to a file that is yet to be made, or to another such link.
            Ok(target) => return write(&path.with_file_name(target), fill),
            Err(_) => path.to_owned(),
        },
        Err(error) => return Err(error),
    };
    let file = unfinished(&path, UNFINISHED)?;
    fill_up(file.as_file(), fill)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// As [`write()`], of contents that are there already.
///
/// # Errors
/// Those of the file system, such as that the folder does not exist.
pub fn write_file(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<(), Error> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    write(path, |file| file.write_all(contents)).map_err(Error::at(path))
}

/// As [`write_file`], unless a file has that name already, which stays as it is. Of several who write at once one does;
/// returns whether it was this one.
///
/// # Errors
/// Those of the file system.
pub fn write_new(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<bool, Error> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    let write = || {
        let mut file = unfinished(path, UNFINISHED)?;
        file.write_all(contents)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    };
    write().map_err(Error::at(path))
}

/// Removes a file, if it is there.
///
/// # Errors
/// It cannot be removed.
pub fn remove_file(path: impl AsRef<Path>) -> Result<(), Error> {
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::at(path)(source)),
        _ => Ok(()),
    }
}

/// Refuses what [`write()`] could not write, before there is work to lose: a file in a folder that is not there or not ours,
/// a folder, and one of the files that are `read` for it.
///
/// # Errors
/// What is in the way.
///
/// # Examples
/// ```
/// let may_write = |path: &str| ser_files::may_write(path.as_ref(), &["in.csv".as_ref()]);
/// assert!(may_write("no-such-folder/answers.csv").is_err());
/// ```
pub fn may_write(path: &Path, read: &[&Path]) -> Result<(), Error> {
    let at = Error::at(path);
    let whole = path.canonicalize();
    let is_read = |read: &&Path| {
        whole
            .as_ref()
            .is_ok_and(|path| read.canonicalize().is_ok_and(|read| read == *path))
    };
    match path.metadata() {
        Ok(there) if there.is_dir() => Err(at(io::ErrorKind::IsADirectory.into())),
        Ok(there) if there.is_file() && read.iter().any(is_read) => Err(at(io::Error::other(
            "it is read for this, and would be lost: name another file to write",
        ))),
        // A device or a pipe.
        Ok(there) if !there.is_file() => Ok(()),
        _ => unfinished(whole.as_deref().unwrap_or(path), UNFINISHED)
            .map(drop)
            .map_err(at),
    }
}

/// A file beside `path` whose name begins so, which is gone when it is dropped.
fn unfinished(path: &Path, begins: &str) -> io::Result<tempfile::NamedTempFile> {
    let folder = folder(path)?;
    let mut builder = tempfile::Builder::new();
    // Temporary files are for their owner's eyes only; this one becomes what the user's umask says.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let made = builder.prefix(begins).tempfile_in(folder);
    // Its own words name a file that nobody asked for.
    made.map_err(|error| error.kind().into())
}

/// The folder that a file is to lie in, which must be there.
fn folder(path: &Path) -> io::Result<&Path> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let (kind, what) = match folder.exists() {
            true => (io::ErrorKind::NotADirectory, "is no folder"),
            false => (
                io::ErrorKind::NotFound,
                "does not exist: make it, or name another",
            ),
        };
        let missing = format!("the folder {} {what}", folder.display());
        return Err(io::Error::new(kind, missing));
    }
    Ok(folder)
}

fn fill_up(
    file: &File,
    fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    fill(&mut writer)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_complete_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        write_file(&path, "one").unwrap();
        write_file(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        let missing = folder.path().join("missing/page.html");
        let error = write_file(&missing, "x").unwrap_err();
        assert_eq!(error.path, missing, "{error}");
    }

    #[test]
    fn an_error_says_what_to_do_and_keeps_words_of_its_own() {
        let missing = io::Error::from_raw_os_error(2);
        let said = Error::at("a.wav")(missing).to_string();
        assert_eq!(said, "a.wav: No such file or folder: check the path");
        let own = io::Error::new(io::ErrorKind::NotFound, "the source ran dry");
        assert_eq!(in_words(&own), "the source ran dry");
        let full = io::ErrorKind::StorageFull.into();
        assert!(in_words(&full).ends_with("name another disk"));
    }

    #[test]
    fn what_could_not_be_written_is_refused_before_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("manifest.csv"), "path").unwrap();
        fs::create_dir(at("folder.csv")).unwrap();
        let may_write = |name: &str| may_write(&at(name), &[&at("./manifest.csv"), &at("gone")]);
        may_write("answers.csv").unwrap();
        may_write("gone").unwrap();
        for (name, words) in [
            ("folder.csv", "it is a folder"),
            ("missing/answers.csv", "does not exist: make it"),
            ("manifest.csv/answers.csv", "is no folder"),
            ("manifest.csv", "it is read for this"),
            ("folder.csv/../manifest.csv", "it is read for this"),
        ] {
            let refused = may_write(name).unwrap_err();
            assert_eq!(refused.path, at(name));
            assert!(refused.to_string().contains(words), "{refused}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_is_not_there_needs_no_removal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        write_file(&path, "one").unwrap();
        for _ in 0..2 {
            remove_file(&path).unwrap();
            assert!(!path.exists());
        }
        assert_eq!(remove_file(folder.path()).unwrap_err().path, folder.path());
    }

    #[test]
    fn what_fails_leaves_the_file_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, |file| file.write_all(b"old")).unwrap();
        let failed = write(&path, |file| {
            file.write_all(b"new")?;
            Err(io::Error::other("the source ran dry"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "the source ran dry");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_into_and_stays() {
        use std::os::unix::fs::FileTypeExt;
        use std::process::Command;

        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let at_its_end = pipe.clone();
        let reader = std::thread::spawn(move || fs::read(at_its_end).unwrap());
        write(&pipe, |file| file.write_all(b"new")).unwrap();
        // Asked first: nobody would ever write to a reader whose pipe is gone.
        assert!(pipe.metadata().unwrap().file_type().is_fifo());
        assert_eq!(reader.join().unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        symlink("deep/file", at("first")).unwrap();
        symlink(at("first"), at("second")).unwrap();
        // At first the links lead to no file.
        for text in ["old", "new"] {
            write(&at("second"), |file| file.write_all(text.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(at("deep/file")).unwrap(), text);
            assert!(at("first").is_symlink() && at("second").is_symlink());
        }

        symlink("deep", at("folder")).unwrap();
        symlink("round", at("round")).unwrap();
        for name in ["folder", "round"] {
            write(&at(name), |file| file.write_all(b"new")).unwrap_err();
            assert!(at(name).is_symlink());
        }
        assert_eq!(fs::read_dir(at("deep")).unwrap().count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
    }
}
