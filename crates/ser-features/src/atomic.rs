//! Files that are there complete or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes a file beside `path` and then gives it that name, in place of any file that has it.
///
/// # Errors
/// [`Error::Io`] with the path, also for what `write` returns; nothing is left behind then.
pub fn write_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // Temporary files are private by default; this one becomes an ordinary file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
        .prefix(".unfinished-")
        .tempfile_in(folder)
        .and_then(|file| {
            let mut writer = BufWriter::new(file.as_file());
            write(&mut writer)?;
            writer.flush()?;
            drop(writer);
            file.persist(path)?;
            Ok(())
        })
        .map_err(|source| Error::Io {
            path: path.to_path_buf(),
            source,
        })
}
