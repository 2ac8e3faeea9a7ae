//! Unpacks zip archives (wheels are zip files too) from untrusted sources.
//!
//! The whole archive is refused, before anything is written, if any entry is a link or a device, is encrypted, has a
//! name that leaves the destination on any system, or would overwrite another entry, or if the archive declares more
//! entries or bytes than the caller allows. While unpacking, an entry that yields more bytes than it declares is
//! stopped, and the CRC of every unpacked file is checked. An archive inside an archive is a file like any other.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Component, Path, PathBuf};

use zip::ZipReadOptions;
use zip::read::{Config, OwnedZipFileEntry};
use zip::result::ZipError;
// Not `ZipArchive`: it reads the whole directory before its length can be checked, and keeps only the last of several
// entries with one name.
use zip::unstable::read::ZipIterable;

use crate::folder::at;
use crate::{Error, Result};

/// The most that an archive may declare.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Number of files and folders.
    pub entries: usize,
    /// Bytes of all files together, unpacked.
    pub bytes: u64,
}

/// Maximum length of an entry's name in bytes.
const NAME: usize = 1024;
/// Maximum size of a text file that is read into memory, in bytes.
const TEXT: u64 = 64 << 20;

/// A file in an archive.
#[derive(Debug)]
pub struct Entry {
    /// The path in the archive.
    pub name: String,
    /// Unpacked size in bytes.
    pub size: u64,
    /// Checksum of the unpacked bytes.
    pub crc32: u32,
    zip: OwnedZipFileEntry,
}

/// An archive whose directory has been checked.
#[derive(Debug)]
pub struct Archive<R> {
    path: PathBuf,
    reader: R,
    entries: Vec<Entry>,
}

impl Archive<BufReader<File>> {
    /// Opens an archive and checks all its entries.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::NoArchive`] if it is not a zip archive, and
    /// [`Error::TooMuch`] or [`Error::Entry`] if it is refused.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let file = File::open(path).map_err(at(path))?;
        Self::read(path, BufReader::new(file), limits)
    }
}

impl<R: Read + Seek> Archive<R> {
    /// Checks all entries of the archive in `reader`. Errors name it `path`.
    ///
    /// # Errors
    /// The errors of [`Archive::open`].
    pub fn read(path: &Path, mut reader: R, limits: &Limits) -> Result<Self> {
        let mut beginning = Vec::new();
        let read = reader.by_ref().take(64).read_to_end(&mut beginning);
        read.and_then(|_| reader.rewind()).map_err(at(path))?;
        let is_page = beginning.trim_ascii_start().starts_with(b"<");
        let unreadable = |error: ZipError| Error::NoArchive {
            path: path.to_owned(),
            reason: if is_page {
                "it is a web page, perhaps one that asks to sign in".to_owned()
            } else {
                error.to_string()
            },
        };
        let too_much = |what: String, limit: u64, actual: u64| Error::TooMuch {
            path: path.to_owned(),
            what,
            limit,
            actual,
        };
        let refused = |entry: &str, expected: &str, actual: &str| Error::Entry {
            path: path.to_owned(),
            entry: entry.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        };
        let mut zip = ZipIterable::try_new(&mut reader, Config::default()).map_err(unreadable)?;
        if zip.len() > limits.entries {
            let (limit, actual) = (limits.entries as u64, zip.len() as u64);
            return Err(too_much("entries".to_owned(), limit, actual));
        }
        let mut entries: Vec<Entry> = Vec::new();
        // The entries by path, as a file system sees them that ignores case, each with its name and whether it is a
        // file.
        let mut places: HashMap<String, (String, bool)> = HashMap::new();
        let mut total = 0_u64;
        for entry in zip.files().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.name().map_err(unreadable)?.into_owned();
            if name.len() > NAME {
                let what = "bytes in the name of an entry".to_owned();
                return Err(too_much(what, NAME as u64, name.len() as u64));
            }
            let place = place(&name).ok_or_else(|| {
                refused(
                    &name,
                    "a path below the destination",
                    "one that leaves it on some system",
                )
            })?;
            let kind = entry.unix_mode().map_or(0, |mode| mode & 0o170_000);
            if !matches!(kind, 0 | 0o100_000 | 0o040_000) {
                return Err(refused(
                    &name,
                    "a file or a folder",
                    "a link or a special file",
                ));
            }
            if entry.encrypted() {
                return Err(refused(
                    &name,
                    "an entry without encryption",
                    "an encrypted one",
                ));
            }
            total = total.saturating_add(entry.size());
            if total > limits.bytes {
                return Err(too_much(
                    format!("bytes up to {name:?}"),
                    limits.bytes,
                    total,
                ));
            }
            if let Some((first, _)) = places.insert(place, (name.clone(), entry.is_file())) {
                let actual = format!("the entry {first:?} as well, which may be the same file");
                return Err(refused(&name, "a distinct file", &actual));
            }
            if entry.is_file() {
                entries.push(Entry {
                    size: entry.size(),
                    crc32: entry.crc32(),
                    name,
                    zip: entry.into(),
                });
            }
        }
        for (place, (name, _)) in &places {
            for folder in Path::new(place).ancestors().skip(1) {
                if let Some((file, true)) = folder.to_str().and_then(|folder| places.get(folder)) {
                    let actual = format!("a folder for {name:?} as well");
                    return Err(refused(file, "a file", &actual));
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            reader,
            entries,
        })
    }

