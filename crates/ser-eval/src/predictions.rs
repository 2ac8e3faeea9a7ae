//! Predicted class probabilities, one row per test clip, checked on construction.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use ser_files::write_file;

use crate::{Error, Group, Result};

/// The columns of `predictions.csv` before the probability columns.
const COLUMNS: [&str; 8] = [
    "clip",
    "split",
    "speaker",
    "gender",
    "intensity",
    "statement",
    "truth",
    "predicted",
];
/// Prefix of the column name of an attribute.
const ATTRIBUTE: &str = "attribute_";
/// Prefix of the column name of a label's probability.
const PROBABILITY: &str = "p_";
/// How far the sum of a clip's probabilities may be from one. A softmax in `f32` over a few classes is off by about
/// 1e-6, and probabilities read from a text with few digits by about 1e-3.
const SUM_TOLERANCE: f64 = 5e-3;

/// The prediction of a model for one test clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Path or name of the clip.
    pub clip: String,
    /// The speaker: the unit that the bootstrap resamples.
    pub speaker: String,
    /// Index of the true class in the labels.
    pub truth: usize,
    /// One probability per label, in the order of the labels.
    pub probabilities: Vec<f32>,
    /// Name of the split (fold or seed) in whose test part the clip was.
    pub split: String,
    /// Gender of the speaker, if known.
    pub gender: Option<String>,
    /// Emotional intensity, if known.
    pub intensity: Option<String>,
    /// The spoken sentence, if known.
    pub statement: Option<String>,
    /// The other columns of a manifest, by name.
    pub attributes: BTreeMap<String, String>,
}

/// Returns the index of the highest probability; the first one if several are equal.
#[must_use]
pub fn argmax(probabilities: &[f32]) -> usize {
    let mut best = 0;
    for (index, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = index;
        }
    }
    best
}

impl Prediction {
    /// Returns the index of the most probable class; the first one if several are equal.
    #[must_use]
    pub fn predicted(&self) -> usize {
        argmax(&self.probabilities)
    }

    /// Returns the probability of the predicted class.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.probabilities
            .get(self.predicted())
            .copied()
            .unwrap_or(0.0)
    }
}

/// Predictions that match their labels: each row has one probability per label, the probabilities sum to one, the true
/// class exists, and no clip is in a split twice.
///
/// A clip may occur in several splits: the seeds of a random split can draw it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    labels: Vec<String>,
    rows: Vec<Prediction>,
}

impl Predictions {
    /// Checks labels and rows. An empty `gender`, `intensity` or `statement` becomes `None`, and an empty attribute is
    /// removed.
    ///
    /// # Errors
    /// [`Error::Labels`] for fewer than two labels, or for labels that are empty, repeated or not printable;
    /// [`Error::Prediction`] for a row that does not match; [`Error::Duplicate`] for a clip that is in one split twice.
    pub fn new(labels: Vec<String>, mut rows: Vec<Prediction>) -> Result<Self> {
        check_labels(&labels)?;
        let mut seen = HashSet::new();
        for row in &rows {
            check_row(labels.len(), row)?;
            if !seen.insert((&row.split, &row.clip)) {
                return Err(Error::Duplicate {
                    clip: row.clip.clone(),
                    split: row.split.clone(),
                });
            }
        }
        for row in &mut rows {
            for attribute in [&mut row.gender, &mut row.intensity, &mut row.statement] {
                attribute.take_if(|text| text.is_empty());
            }
            row.attributes.retain(|_, text| !text.is_empty());
        }
        Ok(Self { labels, rows })
    }

    /// Pools the predictions of several splits in the given order.
    ///
    /// # Errors
    /// [`Error::Empty`] without parts, [`Error::LabelsDiffer`] if the parts have different labels, [`Error::Duplicate`]
    /// if two parts have the same clip under the same split name.
    pub fn pool(parts: impl IntoIterator<Item = Self>) -> Result<Self> {
        let mut parts = parts.into_iter();
        let Self { labels, mut rows } = parts.next().ok_or(Error::Empty {
            what: "predictions",
        })?;
        for part in parts {
            if part.labels != labels {
                return Err(Error::LabelsDiffer {
                    expected: labels,
                    actual: part.labels,
                });
            }
            rows.extend(part.rows);
        }
        Self::new(labels, rows)
    }

