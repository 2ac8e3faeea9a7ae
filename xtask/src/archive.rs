//! Unpacking zip archives (wheels are zips too) that come from outside.
//!
//! An archive is refused as a whole if any entry is a link or a device, is encrypted, or has a name that leaves the
//! destination; and if it claims more entries or bytes than its reader allows. The CRC of every unpacked file is checked.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use zip::ZipArchive;

/// What an archive may ask for at most.
pub struct Limits {
    pub entries: usize,
    pub bytes: u64,
}

/// A file in an archive.
pub struct Entry {
    index: usize,
    pub name: String,
    pub size: u64,
    pub crc32: u32,
}

/// An archive whose directory has been found harmless.
pub struct Archive {
    path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
    entries: Vec<Entry>,
}

impl Archive {
    /// Opens an archive and checks all its entries.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let shown = path.display();
        let file = File::open(path).with_context(|| format!("opening {shown}"))?;
        let zip = ZipArchive::new(BufReader::new(file))
            .with_context(|| format!("{shown} is not a readable zip archive"))?;
        ensure!(
            zip.len() <= limits.entries,
            "{shown} claims {} entries, at most {} are plausible",
            zip.len(),
            limits.entries
        );
        ensure!(!zip.has_duplicate_names(), "{shown} names an entry twice");
        let mut entries = Vec::new();
        let mut total = 0_u64;
        for index in 0..zip.len() {
            let entry = zip
                .by_index_data(index)
                .with_context(|| format!("reading {shown}"))?;
            let name = entry
                .name()
                .with_context(|| format!("reading {shown}"))?
                .into_owned();
            let kind = entry.unix_mode().map_or(0, |mode| mode & 0o170_000);
            let plain = matches!(kind, 0 | 0o100_000 | 0o040_000);
            ensure!(
                plain && !entry.is_symlink(),
                "{shown}: `{name}` is a link or a special file: refused"
            );
            ensure!(!entry.encrypted(), "{shown}: `{name}` is encrypted");
            ensure!(
                entry.enclosed_name().is_some()
                    && !name.contains('\\')
                    && !name.split('/').any(|part| part == ".."),
                "{shown}: `{name}` would be written outside the destination: refused"
            );
            total = total.saturating_add(entry.size());
            if entry.is_file() {
                entries.push(Entry {
                    index,
                    size: entry.size(),
                    crc32: entry.crc32(),
                    name,
                });
            }
        }
        ensure!(
            total <= limits.bytes,
            "{shown} claims {total} bytes unpacked, at most {} are plausible",
            limits.bytes
        );
        Ok(Self {
            path: path.to_owned(),
            zip,
            entries,
        })
    }

    /// The files of the archive.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads one small text file.
    pub fn text(&mut self, name: &str) -> Result<String> {
        let reading = || format!("reading `{name}` of {}", self.path.display());
        let mut text = String::new();
        let file = self.zip.by_name(name).with_context(reading)?;
        file.take(64 << 20)
            .read_to_string(&mut text)
            .with_context(reading)?;
        Ok(text)
    }

    /// Unpacks the files for which `place` gives a path relative to `dest`, and returns them as (name, path written).
    pub fn unpack(
        &mut self,
        dest: &Path,
        place: impl Fn(&Entry) -> Option<PathBuf>,
    ) -> Result<Vec<(String, PathBuf)>> {
        let mut written = Vec::new();
        for entry in &self.entries {
            let Some(place) = place(entry) else { continue };
            let target = dest.join(place);
            let unpacking = || format!("unpacking `{}` of {}", entry.name, self.path.display());
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder).with_context(unpacking)?;
            }
            let mut out = File::create_new(&target).with_context(unpacking)?;
            let packed = self.zip.by_index(entry.index).with_context(unpacking)?;
            // One byte more than declared is enough to notice a lie; the zip crate checks the CRC at the end.
            let bytes =
                io::copy(&mut packed.take(entry.size + 1), &mut out).with_context(unpacking)?;
            if bytes != entry.size {
                bail!(
                    "{}: {bytes} bytes where the archive declares {}",
                    unpacking(),
                    entry.size
                );
            }
            written.push((entry.name.clone(), target));
        }
        Ok(written)
    }
}
