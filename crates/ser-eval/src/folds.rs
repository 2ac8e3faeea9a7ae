//! The spread of a figure over splits, as published tables give it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::Confusion;
use crate::{Error, Predictions, Result};

/// Stands between the name of a split and the number of a draw.
const DRAW: &str = "-draw-";

/// The name of a split in predictions where the same split is asked several times: `fold-1-draw-2` is the
/// second draw of enrolment clips in `fold-1`.
#[must_use]
pub fn draw_name(split: &str, draw: u64) -> String {
    format!("{split}{DRAW}{draw}")
}

/// The split that a draw is of, or the split itself.
fn without_draw(split: &str) -> &str {
    split.rsplit_once(DRAW).map_or(split, |(split, _)| split)
}

/// Mean and sample standard deviation of a figure over splits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanStd {
    /// Mean over the splits.
    pub mean: f64,
    /// Sample standard deviation (divisor `n - 1`); `None` for a single split.
    pub std: Option<f64>,
}

impl MeanStd {
    /// Mean and sample standard deviation; `None` without values.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        Some(Self { mean, std })
    }
}

/// The figures of one split's test part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    /// Name of the split.
    pub split: String,
    /// Number of test clips.
    pub n: usize,
    /// Number of speakers in the test part.
    pub speakers: usize,
    /// Share of clips predicted right.
    pub accuracy: f64,
    /// Unweighted average recall over the classes present in this test part.
    pub uar: f64,
}

/// The figures of every split, and their spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldSummary {
    /// The splits, in the order of the predictions.
    pub folds: Vec<Fold>,
    /// Accuracy over the splits.
    pub accuracy: MeanStd,
    /// UAR over the splits.
    pub uar: MeanStd,
}

impl FoldSummary {
    /// Computes the figures of each split separately, then mean and spread. Where a split was asked
    /// several times ([`draw_name`]), the mean of its draws is its figure.
    ///
    /// # Errors
    /// [`Error::Empty`] without predictions.
    pub fn compute(predictions: &Predictions) -> Result<Self> {
        let empty = || Error::Empty {
            what: "predictions",
        };
        let classes = predictions.labels().len();
        let mut folds = Vec::new();
        for split in predictions.splits() {
            let rows: Vec<_> = predictions
                .rows()
                .iter()
                .filter(|row| row.split == split)
                .collect();
            let confusion = Confusion::count(classes, rows.iter().copied());
            folds.push(Fold {
                split: split.to_owned(),
                n: rows.len(),
                speakers: crate::groups::speakers(&rows),
                accuracy: confusion.accuracy().ok_or_else(empty)?,
                uar: confusion.uar().ok_or_else(empty)?,
            });
        }
        let over = |figure: fn(&Fold) -> f64| {
            let figures: Vec<f64> = of_splits(&folds, figure).into_values().collect();
            MeanStd::of(&figures).ok_or_else(empty)
        };
        Ok(Self {
            accuracy: over(|fold| fold.accuracy)?,
            uar: over(|fold| fold.uar)?,
            folds,
        })
    }

    /// The UAR of each split by its name, of one that was asked several times the mean of its draws.
    #[must_use]
    pub fn uar_of_splits(&self) -> BTreeMap<&str, f64> {
        of_splits(&self.folds, |fold| fold.uar)
    }
}

fn of_splits(folds: &[Fold], figure: fn(&Fold) -> f64) -> BTreeMap<&str, f64> {
    let mut draws: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for fold in folds {
        let split = without_draw(&fold.split);
        draws.entry(split).or_default().push(figure(fold));
    }
    let mean = |draws: Vec<f64>| draws.iter().sum::<f64>() / draws.len() as f64;
    draws
        .into_iter()
        .map(|(split, draws)| (split, mean(draws)))
        .collect()
}
