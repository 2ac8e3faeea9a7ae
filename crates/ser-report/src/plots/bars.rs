//! The picture of precision and recall of each class.

use ser_eval::Metrics;

use super::axes::Axes;
use super::canvas::{Anchor, BLUE, EDGE, Frame, LABEL, VERMILION, faint, fit, widest};
use crate::error::Result;

const TOP: f64 = 64.0;
const ROW: f64 = 40.0;
const BAR: f64 = 11.0;
/// Length of a bar of 100 %.
const FULL: f64 = 430.0;
/// Room for the value at the end of a full bar.
const RIGHT: f64 = 56.0;
const LONGEST_LABEL: f64 = 150.0;

/// Draws recall and precision of each class as bars. A class with high recall and low precision is predicted too often,
/// a class with low recall and high precision too rarely.
///
/// # Errors
/// [`crate::Error::Picture`] if drawing fails.
pub fn per_class(metrics: &Metrics) -> Result<String> {
    let title = "Recall and precision per emotion";
    let widest = widest(&metrics.labels).min(LONGEST_LABEL);
    let left = EDGE + widest + 12.0;
    let bottom = TOP + metrics.classes.len() as f64 * ROW;
    let axes = Axes {
        left,
        right: left + FULL,
        top: TOP,
        bottom,
    };
    let size = (left + FULL + RIGHT, bottom + 30.0);
    let whole_percent = |value: f64, defined: bool, unit: &str| {
        if defined {
            format!("{:.0}{unit}", 100.0 * value)
        } else {
            "none".to_owned()
        }
    };
    let sentences: Vec<_> = metrics
        .classes
        .iter()
        .map(|class| {
            let recall = whole_percent(class.recall, class.recall_defined, " %");
            let precision = whole_percent(class.precision, class.precision_defined, " %");
            format!("{}: recall {recall}, precision {precision}.", class.label)
        })
        .collect();

    let frame = Frame {
        name: "the bars per class",
        size,
        title,
        left,
        description: &sentences.join(" "),
    };
    frame.around(|canvas| {
        let legend = [
            ("recall", BLUE, left),
            ("precision", VERMILION, left + 84.0),
        ];
        for (name, colour, x) in legend {
            canvas.rect((x, 40.0), (BAR, BAR), colour.into())?;
            canvas.note(name, (x + 18.0, 45.5), Anchor::Left)?;
        }
        for step in 0..=4 {
            let x = left + FULL * f64::from(step) / 4.0;
            axes.line_up(canvas, x, &format!("{} %", 25 * step))?;
        }
        for (row, class) in metrics.classes.iter().enumerate() {
            let middle = TOP + (row as f64 + 0.5) * ROW;
            let label = fit(&class.label, LABEL, widest);
            canvas.label(&label, (left - 12.0, middle), Anchor::Right)?;
            let bars = [
                (class.recall, class.recall_defined, BLUE, middle - BAR - 1.0),
                (
                    class.precision,
                    class.precision_defined,
                    VERMILION,
                    middle + 1.0,
                ),
            ];
            for (value, defined, colour, y) in bars {
                canvas.rect((left, y), (FULL * value, BAR), faint(colour, 1.0))?;
                let text = whole_percent(value, defined, "");
                let end = (left + FULL * value + 7.0, y + BAR / 2.0);
                canvas.tick(&text, end, Anchor::Left)?;
            }
        }
        Ok(())
    })
}
