//! The figures of a set of predictions, with the conventions of scikit-learn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calibration::{calibration_error, reliability};
use crate::predictions::{Prediction, Predictions};
use crate::{Error, Result};

/// Returns the share of clips whose predicted class is the true one.
///
/// # Errors
/// [`Error::Lengths`] for slices of different lengths, [`Error::Empty`] for empty ones.
pub fn accuracy(truth: &[usize], predicted: &[usize]) -> Result<f64> {
    check_slices(truth, predicted)?;
    let hits = truth.iter().zip(predicted).filter(|(t, p)| t == p).count();
    Ok(ratio(hits, truth.len()))
}

/// Returns the unweighted average recall: the mean, over the classes present in `truth`, of the share of that class's
/// clips that are predicted correctly. Equal to scikit-learn's `balanced_accuracy_score`.
///
/// # Errors
/// [`Error::Lengths`] for slices of different lengths, [`Error::Empty`] for empty ones.
pub fn uar(truth: &[usize], predicted: &[usize]) -> Result<f64> {
    check_slices(truth, predicted)?;
    let mut classes: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (&t, &p) in truth.iter().zip(predicted) {
        let (hits, support) = classes.entry(t).or_default();
        *hits += usize::from(t == p);
        *support += 1;
    }
    mean_recall(classes.into_values()).ok_or(Error::Empty {
        what: "predictions",
    })
}

fn check_slices(truth: &[usize], predicted: &[usize]) -> Result<()> {
    if truth.len() != predicted.len() {
        return Err(Error::Lengths {
            truth: truth.len(),
            predicted: predicted.len(),
        });
    }
    if truth.is_empty() {
        return Err(Error::Empty {
            what: "predictions",
        });
    }
    Ok(())
}

/// Returns the mean recall over `(hits, support)` of the classes that have support.
pub(crate) fn mean_recall(classes: impl Iterator<Item = (usize, usize)>) -> Option<f64> {
    let (mut sum, mut present) = (0.0, 0);
    for (hits, support) in classes.filter(|(_, support)| *support > 0) {
        sum += ratio(hits, support);
        present += 1;
    }
    (present > 0).then(|| sum / f64::from(present))
}

/// Returns `part / whole`, or 0 if the whole is 0 (scikit-learn's `zero_division=0`).
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// A confusion matrix, `[truth][predicted]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// Number of clips of the class of the *row* that were predicted as the class of the *column*. Shape
    /// `[classes, classes]`.
    pub counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// Creates a matrix of zeros.
    pub(crate) fn zeros(classes: usize) -> Self {
        Self {
            counts: vec![vec![0; classes]; classes],
        }
    }

    /// Counts the given rows, whose classes must be below `classes`.
    pub(crate) fn count<'a>(
        classes: usize,
        rows: impl IntoIterator<Item = &'a Prediction>,
    ) -> Self {
        let mut confusion = Self::zeros(classes);
        for row in rows {
            confusion.counts[row.truth][row.predicted()] += 1;
        }
        confusion
    }

    /// Adds another matrix of the same size.
    pub(crate) fn add(&mut self, other: &Self) {
        for (row, more) in self.counts.iter_mut().zip(&other.counts) {
            for (cell, more) in row.iter_mut().zip(more) {
                *cell += more;
            }
        }
    }

    /// Returns the number of clips.
    pub(crate) fn n(&self) -> usize {
        self.counts.iter().flatten().sum()
    }

    /// Returns the number of clips of a true class.
    pub(crate) fn support(&self, class: usize) -> usize {
        self.counts[class].iter().sum()
    }

    /// Returns the number of clips that were predicted as a class.
    pub(crate) fn predicted(&self, class: usize) -> usize {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// Returns the share of clips on the diagonal, or `None` without clips.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        let hits: usize = (0..self.counts.len())
            .map(|class| self.counts[class][class])
            .sum();
        let n = self.n();
        (n > 0).then(|| ratio(hits, n))
    }

    /// Returns the mean recall over the classes that have clips, or `None` without clips.
    pub(crate) fn uar(&self) -> Option<f64> {
        mean_recall(
            (0..self.counts.len()).map(|class| (self.counts[class][class], self.support(class))),
        )
    }

    /// Returns each row divided by its sum: the share of a true class that was predicted as each class. A class without
    /// clips has a row of zeros. Shape `[classes, classes]`.
    pub(crate) fn row_normalised(&self) -> Vec<Vec<f64>> {
        let shares = |row: &Vec<usize>| {
            let support = row.iter().sum();
            row.iter().map(|&count| ratio(count, support)).collect()
        };
        self.counts.iter().map(shares).collect()
    }
}

/// The figures of one class against all others. A ratio with a zero denominator is 0;
/// [`precision_defined`](Self::precision_defined) and [`recall_defined`](Self::recall_defined) distinguish such a 0
/// from a measured one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Name of the class.
    pub label: String,
    /// Share of the clips predicted as this class that belong to it.
    pub precision: f64,
    /// Share of the clips of this class that are predicted correctly.
    pub recall: f64,
    /// Harmonic mean of precision and recall: `2 TP / (2 TP + FP + FN)`.
    pub f1: f64,
    /// Number of clips of this class.
    pub support: usize,
    /// Number of clips that were predicted as this class.
    pub predicted: usize,
    /// False if no clip was predicted as this class.
    pub precision_defined: bool,
    /// False if there is no clip of this class.
    pub recall_defined: bool,
}