    /// Computes the weighted mean of the probabilities of several models for the same clips.
    ///
    /// # Errors
    /// [`Error::Empty`] without a weight above 0; [`Error::LabelsDiffer`] if the models have different labels;
    /// [`Error::Prediction`] with the first clip that differs if the models do not have the same clips in the same order.
    pub fn average<'a>(parts: impl IntoIterator<Item = (f64, &'a Self)>) -> Result<Self> {
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
        let (_, first) = parts.first().ok_or(Error::Empty {
            what: "predictions",
        })?;
        let mut rows = first.rows.clone();
        for row in &mut rows {
            row.probabilities.fill(0.0);
        }
        for (weight, part) in &parts {
            if part.labels != first.labels {
                return Err(Error::LabelsDiffer {
                    expected: first.labels.clone(),
                    actual: part.labels.clone(),
                });
            }
            if let Some(row) = first.first_difference(part) {
                return Err(Error::Prediction {
                    clip: row.clip.clone(),
                    split: row.split.clone(),
                    expected: "the same clips in the same order from every model".to_owned(),
                    actual: "another clip, split or truth, or none".to_owned(),
                });
            }
            let share = (weight / total) as f32;
            for (row, other) in rows.iter_mut().zip(&part.rows) {
                let values = row.probabilities.iter_mut().zip(&other.probabilities);
                values.for_each(|(sum, p)| *sum += share * p);
            }
        }
        Self::new(first.labels.clone(), rows)
    }

    /// Returns the first row that is not of the same clip, split and true class as the row of `other` at its position, or
    /// that only one of the two has.
    fn first_difference<'a>(&'a self, other: &'a Self) -> Option<&'a Prediction> {
        let same = |(a, b): &(&Prediction, &Prediction)| {
            (&a.clip, &a.split, a.truth) == (&b.clip, &b.split, b.truth)
        };
        let rows = self.rows.iter().zip(&other.rows);
        let matching = rows.take_while(same).count();
        self.rows.get(matching).or_else(|| other.rows.get(matching))
    }

    /// Returns the predictions for those clips, split by split, that `other` has as well.
    #[must_use]
    pub fn of_clips_in(&self, other: &Self) -> Self {
        let clips = other.rows.iter().map(|row| (&row.split, &row.clip));
        let clips: HashSet<_> = clips.collect();
        let rows = self.rows.iter();
        let rows = rows.filter(|row| clips.contains(&(&row.split, &row.clip)));
        Self {
            labels: self.labels.clone(),
            rows: rows.cloned().collect(),
        }
    }

    /// Returns the class labels; [`Prediction::truth`] is an index into them.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Returns the predictions in the given order.
    #[must_use]
    pub fn rows(&self) -> &[Prediction] {
        &self.rows
    }

    /// Returns the names of the splits, in the order of their first clip.
    #[must_use]
    pub fn splits(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let names = self.rows.iter().map(|row| row.split.as_str());
        names.filter(|name| seen.insert(*name)).collect()
    }

    /// Checks that in each of these manifest columns at least one clip has a value.
    ///
    /// # Errors
    /// [`Error::NoColumn`] for a column without values.
    pub fn must_have(&self, columns: &[String]) -> Result<()> {
        let is_there = |name: &str| {
            let by = Group::of_column(name);
            self.rows.iter().any(|row| by.value(row).is_some())
        };
        match columns.iter().find(|name| !is_there(name)) {
            None => Ok(()),
            Some(column) => {
                let fixed = ["speaker", "gender", "intensity", "statement"].into_iter();
                let known = fixed.filter(|name| is_there(name)).chain(self.attributes());
                Err(Error::NoColumn {
                    column: column.clone(),
                    known: known.map(str::to_owned).collect(),
                })
            }
        }
    }

    /// Returns the names of all attributes, sorted.
    fn attributes(&self) -> BTreeSet<&str> {
        let names = self.rows.iter().flat_map(|row| row.attributes.keys());
        names.map(String::as_str).collect()
    }

    /// Writes `predictions.csv`: `clip, split, speaker, gender, intensity, statement, truth, predicted`, one column
    /// `attribute_NAME` per attribute, then one column `p_LABEL` per class. Probabilities are written so that reading
    /// them gives the same bits. The file is either complete or absent.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Csv`] with the path.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        Ok(write_file(
            path,
            &crate::file::csv_text(path, |writer| {
                let attributes = self.attributes();
                let named = attributes.iter().map(|name| format!("{ATTRIBUTE}{name}"));
                let labels = self.labels.iter();
                let probabilities = labels.map(|label| format!("{PROBABILITY}{label}"));
                let fixed = COLUMNS.map(str::to_owned).into_iter();
                writer.write_record(fixed.chain(named).chain(probabilities))?;
                for row in &self.rows {
                    let cells = [
                        &row.clip,
                        &row.split,
                        &row.speaker,
                        row.gender.as_deref().unwrap_or_default(),
                        row.intensity.as_deref().unwrap_or_default(),
                        row.statement.as_deref().unwrap_or_default(),
                        &self.labels[row.truth],
                        &self.labels[row.predicted()],
                    ];
                    let attribute = |name| row.attributes.get(name).cloned().unwrap_or_default();
                    let known = attributes.iter().map(|&name| attribute(name));
                    let probabilities = row.probabilities.iter().map(f32::to_string);
                    let fixed = cells.map(str::to_owned).into_iter();
                    writer.write_record(fixed.chain(known).chain(probabilities))?;
                }
                Ok(())
            })?,
        )?)
    }

    /// Reads a file that [`write_csv`](Self::write_csv) wrote, and checks it as [`new`](Self::new) does.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Csv`], [`Error::Header`], [`Error::Cell`] or [`Error::Contents`], each with the path. A
    /// `predicted` cell that is not the most probable label is an error, since it means that the file was edited.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut reader = crate::file::csv_reader(path)?;
        let csv_error = |source| Error::Csv {
            path: path.to_owned(),
            source,
        };
        let header = reader.headers().map_err(csv_error)?.clone();
        let (attributes, labels) = names_of_header(&header).ok_or_else(|| Error::Header {
            path: path.to_owned(),
            expected: format!(
                "{},{ATTRIBUTE}NAME,...,{PROBABILITY}LABEL,...",
                COLUMNS.join(",")
            ),
            actual: header.iter().collect::<Vec<_>>().join(","),
        })?;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(csv_error)?;
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |column: usize, expected: &str| Error::Cell {
                path: path.to_owned(),
                line,
                column: header[column].to_owned(),
                expected: expected.to_owned(),
                actual: record[column].to_owned(),
            };
            let truth = labels.iter().position(|label| *label == record[6]);
            let truth = truth.ok_or_else(|| cell(6, "one of the labels"))?;
            let named = attributes
                .iter()
                .cloned()
                .zip(record.iter().skip(COLUMNS.len()));
            let probabilities = (COLUMNS.len() + attributes.len()..record.len())
                .map(|column| record[column].parse().map_err(|_| cell(column, "a number")))
                .collect::<Result<Vec<f32>>>()?;
            let row = Prediction {
                clip: record[0].to_owned(),
                split: record[1].to_owned(),
                speaker: record[2].to_owned(),
                gender: Some(record[3].to_owned()),
                intensity: Some(record[4].to_owned()),
                statement: Some(record[5].to_owned()),
                attributes: named.map(|(name, text)| (name, text.to_owned())).collect(),
                truth,
                probabilities,
            };
            if labels[row.predicted()] != record[7] {
                return Err(cell(7, "the most probable label"));
            }
            rows.push(row);
        }
        Self::new(labels, rows).map_err(|source| Error::Contents {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }
}

