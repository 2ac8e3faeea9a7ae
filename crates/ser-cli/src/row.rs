//! Writes answers as rows of a table.

use std::io;

use ser_predict::AnswerLine;
use ser_tables::{Column, Kind, TableWriter, Value};
use serde_json::Value as Json;

/// Returns the columns of the table.
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

/// Adds an answer to a table.
pub fn write(
    answer: &AnswerLine,
    labels: &[String],
    table: &mut TableWriter<impl io::Write + Send>,
) -> io::Result<()> {
    let warnings = answer.warnings.join(" ");
    let mut values = vec![
        Value::Path(&answer.file),
        Value::Text(&answer.emotion),
        Value::Float(answer.confidence),
        Value::Bool(answer.uncertain),
        Value::Double((1000.0 * answer.seconds).round() / 1000.0),
        Value::Text(&warnings),
    ];
    let probability = |label| answer.probabilities.get(label).and_then(Json::as_f64);
    values.extend(labels.iter().map(|label| match probability(label) {
        Some(p) => Value::Float(p as f32),
        None => Value::Missing,
    }));
    table.row(&values)
}
