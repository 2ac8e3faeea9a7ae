//! Where the chain gets its samples from: memory, or a recording of any length, part by part.

use std::ops::Range;

use ser_audio::{AudioStream, Resampler};

use crate::error::{Error, Result};

/// A signal of known length whose parts can be asked for.
///
/// Going forward is cheap and may overlap; going back costs starting over.
pub(crate) trait Signal {
    /// Number of samples.
    fn len(&self) -> usize;

    /// The samples of `range`, which lies inside the signal.
    fn samples(&mut self, range: Range<usize>) -> Result<&[f32]>;
}

/// A signal that is there already.
pub(crate) struct InMemory<'a>(pub(crate) &'a [f32]);

impl Signal for InMemory<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn samples(&mut self, range: Range<usize>) -> Result<&[f32]> {
        Ok(&self.0[range])
    }
}

/// A recording, decoded, mixed down and resampled as far as it is asked for.
pub(crate) struct Recording<'a> {
    stream: AudioStream,
    /// `None` if the rate is right as it is.
    resampler: Option<&'a mut Resampler>,
    buffers: &'a mut RecordingBuffers,
    /// Position in the signal of the first sample of the window.
    start: usize,
    len: usize,
}

/// Memory that a thread reuses from recording to recording.
#[derive(Debug, Default)]
pub(crate) struct RecordingBuffers {
    decoded: Vec<f32>,
    /// The part of the signal that is held.
    window: Vec<f32>,
}

/// Samples of a signal that are held where its length is not known beforehand: 8 MiB, 47 s at 44.1 kHz. Longer ones
/// are decoded once more to be measured.
const HELD: usize = 1 << 21;

impl<'a> Recording<'a> {
    /// `resampler` starts at the rate of the stream, which is at its beginning.
    ///
    /// # Errors
    /// What is wrong with a recording whose length shows at its end only.
    pub(crate) fn new(
        stream: AudioStream,
        resampler: Option<&'a mut Resampler>,
        buffers: &'a mut RecordingBuffers,
    ) -> Result<Self> {
        let frames = stream.frames();
        let mut recording = Self {
            stream,
            resampler,
            buffers,
            start: 0,
            len: 0,
        };
        recording.forget();
        recording.len = match frames {
            // A file has no more samples than memory has addresses, unless it is refused while it is
            // read.
            Some(frames) => {
                let frames = usize::try_from(frames).unwrap_or(usize::MAX);
                let resampler = recording.resampler.as_ref();
                resampler.map_or(frames, |resampler| resampler.output_len(frames))
            }
            None => recording.measure()?,
        };
        Ok(recording)
    }

    /// Finds the length by decoding all of it. What is short is all in the window then.
    fn measure(&mut self) -> Result<usize> {
        while self.read_block()? {
            if self.buffers.window.len() > HELD {
                self.start += self.buffers.window.len();
                self.buffers.window.clear();
            }
        }
        let len = self.start + self.buffers.window.len();
        if self.start > 0 {
            self.rewind()?;
        }
        Ok(len)
    }

    /// Adds a block to the window; at the end `false`, and what the resampler has left.
    fn read_block(&mut self) -> Result<bool> {
        let RecordingBuffers { decoded, window } = &mut *self.buffers;
        let Some(resampler) = &mut self.resampler else {
            return Ok(self.stream.next_block(window)?);
        };
        decoded.clear();
        let goes_on = self.stream.next_block(decoded)?;
        match goes_on {
            true => resampler.push(decoded, window),
            false => resampler.finish(window),
        }
        Ok(goes_on)
    }

    fn rewind(&mut self) -> Result<()> {
        self.stream.rewind()?;
        self.forget();
        Ok(())
    }

    /// Holds nothing of the signal any more.
    fn forget(&mut self) {
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
        self.buffers.window.clear();
        self.start = 0;
    }
}

impl Signal for Recording<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn samples(&mut self, range: Range<usize>) -> Result<&[f32]> {
        if range.start < self.start {
            self.rewind()?;
        }
        while self.start + self.buffers.window.len() < range.end {
            // Only what follows will be asked for.
            let passed = (range.start - self.start).min(self.buffers.window.len());
            self.buffers.window.drain(..passed);
            self.start += passed;
            let goes_on = self.read_block()?;
            let end = self.start + self.buffers.window.len();
            if !goes_on && end < range.end {
                // It was longer when it was measured.
                return Err(Error::TooShort {
                    what: "reading it again",
                    unit: "samples",
                    expected: self.len,
                    actual: end,
                });
            }
        }
        Ok(&self.buffers.window[range.start - self.start..range.end - self.start])
    }
}
