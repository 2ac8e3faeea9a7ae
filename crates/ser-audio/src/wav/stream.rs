//! How a WAV file becomes samples.
//!
//! hound reads the format description; the samples are converted in bulk from the bytes of the
//! `data` chunk, because asking hound for one sample after the other costs about thirty times as
//! much as reading the whole file.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use super::header::{Layout, WavInfo};
use crate::error::{Error, Result};
use crate::waveform::{SAMPLE_RANGE, Waveform};

/// Reads many WAV files through the same memory.
#[derive(Debug, Default)]
pub struct WavReader {
    bytes: Vec<u8>,
}

impl WavReader {
    /// A reader that has no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `path` as [`Waveform::read`] does, in place of what `waveform` held.
    ///
    /// Allocates only when the signal is longer than all before it.
    ///
    /// # Errors
    ///
    /// As [`Waveform::read`].
    pub fn read_into(
        &mut self,
        path: impl AsRef<Path>,
        waveform: &mut Waveform,
    ) -> Result<WavInfo> {
        WavStream::open(path.as_ref())?.read_to_end(&mut self.bytes, waveform)
    }
}

/// Decodes a WAV file that is in memory, as [`Waveform::read`] does; `path` is for error messages.
///
/// # Errors
///
/// As [`Waveform::read`], without [`Error::Io`].
pub fn decode_wav(bytes: &[u8], path: &Path, waveform: &mut Waveform) -> Result<WavInfo> {
    WavStream::in_memory(bytes, path)?.read_to_end(&mut Vec::new(), waveform)
}

/// The samples of a WAV file, block by block.
///
/// Formats, scale, lengths and errors are those of [`Waveform::read`].
pub struct WavStream<'a, R> {
    reader: R,
    layout: Layout,
    path: Cow<'a, Path>,
    /// Samples per channel that have been read.
    position: u64,
    /// Samples per channel of a block.
    block: u64,
}

/// Bytes read at a time: they stay in the processor's cache until they are converted.
const BLOCK_BYTES: usize = 1 << 16;
/// Blocks a second from a pipe, where somebody may be speaking at the other end.
const PIPE_BLOCKS: u32 = 10;

impl<'a> WavStream<'a, BufReader<File>> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    ///
    /// As [`Waveform::read`], but for what only the samples can show.
    pub fn open(path: impl Into<Cow<'a, Path>>) -> Result<Self> {
        let path = path.into();
        let file = File::open(&path).map_err(|source| Error::io(&path, source))?;
        let len = file
            .metadata()
            .map_err(|source| Error::io(&path, source))?
            .len();
        // Room for a header; blocks are larger and go past this buffer.
        Self::new(BufReader::with_capacity(512, file), Some(len), path).map_err(|(error, _)| error)
    }
}

impl<'a> WavStream<'a, Cursor<&'a [u8]>> {
    /// Opens a file that is in memory; `path` is for error messages.
    ///
    /// # Errors
    ///
    /// As [`open`](WavStream::open), without [`Error::Io`].
    pub fn in_memory(bytes: &'a [u8], path: &'a Path) -> Result<Self> {
        Self::new(Cursor::new(bytes), Some(bytes.len() as u64), path).map_err(|(error, _)| error)
    }
}

impl<'a, R: Read + Seek> WavStream<'a, R> {
    /// Reads the header of what `reader` holds from here on; `path` is for error messages.
    ///
    /// `len` is the number of bytes that it holds; `None` for a pipe, which only needs to seek forward.
    /// There a header that does not state a length means everything until the pipe is closed.
    ///
    /// # Errors
    ///
    /// As [`Waveform::read`], but for what only the samples can show; together with the reader, for
    /// whoever knows another format.
    pub fn new(
        mut reader: R,
        len: Option<u64>,
        path: impl Into<Cow<'a, Path>>,
    ) -> Result<Self, (Error, R)> {
        let path = path.into();
        let layout = match Layout::find(&mut reader, len, &path) {
            Ok(layout) => layout,
            Err(error) => return Err((error, reader)),
        };
        let block = (BLOCK_BYTES / layout.info.frame_bytes()) as u64;
        let block = match len {
            Some(_) => block,
            None => block.min(u64::from(layout.info.sample_rate / PIPE_BLOCKS)),
        };
        Ok(Self {
            reader,
            layout,
            path,
            position: 0,
            block: block.max(1),
        })
    }

