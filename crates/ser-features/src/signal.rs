//! Where the chain gets its samples from: memory, or a recording of any length, part by part.

use std::io::{Read, Seek};
use std::ops::Range;

use ser_audio::{Resampler, WavStream};

use crate::error::Result;

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

/// A WAV file, decoded, mixed down and resampled as far as it is asked for.
pub(crate) struct Recording<'a, R> {
    stream: WavStream<'a, R>,
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
    bytes: Vec<u8>,
    decoded: Vec<f32>,
    /// The part of the signal that is held.
    window: Vec<f32>,
}

impl<'a, R: Read + Seek> Recording<'a, R> {
    /// `resampler` starts at the rate of the stream.
    pub(crate) fn new(
        stream: WavStream<'a, R>,
        mut resampler: Option<&'a mut Resampler>,
        buffers: &'a mut RecordingBuffers,
    ) -> Self {
        // A file has no more samples than memory has addresses, unless it is refused while it is
        // read.
        let len = usize::try_from(stream.info().frames).unwrap_or(usize::MAX);
        let len = match &mut resampler {
            None => len,
            Some(resampler) => {
                resampler.reset();
                resampler.output_len(len)
            }
        };
        buffers.window.clear();
        Self {
            stream,
            resampler,
            buffers,
            start: 0,
            len,
        }
    }

    /// Adds a block to the window.
    fn read_block(&mut self) -> Result<()> {
        let RecordingBuffers {
            bytes,
            decoded,
            window,
        } = &mut *self.buffers;
        let Some(resampler) = &mut self.resampler else {
            return Ok(self.stream.read_block(bytes, window)?);
        };
        decoded.clear();
        self.stream.read_block(bytes, decoded)?;
        resampler.push(decoded, window);
        if self.stream.is_at_end() {
            resampler.finish(window);
        }
        Ok(())
    }
}

impl<R: Read + Seek> Signal for Recording<'_, R> {
    fn len(&self) -> usize {
        self.len
    }

    fn samples(&mut self, range: Range<usize>) -> Result<&[f32]> {
        if range.start < self.start {
            self.stream.rewind()?;
            if let Some(resampler) = &mut self.resampler {
                resampler.reset();
            }
            self.buffers.window.clear();
            self.start = 0;
        }
        while self.start + self.buffers.window.len() < range.end {
            // Only what follows will be asked for.
            let passed = (range.start - self.start).min(self.buffers.window.len());
            self.buffers.window.drain(..passed);
            self.start += passed;
            self.read_block()?;
        }
        Ok(&self.buffers.window[range.start - self.start..range.end - self.start])
    }
}
