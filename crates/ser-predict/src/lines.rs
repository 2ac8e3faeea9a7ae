//! Answers as objects of JSON, the same from the program, a service and a web page.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::error::{Error, Result};
use crate::explain::Explanation;
use crate::model::Model;
use crate::stream::Span;

/// What a recording expresses.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerLine {
    /// Name of the recording.
    pub file: String,
    /// The most probable label.
    pub emotion: String,
    /// Its probability.
    pub confidence: f32,
    /// Whether not to rely on it: [`Answer::uncertain`].
    pub uncertain: bool,
    /// Length of the recording.
    pub seconds: f64,
    /// Probability of each label.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, f32>))]
    pub probabilities: Map<String, Value>,
    /// Remarks on the recording: [`Answer::remarks`].
    pub warnings: Vec<String>,
    /// Whether the model was trained on generated voices.
    pub synthetic_model: bool,
}

impl AnswerLine {
    /// The answer of a model on the recording of that name.
    #[must_use]
    pub fn new(model: &Model, file: String, answer: &Answer) -> Self {
        Self {
            file,
            emotion: answer.label(&model.labels).to_owned(),
            confidence: answer.confidence(),
            uncertain: answer.uncertain,
            seconds: answer.seconds,
            probabilities: named(&model.labels, &answer.probabilities),
            warnings: answer.remarks().into_iter().map(str::to_owned).collect(),
            synthetic_model: model.provenance.synthetic,
        }
    }
}

/// What a piece of speech expresses.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanLine {
    /// The channel, counted from 1, where each was heard by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<u16>,
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// The most probable label.
    pub emotion: String,
    /// Its probability.
    pub confidence: f32,
    /// Whether not to rely on it.
    pub uncertain: bool,
    /// Probability of each label.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, f32>))]
    pub probabilities: Map<String, Value>,
}

impl SpanLine {
    /// A span by the labels of the model that answered.
    #[must_use]
    pub fn new(labels: &[String], span: &Span) -> Self {
        Self {
            channel: span.channel,
            start: span.start,
            end: span.end,
            emotion: span.answer.label(labels).to_owned(),
            confidence: span.answer.confidence(),
            uncertain: span.answer.uncertain,
            probabilities: named(labels, &span.answer.probabilities),
        }
    }

    /// The span again, for [`captions`](crate::captions).
    ///
    /// # Errors
    /// [`Error::Labels`] where it lacks the probability of one of these labels.
    pub fn span(&self, labels: &[String]) -> Result<Span> {
        let probability = |label: &String| {
            let value = self.probabilities.get(label).and_then(Value::as_f64);
            value.map(|p| p as f32).ok_or_else(|| Error::Labels {
                expected: labels.join(", "),
                actual: format!("a span without {label}"),
            })
        };
        Ok(Span {
            start: self.start,
            end: self.end,
            answer: Answer {
                probabilities: labels.iter().map(probability).collect::<Result<_>>()?,
                seconds: self.end - self.start,
                warnings: Vec::new(),
                out_of_distribution: false,
                long: false,
                uncertain: self.uncertain,
            },
            channel: self.channel,
        })
    }
}

/// What an answer rests on.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplanationLine {
    /// Name of the recording.
    pub file: String,
    /// The most probable label.
    pub emotion: String,
    /// Its probability.
    pub probability: f32,
    /// Whether not to rely on it.
    pub uncertain: bool,
    /// Those of [`Explanation::named`].
    pub regions: Vec<RegionLine>,
    /// Where the picture is, if it is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Whether the model was trained on generated voices.
    pub synthetic_model: bool,
}

/// A part of a recording, and the probability that the answer owes to it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionLine {
    /// From and to, in seconds.
    pub seconds: [f64; 2],
    /// From and to, in Hz.
    pub hertz: [f64; 2],
    /// Probability of the answer less that without the region.
    pub drop: f32,
}

impl ExplanationLine {
    /// The explanation of a model's answer on the recording of that name.
    #[must_use]
    pub fn new(model: &Model, file: String, explanation: &Explanation) -> Self {
        let regions = explanation.named().into_iter();
        let regions = regions.map(|patch| RegionLine {
            seconds: [patch.region.seconds.start, patch.region.seconds.end],
            hertz: [patch.region.hertz.start, patch.region.hertz.end],
            drop: patch.drop,
        });
        let answer = &explanation.answer;
        Self {
            file,
            emotion: answer.label(&model.labels).to_owned(),
            probability: answer.confidence(),
            uncertain: answer.uncertain,
            regions: regions.collect(),
            picture: None,
            synthetic_model: model.provenance.synthetic,
        }
    }
}

/// A model that answers.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelLine {
    /// Its name.
    pub name: String,
    /// What an answer may be.
    pub labels: Vec<String>,
    /// Number of its weights.
    pub parameters: usize,
    /// What tells its weights from others: [`Model::fingerprint`].
    pub fingerprint: String,
    /// Whether an enrolled speaker makes a difference to it.
    pub enrolls: bool,
    /// Whether it was trained on generated voices.
    pub synthetic: bool,
}

impl ModelLine {
    /// What there is to say of a model.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        Self {
            name: model.name.clone(),
            labels: model.labels.clone(),
            parameters: model.parameters(),
            fingerprint: model.fingerprint(),
            enrolls: model.enrols(),
            synthetic: model.provenance.synthetic,
        }
    }
}

/// Probabilities by the label they belong to.
fn named(labels: &[String], probabilities: &[f32]) -> Map<String, Value> {
    // As many digits as the 32-bit number has.
    let value = |p: &f32| p.to_string().parse().unwrap_or(f64::from(*p)).into();
    let values = probabilities.iter().map(value);
    labels.iter().cloned().zip(values).collect()
}
