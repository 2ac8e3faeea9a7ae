//! The picture of the emotions in a long recording over time.

use ser_predict::{Model, Span};

use super::axes::Axes;
use super::canvas::{Anchor, BLUE, EDGE, Frame, GRID, LABEL, SYNTHETIC, TITLE, faint, fit, widest};
use crate::error::Result;

const TOP: f64 = 52.0;
const ROW: f64 = 26.0;
const BAR: f64 = 18.0;
/// Width of the whole recording, in CSS pixels.
const FULL: f64 = 780.0;
const RIGHT: f64 = 24.0;
const LONGEST_LABEL: f64 = 110.0;
/// Minimum width of a span, in CSS pixels.
const THINNEST: f64 = 1.0;
/// Possible distances of the ticks of the time axis, in seconds. The first that gives few enough ticks is used.
const TICKS: [f64; 11] = [
    0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0,
];
const MOST_TICKS: f64 = 10.0;

/// Draws the spans of speech of a recording of `seconds`, with one row per label of the model that answered. The colour of
/// a span is stronger the higher its confidence is.
///
/// # Errors
/// [`crate::Error::Picture`] if drawing fails.
pub fn timeline(model: &Model, spans: &[Span], seconds: f64, title: &str) -> Result<String> {
    let labels = &model.labels;
    let widest = widest(labels).min(LONGEST_LABEL);
    let left = EDGE + widest + 12.0;
    let bottom = TOP + labels.len() as f64 * ROW;
    let axes = Axes {
        left,
        right: left + FULL,
        top: TOP - 4.0,
        bottom,
    };
    let size = (left + FULL + RIGHT, bottom + 34.0);
    let x = |time: f64| left + FULL * (time / seconds.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    let step = TICKS.into_iter().find(|step| seconds / step <= MOST_TICKS);
    let step = step.unwrap_or(7200.0 * (seconds / 7200.0 / MOST_TICKS).ceil().max(1.0));
    let heading = fit(title, TITLE, FULL);
    let synthetic = model.provenance.synthetic;
    let of_row = |row: usize| {
        let spans = spans.iter();
        spans.filter(move |span| span.answer.emotion() == row)
    };
    let mut sentences: Vec<String> = labels
        .iter()
        .enumerate()
        .map(|(row, label)| {
            // Not `sum`, which is −0 without spans.
            let spoken = of_row(row).fold(0.0, |sum, span| sum + (span.end - span.start));
            format!("{label}: {spoken:.0} s.")
        })
        .collect();
    if synthetic {
        sentences.push(format!("The answers are those of {SYNTHETIC}."));
    }

    let frame = Frame {
        name: "the timeline",
        size,
        title: &heading,
        left,
        description: &sentences.join(" "),
    };
    frame.around(|canvas| {
        if synthetic {
            canvas.note(SYNTHETIC, (left, 38.0), Anchor::Left)?;
        }
        for tick in 0..=(seconds / step) as u32 {
            let at = x(f64::from(tick) * step);
            axes.line_up(canvas, at, &clock(f64::from(tick) * step))?;
        }
        for (row, label) in labels.iter().enumerate() {
            let middle = TOP + (row as f64 + 0.5) * ROW;
            let label = fit(label, LABEL, widest);
            canvas.label(&label, (left - 12.0, middle), Anchor::Right)?;
            canvas.path(&[(left, middle), (left + FULL, middle)], GRID.into(), 0.5)?;
            for span in of_row(row) {
                let (from, to) = (x(span.start), x(span.end));
                let size = ((to - from - 0.5).max(THINNEST), BAR);
                let confidence = f64::from(span.answer.confidence().clamp(0.0, 1.0));
                let colour = faint(BLUE, 0.25 + 0.75 * confidence);
                canvas.rect((from, middle - BAR / 2.0), size, colour)?;
            }
        }
        Ok(())
    })
}

/// Formats a time as `2:03`, or as `1:02:03` from one hour on. Below one hour, half seconds are written as `.5`.
fn clock(seconds: f64) -> String {
    let whole = seconds as u64;
    let half = if seconds.fract() > 0.0 { ".5" } else { "" };
    match whole / 3600 {
        0 => format!("{}:{:02}{half}", whole / 60, whole % 60),
        hours => format!("{hours}:{:02}:{:02}", whole / 60 % 60, whole % 60),
    }
}