    /// What the header says.
    pub fn info(&self) -> WavInfo {
        self.layout.info
    }

    /// Whether all samples have been read.
    pub fn is_at_end(&self) -> bool {
        self.position == self.layout.info.frames
    }

    /// Starts over.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn rewind(&mut self) -> Result<()> {
        self.position = 0;
        self.reader
            .seek(SeekFrom::Start(self.layout.data_start))
            .map_err(|source| Error::io(&self.path, source))?;
        Ok(())
    }

    /// Appends the next samples, mixed down; none at the end. `bytes` is memory to reuse.
    ///
    /// # Errors
    ///
    /// As [`Waveform::read`].
    pub fn read_block(&mut self, bytes: &mut Vec<u8>, samples: &mut Vec<f32>) -> Result<()> {
        let position = self.position;
        self.read_bytes(bytes)?;
        let before = samples.len();
        convert(&self.layout.info, bytes, samples);
        if self.layout.info.float
            && let Some(index) = samples[before..]
                .iter()
                .position(|x| !SAMPLE_RANGE.contains(x))
        {
            return Err(Error::OutOfRange {
                path: self.path.to_path_buf(),
                index: position + index as u64,
                value: samples[before + index],
            });
        }
        Ok(())
    }

    /// Reads the next samples as they are stored, in place of what `bytes` held; none at the end.
    pub(crate) fn read_bytes(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let frame_bytes = self.layout.info.frame_bytes();
        let mut frames = self.block.min(self.layout.info.frames - self.position);
        if self.layout.info.frames == u64::MAX {
            bytes.clear();
            let block = frames * frame_bytes as u64;
            self.reader
                .by_ref()
                .take(block)
                .read_to_end(bytes)
                .map_err(|source| Error::io(&self.path, source))?;
            if (bytes.len() as u64) < block {
                frames = (bytes.len() / frame_bytes) as u64;
                bytes.truncate(frames as usize * frame_bytes);
                self.layout.info.frames = self.position + frames;
            }
        } else {
            bytes.resize(frames as usize * frame_bytes, 0);
            self.reader
                .read_exact(bytes)
                .map_err(|source| match source.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        Error::wav(&self.path, "it ended before its stated length")
                    }
                    _ => Error::io(&self.path, source),
                })?;
        }
        self.position += frames;
        Ok(())
    }

    /// Reads all samples, in place of what `waveform` held.
    fn read_to_end(&mut self, bytes: &mut Vec<u8>, waveform: &mut Waveform) -> Result<WavInfo> {
        waveform.sample_rate = self.layout.info.sample_rate;
        waveform.samples.clear();
        while !self.is_at_end() {
            self.read_block(bytes, &mut waveform.samples)?;
        }
        Ok(self.layout.info)
    }
}

/// Converts `data`, mixes it down and appends it.
fn convert(info: &WavInfo, data: &[u8], samples: &mut Vec<f32>) {
    let channels = usize::from(info.channels);
    match (info.bits_per_sample, info.float) {
        (8, _) => mix_down(data, channels, samples, |[byte]: [u8; 1]| {
            (f32::from(byte) - 128.0) / 128.0
        }),
        (16, _) => mix_down(data, channels, samples, |bytes| {
            f32::from(i16::from_le_bytes(bytes)) / 32_768.0
        }),
        (24, _) => mix_down(data, channels, samples, |[a, b, c]: [u8; 3]| {
            i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0
        }),
        (_, false) => mix_down(data, channels, samples, |bytes| {
            i32::from_le_bytes(bytes) as f32 / 2_147_483_648.0
        }),
        (_, true) => mix_down(data, channels, samples, f32::from_le_bytes),
    }
}

/// Appends the mean over the channels of each frame.
fn mix_down<const BYTES: usize>(
    data: &[u8],
    channels: usize,
    samples: &mut Vec<f32>,
    convert: impl Fn([u8; BYTES]) -> f32,
) {
    let values = data.as_chunks::<BYTES>().0;
    match channels {
        1 => samples.extend(values.iter().map(|&bytes| convert(bytes))),
        2 => {
            let pairs = values.as_chunks::<2>().0;
            samples.extend(pairs.iter().map(|&[l, r]| (convert(l) + convert(r)) / 2.0));
        }
        _ => {
            samples.extend(values.chunks_exact(channels).map(|frame| {
                frame.iter().map(|&bytes| convert(bytes)).sum::<f32>() / channels as f32
            }))
        }
    }
}
