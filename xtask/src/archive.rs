//! Unpacking zip archives (wheels are zips too) that come from outside.
//!
//! An archive is refused as a whole if any entry is a link or a device, is encrypted, or has a name that leaves the
//! destination; and if it claims more entries or bytes than its reader allows. The CRC of every unpacked file is checked.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

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
                stays_inside(&name),
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
        let size = file.size();
        file.take(64 << 20)
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

/// Whether a name, joined to a folder, stays below it on every system.
fn stays_inside(name: &str) -> bool {
    let below = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    Path::new(name).components().all(below) && !name.contains(['\\', '\0'])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    const ROOMY: Limits = Limits {
        entries: 100,
        bytes: 1 << 20,
    };

    /// Writes a zip with the given files and returns its path.
    fn archive(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
        let path = folder.join("test.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for (name, text) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    /// Replaces every occurrence of a byte string, as a hostile writer would.
    fn tamper(path: &Path, from: &[u8], to: &[u8]) {
        let mut bytes = fs::read(path).unwrap();
        let places: Vec<usize> = (0..=bytes.len() - from.len())
            .filter(|&at| bytes[at..].starts_with(from))
            .collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
        fs::write(path, bytes).unwrap();
    }

    fn refusal(path: &Path, limits: &Limits) -> String {
        format!("{:#}", Archive::open(path, limits).err().unwrap())
    }

    #[test]
    fn wanted_files_land_where_they_are_placed() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(
            folder.path(),
            &[("top/a.txt", "alpha"), ("top/b.txt", "beta")],
        );
        let dest = folder.path().join("out");
        let mut archive = Archive::open(&path, &ROOMY).unwrap();
        let written = archive
            .unpack(&dest, |entry| {
                entry
                    .name
                    .ends_with("a.txt")
                    .then(|| PathBuf::from("moved/a"))
            })
            .unwrap();
        assert_eq!(written, [("top/a.txt".to_owned(), dest.join("moved/a"))]);
        assert_eq!(fs::read_to_string(dest.join("moved/a")).unwrap(), "alpha");
        assert_eq!(archive.text("top/b.txt").unwrap(), "beta");
    }

    #[test]
    fn names_that_leave_the_destination_are_refused() {
        for (harmless, hostile) in [
            ("xx/escape.txt", "../escape.txt"),
            ("x/xx/xx/y.txt", "x/../../y.txt"),
            ("xabsolute.txt", "/absolute.txt"),
            ("xx_back.txt", "..\\back.txt"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = archive(folder.path(), &[(harmless, "text")]);
            // The writing library cleans names, so the bytes are set afterwards.
            let padded = format!("{hostile:<width$}", width = harmless.len());
            tamper(&path, harmless.as_bytes(), padded.as_bytes());
            let error = refusal(&path, &ROOMY);
            assert!(
                error.contains("outside the destination"),
                "{hostile}: {error}"
            );
        }
    }

    #[test]
    fn links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        zip.add_symlink("link", "/etc", SimpleFileOptions::default())
            .unwrap();
        zip.finish().unwrap();
        assert!(refusal(&path, &ROOMY).contains("`link` is a link"));
    }

    #[test]
    fn absurd_claims_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), &[("a", "12345"), ("b", "12345")]);
        assert!(
            refusal(
                &path,
                &Limits {
                    entries: 1,
                    bytes: 100
                }
            )
            .contains("2 entries")
        );
        assert!(
            refusal(
                &path,
                &Limits {
                    entries: 2,
                    bytes: 9
                }
            )
            .contains("10 bytes")
        );
        Archive::open(
            &path,
            &Limits {
                entries: 2,
                bytes: 10,
            },
        )
        .unwrap();
    }

    #[test]
    fn a_file_larger_than_declared_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lie.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        zip.start_file("zeros", SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&[0; 0x12345]).unwrap();
        zip.finish().unwrap();
        tamper(&path, &0x12345_u32.to_le_bytes(), &16_u32.to_le_bytes());
        let error = Archive::open(&path, &ROOMY)
            .unwrap()
            .unpack(&folder.path().join("out"), |entry| {
                Some(PathBuf::from(&entry.name))
            })
            .unwrap_err();
        assert!(
            fs::metadata(folder.path().join("out/zeros")).unwrap().len() <= 17,
            "{error:#}"
        );
    }

    #[test]
    fn a_text_of_another_length_than_declared_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = " ".repeat(0x1234);
        let path = archive(folder.path(), &[("spaces", &text)]);
        let mut intact = Archive::open(&path, &ROOMY).unwrap();
        assert_eq!(intact.text("spaces").unwrap(), text);
        tamper(&path, &0x1234_u32.to_le_bytes(), &0x1334_u32.to_le_bytes());
        let mut lying = Archive::open(&path, &ROOMY).unwrap();
        let error = lying.text("spaces").unwrap_err();
        assert!(format!("{error:#}").contains("declares 4916"), "{error:#}");
    }

    #[test]
    fn damaged_content_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stored.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("a", stored).unwrap();
        zip.write_all(b"original").unwrap();
        zip.finish().unwrap();
        tamper(&path, b"original", b"modified");
        let error = Archive::open(&path, &ROOMY)
            .unwrap()
            .unpack(&folder.path().join("out"), |_| Some(PathBuf::from("a")))
            .unwrap_err();
        assert!(
            format!("{error:#}").to_lowercase().contains("checksum"),
            "{error:#}"
        );
    }

    #[test]
    fn a_truncated_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), &[("a", "alpha")]);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 10]).unwrap();
        assert!(refusal(&path, &ROOMY).contains("not a readable zip archive"));
    }
}
