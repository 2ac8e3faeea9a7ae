//! Accuracy if a model may decline to answer.

use serde::{Deserialize, Serialize};

use crate::{Prediction, Predictions, temper};

/// The shares of the clips for which [`coverage`] computes the accuracy.
const SHARES: [f64; 5] = [1.0, 0.9, 0.75, 0.5, 0.25];

/// Accuracy over the most confident share of the clips.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// Share of the clips that are answered.
    pub share: f64,
    /// Share of the answered clips that are classified correctly.
    pub accuracy: f64,
    /// Confidence of the least confident answered clip.
    pub confidence: f64,
}

/// The share of the answers that lies below the threshold.
const REJECTED: f64 = 0.25;

/// The confidence below which an answer is uncertain, with the accuracy below and above it. A quarter of the answers
/// that it was fitted on, the least confident ones, lie below.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceThreshold {
    /// An answer with a lower confidence is uncertain.
    pub threshold: f64,
    /// Share of correct answers among those below the threshold.
    pub accuracy_below: f64,
    /// Share of correct answers among the others.
    pub accuracy_above: f64,
}

impl ConfidenceThreshold {
    /// Fits the threshold to answers after applying the temperature to their probabilities (see
    /// [`temper`](crate::temper)). Returns `None` for fewer than eight answers, and if so many have the lowest
    /// confidence that no threshold separates a quarter of them.
    #[must_use]
    pub fn fit(predictions: &Predictions, temperature: f64) -> Option<Self> {
        let mut answers: Vec<(f64, bool)> = predictions
            .rows()
            .iter()
            .map(|row| {
                let mut p = row.probabilities.clone();
                temper(&mut p, temperature);
                let confidence = p.into_iter().fold(0.0, f32::max);
                (f64::from(confidence), row.predicted() == row.truth)
            })
            .collect();
        if answers.len() < 8 {
            return None;
        }
        answers.sort_by(|a, b| a.0.total_cmp(&b.0));
        let threshold = answers[(REJECTED * answers.len() as f64) as usize].0;
        // Answers of the same confidence are on the same side, as in `rejects`.
        let first_kept = answers.partition_point(|(confidence, _)| *confidence < threshold);
        let (rejected, kept) = answers.split_at(first_kept);
        if rejected.is_empty() {
            return None;
        }
        let right = |answers: &[(f64, bool)]| {
            let right = answers.iter().filter(|(_, right)| *right).count();
            right as f64 / answers.len() as f64
        };
        Some(Self {
            threshold,
            accuracy_below: right(rejected),
            accuracy_above: right(kept),
        })
    }

    /// Returns true if an answer of this confidence is uncertain.
    #[must_use]
    pub fn rejects(&self, confidence: f32) -> bool {
        f64::from(confidence) < self.threshold
    }
}

/// Returns accuracy against coverage (El-Yaniv & Wiener 2010): for each of several shares, the accuracy over that share
/// of the clips, the most confident ones. Of clips of equal confidence of which only some belong to the share, each counts in
/// part. Empty without predictions.
#[must_use]
pub fn coverage(predictions: &Predictions) -> Vec<Coverage> {
    let mut rows: Vec<&Prediction> = predictions.rows().iter().collect();
    rows.sort_by(|a, b| b.confidence().total_cmp(&a.confidence()));
    let at = |share: f64| {
        let answered = rows.get(..(share * rows.len() as f64).ceil() as usize)?;
        let last = answered.last()?;
        let confidence = last.confidence();
        let right = |rows: &[&Prediction]| {
            let right = rows.iter().filter(|row| row.predicted() == row.truth);
            right.count() as f64
        };
        let sooner = rows.partition_point(|row| row.confidence() > confidence);
        let later = rows.partition_point(|row| row.confidence() >= confidence);
        let (surely, tied) = (&rows[..sooner], &rows[sooner..later]);
        let part = (answered.len() - sooner) as f64 / tied.len() as f64;
        Some(Coverage {
            share,
            accuracy: (right(surely) + part * right(tied)) / answered.len() as f64,
            confidence: f64::from(confidence),
        })
    };
    SHARES.into_iter().filter_map(at).collect()
}
