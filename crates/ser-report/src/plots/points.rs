//! The picture of a figure in several settings, with intervals.

use ser_eval::bootstrap::Interval;

use super::axes::{Axes, ends};
use super::canvas::{Anchor, BLUE, Frame, INK, TICK, faint, plain};
use crate::error::{Error, Result};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 340.0;
const AXES: Axes = Axes {
    left: 58.0,
    right: WIDTH - 24.0,
    top: 56.0,
    bottom: HEIGHT - 62.0,
};
/// Half the width of the caps of an interval.
const CAP: f64 = 5.0;

/// One point of [`points`].
pub(super) struct Point {
    /// The setting, as the axis shows it.
    pub(super) label: String,
    /// The figure as a fraction from 0 to 1.
    pub(super) value: f64,
    /// Its interval, if there is one.
    pub(super) interval: Option<Interval>,
}

/// Draws a figure in several settings as evenly spaced points on a line, with intervals. `title` names the
/// figure, `axis` the settings.
///
/// # Errors
/// [`Error::Empty`] if there is no finite value, [`Error::Picture`] if drawing fails.
pub(super) fn points(title: &str, axis: &str, points: &[Point]) -> Result<String> {
    let ends = |p: &Point| ends(p.value, p.interval);
    let values = || points.iter().flat_map(ends).filter(|v| v.is_finite());
    if values().next().is_none() {
        return Err(Error::Empty { what: "points" });
    }
    // The scale ends at multiples of 10 %, beyond everything that is drawn, and never above 100 %.
    let low = ((values().fold(1.0, f64::min) * 10.0).floor() / 10.0).min(0.9);
    let high = (values().fold(0.0, f64::max) * 10.0).ceil() / 10.0;
    let high = high.max(low + 0.1);
    let x = |i: usize| AXES.x((i as f64 + 0.5) / points.len() as f64);
    let y = |value: f64| AXES.y((value - low) / (high - low));
    let sentences: Vec<String> = points
        .iter()
        .map(|p| format!("{}: {:.1} %.", p.label, 100.0 * p.value))
        .collect();
    let frame = Frame {
        name: "the points",
        size: (WIDTH, HEIGHT),
        title,
        left: AXES.left,
        description: &sentences.join(" "),
    };
    frame.around(|canvas| {
        for step in 0..=((high - low) * 10.0).round() as u32 {
            let value = low + f64::from(step) / 10.0;
            AXES.line_across(canvas, y(value), &format!("{:.0} %", 100.0 * value))?;
        }
        let line: Vec<_> = points
            .iter()
            .enumerate()
            .map(|(i, p)| (x(i), y(p.value)))
            .collect();
        canvas.path(&line, faint(BLUE, 0.5), 1.5)?;
        for (i, p) in points.iter().enumerate() {
            if let Some(Interval { low, high }) = p.interval {
                canvas.path(&[(x(i), y(low)), (x(i), y(high))], faint(BLUE, 1.0), 1.0)?;
                for end in [low, high] {
                    let ends = [(x(i) - CAP, y(end)), (x(i) + CAP, y(end))];
                    canvas.path(&ends, faint(BLUE, 1.0), 1.0)?;
                }
            }
            canvas.circle((x(i), y(p.value)), 4.0, BLUE)?;
            let text = format!("{:.1}", 100.0 * p.value);
            // The text stands on the side of the point where the line to the next point does not run.
            let rises = points.get(i + 1).is_some_and(|next| next.value > p.value);
            let beside = (x(i) + 9.0, y(p.value) + if rises { 11.0 } else { -10.0 });
            canvas.text(&text, beside, Anchor::Left, plain(TICK, INK))?;
            let below = (x(i), AXES.bottom + 16.0);
            canvas.tick(&p.label, below, Anchor::Middle)?;
        }
        let middle = (AXES.middle(), AXES.bottom + 42.0);
        canvas.note(axis, middle, Anchor::Middle)
    })
}
