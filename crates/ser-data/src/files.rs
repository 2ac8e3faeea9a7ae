//! Writes tables to disk.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use ser_files::has_extension;

use crate::Result;

/// Returns true if the file name says that it is a table: `.csv`, or `.tsv` with tabs between the columns, in any case.
pub fn is_table(path: &Path) -> bool {
    has_extension(path, "csv") || has_extension(path, TABS)
}

const TABS: &str = "tsv";

/// Writes a table atomically, with tabs if the file name ends in `.tsv` and commas otherwise.
pub(crate) fn write_csv(
    path: &Path,
    fill: impl FnOnce(&mut csv::Writer<&mut BufWriter<&File>>) -> csv::Result<()>,
) -> Result<()> {
    ser_files::write(path, |file| {
        let separator = if has_extension(path, TABS) {
            b'\t'
        } else {
            b','
        };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(separator)
            .from_writer(file);
        fill(&mut writer).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            other => std::io::Error::other(format!("{other:?}")),
        })?;
        writer.flush()
    })?;
    Ok(())
}
