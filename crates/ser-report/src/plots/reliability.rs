//! The reliability diagram: accuracy against confidence.

use ser_eval::Bin;

use super::axes::Axes;
use super::canvas::{Anchor, BLUE, Frame, MUTED, faint};
use crate::error::{Error, Result};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 500.0;
/// The axes of the accuracy.
const AXES: Axes = Axes {
    left: 70.0,
    right: WIDTH - 24.0,
    top: 56.0,
    bottom: 340.0,
};
/// The axes of the number of clips, below.
const CLIPS: Axes = Axes {
    top: HEIGHT - 110.0,
    bottom: HEIGHT - 50.0,
    ..AXES
};

/// Draws the reliability diagram: for each bin of confidence, the accuracy as a point, which lies on the
/// diagonal if confidence and accuracy agree, and the number of clips as a bar below.
///
/// # Errors
/// [`Error::Empty`] if there are no bins, [`Error::Picture`] if drawing fails.
pub fn reliability(bins: &[Bin]) -> Result<String> {
    if bins.is_empty() {
        return Err(Error::Empty {
            what: "predictions",
        });
    }
    let title = "Accuracy at each confidence";
    let most = bins.iter().map(|bin| bin.n).max().unwrap_or(1) as f64;
    let (x, y) = (|share| AXES.x(share), |share| AXES.y(share));
    let sentences: Vec<String> = bins
        .iter()
        .map(|bin| {
            let [confidence, accuracy] = [bin.confidence, bin.accuracy].map(|p| 100.0 * p);
            let n = bin.n;
            format!("Confidence {confidence:.0} %: {accuracy:.0} % right, {n} clips.")
        })
        .collect();
    let frame = Frame {
        name: "the reliability diagram",
        size: (WIDTH, HEIGHT),
        title,
        left: AXES.left,
        description: &sentences.join(" "),
    };
    frame.around(|canvas| {
        let above = (AXES.left - 8.0, AXES.top - 18.0);
        canvas.tick("accuracy", above, Anchor::Right)?;
        for step in 0..=5 {
            let share = f64::from(step) / 5.0;
            let text = format!("{} %", 20 * step);
            AXES.line_across(canvas, y(share), &text)?;
            let below = (x(share), CLIPS.bottom + 14.0);
            canvas.tick(&text, below, Anchor::Middle)?;
        }
        canvas.path(&[(x(0.0), y(0.0)), (x(1.0), y(1.0))], MUTED.into(), 1.0)?;
        let above = (x(0.04), y(0.92));
        canvas.note("underconfident", above, Anchor::Left)?;
        let below = (x(0.97), y(0.08));
        canvas.note("overconfident", below, Anchor::Right)?;
        let line: Vec<_> = bins
            .iter()
            .map(|bin| (x(bin.confidence), y(bin.accuracy)))
            .collect();
        canvas.path(&line, faint(BLUE, 0.5), 1.5)?;
        for (&point, bin) in line.iter().zip(bins) {
            // The accuracy in a bin of few clips is imprecise, so its point is small.
            let radius = 2.5 + 3.0 * (bin.n as f64 / most).sqrt();
            canvas.circle(point, radius, BLUE)?;
            let top = CLIPS.y(bin.n as f64 / most);
            let (left, right) = (x(bin.low) + 1.5, x(bin.high) - 1.5);
            let bar = (right - left, CLIPS.bottom - top);
            canvas.rect((left, top), bar, faint(BLUE, 0.45))?;
            let middle = ((left + right) / 2.0, top - 9.0);
            canvas.tick(&bin.n.to_string(), middle, Anchor::Middle)?;
        }
        CLIPS.ground(canvas)?;
        canvas.tick(
            "clips",
            (AXES.left - 8.0, CLIPS.bottom - 8.0),
            Anchor::Right,
        )?;
        let middle = (AXES.middle(), CLIPS.bottom + 36.0);
        canvas.note("confidence of the answer", middle, Anchor::Middle)
    })
}
