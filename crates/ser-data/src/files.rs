//! Files that are either complete or absent.

use std::io::{BufWriter, Write};
use std::path::Path;

use tempfile::Builder;

use crate::{Error, Result};

/// Writes beside the file, then renames.
pub(crate) fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut std::fs::File>) -> std::io::Result<()>,
) -> Result<()> {
    let failed = |source| Error::io(path, source);
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    // A temporary file is for its owner's eyes only; the finished one follows the user's umask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut beside = builder
        .prefix(".unfinished-")
        .tempfile_in(folder)
        .map_err(failed)?;
    let mut writer = BufWriter::new(beside.as_file_mut());
    fill(&mut writer)
        .and_then(|()| writer.flush())
        .map_err(failed)?;
    drop(writer);
    beside.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes a table whole.
pub(crate) fn write_csv(
    path: &Path,
    fill: impl FnOnce(&mut csv::Writer<&mut BufWriter<&mut std::fs::File>>) -> csv::Result<()>,
) -> Result<()> {
    write_whole(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        fill(&mut writer)?;
        writer.flush()
    })
}
