//! Confidence against accuracy.

use ser_eval::Bin;

use super::canvas::{Anchor, BLUE, GRID, INK, MUTED, bold, faint, picture, plain};
use crate::error::{Error, Result};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 500.0;
const TITLE: f64 = 16.0;
const LABEL: f64 = 13.0;
const TICK: f64 = 12.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 56.0;
/// Where the accuracies end.
const BOTTOM: f64 = 340.0;
/// The longest bar of clips is this high; below it stands the axis.
const TALLEST: f64 = 60.0;
const FLOOR: f64 = HEIGHT - 50.0;

/// The reliability diagram: for each bin of confidence the share of right answers, a point on the
/// diagonal where confidence and accuracy agree, and the number of clips as a bar below.
///
/// # Errors
/// [`Error::Empty`] without bins, [`Error::Picture`] when drawing fails.
pub fn reliability(bins: &[Bin]) -> Result<String> {
    if bins.is_empty() {
        return Err(Error::Empty {
            what: "predictions",
        });
    }
    let title = "Accuracy at each confidence";
    let most = bins.iter().map(|bin| bin.n).max().unwrap_or(1) as f64;
    let x = |share: f64| LEFT + (RIGHT - LEFT) * share;
    let y = |share: f64| BOTTOM - (BOTTOM - TOP) * share;
    let sentences: Vec<String> = bins
        .iter()
        .map(|bin| {
            let [confidence, accuracy] = [bin.confidence, bin.accuracy].map(|p| 100.0 * p);
            let n = bin.n;
            format!("Confidence {confidence:.0} %: {accuracy:.0} % right, {n} clips.")
        })
        .collect();
    let size = (WIDTH, HEIGHT);
    picture(
        "the reliability diagram",
        size,
        title,
        &sentences.join(" "),
        |canvas| {
            canvas.text(title, (LEFT, 20.0), Anchor::Left, bold(TITLE, INK))?;
            let above = (LEFT - 8.0, TOP - 18.0);
            canvas.text("accuracy", above, Anchor::Right, plain(TICK, MUTED))?;
            for step in 0..=5 {
                let share = f64::from(step) / 5.0;
                let text = format!("{} %", 20 * step);
                canvas.path(&[(LEFT, y(share)), (RIGHT, y(share))], GRID.into(), 0.5)?;
                let beside = (LEFT - 8.0, y(share));
                canvas.text(&text, beside, Anchor::Right, plain(TICK, MUTED))?;
                let below = (x(share), FLOOR + 14.0);
                canvas.text(&text, below, Anchor::Middle, plain(TICK, MUTED))?;
            }
            canvas.path(&[(x(0.0), y(0.0)), (x(1.0), y(1.0))], MUTED.into(), 1.0)?;
            let above = (x(0.04), y(0.92));
            canvas.text(
                "right more often than it says",
                above,
                Anchor::Left,
                plain(LABEL, MUTED),
            )?;
            let below = (x(0.97), y(0.08));
            canvas.text(
                "right less often than it says",
                below,
                Anchor::Right,
                plain(LABEL, MUTED),
            )?;
            let line: Vec<_> = bins
                .iter()
                .map(|bin| (x(bin.confidence), y(bin.accuracy)))
                .collect();
            canvas.path(&line, faint(BLUE, 0.5), 1.5)?;
            for (&point, bin) in line.iter().zip(bins) {
                // A bin of few clips says little: its point is small.
                let radius = 2.5 + 3.0 * (bin.n as f64 / most).sqrt();
                canvas.circle(point, radius, BLUE)?;
                let height = TALLEST * bin.n as f64 / most;
                let (left, right) = (x(bin.low) + 1.5, x(bin.high) - 1.5);
                let bar = (right - left, height);
                canvas.rect((left, FLOOR - height), bar, faint(BLUE, 0.45))?;
                let middle = ((left + right) / 2.0, FLOOR - height - 9.0);
                canvas.text(
                    &bin.n.to_string(),
                    middle,
                    Anchor::Middle,
                    plain(TICK, MUTED),
                )?;
            }
            canvas.path(&[(LEFT, FLOOR), (RIGHT, FLOOR)], MUTED.into(), 0.5)?;
            canvas.text(
                "clips",
                (LEFT - 8.0, FLOOR - 8.0),
                Anchor::Right,
                plain(TICK, MUTED),
            )?;
            let middle = ((LEFT + RIGHT) / 2.0, FLOOR + 36.0);
            canvas.text(
                "confidence of the answer",
                middle,
                Anchor::Middle,
                plain(LABEL, MUTED),
            )
        },
    )
}