/// All figures of one set of predictions. Ratios are fractions from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of clips.
    pub n: usize,
    /// The class labels, in the order of every per-class field.
    pub labels: Vec<String>,
    /// Share of clips that are predicted correctly.
    pub accuracy: f64,
    /// Unweighted average recall over the classes present in the truth.
    pub uar: f64,
    /// Mean F1 over the classes present in truth or prediction, as scikit-learn's `f1_score(average="macro")`.
    pub macro_f1: f64,
    /// Accuracy of always predicting the most frequent class of these clips.
    pub chance_accuracy: f64,
    /// UAR of always predicting one of the classes present: one divided by their number.
    pub chance_uar: f64,
    /// Precision, recall, F1 and support of each class.
    pub classes: Vec<ClassMetrics>,
    /// Number of clips, `[truth][predicted]`.
    pub confusion: Confusion,
    /// The same divided by the row sums, `[truth][predicted]`.
    pub confusion_rows: Vec<Vec<f64>>,
    /// Mean of `-ln p(true class)` in nats. Probabilities are clipped to `f32::EPSILON` from 0 and 1, as scikit-learn
    /// does for `f32`.
    pub log_loss: f64,
    /// Multi-class Brier score: mean of `sum_k (p_k - y_k)^2`, from 0 (perfect) to 2.
    pub brier: f64,
    /// Expected calibration error: over 15 confidence bins of equal width, the mean distance between confidence and
    /// accuracy, weighted by the number of clips in the bin (Guo et al. 2017).
    pub calibration_error: f64,
}

impl Metrics {
    /// Computes all figures.
    ///
    /// ```
    /// # use ser_eval::{Metrics, Prediction, Predictions};
    /// # fn row(clip: &str, truth: usize, p: [f32; 2]) -> Prediction {
    /// #     Prediction {
    /// #         clip: clip.into(), speaker: "01".into(), truth, probabilities: p.to_vec(),
    /// #         split: "test".into(), gender: None, intensity: None, statement: None, attributes: Default::default(),
    /// #     }
    /// # }
    /// let labels = vec!["calm".to_owned(), "angry".to_owned()];
    /// let rows = vec![
    ///     row("a.wav", 0, [0.9, 0.1]),
    ///     row("b.wav", 0, [0.6, 0.4]),
    ///     row("c.wav", 0, [0.2, 0.8]),
    ///     row("d.wav", 1, [0.3, 0.7]),
    /// ];
    /// let metrics = Metrics::compute(&Predictions::new(labels, rows)?)?;
    /// assert_eq!(metrics.accuracy, 0.75);
    /// assert_eq!(metrics.uar, (2.0 / 3.0 + 1.0) / 2.0);
    /// # Ok::<(), ser_eval::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] without predictions.
    pub fn compute(predictions: &Predictions) -> Result<Self> {
        let empty = || Error::Empty {
            what: "predictions",
        };
        let labels = predictions.labels().to_vec();
        let rows = predictions.rows();
        let confusion = Confusion::count(labels.len(), rows);
        let accuracy = confusion.accuracy().ok_or_else(empty)?;
        let uar = confusion.uar().ok_or_else(empty)?;
        let n = rows.len();

        let classes: Vec<_> = labels
            .iter()
            .enumerate()
            .map(|(class, label)| class_metrics(label, class, &confusion))
            .collect();
        let appearing: Vec<_> = classes
            .iter()
            .filter(|class| class.support + class.predicted > 0)
            .collect();
        let macro_f1 = appearing.iter().map(|class| class.f1).sum::<f64>() / appearing.len() as f64;
        let largest = classes
            .iter()
            .map(|class| class.support)
            .max()
            .unwrap_or_default();
        let present = classes.iter().filter(|class| class.support > 0).count();

        Ok(Self {
            n,
            accuracy,
            uar,
            macro_f1,
            chance_accuracy: ratio(largest, n),
            chance_uar: ratio(1, present),
            confusion_rows: confusion.row_normalised(),
            log_loss: rows.iter().map(log_loss).sum::<f64>() / n as f64,
            brier: rows.iter().map(brier).sum::<f64>() / n as f64,
            calibration_error: calibration_error(&reliability(predictions)),
            labels,
            classes,
            confusion,
        })
    }
}

fn class_metrics(label: &str, class: usize, confusion: &Confusion) -> ClassMetrics {
    let hits = confusion.counts[class][class];
    let support = confusion.support(class);
    let predicted = confusion.predicted(class);
    ClassMetrics {
        label: label.to_owned(),
        precision: ratio(hits, predicted),
        recall: ratio(hits, support),
        f1: ratio(2 * hits, predicted + support),
        support,
        predicted,
        precision_defined: predicted > 0,
        recall_defined: support > 0,
    }
}

fn log_loss(row: &Prediction) -> f64 {
    let clipped = row.probabilities[row.truth].clamp(f32::EPSILON, 1.0 - f32::EPSILON);
    -f64::from(clipped).ln()
}

fn brier(row: &Prediction) -> f64 {
    let squares = row.probabilities.iter().enumerate().map(|(class, &p)| {
        let target = if class == row.truth { 1.0 } else { 0.0 };
        (f64::from(p) - target).powi(2)
    });
    squares.sum()
}
