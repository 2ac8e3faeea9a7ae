//! Answers as JSON objects, which are the same in the program, the service and the web page.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::enrolment::Enrolment;
use crate::error::{Error, Result};
use crate::explain::Explanation;
use crate::model::Model;
use crate::stream::Span;

/// The answer for a recording.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerLine {
    /// Name of the recording.
    pub file: String,
    /// The most probable label.
    pub emotion: String,
    /// Probability of the most probable label.
    pub confidence: f32,
    /// Whether you should not rely on the answer: [`Answer::uncertain`].
    pub uncertain: bool,
    /// Length of the recording in seconds.
    pub seconds: f64,
    /// Probability of each label.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, f32>))]
    pub probabilities: Map<String, Value>,
    /// Remarks on the recording: [`Answer::remarks`].
    pub warnings: Vec<String>,
    /// Whether the model was trained on synthetic voices.
    pub synthetic_model: bool,
}

impl AnswerLine {
    /// Creates the line for the answer of a model for the recording named `file`.
    #[must_use]
    pub fn new(model: &Model, file: String, answer: &Answer) -> Self {
        Self {
            file,
            emotion: answer.label(&model.labels).to_owned(),
            confidence: answer.confidence(),
            uncertain: answer.uncertain,
            seconds: answer.seconds,
            probabilities: named(&model.labels, &answer.probabilities),
            warnings: words(answer),
            synthetic_model: model.provenance.synthetic,
        }
    }
}

fn words(answer: &Answer) -> Vec<String> {
    answer.remarks().into_iter().map(str::to_owned).collect()
}

/// The answer for a piece of speech.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanLine {
    /// The channel, counted from 1, if each channel was processed separately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<u16>,
    /// Start of the piece in seconds.
    pub start: f64,
    /// End of the piece in seconds.
    pub end: f64,
    /// The most probable label.
    pub emotion: String,
    /// Probability of the most probable label.
    pub confidence: f32,
    /// Whether you should not rely on the answer.
    pub uncertain: bool,
    /// Probability of each label.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, f32>))]
    pub probabilities: Map<String, Value>,
}

impl SpanLine {
    /// Creates the line for a span. `labels` are those of the model that answered.
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

    /// Converts the line back to a span, for [`captions`](crate::captions).
    ///
    /// # Errors
    /// [`Error::Labels`] if the line lacks the probability of one of these labels.
    pub fn span(&self, labels: &[String]) -> Result<Span> {
        let probability = |label: &String| {
            let value = self.probabilities.get(label).and_then(Value::as_f64);
            value.map(|p| p as f32).ok_or_else(|| Error::Labels {
                expected: labels.join(", "),
                actual: format!("a span without the probability of {label}"),
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

/// The parts of a recording that its answer rests on.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplanationLine {
    /// Name of the recording.
    pub file: String,
    /// The most probable label.
    pub emotion: String,
    /// Probability of the most probable label.
    pub probability: f32,
    /// Whether you should not rely on the answer.
    pub uncertain: bool,
    /// The regions of [`Explanation::strongest`].
    pub regions: Vec<RegionLine>,
    /// Remarks on the recording: [`Answer::remarks`].
    pub warnings: Vec<String>,
    /// Path of the picture, if it is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Whether the model was trained on synthetic voices.
    pub synthetic_model: bool,
}

/// A part of a recording, and how much the answer depends on it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionLine {
    /// Start and end in seconds.
    pub seconds: [f64; 2],
    /// Lowest and highest frequency in Hz.
    pub hertz: [f64; 2],
    /// The probability of the answered label minus its probability without the region.
    pub drop: f32,
}

impl ExplanationLine {
    /// Creates the line for the explanation of a model's answer for the recording named `file`.
    #[must_use]
    pub fn new(model: &Model, file: String, explanation: &Explanation) -> Self {
        let regions = explanation.strongest().into_iter();
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
            warnings: words(answer),
            picture: None,
            synthetic_model: model.provenance.synthetic,
        }
    }
}

/// An enrolled speaker.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnrolmentLine {
    /// Name of the speaker.
    pub speaker: String,
    /// Number of recordings, or of pieces of longer ones, that the speaker was enrolled from.
    pub clips: usize,
    /// Seconds of speech that the speaker was enrolled from; known only when the speaker is enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Path of the profile, if it is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl EnrolmentLine {
    /// Creates the line for a speaker who was enrolled from `seconds` seconds of speech, which are rounded to hundredths.
    #[must_use]
    pub fn new(speaker: String, enrolment: &Enrolment, seconds: Option<f64>) -> Self {
        Self {
            speaker,
            clips: enrolment.clips(),
            seconds: seconds.map(|seconds| (100.0 * seconds).round() / 100.0),
            file: None,
        }
    }
}

/// The model that answers.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelLine {
    /// Name of the model.
    pub name: String,
    /// The labels that the model distinguishes.
    pub labels: Vec<String>,
    /// Number of trained parameters.
    pub parameters: usize,
    /// Hash of the weights: [`Model::fingerprint`].
    pub fingerprint: String,
    /// Whether the model supports the enrolment of speakers.
    pub enrolls: bool,
    /// Whether the model was trained on synthetic voices.
    pub synthetic: bool,
}

impl ModelLine {
    /// Creates the line for a model.
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

/// Returns the probabilities under their labels.
fn named(labels: &[String], probabilities: &[f32]) -> Map<String, Value> {
    // Going through text keeps the digits of the 32-bit number; a direct conversion to 64 bits would print more digits.
    let value = |p: &f32| p.to_string().parse().unwrap_or(f64::from(*p)).into();
    let values = probabilities.iter().map(value);
    labels.iter().cloned().zip(values).collect()
}
