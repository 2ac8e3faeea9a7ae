//! From a stream of samples to emotions in time.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_features::{FeatureExtractor, Features};
use ser_model::{Enrolment, Model, argmax};

use crate::error::{Error, Result};
use crate::segmenter::{Piece, Segmenter};

/// What a piece of speech expresses.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// Probabilities of the model's labels.
    pub probabilities: Vec<f32>,
    /// Whether the answer is as doubtful as the model's doubtful ones on validation clips were, or the piece
    /// like nothing that it has learned from.
    pub unsure: bool,
}

impl Span {
    /// Number of the most probable label.
    #[must_use]
    pub fn answer(&self) -> usize {
        argmax(&self.probabilities)
    }

    /// The most probable of the model's labels, as `angry`, or `angry?` where the answer is doubtful.
    #[must_use]
    pub fn marked(&self, labels: &[String]) -> String {
        let label = labels.get(self.answer()).map_or("", String::as_str);
        let mark = if self.unsure { "?" } else { "" };
        format!("{label}{mark}")
    }

    /// Probability of the most probable label.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.probabilities.iter().copied().fold(0.0, f32::max)
    }
}

/// Listens to a stream of samples and says what its speech expresses.
///
/// Spans do not depend on how the samples are cut into calls of [`push`](Self::push). Features of the
/// pieces of one call are extracted on rayon's threads, so a file is pushed in large blocks, and a
/// microphone in small ones.
pub struct Listener<'m> {
    model: &'m Model,
    speaker: Option<&'m Enrolment>,
    extractors: Vec<FeatureExtractor>,
    segmenter: Segmenter,
}

impl<'m> Listener<'m> {
    /// A listener for samples at `sample_rate` Hz.
    ///
    /// # Errors
    /// [`Error::SampleRate`] below 4000 Hz, and the feature configuration's.
    pub fn new(model: &'m Model, sample_rate: u32) -> Result<Self> {
        Ok(Self {
            model,
            speaker: None,
            extractors: model.extractors()?,
            segmenter: Segmenter::new(sample_rate)?,
        })
    }

    /// Takes all speech for that of a speaker enrolled with the model, if one is known.
    #[must_use]
    pub fn of(self, speaker: Option<&'m Enrolment>) -> Self {
        Self { speaker, ..self }
    }

    /// Takes the next samples, and answers the pieces of speech that are complete now.
    ///
    /// # Errors
    /// Those of feature extraction and of the model.
    pub fn push(&mut self, samples: &[f32]) -> Result<Vec<Span>> {
        let pieces = self.segmenter.push(samples);
        self.judge(&pieces)
    }

    /// Says that no more samples come, and answers the last pieces.
    ///
    /// # Errors
    /// As [`Listener::push`].
    pub fn finish(&mut self) -> Result<Vec<Span>> {
        let pieces = self.segmenter.finish();
        self.judge(&pieces)
    }

    fn judge(&self, pieces: &[Piece]) -> Result<Vec<Span>> {
        let extractors = &self.extractors;
        let hear = |piece: &Piece| -> Result<Option<Vec<Features>>> {
            let views = extractors.iter().map(|e| e.extract(&piece.sound));
            match views.collect::<ser_features::Result<_>>() {
                Ok(views) => Ok(Some(views)),
                // Nothing can be said of it, as of a pause.
                Err(ser_features::Error::TooShort { .. } | ser_features::Error::Empty) => Ok(None),
                Err(error) => Err(Error::Features(error)),
            }
        };
        let heard = pieces.par_iter().map(hear).collect::<Result<Vec<_>>>()?;
        let heard: Vec<(&Piece, Vec<Features>)> = pieces
            .iter()
            .zip(heard)
            .filter_map(|(piece, views)| Some((piece, views?)))
            .collect();
        let views: Vec<&[Features]> = heard.iter().map(|(_, views)| views.as_slice()).collect();
        let answers = match self.speaker {
            Some(speaker) => self.model.predict_enrolled(&views, speaker)?,
            None => self.model.predict(&views)?,
        };
        let doubt = self.model.doubt(self.speaker.is_some());
        let spans = heard.iter().zip(answers).map(|((piece, views), answer)| {
            let mut span = Span {
                start: piece.start,
                end: piece.end,
                probabilities: answer,
                unsure: self.model.is_unfamiliar(views)?,
            };
            span.unsure |= doubt.is_some_and(|doubt| doubt.is_about(span.confidence()));
            Ok(span)
        });
        spans.collect()
    }
}
