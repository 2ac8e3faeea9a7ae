//! The picture of training curves over epochs.

use std::collections::BTreeMap;

use plotters::style::RGBColor;
use ser_eval::{Epoch, NamedHistory};

use super::axes::{Axes, multiples, step};
use super::canvas::{
    Anchor, BLUE, Canvas, Drawn, Frame, INK, LABEL, MUTED, VERMILION, bold, faint, text_width,
};
use crate::error::{Error, Result};

/// The figure that a training curve shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// Share of the clips that are classified correctly.
    Accuracy,
    /// Unweighted average recall.
    Uar,
    /// Mean loss per clip.
    Loss,
}

impl Curve {
    fn title(self) -> &'static str {
        match self {
            Self::Accuracy => "Accuracy over epochs",
            Self::Uar => "Unweighted average recall over epochs",
            Self::Loss => "Loss over epochs",
        }
    }

    /// Returns the training and the validation value of an epoch, in the units of the picture.
    fn values(self, epoch: &Epoch) -> (f64, f64) {
        match self {
            Self::Accuracy => (
                100.0 * epoch.train_accuracy,
                100.0 * epoch.validation_accuracy,
            ),
            Self::Uar => (100.0 * epoch.train_uar, 100.0 * epoch.validation_uar),
            Self::Loss => (epoch.train_loss, epoch.validation_loss),
        }
    }

    /// Formats a value on the axis, with as many digits as the distance of the ticks needs.
    fn tick(self, value: f64, step: f64) -> String {
        match self {
            Self::Accuracy | Self::Uar => format!("{value:.0} %"),
            Self::Loss if !(1e-4..1e5).contains(&step) => format!("{value:.0e}"),
            Self::Loss => {
                let decimals = (-step.log10().floor()).max(0.0) as usize;
                format!("{value:.decimals$}")
            }
        }
    }

    fn format(self, value: f64) -> String {
        match self {
            Self::Accuracy | Self::Uar => format!("{value:.1} %"),
            Self::Loss => format!("{value:.3}"),
        }
    }
}

/// Epochs with their values.
type Points = Vec<(u32, f64)>;

/// The lines of one training.
#[derive(Default)]
struct Lines {
    train: Points,
    validation: Points,
    /// The validation value at the kept epoch.
    best: Option<(u32, f64)>,
}

impl Lines {
    fn of(named: &NamedHistory, curve: Curve) -> Self {
        let mut lines = Self::default();
        for epoch in &named.history.epochs {
            let (train, validation) = curve.values(epoch);
            if drawable(train) {
                lines.train.push((epoch.epoch, train));
            }
            if drawable(validation) {
                lines.validation.push((epoch.epoch, validation));
                if named.history.best == Some(epoch.epoch) {
                    lines.best = Some((epoch.epoch, validation));
                }
            }
        }
        lines
    }
}

