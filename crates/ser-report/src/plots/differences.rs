//! The picture of differences between runs.

use ser_eval::{Difference, Pair};

use super::axes::ends;
use super::canvas::{
    Anchor, BLUE, EDGE, Frame, GRID, INK, LABEL, VERMILION, faint, fit_end, widest,
};
use crate::error::{Error, Result};
use crate::figures::points;

const TOP: f64 = 72.0;
const ROW: f64 = 46.0;
/// Length of the scale.
const SCALE: f64 = 420.0;
const RIGHT: f64 = 24.0;
const LONGEST_NAME: f64 = 150.0;

/// Draws the differences of UAR and accuracy of every pair as points with their intervals, on a scale that includes
/// zero.
///
/// # Errors
/// [`Error::Empty`] if there are no pairs, [`Error::Picture`] if drawing fails.
pub fn differences(pairs: &[Pair]) -> Result<String> {
    let title = "Difference in percentage points";
    let ends = |d: &Difference| ends(d.value, d.interval);
    let values = || {
        pairs
            .iter()
            .flat_map(|pair| [ends(&pair.uar), ends(&pair.accuracy)].concat())
    };
    if pairs.is_empty() {
        return Err(Error::Empty { what: "pairs" });
    }
    // The scale ends at multiples of 5 points, beyond everything that is drawn.
    let low = (values().fold(-0.01, f64::min) * 20.0).floor() as i32;
    let high = (values().fold(0.01, f64::max) * 20.0).ceil() as i32;
    let names: Vec<String> = pairs
        .iter()
        .map(|pair| {
            // Names that are shortened keep their ends, in which paths differ.
            let [first, second] =
                [&pair.first, &pair.second].map(|name| fit_end(name, LABEL, LONGEST_NAME));
            format!("{first} − {second}")
        })
        .collect();
    let left = EDGE + widest(&names) + 16.0;
    let bottom = TOP + ROW * pairs.len() as f64;
    let x = |value: f64| left + SCALE * (value * 20.0 - f64::from(low)) / f64::from(high - low);
    let sentences: Vec<String> = pairs
        .iter()
        .map(|pair| {
            format!(
                "{} − {}: UAR {}, accuracy {}.",
                pair.first,
                pair.second,
                points(pair.uar.value),
                points(pair.accuracy.value)
            )
        })
        .collect();
    let size = (left + SCALE + RIGHT, bottom + 34.0);
    let frame = Frame {
        name: "the differences",
        size,
        title,
        left: EDGE,
        description: &sentences.join(" "),
    };
    frame.around(|canvas| {
        canvas.circle((EDGE + 5.0, 46.0), 4.5, BLUE)?;
        canvas.note("UAR", (EDGE + 16.0, 46.0), Anchor::Left)?;
        canvas.rect((EDGE + 70.0, 42.0), (8.0, 8.0), VERMILION.into())?;
        canvas.note("accuracy", (EDGE + 85.0, 46.0), Anchor::Left)?;
        // At most ten ticks.
        let every = (high - low) / 10 + 1;
        for tick in (low..=high).filter(|tick| tick % every == 0) {
            let at = x(f64::from(tick) / 20.0);
            let colour = if tick == 0 { INK } else { GRID };
            canvas.path(
                &[(at, TOP - 8.0), (at, bottom)],
                colour.into(),
                if tick == 0 { 1.0 } else { 0.5 },
            )?;
            let text = if tick == 0 {
                "0".to_owned()
            } else {
                format!("{:+}", 5 * tick).replace('-', "−")
            };
            canvas.tick(&text, (at, bottom + 16.0), Anchor::Middle)?;
        }
        for (row, (pair, name)) in pairs.iter().zip(&names).enumerate() {
            let middle = TOP + ROW * (row as f64 + 0.5) - 4.0;
            canvas.label(name, (left - 14.0, middle), Anchor::Right)?;
            for (difference, y, colour) in [
                (&pair.uar, middle - 8.0, BLUE),
                (&pair.accuracy, middle + 8.0, VERMILION),
            ] {
                let [from, to] = ends(difference).map(x);
                canvas.rect((from, y - 1.0), (to - from, 2.0), faint(colour, 0.6))?;
                let at = x(difference.value);
                if colour == BLUE {
                    canvas.circle((at, y), 4.5, colour)?;
                } else {
                    canvas.rect((at - 4.0, y - 4.0), (8.0, 8.0), colour.into())?;
                }
            }
        }
        Ok(())
    })
}
