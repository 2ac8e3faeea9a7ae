//! Figures for groups of the test clips: for whom does the model work, and for whom not?

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Interval, Statistic, interval_of};
use crate::metrics::Confusion;
use crate::predictions::{Prediction, Predictions};

/// The property by which clips are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group<'a> {
    /// The speaker.
    Speaker,
    /// The gender of the speaker.
    Gender,
    /// The emotional intensity.
    Intensity,
    /// The sentence spoken.
    Statement,
    /// Another column of a manifest.
    Attribute(&'a str),
}

impl<'a> Group<'a> {
    /// Returns the property for the name of a manifest column.
    #[must_use]
    pub fn of_column(name: &'a str) -> Self {
        match name {
            "speaker" => Self::Speaker,
            "gender" => Self::Gender,
            "intensity" => Self::Intensity,
            "statement" => Self::Statement,
            other => Self::Attribute(other),
        }
    }

    /// Returns the group of a clip, or `None` if it is not known.
    pub(crate) fn value(self, row: &Prediction) -> Option<&str> {
        match self {
            Self::Speaker => Some(row.speaker.as_str()),
            Self::Gender => row.gender.as_deref(),
            Self::Intensity => row.intensity.as_deref(),
            Self::Statement => row.statement.as_deref(),
            Self::Attribute(name) => row.attributes.get(name).map(String::as_str),
        }
    }
}

/// The figures of one group of clips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRow {
    /// The value that the clips have in common; `None` for clips without a known value.
    pub group: Option<String>,
    /// Number of clips.
    pub n: usize,
    /// Number of speakers.
    pub speakers: usize,
    /// Share of clips that are predicted correctly.
    pub accuracy: f64,
    /// Unweighted average recall over the classes present in the group.
    pub uar: f64,
    /// Interval of the accuracy by resampling speakers; `None` with fewer than
    /// [`FEWEST_SPEAKERS`](crate::bootstrap::FEWEST_SPEAKERS).
    pub accuracy_interval: Option<Interval>,
    /// Interval of the UAR by resampling speakers; `None` with fewer than
    /// [`FEWEST_SPEAKERS`](crate::bootstrap::FEWEST_SPEAKERS).
    pub uar_interval: Option<Interval>,
}

/// Returns one row per value, in the order of the values (numbers by size); clips without a known value come last.
/// Empty if no clip has a known value.
#[must_use]
pub fn group_table(predictions: &Predictions, by: Group<'_>) -> Vec<GroupRow> {
    let classes = predictions.labels().len();
    let mut groups: BTreeMap<_, Vec<&Prediction>> = BTreeMap::new();
    for row in predictions.rows() {
        let value = by.value(row);
        let number = value.and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
        groups
            .entry((value.is_none(), number, value))
            .or_default()
            .push(row);
    }
    if groups.keys().all(|(unknown, _, _)| *unknown) {
        return Vec::new();
    }
    let row = |((_, _, value), rows): ((bool, u64, Option<&str>), Vec<&Prediction>)| {
        let confusion = Confusion::count(classes, rows.iter().copied());
        Some(GroupRow {
            group: value.map(str::to_owned),
            n: rows.len(),
            speakers: speakers(&rows),
            accuracy: confusion.accuracy()?,
            uar: confusion.uar()?,
            accuracy_interval: interval_of(classes, rows.iter().copied(), Statistic::Accuracy),
            uar_interval: interval_of(classes, rows.iter().copied(), Statistic::Uar),
        })
    };
    groups.into_iter().filter_map(row).collect()
}

/// Returns the number of distinct speakers.
pub(crate) fn speakers(rows: &[&Prediction]) -> usize {
    rows.iter()
        .map(|row| &row.speaker)
        .collect::<HashSet<_>>()
        .len()
}