/// Returns whether an axis can show a value, which is not so for those of a diverged training.
fn drawable(value: f64) -> bool {
    value.abs() < 1e30
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 380.0;
const AXES: Axes = Axes {
    left: 58.0,
    right: WIDTH - 24.0,
    top: 68.0,
    bottom: HEIGHT - 50.0,
};

/// Draws training and validation curves over epochs, and marks the kept epochs.
///
/// With one history there are two lines. With several there is a thin line per split and a strong one for their mean,
/// which ends at the last epoch of the shortest training, because a mean over the longer ones alone would mislead.
///
/// # Errors
/// [`Error::Empty`] if there is no finite value, [`Error::Picture`] if drawing fails.
pub fn curves(histories: &[NamedHistory], curve: Curve) -> Result<String> {
    let all: Vec<_> = histories
        .iter()
        .map(|named| Lines::of(named, curve))
        .collect();
    let limits = Limits::around(&all, curve)?;
    let description = description(histories, &all, curve);
    let frame = Frame {
        name: "the training curves",
        size: (WIDTH, HEIGHT),
        title: curve.title(),
        left: AXES.left,
        description: &description,
    };
    frame.around(|canvas| {
        legend(canvas, all.len())?;
        limits.draw(canvas, curve)?;

        let line = |points: &Points, colour: RGBColor, opacity: f64, width: f64| {
            let points: Vec<_> = points.iter().map(|&point| limits.at(point)).collect();
            canvas.path(&points, faint(colour, opacity), width)
        };
        let several = all.len() > 1;
        for lines in &all {
            let (opacity, width) = if several { (0.5, 1.0) } else { (1.0, 2.0) };
            line(&lines.train, VERMILION, opacity, width)?;
            line(&lines.validation, BLUE, opacity, width)?;
        }
        if several {
            line(
                &mean(all.iter().map(|lines| &lines.train)),
                VERMILION,
                1.0,
                2.5,
            )?;
            line(
                &mean(all.iter().map(|lines| &lines.validation)),
                BLUE,
                1.0,
                2.5,
            )?;
        }
        for best in all.iter().filter_map(|lines| lines.best) {
            canvas.circle(limits.at(best), if several { 3.0 } else { 5.0 }, BLUE)?;
        }
        if let [only] = &all[..]
            && let Some(best) = only.best
        {
            mark(canvas, curve, best, limits.at(best).0)?;
        }
        Ok(())
    })
}

/// The values at the edges of the chart.
struct Limits {
    first: u32,
    last: u32,
    low: f64,
    high: f64,
}

impl Limits {
    fn around(all: &[Lines], curve: Curve) -> Result<Self> {
        let points = || {
            all.iter()
                .flat_map(|lines| lines.train.iter().chain(&lines.validation))
        };
        let empty = || Error::Empty {
            what: "finite values in the training history",
        };
        let first = points().map(|point| point.0).min().ok_or_else(empty)?;
        let last = points().map(|point| point.0).max().ok_or_else(empty)?;
        // A single epoch needs an axis of some length, too.
        let last = last.max(first.saturating_add(1));
        let first = first.min(last - 1);
        let (low, high) = match curve {
            Curve::Accuracy | Curve::Uar => (0.0, 100.0),
            Curve::Loss => {
                let low = points().map(|point| point.1).fold(0.0, f64::min);
                let high = points().map(|point| point.1).fold(1e-6, f64::max);
                (low, high + 0.05 * (high - low))
            }
        };
        Ok(Self {
            first,
            last,
            low,
            high,
        })
    }

    fn at(&self, (epoch, value): (u32, f64)) -> (f64, f64) {
        let x = f64::from(epoch - self.first) / f64::from(self.last - self.first);
        let y = (value - self.low) / (self.high - self.low);
        (AXES.x(x), AXES.y(y))
    }

    fn draw(&self, canvas: &Canvas<'_>, curve: Curve) -> Drawn {
        let values = step(self.high - self.low, 6);
        for value in multiples(values, self.low, self.high) {
            let (_, y) = self.at((self.first, value));
            AXES.line_across(canvas, y, &curve.tick(value, values))?;
        }
        let (first, last) = (f64::from(self.first), f64::from(self.last));
        let epochs = step(last - first, 10).max(1.0);
        for epoch in multiples(epochs, first, last) {
            let (x, _) = self.at((epoch as u32, self.low));
            AXES.tick_below(canvas, x, &format!("{epoch:.0}"))?;
        }
        AXES.ground(canvas)?;
        canvas.note("epoch", (AXES.middle(), HEIGHT - 12.0), Anchor::Middle)
    }
}

/// Writes the kept epoch beside its line, on the side that has room.
fn mark(canvas: &Canvas<'_>, curve: Curve, best: (u32, f64), x: f64) -> Drawn {
    let text = format!("kept: epoch {}, {}", best.0, curve.format(best.1));
    canvas.path(&[(x, AXES.top), (x, AXES.bottom)], MUTED.into(), 0.5)?;
    let (at, anchor) = if x + 10.0 + text_width(&text, LABEL) < AXES.right {
        (x + 10.0, Anchor::Left)
    } else {
        (x - 10.0, Anchor::Right)
    };
    // Accuracies rise and losses fall, so the opposite end of the chart is free.
    let y = if curve == Curve::Loss {
        AXES.top + 14.0
    } else {
        AXES.bottom - 18.0
    };
    canvas.text(&text, (at, y), anchor, bold(LABEL, INK))
}

fn legend(canvas: &Canvas<'_>, histories: usize) -> Drawn {
    let several = histories > 1;
    let mean = |name: &str| {
        if several {
            format!("{name}, mean of {histories}")
        } else {
            name.to_owned()
        }
    };
    let y = 46.0;
    let mut x = AXES.left;
    for (name, colour) in [(mean("validation"), BLUE), (mean("training"), VERMILION)] {
        canvas.path(&[(x, y), (x + 26.0, y)], colour.into(), 2.5)?;
        canvas.note(&name, (x + 33.0, y), Anchor::Left)?;
        x += 33.0 + text_width(&name, LABEL) + 18.0;
    }
    canvas.circle((x + 5.0, y), if several { 3.0 } else { 5.0 }, BLUE)?;
    let kept = if several {
        "kept epoch of each split"
    } else {
        "kept epoch"
    };
    canvas.note(kept, (x + 15.0, y), Anchor::Left)
}

/// Returns the mean over the trainings, for the epochs that all of them have.
fn mean<'a>(all: impl Iterator<Item = &'a Points>) -> Points {
    let mut epochs: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    let mut trainings = 0;
    for points in all {
        trainings += 1;
        for &(epoch, value) in points {
            epochs.entry(epoch).or_default().push(value);
        }
    }
    epochs
        .into_iter()
        .filter(|(_, values)| values.len() == trainings)
        .map(|(epoch, values)| (epoch, values.iter().sum::<f64>() / trainings as f64))
        .collect()
}

fn description(histories: &[NamedHistory], all: &[Lines], curve: Curve) -> String {
    let sentences = histories.iter().zip(all).map(|(named, lines)| {
        let end = |points: &Points| {
            points
                .last()
                .map_or_else(|| "none".to_owned(), |last| curve.format(last.1))
        };
        let mut sentence = format!(
            "{}: {} epochs, at the end training {}, validation {}",
            named.name,
            named.history.epochs.len(),
            end(&lines.train),
            end(&lines.validation),
        );
        if let Some((epoch, best)) = lines.best {
            sentence += &format!("; kept epoch {epoch} with {}", curve.format(best));
        }
        sentence + "."
    });
    sentences.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Curve, mean};

    #[test]
    fn ticks_have_the_digits_that_their_distance_needs() {
        assert_eq!(Curve::Loss.tick(0.25, 0.05), "0.25");
        assert_eq!(Curve::Loss.tick(20.0, 5.0), "20");
        assert_eq!(Curve::Accuracy.tick(20.0, 20.0), "20 %");
    }

    #[test]
    fn the_mean_ends_where_the_first_training_stopped() {
        let long = vec![(1, 1.0), (2, 2.0), (3, 3.0)];
        let short = vec![(1, 3.0), (2, 4.0)];
        assert_eq!(mean([&long, &short].into_iter()), [(1, 2.0), (2, 3.0)]);
    }
}
