//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What the name of an unfinished file begins with. A program that is killed leaves it behind.
pub const UNFINISHED: &str = ".unfinished-";

/// Writes a file beside `path`, waits until the disk has it, and gives it that name, in place of any file that
/// has it.
///
/// # Errors
/// Those of the file system and what `fill` returns; nothing is left behind then, and a file that was there
/// stays as it was.
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
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // Temporary files are for their owner's eyes only; this one becomes what the user's umask says.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.prefix(UNFINISHED).tempfile_in(folder)?;
    let mut writer = BufWriter::new(file.as_file());
    fill(&mut writer)?;
    writer.flush()?;
    drop(writer);
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

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
}
