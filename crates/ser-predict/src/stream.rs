//! From a stream of samples to emotions in time.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::answer::{Answer, Context};
use crate::enrolment::Enrolment;
use crate::error::Result;
use crate::predictor::Predictor;
use crate::segmenter::{Piece, Segmenter};

/// What a piece of speech expresses.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// What it expresses.
    pub answer: Answer,
    /// The channel that it was heard on, counted from 1, where each was heard by itself.
    pub channel: Option<u16>,
}

impl Span {
    /// The spans of a recording whose channels were heard each by itself, given channel by channel, in the order of time.
    #[must_use]
    pub fn of_channels(channels: Vec<Vec<Self>>) -> Vec<Self> {
        let on = |(number, spans): (u16, Vec<Self>)| {
            let channel = Some(number);
            spans.into_iter().map(move |span| Self { channel, ..span })
        };
        let mut spans: Vec<Self> = (1..).zip(channels).flat_map(on).collect();
        spans.sort_by(|a, b| a.start.total_cmp(&b.start));
        spans
    }
}

/// Listens to a stream of samples and says what its speech expresses.
///
/// Spans do not depend on how the samples are cut into calls of [`push`](Self::push). The pieces of one call are answered
/// on rayon's threads, so a file is pushed in large blocks, and a microphone in small ones.
pub struct Listener {
    predictor: Predictor,
    speaker: Option<Enrolment>,
    segmenter: Segmenter,
}

impl Listener {
    /// A listener for samples at `sample_rate` Hz.
    ///
    /// # Errors
    /// [`Error::SampleRate`] below 4000 Hz.
    pub fn new(predictor: &Predictor, sample_rate: u32) -> Result<Self> {
        Ok(Self {
            predictor: predictor.clone(),
            speaker: None,
            segmenter: Segmenter::new(sample_rate)?,
        })
    }

    /// Takes all speech for that of a speaker enrolled with the model, if one is known.
    #[must_use]
    pub fn of(self, speaker: Option<&Enrolment>) -> Self {
        Self {
            speaker: speaker.cloned(),
            ..self
        }
    }

    /// Takes the next samples, and answers the pieces of speech that are complete now.
    ///
    /// # Errors
    /// Those of feature extraction and of the model.
    pub fn push(&mut self, samples: &[f32]) -> Result<Vec<Span>> {
        let pieces = self.segmenter.push(samples);
        self.answer(&pieces)
    }

    /// Says that no more samples come, and answers the last pieces.
    ///
    /// # Errors
    /// As [`Listener::push`].
    pub fn finish(&mut self) -> Result<Vec<Span>> {
        let pieces = self.segmenter.finish();
        self.answer(&pieces)
    }

    fn answer(&self, pieces: &[Piece]) -> Result<Vec<Span>> {
        let answer = |piece: &Piece| -> Result<Option<Span>> {
            let Some(features) = self.predictor.features_of_piece(piece)? else {
                return Ok(None);
            };
            let (start, end) = (piece.start, piece.end);
            let context = Context {
                seconds: end - start,
                ..Context::default()
            };
            let answer =
                self.predictor
                    .answer_features(&features, self.speaker.as_ref(), context)?;
            Ok(Some(Span {
                start,
                end,
                answer,
                channel: None,
            }))
        };
        let spans = pieces.par_iter().map(answer);
        let spans = spans.collect::<Result<Vec<Option<Span>>>>()?;
        Ok(spans.into_iter().flatten().collect())
    }
}
