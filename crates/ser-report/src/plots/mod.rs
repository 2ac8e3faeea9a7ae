//! Pictures as SVG text, for a file of their own or inside a page.
//!
//! Every picture has a transparent background, a title and a description for screen readers, and
//! carries its own light and dark colours, so the same text serves a file and a page. The colours
//! are Okabe and Ito's blue and vermilion, which colour-blind readers tell apart; training lines
//! are dashed as well.

mod axes;
mod bars;
mod canvas;
mod confusion;
mod curves;
mod differences;
mod explained;
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

pub use bars::per_class;
pub use confusion::{Normalised, confusion};
pub use curves::{Curve, curves};
pub use differences::differences;
pub use explained::explained;
pub use explanation::{Explained, Map, MarkedRegion, explanation};
pub use map::map;
pub use points::{Point, points};
pub use reliability::reliability;
pub use timeline::{TimelineSpan, timeline};

/// Writes every picture into a folder that exists: `confusion-counts.svg`, `confusion-rows.svg`,
/// `per-class.svg`, `reliability.svg`, `coverage.svg`, with enrolment `enrolment.svg`, with a map
/// `map.svg`, and with histories `accuracy.svg`, `uar.svg` and `loss.svg`. One that there is nothing for
/// is removed.
///
/// # Errors
/// Those of the pictures, and [`ser_eval::Error::Io`] with the path.
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

/// A picture that there is nothing for is not that of an earlier report either.
fn write_or_remove(path: PathBuf, picture: Option<Result<String>>) -> Result<()> {
    match picture {
        Some(picture) => write_file(path, picture?)?,
        None => remove_file(path)?,
    }
    Ok(())
}

/// Accuracy against the share of clips that are answered: see [`coverage`].
///
/// # Errors
/// Those of [`points`].
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

/// Accuracy against the number of clips known of a test speaker, from the figure without any.
///
/// # Errors
/// [`ser_eval::Error::Empty`] without predictions, and those of [`points`].
pub fn enrolment(alone: &Evaluation, enrolled: &[Enrolled]) -> Result<String> {
    let point = |label: &str, evaluation: &Evaluation| Point {
        label: label.to_owned(),
        value: evaluation.folds.accuracy.mean,
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
        "Accuracy when other clips of the speaker are known",
        "clips enrolled, without their labels",
        &curve,
    )
}
