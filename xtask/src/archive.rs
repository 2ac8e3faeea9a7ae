//! Unpacking zip archives (wheels are zips too) that come from outside.
//!
//! An archive is refused as a whole, before anything is written, if any entry is a link or a device, is encrypted, has a
//! name that leaves the destination on any system, or would be written over another one; and if it claims more entries
//! or bytes than its reader allows. Later, an entry that unpacks to more than it claims is stopped there, and the CRC of
//! every unpacked file is checked. An archive inside an archive is a file like any other.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Error, Result, bail, ensure};
use zip::ZipReadOptions;
use zip::read::{Config, OwnedZipFileEntry};
// Not `ZipArchive`, which reads the whole directory before its length can be checked and forgets all but the last of
// several entries of one name.
use zip::unstable::read::ZipIterable;

/// What an archive may ask for at most.
pub struct Limits {
    pub entries: usize,
    pub bytes: u64,
}

/// The longest name of an entry, in bytes.
const NAME: usize = 1024;
/// The longest text file read into memory, in bytes.
const TEXT: u64 = 64 << 20;

/// A file in an archive.
pub struct Entry {
    pub name: String,
    pub size: u64,
    pub crc32: u32,
    zip: OwnedZipFileEntry,
}

/// An archive whose directory has been found harmless.
pub struct Archive<R> {
    path: PathBuf,
    reader: R,
    entries: Vec<Entry>,
}

impl Archive<BufReader<File>> {
    /// Opens an archive and checks all its entries.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        Self::read(path, BufReader::new(file), limits)
    }
}

impl<R: Read + Seek> Archive<R> {
    /// Checks all entries of the archive in `reader`, which errors call `path`.
    pub fn read(path: &Path, mut reader: R, limits: &Limits) -> Result<Self> {
        let shown = path.display();
        let mut zip = ZipIterable::try_new(&mut reader, Config::default())
            .with_context(|| format!("{shown} is not a readable zip archive"))?;
        ensure!(
            zip.len() <= limits.entries,
            "{shown} claims {} entries, at most {} are plausible",
            zip.len(),
            limits.entries
        );
        let mut entries: Vec<Entry> = Vec::new();
        // What will lie at a path, in the eyes of a file system that ignores case: an entry, and whether it is a file.
        let mut places: HashMap<String, (String, bool)> = HashMap::new();
        let mut total = 0_u64;
        for entry in zip.files().with_context(|| format!("reading {shown}"))? {
            let entry = entry.with_context(|| format!("{shown} is not a readable zip archive"))?;
            let name = entry
                .name()
                .with_context(|| format!("reading {shown}"))?
                .into_owned();
            ensure!(
                name.len() <= NAME,
                "{shown}: an entry has a name of {} bytes, at most {NAME} are plausible",
                name.len()
            );
            // Quoted with escapes: a name may hold what a terminal obeys.
            let place = place(&name).with_context(|| {
                format!("{shown}: {name:?} is no path below the destination: refused")
            })?;
            let kind = entry.unix_mode().map_or(0, |mode| mode & 0o170_000);
            ensure!(
                matches!(kind, 0 | 0o100_000 | 0o040_000),
                "{shown}: {name:?} is a link or a special file: refused"
            );
            ensure!(!entry.encrypted(), "{shown}: {name:?} is encrypted");
            total = total.saturating_add(entry.size());
            ensure!(
                total <= limits.bytes,
                "{shown} claims {total} bytes up to {name:?}, at most {} are plausible",
                limits.bytes
            );
            if let Some((first, _)) = places.insert(place, (name.clone(), entry.is_file())) {
                bail!("{shown} holds both {first:?} and {name:?}, which may be one file: refused");
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
                    bail!("{shown}: {file:?} is a file and a folder for {name:?}: refused");
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            reader,
            entries,
        })
    }

    /// The files of the archive.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads one small text file.
    pub fn text(&mut self, name: &str) -> Result<String> {
        let reading = || format!("reading {name:?} of {}", self.path.display());
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.name == name)
            .with_context(|| format!("{}: there is none", reading()))?;
        ensure!(
            entry.size <= TEXT,
            "{}: {} bytes, at most {TEXT} are plausible",
            reading(),
            entry.size
        );
        let mut text = String::new();
        let size = entry.size;
        let file = entry.zip.as_ref();
        file.with_reader(&mut self.reader, ZipReadOptions::new())
            .with_context(reading)?
            .take(TEXT)
            .read_to_string(&mut text)
            .with_context(reading)?;
        ensure!(
            text.len() as u64 == size,
            "{}: {} bytes where the archive declares {size}",
            reading(),
            text.len()
        );
        Ok(text)
    }

    /// Unpacks the files for which `place` gives a path relative to `dest`, and returns them as (name, path written).
    ///
    /// After an error `dest` holds a part of the files: it should be a folder that becomes the real one afterwards.
    pub fn unpack(
        &mut self,
        dest: &Path,
        place: impl Fn(&Entry) -> Option<PathBuf>,
    ) -> Result<Vec<(String, PathBuf)>> {
        let mut written = Vec::new();
        for entry in &self.entries {
            let Some(place) = place(entry) else { continue };
            let target = dest.join(place);
            let unpacking = || format!("unpacking {:?} of {}", entry.name, self.path.display());
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder).with_context(unpacking)?;
            }
            let mut out = File::create_new(&target).with_context(unpacking)?;
            let packed = entry
                .zip
                .as_ref()
                .with_reader(&mut self.reader, ZipReadOptions::new())
                .with_context(unpacking)?;
            // One byte more than declared is enough to notice a lie; the zip crate checks the CRC at the end.
            let bytes =
                io::copy(&mut packed.take(entry.size + 1), &mut out).with_context(unpacking)?;
            ensure!(
                bytes == entry.size,
                "{}: {bytes} bytes where the archive declares {}",
                unpacking(),
                entry.size
            );
            written.push((entry.name.clone(), target));
        }
        Ok(written)
    }
}

/// Whether an error speaks of a full disk and not against the archive.
pub fn lacked_room(error: &Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| matches!(cause.kind(), FileTooLarge | QuotaExceeded | StorageFull))
}

/// The path of an entry in lower case without needless parts, if it stays below the destination on every system.
fn place(name: &str) -> Option<String> {
    // A backslash separates and a colon ends a drive on Windows.
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
