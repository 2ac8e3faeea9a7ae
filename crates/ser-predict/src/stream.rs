//! The emotions in a stream of samples over time.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::answer::{Answer, Context};
use crate::enrolment::Enrolment;
use crate::error::Result;
use crate::predictor::Predictor;
use crate::segmenter::{Piece, Segmenter};

/// A piece of speech with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Start of the piece in seconds.
    pub start: f64,
    /// End of the piece in seconds.
    pub end: f64,
    /// The answer for the piece.
    pub answer: Answer,
    /// The channel, counted from 1, if each channel was processed separately.
    pub channel: Option<u16>,
}

impl Span {
    /// Merges the spans of channels that were processed separately, and sorts them by start. `channels` has the spans
    /// of each channel.
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

/// Finds the speech in a stream of samples and answers it piece by piece.
///
/// Spans do not depend on how the samples are divided among calls of [`push`](Self::push). The pieces of one call are
/// answered on rayon's threads, so push a file in large blocks and a microphone in small ones.
pub struct Listener {
    predictor: Predictor,
    speaker: Option<Enrolment>,
    segmenter: Segmenter,
}

impl Listener {
    /// Creates a listener for samples at `sample_rate` Hz. All speech counts as that of `speaker`, who is enrolled with
    /// the model, if one is given.
    ///
    /// # Errors
    /// [`Error::SampleRate`](crate::Error::SampleRate) below 4000 Hz.
    pub fn new(
        predictor: &Predictor,
        sample_rate: u32,
        speaker: Option<&Enrolment>,
    ) -> Result<Self> {
        Ok(Self {
            predictor: predictor.clone(),
            speaker: speaker.cloned(),
            segmenter: Segmenter::new(sample_rate)?,
        })
    }

    /// Takes the next samples, and answers the pieces of speech that are now complete.
    ///
    /// # Errors
    /// The errors of feature extraction, and those of [`Model::predict_enrolled`](crate::Model::predict_enrolled).
    pub fn push(&mut self, samples: &[f32]) -> Result<Vec<Span>> {
        let pieces = self.segmenter.push(samples);
        self.answer(&pieces)
    }

    /// Ends the stream, and answers the last pieces.
    ///
    /// # Errors
    /// The same as for [`Listener::push`].
    pub fn finish(&mut self) -> Result<Vec<Span>> {
        let pieces = self.segmenter.finish();
        self.answer(&pieces)
    }

    fn answer(&self, pieces: &[Piece]) -> Result<Vec<Span>> {
        let answer = |piece: &Piece| -> Result<Option<Span>> {
            let Some(features) = self.predictor.features_of_speech(&piece.sound)? else {
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
