//! Files that are either complete or absent.

use std::io::{self, Write};
use std::path::Path;

use crate::{Error, Result};

/// Writes a file so that it is either complete or absent: the contents go into a temporary file in
/// the same folder, which is then renamed. Use it for pictures, reports, models.
///
/// # Errors
/// [`Error::Io`] with the path when the folder does not exist or cannot be written.
pub fn write_file(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<()> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    let written = ser_files::write(path, |file| file.write_all(contents));
    Ok(written.map_err(ser_files::Error::at(path))?)
}

/// Removes a file, if it is there.
///
/// # Errors
/// [`Error::Io`] with the path when it cannot be removed.
pub fn remove_file(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ser_files::Error::at(path)(source).into())
        }
        _ => Ok(()),
    }
}

/// The text of a CSV file that `fill` writes; errors carry the path it is meant for.
pub(crate) fn csv_text(
    path: &Path,
    fill: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
) -> Result<String> {
    // Headers are written by hand: with labels as columns there is no struct to take them from.
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    fill(&mut writer).map_err(|source| Error::Csv {
        path: path.to_owned(),
        source,
    })?;
    let bytes = writer.into_inner().map_err(|error| error.into_error());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
    Ok(text.map_err(ser_files::Error::at(path))?)
}

/// A CSV reader over a file; errors carry its path.
pub(crate) fn csv_reader(path: &Path) -> Result<csv::Reader<std::fs::File>> {
    let file = std::fs::File::open(path).map_err(ser_files::Error::at(path))?;
    Ok(csv::Reader::from_reader(file))
}
