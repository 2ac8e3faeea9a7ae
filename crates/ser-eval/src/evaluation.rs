//! All figures computed from the predictions of a run: the contents of `metrics.json`.

use std::collections::BTreeMap;

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
    /// Figures per gender; empty if no gender is known.
    pub genders: Vec<GroupRow>,
    /// Figures per intensity; empty if no intensity is known.
    pub intensities: Vec<GroupRow>,
    /// Figures per sentence; empty if no sentence is known.
    pub statements: Vec<GroupRow>,
    /// Figures per value of other columns, see [`Evaluation::compute_by`]; not written if empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by: BTreeMap<String, Vec<GroupRow>>,
}

impl Evaluation {
    /// Computes all figures.
    ///
    /// # Errors
    /// [`crate::Error::Empty`] without predictions.
    pub fn compute(predictions: &Predictions) -> Result<Self> {
        Self::compute_by(predictions, &[])
    }

    /// Computes all figures, also per value of these manifest columns.
    ///
    /// # Errors
    /// [`crate::Error::NoColumn`] for a column that no clip has, [`crate::Error::Empty`] without predictions.
    pub fn compute_by(predictions: &Predictions, columns: &[String]) -> Result<Self> {
        predictions.must_have(columns)?;
        let of_column = |column: &String| {
            let rows = group_table(predictions, Group::of_column(column));
            (column.clone(), rows)
        };
        Ok(Self {
            metrics: Metrics::compute(predictions)?,
            accuracy_interval: bootstrap::interval(predictions, Statistic::Accuracy),
            uar_interval: bootstrap::interval(predictions, Statistic::Uar),
            folds: FoldSummary::compute(predictions)?,
            speakers: group_table(predictions, Group::Speaker),
            genders: group_table(predictions, Group::Gender),
            intensities: group_table(predictions, Group::Intensity),
            statements: group_table(predictions, Group::Statement),
            by: columns.iter().map(of_column).collect(),
        })
    }
}
