//! One answer for machines, as an object of JSON and as a line of CSV.

use std::path::Path;

use ser_predict::{Answer, Model};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::output::{OUT_OF_DISTRIBUTION, named};

/// One answer.
#[derive(Serialize, Deserialize)]
pub struct Row {
    file: String,
    emotion: String,
    confidence: f32,
    pub uncertain: bool,
    seconds: f64,
    probabilities: Map<String, Value>,
    pub warnings: Vec<String>,
    synthetic_model: bool,
}

/// The columns in front of those of the labels.
const COLUMNS: [&str; 6] = [
    "file",
    "emotion",
    "confidence",
    "uncertain",
    "seconds",
    "warnings",
];

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

    /// The header of CSV.
    pub fn columns(labels: &[String]) -> impl Iterator<Item = &str> {
        let labels = labels.iter().map(String::as_str);
        COLUMNS.into_iter().chain(labels)
    }

    /// The fields of CSV.
    pub fn fields(&self, labels: &[String]) -> Vec<String> {
        let mut fields = vec![
            no_formula(&self.file),
            self.emotion.clone(),
            self.confidence.to_string(),
            self.uncertain.to_string(),
            format!("{:.3}", self.seconds),
            self.warnings.join(" "),
        ];
        let probability = |label| self.probabilities.get(label).and_then(Value::as_f64);
        fields.extend(
            labels
                .iter()
                .map(|label| probability(label).unwrap_or_default().to_string()),
        );
        fields
    }
}

/// The remarks on a recording in single words.
pub fn words(answer: &Answer) -> Vec<&'static str> {
    let mut words: Vec<&str> = answer.warnings.iter().map(|w| w.word()).collect();
    words.extend(answer.out_of_distribution.then_some(OUT_OF_DISTRIBUTION));
    words.extend(answer.long.then_some("long"));
    words
}

/// The name of a file as a spreadsheet may have it: one that it would run as a formula gets `./` in front, and still names
/// the file. A lone `-` is standard input, and no formula.
///
/// # References
/// OWASP, *CSV Injection*.
fn no_formula(file: &str) -> String {
    let begins = [
        '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    match file.starts_with(begins) && file != "-" {
        true => format!("./{file}"),
        false => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_file_is_a_formula() {
        for formula in [
            "=1+1.wav", "+a.wav", "-a.wav", "@a.wav", "\t=1.wav", "＝1.wav",
        ] {
            assert_eq!(no_formula(formula), format!("./{formula}"));
        }
        for name in ["-", "a=b.wav", "/=a.wav", "./=a.wav", "à.wav", ""] {
            assert_eq!(no_formula(name), name);
        }
    }
}
