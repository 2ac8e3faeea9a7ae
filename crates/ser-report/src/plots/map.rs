//! The picture of clips as points in the plane.

use plotters::style::RGBColor;

use super::canvas::{Anchor, Canvas, Drawn, EDGE, Frame, GRID, LABEL, fit, widest};
use crate::error::{Error, Result};
use crate::report::Map;

const WIDTH: f64 = 720.0;
const TOP: f64 = 40.0;
const SIDE: f64 = WIDTH - 2.0 * EDGE;
const HIGH: f64 = 460.0;
/// Height of a line of the legend.
const LINE: f64 = 24.0;
const LONGEST_LABEL: f64 = 140.0;
/// Half the width of a marker.
const RADIUS: f64 = 5.0;

/// The colour of each class. All are of medium lightness, so that they stand out from light and dark backgrounds. The shape
/// distinguishes classes as well.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0x75, 0x7F, 0x8E),
    RGBColor(0x24, 0x78, 0xB8),
    RGBColor(0xA8, 0x78, 0x00),
    RGBColor(0x7B, 0x5C, 0xD6),
    RGBColor(0xD0, 0x48, 0x0A),
    RGBColor(0x12, 0x89, 0x7B),
    RGBColor(0x5E, 0x8C, 0x1A),
    RGBColor(0xC2, 0x56, 0x9B),
];

/// Draws the clips of a [`Map`], with a shape and a colour for each true class. The ninth class has those of the first.
/// The axes have no ticks, because the components have no unit.
///
/// # Errors
/// [`Error::Empty`] if there are no clips, [`Error::Picture`] if drawing fails.
pub fn map(labels: &[String], shown: &Map) -> Result<String> {
    let points = &shown.plane.points;
    let range = |axis: usize| {
        let values = points.iter().map(|point| point[axis]);
        let low = values.clone().fold(f64::MAX, f64::min);
        let high = values.fold(f64::MIN, f64::max);
        (low, (high - low).max(f64::MIN_POSITIVE))
    };
    if points.is_empty() {
        return Err(Error::Empty { what: "clips" });
    }
    let ranges = [range(0), range(1)];
    // Both axes have the same scale, because the map shows distances.
    let inner = [SIDE - 4.0 * RADIUS, HIGH - 4.0 * RADIUS];
    let scale = (inner[0] / ranges[0].1).min(inner[1] / ranges[1].1);
    let at = |point: &[f64; 2]| {
        let middle = |axis: usize| point[axis] - ranges[axis].0 - ranges[axis].1 / 2.0;
        let (x, y) = (scale * middle(0), scale * middle(1));
        (WIDTH / 2.0 + x, TOP + HIGH / 2.0 - y)
    };
    let counts: Vec<usize> = (0..labels.len())
        .map(|class| shown.truth.iter().filter(|&&truth| truth == class).count())
        .collect();
    let names: Vec<String> = labels
        .iter()
        .zip(&counts)
        .map(|(label, n)| format!("{} ({n})", fit(label, LABEL, LONGEST_LABEL)))
        .collect();
    let column = widest(&names) + 34.0;
    let columns = ((SIDE / column) as usize).clamp(1, labels.len().max(1));
    let legend = TOP + HIGH + 40.0;
    let lines = labels.len().div_ceil(columns) as f64;
    let title = "Test clips by their embeddings";
    let words = format!(
        "Two principal components with {:.0} and {:.0} % of the variance. Clips: {}.",
        100.0 * shown.plane.explained[0],
        100.0 * shown.plane.explained[1],
        names.join(", ")
    );
    let size = (WIDTH, legend + lines * LINE + EDGE);
    let frame = Frame {
        name: "the map",
        size,
        title,
        left: EDGE,
        description: &words,
    };
    frame.around(|canvas| {
        canvas.outline((EDGE, TOP), (SIDE, HIGH), GRID)?;
        for (point, &truth) in points.iter().zip(&shown.truth) {
            marker(canvas, truth, at(point))?;
        }
        let axes = format!(
            "first component, {:.0} % of the variance, to the right; second, {:.0} %, upwards",
            100.0 * shown.plane.explained[0],
            100.0 * shown.plane.explained[1]
        );
        let below = (WIDTH / 2.0, TOP + HIGH + 18.0);
        canvas.note(&axes, below, Anchor::Middle)?;
        for (class, name) in names.iter().enumerate() {
            let x = EDGE + 10.0 + column * (class % columns) as f64;
            let y = legend + LINE * (class / columns) as f64 + LINE / 2.0;
            marker(canvas, class, (x, y))?;
            canvas.label(name, (x + 14.0, y), Anchor::Left)?;
        }
        Ok(())
    })
}

fn marker(canvas: &Canvas<'_>, class: usize, (x, y): (f64, f64)) -> Drawn {
    let colour = COLOURS[class % COLOURS.len()];
    let shape = |corners: &[(f64, f64)]| {
        let corners: Vec<_> = corners
            .iter()
            .map(|(dx, dy)| (x + RADIUS * dx, y + RADIUS * dy))
            .collect();
        canvas.polygon(&corners, colour)
    };
    let stroke = |from: (f64, f64), to: (f64, f64)| {
        let ends = [from, to].map(|(dx, dy)| (x + RADIUS * dx, y + RADIUS * dy));
        canvas.path(&ends, colour.into(), 2.0)
    };
    match class % COLOURS.len() {
        0 => canvas.circle((x, y), RADIUS - 0.5, colour),
        1 => shape(&[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]),
        2 => shape(&[(0.0, -1.1), (1.1, 0.9), (-1.1, 0.9)]),
        3 => shape(&[(0.0, 1.1), (1.1, -0.9), (-1.1, -0.9)]),
        4 => stroke((-0.9, -0.9), (0.9, 0.9)).and_then(|()| stroke((-0.9, 0.9), (0.9, -0.9))),
        5 => shape(&[(0.0, -1.25), (0.95, 0.0), (0.0, 1.25), (-0.95, 0.0)]),
        6 => stroke((0.0, -1.1), (0.0, 1.1)).and_then(|()| stroke((-1.1, 0.0), (1.1, 0.0))),
        _ => canvas.ring((x, y), RADIUS - 0.5, colour),
    }
}
