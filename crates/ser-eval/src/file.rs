//! Reads and writes CSV files.

use std::path::Path;

use crate::{Error, Result};

/// Returns the text of a CSV file that `fill` writes. Errors contain `path`, where the caller will write it.
pub(crate) fn csv_text(
    path: &Path,
    fill: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
) -> Result<String> {
    // Headers are written explicitly: with labels as columns there is no struct to derive them from.
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

/// Opens a CSV reader for a file. Errors contain the path.
pub(crate) fn csv_reader(path: &Path) -> Result<csv::Reader<std::fs::File>> {
    let file = std::fs::File::open(path).map_err(ser_files::Error::at(path))?;
    Ok(csv::Reader::from_reader(file))
}