    /// Returns the files of the archive.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads a text file of at most 64 MiB.
    ///
    /// # Errors
    /// The entry does not exist, is too long, is damaged, or is not text.
    pub fn text(&mut self, name: &str) -> Result<String> {
        let unpacking = |source| unpacking(&self.path, name, source);
        let entry = self.entries.iter().find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| unpacking(io::ErrorKind::NotFound.into()))?;
        if entry.size > TEXT {
            return Err(Error::TooMuch {
                path: self.path.clone(),
                what: format!("bytes in the text {name:?}"),
                limit: TEXT,
                actual: entry.size,
            });
        }
        let mut text = String::new();
        let file = entry.zip.as_ref();
        file.with_reader(&mut self.reader, ZipReadOptions::new())
            .map_err(|error| unpacking(error.into()))?
            .take(TEXT)
            .read_to_string(&mut text)
            .map_err(unpacking)?;
        self.declared(entry, text.len() as u64)?;
        Ok(text)
    }

    /// Unpacks the files for which `place` returns a path relative to `dest`. Returns their names and the paths that
    /// were written.
    ///
    /// After an error, `dest` contains some of the files, so it should be a temporary folder that is renamed
    /// afterwards.
    ///
    /// # Errors
    /// An entry is damaged or cannot be written.
    pub fn unpack(
        &mut self,
        dest: &Path,
        mut place: impl FnMut(&Entry) -> Option<PathBuf>,
    ) -> Result<Vec<(String, PathBuf)>> {
        let mut written = Vec::new();
        for entry in &self.entries {
            let Some(place) = place(entry) else { continue };
            let target = dest.join(place);
            let unpacking = |source| unpacking(&self.path, &entry.name, source);
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder).map_err(unpacking)?;
            }
            let mut out = File::create_new(&target).map_err(unpacking)?;
            let packed = entry
                .zip
                .as_ref()
                .with_reader(&mut self.reader, ZipReadOptions::new())
                .map_err(|error| unpacking(error.into()))?;
            // One byte more than declared is enough to detect a wrong size; the zip crate checks the CRC at the end.
            let bytes = io::copy(&mut packed.take(entry.size + 1), &mut out).map_err(unpacking)?;
            self.declared(entry, bytes)?;
            // The caller renames the folder, and a name may reach the disk before what it names.
            out.sync_all().map_err(unpacking)?;
            written.push((entry.name.clone(), target));
        }
        Ok(written)
    }

    /// Returns an error if an entry does not have the declared number of bytes.
    fn declared(&self, entry: &Entry, bytes: u64) -> Result<()> {
        if bytes == entry.size {
            return Ok(());
        }
        Err(Error::Entry {
            path: self.path.clone(),
            entry: entry.name.clone(),
            expected: format!("{} bytes, as the archive declares", entry.size),
            actual: format!("{bytes}"),
        })
    }
}

fn unpacking(archive: &Path, entry: &str, source: io::Error) -> Error {
    Error::Unpacking {
        path: archive.to_owned(),
        entry: entry.to_owned(),
        source,
    }
}

/// Returns the path of an entry in lower case and without redundant components, or `None` if it leaves the destination
/// on some system.
fn place(name: &str) -> Option<String> {
    // On Windows, a backslash separates components and a colon ends a drive.
    if name.contains(['\\', ':', '\0']) {
        return None;
    }
    let mut parts = Vec::new();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?.to_lowercase()),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests;