/// Returns the attributes and the labels for which a header has columns.
fn names_of_header(header: &csv::StringRecord) -> Option<(Vec<String>, Vec<String>)> {
    let mut cells = header.iter().peekable();
    let fixed = COLUMNS.iter().all(|column| cells.next() == Some(*column));
    let mut attributes = Vec::new();
    while let Some(name) = cells.peek().and_then(|cell| cell.strip_prefix(ATTRIBUTE)) {
        attributes.push(name.to_owned());
        cells.next();
    }
    let labels: Option<Vec<String>> = cells
        .map(|cell| cell.strip_prefix(PROBABILITY).map(str::to_owned))
        .collect();
    let labels = labels.filter(|labels| fixed && !labels.is_empty())?;
    Some((attributes, labels))
}

fn check_labels(labels: &[String]) -> Result<()> {
    let distinct: HashSet<_> = labels.iter().collect();
    let problem = if labels.len() < 2 {
        "at least two classes are needed"
    } else if distinct.len() != labels.len() {
        "a label appears twice"
    } else if labels.iter().any(|label| label.trim().is_empty()) {
        "a label is empty"
    } else if labels.iter().any(|label| {
        label
            .chars()
            .any(|c| c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c))
    }) {
        // XML does not allow such characters, and pictures are written as XML.
        "a label contains a control character"
    } else {
        return Ok(());
    };
    Err(Error::Labels {
        labels: labels.to_vec(),
        problem,
    })
}

fn check_row(classes: usize, row: &Prediction) -> Result<()> {
    let sum: f64 = row.probabilities.iter().map(|&p| f64::from(p)).sum();
    let (expected, actual) = if row.truth >= classes {
        (
            format!("a true class below {classes}"),
            row.truth.to_string(),
        )
    } else if row.probabilities.len() != classes {
        (
            format!("{classes} probabilities"),
            row.probabilities.len().to_string(),
        )
    } else if let Some(p) = row.probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        ("probabilities from 0 to 1".to_owned(), p.to_string())
    } else if (sum - 1.0).abs() > SUM_TOLERANCE {
        (
            "probabilities that sum to 1".to_owned(),
            format!("a sum of {sum}"),
        )
    } else {
        return Ok(());
    };
    Err(Error::Prediction {
        clip: row.clip.clone(),
        split: row.split.clone(),
        expected,
        actual,
    })
}
