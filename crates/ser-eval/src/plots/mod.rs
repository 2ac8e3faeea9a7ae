//! Pictures as SVG text, for a file of their own or inside a page.
//!
//! Every picture has a transparent background, a title and a description for screen readers, and
//! carries its own light and dark colours, so the same text serves a file and a page. The colours
//! are Okabe and Ito's blue and vermilion, which colour-blind readers tell apart; training lines
//! are dashed as well.

mod bars;
mod canvas;
mod confusion;
mod curves;

use std::path::Path;

use crate::{Metrics, NamedHistory, Result, write_file};

pub use bars::per_class;
pub use confusion::{Normalised, confusion};
pub use curves::{Curve, curves};

/// Writes every picture into a folder that exists: `confusion-counts.svg`, `confusion-rows.svg`,
/// `per-class.svg`, and with histories `accuracy.svg`, `uar.svg` and `loss.svg`.
///
/// # Errors
/// Those of the pictures, and [`crate::Error::Io`] with the path.
pub fn write_all(
    folder: impl AsRef<Path>,
    metrics: &Metrics,
    histories: &[NamedHistory],
) -> Result<()> {
    let folder = folder.as_ref();
    write_file(
        folder.join("confusion-counts.svg"),
        &confusion(metrics, Normalised::Counts)?,
    )?;
    write_file(
        folder.join("confusion-rows.svg"),
        &confusion(metrics, Normalised::Rows)?,
    )?;
    write_file(folder.join("per-class.svg"), &per_class(metrics)?)?;
    if histories.is_empty() {
        return Ok(());
    }
    write_file(
        folder.join("accuracy.svg"),
        &curves(histories, Curve::Accuracy)?,
    )?;
    write_file(folder.join("uar.svg"), &curves(histories, Curve::Uar)?)?;
    write_file(folder.join("loss.svg"), &curves(histories, Curve::Loss)?)
}
