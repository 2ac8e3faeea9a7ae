//! Where somebody speaks.

/// A stretch of speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First sample.
    pub start: u64,
    /// The sample after the last.
    pub end: u64,
    /// Samples per second, in Hz.
    pub sample_rate: u32,
}

impl Segment {
    /// Where it starts, in seconds.
    pub fn start_seconds(&self) -> f64 {
        self.start as f64 / f64::from(self.sample_rate)
    }

    /// Where it ends, in seconds.
    pub fn end_seconds(&self) -> f64 {
        self.end as f64 / f64::from(self.sample_rate)
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        (self.end - self.start) as f64 / f64::from(self.sample_rate)
    }
}

/// Finds speech in a stream of samples.
pub struct VoiceActivity {
    sample_rate: u32,
}

impl VoiceActivity {
    /// A detector for a signal of `sample_rate` Hz.
    pub fn new(sample_rate: u32) -> Self {
        Self { sample_rate }
    }

    /// Takes the next samples.
    pub fn push(&mut self, _samples: &[f32]) {
        todo!("{}", self.sample_rate)
    }

    /// Says that no more samples come.
    pub fn finish(&mut self) {
        todo!()
    }

    /// Hands out the segments that were completed since the last call.
    pub fn drain(&mut self) -> impl Iterator<Item = Segment> + '_ {
        std::iter::empty()
    }
}
