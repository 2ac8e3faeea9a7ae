//! From recordings of a speaker to what is known of the voice, one recording after the other.

use ser_features::Features;

use crate::enrolment::Enrolment;
use crate::error::{Error, Result};
use crate::model::{Model, TrainedNetwork, add};

/// The fewest recordings that are taken for a collection, whose mean is taken away from each: that of fewer is what these few
/// express. As few clips of a speaker help (docs/results.md); for collections it was not measured.
pub const SMALLEST_COLLECTION: usize = 4;

/// A recording in which somebody speaks, as the networks hear it, for [`Enroller::add`].
#[derive(Debug)]
pub struct Speech {
    /// Clips it was taken as: pieces of a longer recording.
    clips: usize,
    seconds: f64,
    /// `[windows × E]` in each view of each network; nothing for a network that was trained without enrolment.
    embeddings: Vec<Vec<f32>>,
}

impl Speech {
    /// A clip, given as [`Model::views`] says, in which somebody speaks for so many seconds.
    pub(crate) fn of_clip(model: &Model, clip: &[Features], seconds: f64) -> Result<Self> {
        Ok(Self {
            clips: 1,
            seconds,
            embeddings: model.enrolment_embeddings(clip)?,
        })
    }

    /// The pieces of a recording as one.
    pub(crate) fn append(&mut self, piece: Self) {
        self.clips += piece.clips;
        self.seconds += piece.seconds;
        for (all, embeddings) in self.embeddings.iter_mut().zip(piece.embeddings) {
            all.extend(embeddings);
        }
    }

    /// Seconds of speech.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}

/// Makes an [`Enrolment`] of any number of recordings, and needs no more memory for many than for one.
///
/// What comes out depends on the order of the recordings in its last digits: they may be heard on many threads, and are
/// added in one order.
///
/// ```
/// use ser_predict::{Enroller, Predictor};
///
/// let predictor = Predictor::built_in()?;
/// let mut enroller = Enroller::new(predictor.model());
/// for pitch in [0.1, 0.2] {
///     // Somebody who says Ah four times a second.
///     let ah = |n: u16| (f32::from(n) * pitch).sin() * (f32::from(n) * 8e-4).sin().powi(2) / 4.0;
///     let sound = ser_audio::Waveform::new((0..32_000).map(ah).collect(), 16_000);
///     enroller.add(&predictor.speech(&sound)?)?;
/// }
/// assert_eq!(enroller.finish().clips(), 2);
/// # Ok::<(), ser_predict::Error>(())
/// ```
#[derive(Debug)]
pub struct Enroller<'m> {
    model: &'m Model,
    recordings: usize,
    clips: usize,
    seconds: f64,
    /// For each view of each network.
    sums: Vec<Sum>,
}

#[derive(Debug)]
struct Sum {
    /// `[E]`; nothing for a network that was trained without enrolment.
    embeddings: Vec<f32>,
    windows: u32,
}

impl<'m> Enroller<'m> {
    /// Nobody is known yet.
    #[must_use]
    pub fn new(model: &'m Model) -> Self {
        let sums = model.network_views().map(|(network, _)| Sum {
            embeddings: vec![0.0; network.centre.as_ref().map_or(0, Vec::len)],
            windows: 0,
        });
        Self {
            model,
            recordings: 0,
            clips: 0,
            seconds: 0.0,
            sums: sums.collect(),
        }
    }

    /// Takes another recording, heard by the same model.
    ///
    /// # Errors
    /// [`Error::Shape`] for a recording heard by another model.
    pub fn add(&mut self, speech: &Speech) -> Result<()> {
        let sizes = || self.sums.iter().map(|sum| sum.embeddings.len());
        let is_whole = |(size, values): (usize, &Vec<f32>)| match size {
            0 => values.is_empty(),
            size => values.len().is_multiple_of(size),
        };
        let found = &speech.embeddings;
        if found.len() != self.sums.len() || !sizes().zip(found).all(is_whole) {
            let words = |sizes: Vec<usize>| format!("{sizes:?}");
            return Err(Error::Shape {
                what: "embeddings of a recording to enrol with",
                expected: format!("multiples of {}", words(sizes().collect())),
                actual: words(found.iter().map(Vec::len).collect()),
            });
        }
        for (sum, values) in self.sums.iter_mut().zip(found) {
            for window in values.chunks_exact(sum.embeddings.len().max(1)) {
                add(&mut sum.embeddings, window);
                sum.windows += 1;
            }
        }
        self.recordings += 1;
        self.clips += speech.clips;
        self.seconds += speech.seconds;
        Ok(())
    }

    /// Number of recordings that were added.
    #[must_use]
    pub fn recordings(&self) -> usize {
        self.recordings
    }

    /// Seconds of speech in them.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// What is known of the voice, as [`Model::enrol`] says.
    #[must_use]
    pub fn finish(self) -> Enrolment {
        let networks = self.model.network_views().zip(self.sums);
        let offset = |((network, _), sum): ((&TrainedNetwork, _), Sum)| {
            network.offset(self.clips, &sum.embeddings, sum.windows)
        };
        Enrolment {
            clips: self.clips,
            offsets: networks.map(offset).collect(),
        }
    }
}
