#![doc = include_str!("../README.md")]

mod claim;
mod lock;

use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub use claim::{Claim, Claimed};
pub use lock::Lock;

/// An error of the file system, with the path that it concerns.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", path.display(), in_words(source))]
pub struct Error {
    /// The file or folder.
    pub path: PathBuf,
    /// The error of the system.
    pub source: io::Error,
}

impl Error {
    /// Returns a function that adds the path to an error of the system.
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

/// Returns a name beside `path` that no other program uses: `.NAME.ser-WHAT`. A file of this name may be replaced and
/// removed.
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

/// Returns the text of an error without the path that it may begin with, for a caller that prints the path separately.
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

/// Returns the message of the system, with the next step if there is an obvious one.
pub fn in_words(error: &io::Error) -> String {
    let words = match error.kind() {
        // An error that did not come from the system has its own message.
        _ if error.get_ref().is_some() => return error.to_string(),
        io::ErrorKind::NotFound => "No such file or folder: check the path",
        io::ErrorKind::PermissionDenied => {
            "permission denied: use a file or folder that you may access, or change its permissions"
        }
        io::ErrorKind::AlreadyExists => {
            "a file or folder with this name already exists: choose another name"
        }
        io::ErrorKind::IsADirectory => "it is a folder, but a file is expected",
        io::ErrorKind::NotADirectory => "it is not a folder, or a part of its path is not one",
        io::ErrorKind::StorageFull => {
            "No space left on device: make room there, or choose another disk"
        }
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only: choose another place",
        _ => return error.to_string(),
    };
    words.to_owned()
}

/// Prefix of the names of unfinished files. A killed program leaves such a file behind.
pub const UNFINISHED: &str = ".unfinished-";

/// Permissions of a new file, of which the umask takes some away, and of a private one.
const NEW: u32 = 0o666;
const PRIVATE: u32 = 0o600;

/// Writes a file beside `path`, syncs it to disk and renames it to `path`, replacing any file there, whose permissions it takes
/// over. If `path` is a link, the link stays and its target is replaced; a device or a pipe is written to directly.
///
/// # Errors
/// The errors of the file system and of `fill`. Then no temporary file remains, and an existing file stays unchanged.
/// What was already written to a device or a pipe cannot be undone.
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
) -> Result<(), Error> {
    replace(path, None, fill).map_err(Error::at(path))
}

/// Writes a file as [`write()`] does, with the permissions `mode` or else with those of the file that is there.
fn replace(
    path: &Path,
    mode: Option<u32>,
    fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let there = path.metadata().ok();
    if there.as_ref().is_some_and(is_written_directly) {
        return fill_up(&File::options().write(true).open(path)?, fill);
    }
    let path = target(path)?;
    let kept = there.as_ref().and_then(self::mode);
    let file = unfinished(&path, UNFINISHED, mode.or(kept).unwrap_or(NEW))?;
    // The umask must not take away what the file already allowed.
    #[cfg(unix)]
    if let (None, Some(kept)) = (mode, kept) {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(kept);
        file.as_file().set_permissions(permissions)?;
    }
    fill_up(file.as_file(), fill)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Returns whether a file is written to directly: a device or a pipe.
fn is_written_directly(there: &Metadata) -> bool {
    !there.is_file() && !there.is_dir()
}

/// Returns the file to which a path leads through links. It may not exist yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.read_link() {
            Ok(next) => target(&path.with_file_name(next)),
            Err(_) => Ok(path.to_owned()),
        },
        found => found,
    }
}

