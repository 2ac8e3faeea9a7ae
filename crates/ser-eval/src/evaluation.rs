//! Everything computed from one run's predictions: the contents of `metrics.json`.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{self, Interval, Statistic};
use crate::{FoldSummary, Group, GroupRow, Metrics, Predictions, Result, group_table};

/// The figures of one run: pooled over its splits, per split, and per group of clips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Figures over the predictions of all splits together.
    pub metrics: Metrics,
    /// Interval of the pooled accuracy by resampling speakers.
    pub accuracy_interval: Option<Interval>,
    /// Interval of the pooled UAR by resampling speakers.
    pub uar_interval: Option<Interval>,
    /// Figures per split, with mean and spread.
    pub folds: FoldSummary,
    /// Figures per speaker.
    pub speakers: Vec<GroupRow>,
    /// Figures per gender; empty when not known.
    pub genders: Vec<GroupRow>,
    /// Figures per intensity; empty when not known.
    pub intensities: Vec<GroupRow>,
    /// Figures per sentence; empty when not known.
    pub statements: Vec<GroupRow>,
}

impl Evaluation {
    /// Computes every figure.
    ///
    /// # Errors
    /// [`crate::Error::Empty`] without predictions.
    pub fn compute(predictions: &Predictions) -> Result<Self> {
        Ok(Self {
            metrics: Metrics::compute(predictions)?,
            accuracy_interval: bootstrap::interval(predictions, Statistic::Accuracy),
            uar_interval: bootstrap::interval(predictions, Statistic::Uar),
            folds: FoldSummary::compute(predictions)?,
            speakers: group_table(predictions, Group::Speaker),
            genders: group_table(predictions, Group::Gender),
            intensities: group_table(predictions, Group::Intensity),
            statements: group_table(predictions, Group::Statement),
        })
    }
}
