//! The picture of the confusion matrix.

use ser_eval::Metrics;

use super::canvas::{
    Anchor, BLUE, Canvas, Drawn, EDGE, Frame, GRID, INK, LABEL, MUTED, TITLE, bold, faint, fit,
    plain, text_width, widest,
};
use crate::error::Result;

/// The figures in the cells of a confusion matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalised {
    /// The number of clips.
    Counts,
    /// The share of the clips of the true class, in percent.
    Rows,
}

const VALUE: f64 = 14.0;
/// Height of title, axis names and column labels.
const TOP: f64 = 88.0;
const CELL_HEIGHT: f64 = 42.0;
/// Width of `n = 192` at the right.
const RIGHT: f64 = 76.0;
/// Width of the widest column label that is not shortened.
const LONGEST_LABEL: f64 = 120.0;
/// Opacity of a cell that holds all clips of its row. Text on it is legible on light and on dark backgrounds.
const HEAT: f64 = 0.5;

/// Draws the confusion matrix, with true classes as rows and predicted classes as columns. In both kinds the colour of a cell
/// shows the share of the true class, so that the cells of a rare class are not pale.
///
/// # Errors
/// [`crate::Error::Picture`] if drawing fails.
pub fn confusion(metrics: &Metrics, cells: Normalised) -> Result<String> {
    let title = match cells {
        Normalised::Counts => "Confusion matrix: number of clips",
        Normalised::Rows => "Confusion matrix: % of each true emotion",
    };
    let widest = widest(&metrics.labels).min(LONGEST_LABEL);
    let cell = (widest + 10.0).max(58.0);
    let left = EDGE + widest + 14.0;
    let classes = metrics.labels.len() as f64;
    let width = (left + classes * cell + RIGHT).max(text_width(title, TITLE) + left + EDGE);
    let size = (width, TOP + classes * CELL_HEIGHT + EDGE);

    let frame = Frame {
        name: "the confusion matrix",
        size,
        title,
        left,
        description: &description(metrics),
    };
    frame.around(|canvas| {
        canvas.note("predicted →", (left, 48.0), Anchor::Left)?;
        canvas.note("true ↓", (left - 10.0, 48.0), Anchor::Right)?;
        for (class, label) in metrics.labels.iter().enumerate() {
            let label = fit(label, LABEL, widest);
            let x = left + (class as f64 + 0.5) * cell;
            canvas.label(&label, (x, TOP - 14.0), Anchor::Middle)?;
            let y = TOP + (class as f64 + 0.5) * CELL_HEIGHT;
            canvas.label(&label, (left - 10.0, y), Anchor::Right)?;
            let row = metrics
                .confusion
                .counts
                .get(class)
                .map_or(&[][..], Vec::as_slice);
            let support: usize = row.iter().sum();
            let n = format!("n = {support}");
            let end = left + classes * cell + 10.0;
            canvas.note(&n, (end, y), Anchor::Left)?;
            for (column, &count) in row.iter().enumerate() {
                let corner = (
                    left + column as f64 * cell,
                    TOP + class as f64 * CELL_HEIGHT,
                );
                let share = count as f64 / support.max(1) as f64;
                let text = match cells {
                    Normalised::Counts => count.to_string(),
                    Normalised::Rows if count > 0 && share < 0.005 => "<1".to_owned(),
                    Normalised::Rows => format!("{:.0}", 100.0 * share),
                };
                draw_cell(canvas, corner, cell, share, &text, class == column)?;
            }
        }
        Ok(())
    })
}

fn draw_cell(
    canvas: &Canvas<'_>,
    (x, y): (f64, f64),
    width: f64,
    share: f64,
    text: &str,
    diagonal: bool,
) -> Drawn {
    let corner = (x + 1.0, y + 1.0);
    let size = (width - 2.0, CELL_HEIGHT - 2.0);
    canvas.rect(corner, size, faint(GRID, 0.3))?;
    if share > 0.0 {
        canvas.rect(corner, size, faint(BLUE, HEAT * share.max(0.03)))?;
    }
    if diagonal {
        canvas.outline(corner, size, MUTED)?;
    }
    let centre = (x + width / 2.0, y + CELL_HEIGHT / 2.0);
    let style = if diagonal {
        bold(VALUE, INK)
    } else {
        plain(VALUE, if share > 0.0 { INK } else { MUTED })
    };
    canvas.text(text, centre, Anchor::Middle, style)
}

fn description(metrics: &Metrics) -> String {
    let mut sentences = vec!["Rows are true emotions, columns are predicted ones.".to_owned()];
    for (class, (figures, row)) in metrics
        .classes
        .iter()
        .zip(&metrics.confusion_rows)
        .enumerate()
    {
        let label = &figures.label;
        if !figures.recall_defined {
            sentences.push(format!("{label}: no clips."));
            continue;
        }
        let right = row.get(class).copied().unwrap_or_default();
        let others = row
            .iter()
            .zip(&metrics.labels)
            .enumerate()
            .filter(|(other, _)| *other != class);
        let worst = others
            .map(|(_, cell)| cell)
            .max_by(|a, b| a.0.total_cmp(b.0));
        let mut sentence = format!("{label}: {:.0} % right", 100.0 * right);
        if let Some((share, other)) = worst.filter(|(share, _)| **share > 0.0) {
            sentence += &format!(", most often predicted as {other} ({:.0} %)", 100.0 * share);
        }
        sentences.push(sentence + ".");
    }
    sentences.join(" ")
}