/// Returns the permissions of a file, on Unix.
#[cfg(unix)]
fn mode(there: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;

    there.is_file().then(|| there.mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<u32> {
    None
}

/// Writes the contents as [`write()`] does.
///
/// # Errors
/// The errors of the file system, for example if the folder does not exist.
pub fn write_file(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<(), Error> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    write(path, |file| file.write_all(contents))
}

/// Writes a file as [`write_file`] does, that on Unix only its owner may read.
///
/// # Errors
/// The errors of the file system, for example if the folder does not exist.
pub fn write_private(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<(), Error> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    replace(path, Some(PRIVATE), |file| file.write_all(contents)).map_err(Error::at(path))
}

/// Writes a file as [`write_file`] does, unless a file of this name exists, which then stays unchanged. If several
/// programs write at once, only one succeeds; returns whether it was this call.
///
/// # Errors
/// The errors of the file system.
pub fn write_new(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<bool, Error> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    let write = || {
        let mut file = unfinished(path, UNFINISHED, NEW)?;
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

/// Removes a file if it exists.
///
/// # Errors
/// The file cannot be removed.
pub fn remove_file(path: impl AsRef<Path>) -> Result<(), Error> {
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::at(path)(source)),
        _ => Ok(()),
    }
}

/// Removes a folder with all that it holds, if it exists.
///
/// # Errors
/// The folder cannot be removed.
pub fn remove_folder(path: impl AsRef<Path>) -> Result<(), Error> {
    match std::fs::remove_dir_all(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::at(path)(source)),
        _ => Ok(()),
    }
}

/// Returns whether the name of a file has this extension, in any case.
pub fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// Reports in advance, before there is work to lose, that [`write()`] would fail or destroy an input: if the folder
/// does not exist or is not writable, or if `path` is a folder or one of the files in `read`.
///
/// # Errors
/// The reason why the file cannot be written.
///
/// # Examples
/// ```
/// let may_write = |path: &str| ser_files::may_write(path.as_ref(), &["in.csv".as_ref()]);
/// assert!(may_write("no-such-folder/answers.csv").is_err());
/// ```
pub fn may_write(path: &Path, read: &[&Path]) -> Result<(), Error> {
    let at = Error::at(path);
    let there = path.metadata().ok();
    if there.as_ref().is_some_and(Metadata::is_dir) {
        return Err(at(io::ErrorKind::IsADirectory.into()));
    }
    if there.as_ref().is_some_and(is_written_directly) {
        return Ok(());
    }
    let target = target(path).map_err(&at)?;
    let is_read = |read: &&Path| read.canonicalize().is_ok_and(|read| read == target);
    if read.iter().any(is_read) {
        return Err(at(io::Error::other(
            "it is also an input and would be overwritten: choose another output file",
        )));
    }
    unfinished(&target, UNFINISHED, NEW).map(drop).map_err(at)
}

/// Creates a file beside `path` whose name begins with `begins`, with the permissions `mode` on Unix, of which the umask
/// takes some away. It is removed when the value is dropped.
fn unfinished(path: &Path, begins: &str, mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let create = |path: &Path| {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        #[cfg(not(unix))]
        let _ = mode;
        options.open(path)
    };
    // The errors of `tempfile_in` would name a file that the user did not ask for.
    tempfile::Builder::new()
        .prefix(begins)
        .make_in(folder(path)?, create)
}

/// Returns the folder that will contain a file, which must exist.
fn folder(path: &Path) -> io::Result<&Path> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let (kind, what) = if folder.exists() {
            (io::ErrorKind::NotADirectory, "is not a folder")
        } else {
            (
                io::ErrorKind::NotFound,
                "does not exist: create it, or choose another",
            )
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
        assert!(in_words(&full).ends_with("choose another disk"));
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
            ("missing/answers.csv", "does not exist: create it"),
            ("manifest.csv/answers.csv", "is not a folder"),
            ("manifest.csv", "it is also an input"),
            ("folder.csv/../manifest.csv", "it is also an input"),
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
        assert_eq!(failed.unwrap_err().source.to_string(), "the source ran dry");
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
        // Check before joining: without the pipe, the reader would wait forever.
        assert!(pipe.metadata().unwrap().file_type().is_fifo());
        assert_eq!(reader.join().unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_the_file_that_was_there_or_private() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode() & 0o777;
        for kept in [0o600, 0o666, 0o444] {
            write_file(at("file"), "old").unwrap();
            fs::set_permissions(at("file"), PermissionsExt::from_mode(kept)).unwrap();
            write_file(at("file"), "new").unwrap();
            assert_eq!(mode("file"), kept);
        }
        write_private(at("file"), "mine").unwrap();
        write_private(at("private"), "mine").unwrap();
        assert_eq!((mode("file"), mode("private")), (0o600, 0o600));
        // The umask decides about a new one.
        write_file(at("new"), "").unwrap();
        fs::write(at("other"), "").unwrap();
        assert_eq!(mode("new"), mode("other"));
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
        may_write(&at("second"), &[]).unwrap();
        // At first the links lead to no file.
        for text in ["old", "new"] {
            write(&at("second"), |file| file.write_all(text.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(at("deep/file")).unwrap(), text);
            assert!(at("first").is_symlink() && at("second").is_symlink());
        }

        symlink("deep", at("folder")).unwrap();
        symlink("round", at("round")).unwrap();
        symlink("missing/file", at("astray")).unwrap();
        for name in ["folder", "round", "astray"] {
            may_write(&at(name), &[]).unwrap_err();
            write(&at(name), |file| file.write_all(b"new")).unwrap_err();
            assert!(at(name).is_symlink());
        }
        assert_eq!(fs::read_dir(at("deep")).unwrap().count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
    }
}
