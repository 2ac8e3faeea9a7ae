//! The emotions in a recording of any length over time.

use ser_audio::AudioStream;

use crate::enrolment::Enrolment;
use crate::error::Result;
use crate::predictor::Predictor;
use crate::stream::{Listener, Span};

/// Processes a recording step by step, in memory that does not grow with its length.
///
/// ```no_run
/// use ser_audio::AudioStream;
/// use ser_predict::{Predictor, Timeline};
///
/// let predictor = Predictor::built_in()?;
/// let stream = AudioStream::open("interview.mp3".as_ref())?;
/// let mut timeline = Timeline::new(&predictor, stream, None)?;
/// while let Some(spans) = timeline.step(60.0)? {
///     println!("{} spans up to {:.0} s", spans.len(), timeline.heard());
/// }
/// # Ok::<(), ser_predict::Error>(())
/// ```
pub struct Timeline {
    stream: AudioStream,
    listener: Listener,
    samples: Vec<f32>,
    taken: u64,
    is_over: bool,
}

impl Timeline {
    /// Creates a timeline for a recording from which no samples have been read yet. `speaker` is enrolled with the
    /// model, if one is given.
    ///
    /// # Errors
    /// The same as for [`Listener::new`].
    pub fn new(
        predictor: &Predictor,
        stream: AudioStream,
        speaker: Option<&Enrolment>,
    ) -> Result<Self> {
        Ok(Self {
            listener: Listener::new(predictor, stream.sample_rate(), speaker)?,
            stream,
            samples: Vec::new(),
            taken: 0,
            is_over: false,
        })
    }

    /// Reads the next `seconds` seconds or slightly more, and returns the spans that are then complete; `None` after
    /// the end. With more seconds per step, more spans can be answered in parallel. However few they are, some sound is
    /// read, so that a loop over the steps ends.
    ///
    /// # Errors
    /// The errors of decoding, and the same as for [`Listener::push`].
    pub fn step(&mut self, seconds: f64) -> Result<Option<Vec<Span>>> {
        if self.is_over {
            return Ok(None);
        }
        // Negative numbers and NaN become 0.
        let wanted = (seconds * f64::from(self.stream.sample_rate())).ceil() as usize;
        self.samples.clear();
        loop {
            self.is_over = !self.stream.next_block(&mut self.samples)?;
            if self.is_over || self.samples.len() >= wanted {
                break;
            }
        }
        self.taken += self.samples.len() as u64;
        let mut spans = self.listener.push(&self.samples)?;
        if self.is_over {
            spans.extend(self.listener.finish()?);
        }
        Ok(Some(spans))
    }

    /// Returns the number of seconds read so far.
    #[must_use]
    pub fn heard(&self) -> f64 {
        self.taken as f64 / f64::from(self.stream.sample_rate())
    }

    /// Returns the samples of the last step.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Returns the recording, which reports its length, its channels and its damage.
    #[must_use]
    pub fn stream(&self) -> &AudioStream {
        &self.stream
    }
}
