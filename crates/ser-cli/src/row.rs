//! One answer for machines, as an object of JSON and as a row of a table.

use std::io;
use std::path::Path;

use ser_predict::{Answer, Model};
use ser_tables::{Column, Kind, TableWriter, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::output::{OUT_OF_DISTRIBUTION, named};

/// One answer.
#[derive(Serialize, Deserialize)]
pub struct Row {
    file: String,
    emotion: String,
    confidence: f32,
    pub uncertain: bool,
    seconds: f64,
    probabilities: Map<String, Json>,
    pub warnings: Vec<String>,
    synthetic_model: bool,
}

impl Row {
    pub fn new(model: &Model, file: &Path, answer: &Answer) -> Self {
        Self {
            file: file.display().to_string(),
            emotion: model.labels[answer.emotion()].clone(),
            confidence: answer.confidence(),
            uncertain: answer.uncertain,
            seconds: answer.seconds,
            probabilities: named(&model.labels, &answer.probabilities),
            warnings: words(answer).into_iter().map(str::to_owned).collect(),
            synthetic_model: model.provenance.synthetic,
        }
    }

    /// The columns of a table.
    pub fn columns(labels: &[String]) -> Vec<Column> {
        let mut columns = vec![
            Column::new("file", Kind::Text),
            Column::new("emotion", Kind::Text),
            Column::new("confidence", Kind::Float),
            Column::new("uncertain", Kind::Bool),
            Column::new("seconds", Kind::Double),
            Column::new("warnings", Kind::Text),
        ];
        columns.extend(labels.iter().map(|label| Column::new(label, Kind::Float)));
        columns
    }

    /// Adds it to a table.
    pub fn write(
        &self,
        labels: &[String],
        table: &mut TableWriter<impl io::Write>,
    ) -> io::Result<()> {
        let warnings = self.warnings.join(" ");
        let mut values = vec![
            Value::Path(&self.file),
            Value::Text(&self.emotion),
            Value::Float(self.confidence),
            Value::Bool(self.uncertain),
            Value::Double((1000.0 * self.seconds).round() / 1000.0),
            Value::Text(&warnings),
        ];
        let probability = |label| self.probabilities.get(label).and_then(Json::as_f64);
        values.extend(labels.iter().map(|label| match probability(label) {
            Some(p) => Value::Float(p as f32),
            None => Value::Missing,
        }));
        table.row(&values)
    }
}

/// The remarks on a recording in single words.
pub fn words(answer: &Answer) -> Vec<&'static str> {
    let mut words: Vec<&str> = answer.warnings.iter().map(|w| w.word()).collect();
    words.extend(answer.out_of_distribution.then_some(OUT_OF_DISTRIBUTION));
    words.extend(answer.long.then_some("long"));
    words
}
