//! Enrolment of a speaker from any number of recordings, one after the other.

use ser_audio::Damage;

use crate::embedding::Embedding;
use crate::enrolment::Enrolment;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::trained_network::{TrainedNetwork, add};

/// The smallest number of recordings that are treated as a collection, whose mean is subtracted from each of them.
///
/// The mean of fewer recordings would consist mostly of the emotions that these few express. For clips of one speaker
/// this number already helps (docs/results.md); for collections that was not measured.
pub const SMALLEST_COLLECTION: usize = 4;

/// What a recording says of the voice in it, for [`Enroller::add`].
#[derive(Debug)]
pub struct Speech {
    /// Number of clips: one, or the pieces of a longer recording.
    clips: usize,
    seconds: f64,
    /// One sum for each view of each network.
    sums: Vec<Sum>,
    pub(crate) damage: Option<Damage>,
}

impl Speech {
    /// Takes what a clip with `seconds` seconds of speech says of the voice from its embeddings by the same model.
    ///
    /// # Errors
    /// [`Error::Shape`] if the clip was embedded by another model.
    pub fn of(model: &Model, clip: &Embedding, seconds: f64) -> Result<Self> {
        clip.check(model)?;
        let sums = model.network_views().zip(&clip.windows);
        let sums = sums.map(|((network, _), windows)| Sum::of(network, windows));
        Ok(Self {
            clips: 1,
            seconds,
            sums: sums.collect(),
            damage: None,
        })
    }

    /// Adds another piece of the same recording.
    pub(crate) fn append(&mut self, piece: Self) {
        self.clips += piece.clips;
        self.seconds += piece.seconds;
        for (sum, more) in self.sums.iter_mut().zip(&piece.sums) {
            sum.add(more);
        }
    }

    /// Returns what the recording lacks, if it is damaged and came as a stream.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// Returns the length of the speech in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}

/// Computes an [`Enrolment`] from any number of recordings. It needs no more memory for many recordings than for one.
///
/// The order in which recordings are added affects the last digits of the result. Recordings may be embedded on many
/// threads; for a reproducible result, add them in a fixed order.
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
    /// One sum for each view of each network.
    sums: Vec<Sum>,
}

/// The sum of the embeddings of some windows, in one view of a network.
#[derive(Debug)]
pub(crate) struct Sum {
    /// `[E]`; empty for a network that was trained without enrolment.
    pub(crate) embeddings: Vec<f32>,
    pub(crate) windows: u32,
}

impl Sum {
    /// Returns the sum of no windows.
    pub(crate) fn none(network: &TrainedNetwork) -> Self {
        Self {
            embeddings: vec![0.0; network.centre.as_ref().map_or(0, Vec::len)],
            windows: 0,
        }
    }

    /// Adds up the embeddings of the windows of a clip.
    fn of(network: &TrainedNetwork, windows: &[Vec<f32>]) -> Self {
        let mut sum = Self::none(network);
        if network.centre.is_some() {
            let terms = windows.iter();
            terms.for_each(|window| add(&mut sum.embeddings, window));
            sum.windows = windows.len() as u32;
        }
        sum
    }

    fn add(&mut self, other: &Self) {
        add(&mut self.embeddings, &other.embeddings);
        self.windows += other.windows;
    }
}

impl<'m> Enroller<'m> {
    /// Creates an enroller without recordings.
    #[must_use]
    pub fn new(model: &'m Model) -> Self {
        let sums = model.network_views().map(|(network, _)| Sum::none(network));
        Self {
            model,
            recordings: 0,
            clips: 0,
            seconds: 0.0,
            sums: sums.collect(),
        }
    }

    /// Adds a recording that was embedded by the same model.
    ///
    /// # Errors
    /// [`Error::Shape`] if the recording was embedded by another model.
    pub fn add(&mut self, speech: &Speech) -> Result<()> {
        let sizes =
            |sums: &[Sum]| -> Vec<usize> { sums.iter().map(|sum| sum.embeddings.len()).collect() };
        let (expected, found) = (sizes(&self.sums), sizes(&speech.sums));
        if found != expected {
            return Err(Error::Shape {
                what: "embeddings of a recording to enrol with",
                expected: format!("{expected:?}"),
                actual: format!("{found:?}"),
            });
        }
        for (sum, more) in self.sums.iter_mut().zip(&speech.sums) {
            sum.add(more);
        }
        self.recordings += 1;
        self.clips += speech.clips;
        self.seconds += speech.seconds;
        Ok(())
    }

    /// Returns the number of recordings that were added.
    #[must_use]
    pub fn recordings(&self) -> usize {
        self.recordings
    }

    /// Returns the total length of the speech in the added recordings, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Computes the enrolment by the formula of [`Model::enrol`].
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
