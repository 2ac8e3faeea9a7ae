//! The axes of a chart: where a value lies, lines of the grid, and ticks.

use ser_eval::bootstrap::Interval;

use super::canvas::{Anchor, Canvas, Drawn, GRID, MUTED};

/// The rectangle that the axes span, in CSS pixels.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Axes {
    /// Where a share of the width lies, from the left.
    pub(super) fn x(&self, share: f64) -> f64 {
        self.left + (self.right - self.left) * share
    }

    /// Where a share of the height lies, from the bottom.
    pub(super) fn y(&self, share: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * share
    }

    /// The middle of the width, where the horizontal axis has its name.
    pub(super) fn middle(&self) -> f64 {
        (self.left + self.right) / 2.0
    }

    /// The horizontal axis itself.
    pub(super) fn ground(&self, canvas: &Canvas<'_>) -> Drawn {
        let ends = [(self.left, self.bottom), (self.right, self.bottom)];
        canvas.path(&ends, MUTED.into(), 0.5)
    }

    /// A line of the grid from left to right, with its value before it.
    pub(super) fn line_across(&self, canvas: &Canvas<'_>, y: f64, value: &str) -> Drawn {
        canvas.path(&[(self.left, y), (self.right, y)], GRID.into(), 0.5)?;
        canvas.tick(value, (self.left - 8.0, y), Anchor::Right)
    }

    /// A line of the grid from top to bottom, with its value below it.
    pub(super) fn line_up(&self, canvas: &Canvas<'_>, x: f64, value: &str) -> Drawn {
        canvas.path(&[(x, self.top), (x, self.bottom)], GRID.into(), 0.5)?;
        canvas.tick(value, (x, self.bottom + 14.0), Anchor::Middle)
    }

    /// A short stroke on the horizontal axis, with its value below it.
    pub(super) fn tick_below(&self, canvas: &Canvas<'_>, x: f64, value: &str) -> Drawn {
        let stroke = [(x, self.bottom), (x, self.bottom + 5.0)];
        canvas.path(&stroke, MUTED.into(), 0.5)?;
        canvas.tick(value, (x, self.bottom + 15.0), Anchor::Middle)
    }
}

/// The lowest and the highest place that a value and its interval take.
pub(super) fn ends(value: f64, interval: Option<Interval>) -> [f64; 2] {
    match interval {
        Some(Interval { low, high }) => [low.min(value), high.max(value)],
        None => [value, value],
    }
}

/// A distance of 1, 2 or 5 times a power of ten that cuts `range` into at most `parts` parts.
pub(super) fn step(range: f64, parts: u32) -> f64 {
    let smallest = range / f64::from(parts);
    let power = 10_f64.powf(smallest.log10().floor());
    let fits = |factor: &f64| factor * power >= smallest * (1.0 - 1e-9);
    power * [1.0, 2.0, 5.0].into_iter().find(fits).unwrap_or(10.0)
}

/// The multiples of `step` from `low` to `high`.
pub(super) fn multiples(step: f64, low: f64, high: f64) -> impl Iterator<Item = f64> {
    let (first, last) = (
        (low / step).ceil() as i64,
        (high / step + 1e-9).floor() as i64,
    );
    (first..=last).map(move |multiple| multiple as f64 * step)
}

#[cfg(test)]
mod tests {
    use super::{multiples, step};

    #[test]
    fn ticks_are_round_and_few() {
        for (range, parts, expected) in [(100.0, 6, 20.0), (2.6, 6, 0.5), (60.0, 10, 10.0)] {
            let found = step(range, parts);
            assert!((found - expected).abs() < 1e-12, "{found} for {range}");
        }
        let ticks: Vec<_> = multiples(0.5, 0.0, 2.6).collect();
        assert_eq!(ticks, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
    }
}
