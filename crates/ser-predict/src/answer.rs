//! The answer for a recording, and whether it is uncertain, which is decided only here.

use ser_audio::Warning;
use ser_eval::argmax;

use crate::enrolment::Enrolment;
use crate::predictor::Predictor;

/// The remark on a recording that is unlike all training clips.
pub const OUT_OF_DISTRIBUTION: &str = "out-of-distribution";

/// The answer of a model for a recording or for a piece of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Probabilities of the model's labels, which sum to 1.
    pub probabilities: Vec<f32>,
    /// Length of the recording in seconds.
    pub seconds: f64,
    /// What is wrong with the recording; always empty for the pieces of a stream.
    pub warnings: Vec<Warning>,
    /// Whether the recording is unlike all clips that the model was trained on.
    pub out_of_distribution: bool,
    /// Whether the recording is longer than [`LONG`](crate::LONG), so that its quality is that of its beginning.
    pub long: bool,
    /// Whether you should not rely on the answer: the recording is out of distribution or without speech, or the
    /// confidence is as low as that of the least confident quarter of the answers on validation clips.
    pub uncertain: bool,
}

/// What is known about a recording before the model answers: the fields of an [`Answer`] with the same names.
#[derive(Debug, Default)]
pub(crate) struct Context {
    pub(crate) seconds: f64,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) long: bool,
}

/// Converts a confidence among some of the labels to one among all of them that is as far above chance. The threshold was
/// measured with all labels, and among two labels no confidence is below one half.
fn among_all(confidence: f32, allowed: usize, labels: usize) -> f32 {
    let chance = |labels: usize| 1.0 / labels as f32;
    let above = (confidence - chance(allowed)) / (1.0 - chance(allowed));
    chance(labels) + above * (1.0 - chance(labels))
}

impl Answer {
    /// Creates the answer of a predictor with these probabilities.
    pub(crate) fn new(
        predictor: &Predictor,
        speaker: Option<&Enrolment>,
        probabilities: Vec<f32>,
        out_of_distribution: bool,
        context: Context,
    ) -> Self {
        let mut answer = Self {
            probabilities,
            seconds: context.seconds,
            warnings: context.warnings,
            out_of_distribution,
            long: context.long,
            uncertain: false,
        };
        let model = predictor.model();
        let threshold = model.threshold_for(speaker.is_some_and(Enrolment::is_somebody));
        let confidence = match predictor.number_allowed() {
            Some(allowed) => among_all(answer.confidence(), allowed, model.labels.len()),
            None => answer.confidence(),
        };
        answer.uncertain = answer.out_of_distribution
            || answer.warnings.contains(&Warning::NoSpeech)
            || threshold.is_some_and(|threshold| threshold.rejects(confidence));
        answer
    }

    /// Returns the index of the most probable label.
    #[must_use]
    pub fn emotion(&self) -> usize {
        argmax(&self.probabilities)
    }

    /// Returns the probability of the most probable label.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.probabilities.iter().copied().fold(0.0, f32::max)
    }

    /// Returns the remarks on the recording as single words for programs: those of [`Warning::word`], then
    /// `out-of-distribution` and `long` where they apply.
    #[must_use]
    pub fn remarks(&self) -> Vec<&'static str> {
        let mut words: Vec<&str> = self.warnings.iter().map(Warning::word).collect();
        words.extend(self.out_of_distribution.then_some(OUT_OF_DISTRIBUTION));
        words.extend(self.long.then_some("long"));
        words
    }

    /// Returns the most probable of the model's labels.
    #[must_use]
    pub fn label<'a>(&self, labels: &'a [String]) -> &'a str {
        labels.get(self.emotion()).map_or("", String::as_str)
    }

    /// Returns the most probable of the model's labels: `angry`, or `angry?` if the answer is uncertain.
    #[must_use]
    pub fn marked(&self, labels: &[String]) -> String {
        let label = self.label(labels);
        let mark = if self.uncertain { "?" } else { "" };
        format!("{label}{mark}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_among_two_labels_is_compared_as_far_above_chance() {
        assert_eq!(among_all(0.5, 2, 8), 0.125);
        assert_eq!(among_all(1.0, 2, 8), 1.0);
        assert!((among_all(0.75, 2, 8) - 0.5625).abs() < 1e-6);
        assert_eq!(among_all(0.3, 8, 8), 0.3);
    }
}
