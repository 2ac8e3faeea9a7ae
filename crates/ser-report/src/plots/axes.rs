//! The axes of a chart: positions of values, grid lines and ticks.

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
    /// Returns the x position of a share of the width, counted from the left.
    pub(super) fn x(&self, share: f64) -> f64 {
        self.left + (self.right - self.left) * share
    }

    /// Returns the y position of a share of the height, counted from the bottom.
    pub(super) fn y(&self, share: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * share
    }

    /// Returns the middle of the width, where the name of the horizontal axis stands.
    pub(super) fn middle(&self) -> f64 {
        (self.left + self.right) / 2.0
    }

    /// Draws the horizontal axis.
    pub(super) fn ground(&self, canvas: &Canvas<'_>) -> Drawn {
        let ends = [(self.left, self.bottom), (self.right, self.bottom)];
        canvas.path(&ends, MUTED.into(), 0.5)
    }

    /// Draws a horizontal grid line, with its value to the left.
    pub(super) fn line_across(&self, canvas: &Canvas<'_>, y: f64, value: &str) -> Drawn {
        canvas.path(&[(self.left, y), (self.right, y)], GRID.into(), 0.5)?;
        canvas.tick(value, (self.left - 8.0, y), Anchor::Right)
    }

    /// Draws a vertical grid line, with its value below.
    pub(super) fn line_up(&self, canvas: &Canvas<'_>, x: f64, value: &str) -> Drawn {
        canvas.path(&[(x, self.top), (x, self.bottom)], GRID.into(), 0.5)?;
        canvas.tick(value, (x, self.bottom + 14.0), Anchor::Middle)
    }

    /// Draws a tick on the horizontal axis, with its value below.
    pub(super) fn tick_below(&self, canvas: &Canvas<'_>, x: f64, value: &str) -> Drawn {
        let stroke = [(x, self.bottom), (x, self.bottom + 5.0)];
        canvas.path(&stroke, MUTED.into(), 0.5)?;
        canvas.tick(value, (x, self.bottom + 15.0), Anchor::Middle)
    }
}

/// Returns the lowest and the highest of a value and the ends of its interval.
pub(super) fn ends(value: f64, interval: Option<Interval>) -> [f64; 2] {
    match interval {
        Some(Interval { low, high }) => [low.min(value), high.max(value)],
        None => [value, value],
    }
}

/// Returns a distance of 1, 2 or 5 times a power of ten that divides `range` into at most `parts` parts.
pub(super) fn step(range: f64, parts: u32) -> f64 {
    let smallest = range / f64::from(parts);
    let power = 10_f64.powf(smallest.log10().floor());
    let fits = |factor: &f64| factor * power >= smallest * (1.0 - 1e-9);
    power * [1.0, 2.0, 5.0].into_iter().find(fits).unwrap_or(10.0)
}

/// Iterates over the multiples of `step` from `low` to `high`.
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
