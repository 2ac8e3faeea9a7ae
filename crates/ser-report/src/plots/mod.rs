//! Pictures as SVG text, for a file of their own or inside a page.
//!
//! Every picture has a transparent background, a title and a description for screen readers, and
//! contains light and dark colours, so the same text can be a file or a part of a page. The colours
//! are the blue and vermilion of Okabe and Ito, which colour-blind readers can distinguish; training lines
//! are also dashed.

mod axes;
mod bars;
mod canvas;
mod confusion;
mod curves;
mod differences;
mod explanation;
mod map;
mod points;
mod reliability;
mod timeline;

use std::path::{Path, PathBuf};

use ser_eval::{Evaluation, Predictions, coverage};
use ser_files::{remove_file, write_file};

use crate::error::Result;
use crate::report::{Enrolled, Report};
use points::{Point, points};

pub use bars::per_class;
pub use confusion::{Normalised, confusion};
pub use curves::{Curve, curves};
pub use differences::differences;
pub use explanation::explanation;
pub use map::map;
pub use reliability::reliability;
pub use timeline::timeline;

/// Writes every picture into an existing folder: `confusion-counts.svg`, `confusion-rows.svg`,
/// `per-class.svg`, `reliability.svg` and `coverage.svg`; with enrolment `enrolment.svg`; with a map
/// `map.svg`; and with histories `accuracy.svg`, `uar.svg` and `loss.svg`. Pictures of an earlier report that this
/// report does not have are removed.
///
/// # Errors
/// The errors of the pictures, and [`Error::Io`](crate::Error::Io) if a file cannot be written or removed.
pub fn write_all(folder: impl AsRef<Path>, report: &Report, evaluation: &Evaluation) -> Result<()> {
    let folder = folder.as_ref();
    let metrics = &evaluation.metrics;
    write_file(
        folder.join("confusion-counts.svg"),
        &confusion(metrics, Normalised::Counts)?,
    )?;
    write_file(
        folder.join("confusion-rows.svg"),
        &confusion(metrics, Normalised::Rows)?,
    )?;
    write_file(folder.join("per-class.svg"), &per_class(metrics)?)?;
    write_file(
        folder.join("coverage.svg"),
        &confidence(&report.predictions)?,
    )?;
    write_file(
        folder.join("reliability.svg"),
        &reliability(&ser_eval::reliability(&report.predictions))?,
    )?;
    let shown = report.map.as_ref();
    let shown = shown.map(|shown| map(report.predictions.labels(), shown));
    write_or_remove(folder.join("map.svg"), shown)?;
    let enrolled = &report.enrolled;
    let enrolled = (!enrolled.is_empty()).then(|| enrolment(evaluation, enrolled));
    write_or_remove(folder.join("enrolment.svg"), enrolled)?;
    for (name, curve) in [
        ("accuracy.svg", Curve::Accuracy),
        ("uar.svg", Curve::Uar),
        ("loss.svg", Curve::Loss),
    ] {
        let histories = &report.histories;
        let watched = (!histories.is_empty()).then(|| curves(histories, curve));
        write_or_remove(folder.join(name), watched)?;
    }
    Ok(())
}

/// Writes a picture or, without one, removes the picture of an earlier report.
fn write_or_remove(path: PathBuf, picture: Option<Result<String>>) -> Result<()> {
    match picture {
        Some(picture) => write_file(path, picture?)?,
        None => remove_file(path)?,
    }
    Ok(())
}

/// Draws the accuracy against the share of clips that are answered; see [`coverage`].
///
/// # Errors
/// [`Error::Empty`](crate::Error::Empty) if there are no predictions, [`Error::Picture`](crate::Error::Picture) if
/// drawing fails.
pub fn confidence(predictions: &Predictions) -> Result<String> {
    let answered = coverage(predictions);
    let answered = answered.iter().map(|c| Point {
        label: format!("{:.0} %", 100.0 * c.share),
        value: c.accuracy,
        interval: None,
    });
    points(
        "Accuracy when only the most confident clips are answered",
        "clips answered",
        &answered.collect::<Vec<_>>(),
    )
}

/// Draws the accuracy over all clips pooled against the number of enrolled clips of the test speaker, beginning with none.
///
/// # Errors
/// [`ser_eval::Error::Empty`] if there are no predictions, [`Error::Picture`](crate::Error::Picture) if drawing fails.
pub fn enrolment(alone: &Evaluation, enrolled: &[Enrolled]) -> Result<String> {
    let point = |label: &str, evaluation: &Evaluation| Point {
        label: label.to_owned(),
        value: evaluation.metrics.accuracy,
        interval: evaluation.accuracy_interval,
    };
    let mut curve = vec![point("none", alone)];
    for Enrolled {
        label, predictions, ..
    } in enrolled
    {
        curve.push(point(label, &Evaluation::compute(predictions)?));
    }
    points(
        "Pooled accuracy with other clips of the speaker enrolled",
        "clips enrolled, without their labels",
        &curve,
    )
}
