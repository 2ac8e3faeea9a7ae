//! Tables on disk.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use crate::Result;

/// Writes a table whole.
pub(crate) fn write_csv(
    path: &Path,
    fill: impl FnOnce(&mut csv::Writer<&mut BufWriter<&File>>) -> csv::Result<()>,
) -> Result<()> {
    let written = ser_files::write(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        fill(&mut writer)?;
        writer.flush()
    });
    Ok(written.map_err(ser_files::Error::at(path))?)
}
