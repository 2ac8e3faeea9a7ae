//! What is said of a recording, and whether it is certain. No other place decides that.

use ser_audio::Warning;

use crate::model::{Model, argmax};

/// The remark on a recording that is unlike all that was learned from.
pub const OUT_OF_DISTRIBUTION: &str = "out-of-distribution";

/// What a model says of a recording or of a piece of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Probabilities of the model's labels, which sum to 1.
    pub probabilities: Vec<f32>,
    /// Length of the recording in seconds.
    pub seconds: f64,
    /// What is wrong with the recording; not asked of the pieces of a stream.
    pub warnings: Vec<Warning>,
    /// Whether the recording is unlike all that the model has learned from.
    pub out_of_distribution: bool,
    /// Whether it is the mean over the pieces of a long recording.
    pub long: bool,
    /// Whether not to rely on it: the recording is out of distribution or without speech, or the confidence as low as
    /// that of the least confident quarter of the answers on validation clips.
    pub uncertain: bool,
}

/// What is known of a recording beside the probabilities.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    pub(crate) seconds: f64,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) out_of_distribution: bool,
    pub(crate) long: bool,
    /// Whether the speaker is enrolled.
    pub(crate) enrolled: bool,
}

impl Answer {
    pub(crate) fn new(model: &Model, probabilities: Vec<f32>, context: Context) -> Self {
        let mut answer = Self {
            probabilities,
            seconds: context.seconds,
            warnings: context.warnings,
            out_of_distribution: context.out_of_distribution,
            long: context.long,
            uncertain: false,
        };
        let threshold = model.confidence_threshold(context.enrolled);
        answer.uncertain = answer.out_of_distribution
            || answer.warnings.contains(&Warning::NoSpeech)
            || threshold.is_some_and(|threshold| threshold.rejects(answer.confidence()));
        answer
    }

    /// Number of the most probable label.
    #[must_use]
    pub fn emotion(&self) -> usize {
        argmax(&self.probabilities)
    }

    /// Probability of the most probable label.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.probabilities.iter().copied().fold(0.0, f32::max)
    }

    /// The remarks on the recording in single words, for machines: those of [`Warning::word`], `out-of-distribution`, `long`.
    #[must_use]
    pub fn remarks(&self) -> Vec<&'static str> {
        let mut words: Vec<&str> = self.warnings.iter().map(Warning::word).collect();
        words.extend(self.out_of_distribution.then_some(OUT_OF_DISTRIBUTION));
        words.extend(self.long.then_some("long"));
        words
    }

    /// The most probable of the model's labels.
    #[must_use]
    pub fn label<'a>(&self, labels: &'a [String]) -> &'a str {
        labels.get(self.emotion()).map_or("", String::as_str)
    }

    /// The most probable of the model's labels, as `angry`, or `angry?` where the answer is uncertain.
    #[must_use]
    pub fn marked(&self, labels: &[String]) -> String {
        let label = self.label(labels);
        let mark = if self.uncertain { "?" } else { "" };
        format!("{label}{mark}")
    }
}
