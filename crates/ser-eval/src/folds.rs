//! The spread of a figure over splits, as published tables report it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::Confusion;
use crate::{Error, Predictions, Result};

/// Separates the name of a split from the number of a draw.
const DRAW: &str = "-draw-";

/// Returns the split name for predictions that are made several times for one split: `fold-1-draw-2` is the second draw
/// of enrolment clips in `fold-1`.
///
/// ```
/// let draw = ser_eval::draw_name("fold-1", 2);
/// assert_eq!(ser_eval::without_draw(&draw), "fold-1");
/// ```
#[must_use]
pub fn draw_name(split: &str, draw: u64) -> String {
    format!("{split}{DRAW}{draw}")
}

/// Returns the split to which a draw belongs, or the name itself if it is not a draw.
#[must_use]
pub fn without_draw(split: &str) -> &str {
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
    /// Computes mean and sample standard deviation; returns `None` without values.
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

/// The figures of the test part of one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    /// Name of the split.
    pub split: String,
    /// Number of test clips.
    pub n: usize,
    /// Number of speakers in the test part.
    pub speakers: usize,
    /// Share of clips that are predicted correctly.
    pub accuracy: f64,
    /// Unweighted average recall over the classes present in this test part.
    pub uar: f64,
}

/// The figures of each split, and their mean and spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldSummary {
    /// The splits, in the order of the predictions.
    pub folds: Vec<Fold>,
    /// Mean and spread of the accuracy over the splits.
    pub accuracy: MeanStd,
    /// Mean and spread of the UAR over the splits.
    pub uar: MeanStd,
}

impl FoldSummary {
    /// Computes the figures of each split, then mean and spread. If a split has several draws ([`draw_name`]), its
    /// figure is the mean over the draws.
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

    /// Returns the UAR of each split by name; for a split with several draws, the mean over the draws.
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
