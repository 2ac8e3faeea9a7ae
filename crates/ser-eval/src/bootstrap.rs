//! Confidence intervals that resample speakers.
//!
//! Clips of one actor are correlated: a voice that the model recognises well raises the accuracy of all its clips. The
//! usual bootstrap over clips treats 1440 clips of 24 actors as 1440 independent draws, and reports an interval that is
//! far too narrow for the question "how well would this work for new people?". Here a resample draws *speakers* with
//! replacement and takes all clips of each (the cluster bootstrap; Field & Welsh 2007, *J. R. Stat. Soc. B* 69(3)). The
//! interval is the range between two percentiles of the resampled figure.
//!
//! The interval covers the choice of test speakers. It does not cover the randomness of training (seeds, choice of
//! training speakers); the spread over splits in [`crate::FoldSummary`] has both.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::metrics::Confusion;
use crate::predictions::{Prediction, Predictions};

/// Number of resamples.
pub const RESAMPLES: usize = 1000;
/// Share of the resamples that lie inside the interval.
pub const LEVEL: f64 = 0.95;
/// Smallest number of speakers for an interval. Percentile intervals over few speakers are too narrow: over this number about 88 % of
/// them hold the true figure (`tests/bootstrap.rs`), and over fewer still less.
pub const FEWEST_SPEAKERS: usize = 6;
/// Seed of the resampling, so that the same predictions give the same interval everywhere.
pub(crate) const SEED: u64 = 1;

/// A percentile interval at [`LEVEL`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The figure for which to compute an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// Share of clips that are predicted correctly.
    Accuracy,
    /// Unweighted average recall over the classes present in the resample.
    Uar,
}

impl Statistic {
    /// Returns the figure of a confusion matrix, or `None` without clips.
    pub(crate) fn of(self, confusion: &Confusion) -> Option<f64> {
        match self {
            Self::Accuracy => confusion.accuracy(),
            Self::Uar => confusion.uar(),
        }
    }
}

/// Returns the interval of a figure over all predictions by resampling speakers, or `None` with fewer than
/// [`FEWEST_SPEAKERS`], which say too little about other people.
#[must_use]
pub fn interval(predictions: &Predictions, statistic: Statistic) -> Option<Interval> {
    interval_of(predictions.labels().len(), predictions.rows(), statistic)
}

/// Returns [`interval`] over some of the rows.
pub(crate) fn interval_of<'a>(
    classes: usize,
    rows: impl IntoIterator<Item = &'a Prediction>,
    statistic: Statistic,
) -> Option<Interval> {
    // The figures depend on the clips only through the confusion matrix, so a resample is the sum of the speakers'
    // matrices.
    let speakers: Vec<Confusion> = by_speaker(rows)
        .into_values()
        .map(|rows| Confusion::count(classes, rows))
        .collect();
    interval_over(&[speakers.len()], |drawn| {
        let mut resample = Confusion::zeros(classes);
        for &speaker in drawn {
            resample.add(&speakers[speaker]);
        }
        statistic.of(&resample)
    })
}

/// Groups rows by speaker, in the order of the speakers' names.
pub(crate) fn by_speaker<'a>(
    rows: impl IntoIterator<Item = &'a Prediction>,
) -> BTreeMap<&'a str, Vec<&'a Prediction>> {
    let mut speakers: BTreeMap<&str, Vec<&Prediction>> = BTreeMap::new();
    for row in rows {
        speakers.entry(&row.speaker).or_default().push(row);
    }
    speakers
}

/// Returns the interval of a figure by drawing speakers with replacement, as many as there are. `strata` holds the numbers of
/// speakers of groups that are drawn from separately; their speakers are numbered one group after the other. `figure` gets the
/// indices of the drawn speakers. Returns `None` with fewer than [`FEWEST_SPEAKERS`], or if no resample has the figure.
pub(crate) fn interval_over(
    strata: &[usize],
    mut figure: impl FnMut(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    if strata.iter().sum::<usize>() < FEWEST_SPEAKERS {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut figures = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let (mut drawn, mut first) = (Vec::new(), 0);
        for &speakers in strata {
            let draw = |_| first + rng.random_range(0..speakers);
            drawn.extend((0..speakers).map(draw));
            first += speakers;
        }
        figures.extend(figure(&drawn));
    }
    if figures.is_empty() {
        return None;
    }
    figures.sort_by(f64::total_cmp);
    let tail = (1.0 - LEVEL) / 2.0;
    Some(Interval {
        low: quantile(&figures, tail),
        high: quantile(&figures, 1.0 - tail),
    })
}

/// Returns a quantile of sorted, non-empty values, with linear interpolation between neighbours (numpy's default).
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}
