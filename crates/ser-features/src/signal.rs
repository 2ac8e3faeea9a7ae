//! Sources of samples for the chain: memory, or a recording of any length that is read part by part.

use std::ops::Range;

use ser_audio::{AudioStream, Resampler};

use crate::error::{Error, Result};

/// A signal of known length that returns its samples range by range.
///
/// Ranges that move forward are cheap and may overlap. A range that moves back costs a new start from
/// the beginning.
pub(crate) trait Signal {
    /// Returns the number of samples.
    fn len(&self) -> usize;

    /// Returns the samples of `range`, which must lie inside the signal.
    fn samples(&mut self, range: Range<usize>) -> Result<&[f32]>;
}

/// A signal whose samples are all in memory.
pub(crate) struct InMemory<'a>(pub(crate) &'a [f32]);

impl Signal for InMemory<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn samples(&mut self, range: Range<usize>) -> Result<&[f32]> {
        Ok(&self.0[range])
    }
}

/// A recording that is decoded, mixed down and resampled as far as its samples are requested.
pub(crate) struct Recording<'a> {
    stream: AudioStream,
    /// `None` if the signal needs no resampling.
    resampler: Option<&'a mut Resampler>,
    buffers: &'a mut RecordingBuffers,
    /// Position in the signal of the first sample of the window.
    start: usize,
    len: usize,
}

/// Buffers that a thread reuses from recording to recording.
#[derive(Debug, Default)]
pub(crate) struct RecordingBuffers {
    decoded: Vec<f32>,
    /// The part of the signal that is in memory.
    window: Vec<f32>,
}

/// Number of samples that are kept in memory if the length of a signal is not known in advance: 8 MiB, 47 s at
/// 44.1 kHz. A longer signal is decoded once to measure it, and once more for its samples.
const HELD: usize = 1 << 21;

impl<'a> Recording<'a> {
    /// Creates a recording. The stream is at its beginning, and `resampler` starts at its sampling rate.
    ///
    /// # Errors
    /// Those of [`AudioStream`], if the length is not known before the end of the recording is decoded.
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
            // Memory cannot address more samples than `usize::MAX`; a file that claims more is refused
            // while it is read.
            Some(frames) => {
                let frames = usize::try_from(frames).unwrap_or(usize::MAX);
                let resampler = recording.resampler.as_ref();
                resampler.map_or(frames, |resampler| resampler.output_len(frames))
            }
            None => recording.measure()?,
        };
        Ok(recording)
    }

    /// Finds the length by decoding the whole recording. A short recording is then completely in the window.
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

    /// Adds a block to the window. At the end it adds what the resampler still holds and returns `false`.
    fn read_block(&mut self) -> Result<bool> {
        let RecordingBuffers { decoded, window } = &mut *self.buffers;
        let Some(resampler) = &mut self.resampler else {
            return Ok(self.stream.next_block(window)?);
        };
        decoded.clear();
        let goes_on = self.stream.next_block(decoded)?;
        if goes_on {
            resampler.push(decoded, window)
        } else {
            resampler.finish(window)
        }
        Ok(goes_on)
    }

    fn rewind(&mut self) -> Result<()> {
        self.stream.rewind()?;
        self.forget();
        Ok(())
    }

    /// Empties the window and resets the resampler.
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
            // Samples before the start of the range will not be requested again.
            let passed = (range.start - self.start).min(self.buffers.window.len());
            self.buffers.window.drain(..passed);
            self.start += passed;
            let goes_on = self.read_block()?;
            let end = self.start + self.buffers.window.len();
            if !goes_on && end < range.end {
                // The recording was longer when it was measured.
                return Err(Error::TooShort {
                    what: "the length measured first (the file changed while it was read)",
                    unit: "samples",
                    expected: self.len,
                    actual: end,
                });
            }
        }
        Ok(&self.buffers.window[range.start - self.start..range.end - self.start])
    }
}
