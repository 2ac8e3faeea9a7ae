//! Decoding of WAV files.
//!
//! hound parses the description of the format. The samples are converted in bulk from the bytes of the
//! `data` chunk, because asking hound for one sample after another takes about thirty times as
//! long as reading the whole file.

use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use multiversion::multiversion;

use super::header::{Header, WavInfo};
use crate::channels::{Channels, Mixer};
use crate::damage::{CutShort, Damage, NoNumbers};
use crate::error::{Error, Result};
use crate::waveform::Waveform;

/// Decodes a plain WAV file in memory and mixes its channels down to their mean. Overwrites `waveform`; `path` is for
/// error messages.
///
/// # Formats
///
/// PCM of 8, 16, 24 and 32 bits and floating point of 32 bits, plain or
/// `WAVE_FORMAT_EXTENSIBLE`, with any number of channels, any sampling rate, and any other chunks before and
/// after the samples; also RF64, for files beyond 4 GiB.
///
/// # Scale
///
/// The scale is that of libsndfile: an integer of `b` bits is divided by `2^(b−1)`, where `b` is the size
/// of its container (8-bit samples are unsigned, so 128 is subtracted first). Floating-point
/// samples do not change.
///
/// # Lengths
///
/// The bytes take precedence over the header. A program that writes to a pipe cannot go back and fill in the length.
/// Its mark for that (`0xFFFFFFFF`; `0x7FFFF000` from SoX; `0x80000000` from arecord; 0), and a length after which
/// neither the end nor another chunk follows, mean that the samples extend to the end of the file. From a file that
/// holds less than it states, everything that it holds is decoded. A last incomplete frame is dropped. No samples at
/// all is not an error here, if that is what the header states.
///
/// # Errors
///
/// [`Error::Wav`] if the file is damaged or not WAV, [`Error::Unsupported`] for a compressed or unusual sample
/// format, and [`Error::OutOfRange`] if most floating-point samples are not numbers or lie outside
/// [`SAMPLE_RANGE`](crate::SAMPLE_RANGE). If fewer do, these become 0.
pub fn decode_wav(bytes: &[u8], path: &Path, waveform: &mut Waveform) -> Result<WavInfo> {
    let len = Some(bytes.len() as u64);
    let stream = WavStream::new(Cursor::new(bytes), len, path);
    let mut stream = stream.map_err(|(error, _)| error)?;
    waveform.sample_rate = stream.info().sample_rate;
    waveform.samples.clear();
    let mut mixer = Mixer::new(Channels::Mean, stream.info().channels.into());
    while !stream.is_at_end() {
        stream.read_block(&mut mixer, &mut waveform.samples)?;
    }
    Ok(stream.info())
}

/// The samples of a plain WAV file, block by block, as [`decode_wav`] decodes them.
pub(crate) struct WavStream<R> {
    reader: R,
    info: WavInfo,
    path: PathBuf,
    /// Samples per channel that have been read.
    position: u64,
    /// Samples per channel of a block.
    block: u64,
    /// The stated number of samples per channel, if the file holds fewer.
    promised: Option<u64>,
    no_numbers: NoNumbers,
    /// Buffers for the samples as they are stored, and for those that are not mixed while they are converted.
    bytes: Vec<u8>,
    interleaved: Vec<f32>,
}

/// Number of bytes read at a time: they stay in the cache of the processor until they are converted.
const BLOCK_BYTES: usize = 1 << 16;
/// Number of blocks per second from a pipe, where somebody may be speaking at the other end.
const PIPE_BLOCKS: u32 = 10;

impl<R: Read + Seek> WavStream<R> {
    /// Reads the header of `reader` from its position on; `path` is for error messages.
    ///
    /// `len` is the number of bytes that it holds; `None` for a pipe, which only needs to seek forward.
    /// In a pipe, a header that does not state a length means everything until the pipe is closed.
    ///
    /// An error includes the reader, so that the caller can try another format.
    pub(crate) fn new(mut reader: R, len: Option<u64>, path: &Path) -> Result<Self, (Error, R)> {
        let Header { info, promised } = match Header::find(&mut reader, len, path) {
            Ok(header) => header,
            Err(error) => return Err((error, reader)),
        };
        let block = (BLOCK_BYTES / info.frame_bytes()) as u64;
        let block = match len {
            Some(_) => block,
            None => block.min(u64::from(info.sample_rate / PIPE_BLOCKS)),
        };
        Ok(Self {
            reader,
            info,
            path: path.to_path_buf(),
            position: 0,
            block: block.max(1),
            promised,
            no_numbers: NoNumbers::default(),
            bytes: Vec::new(),
            interleaved: Vec::new(),
        })
    }

    /// Returns what the header states, with the length that the file holds.
    pub(crate) fn info(&self) -> WavInfo {
        self.info
    }

    /// Returns whether all samples have been read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.position == self.info.frames
    }

    /// Returns what is known to be missing.
    pub(crate) fn damage(&self) -> Damage {
        let seconds = |frames: u64| frames as f64 / f64::from(self.info.sample_rate);
        Damage {
            cut_short: self.promised.map(|promised| CutShort {
                held_seconds: seconds(self.info.frames),
                promised_seconds: Some(seconds(promised)),
            }),
            no_numbers: self.no_numbers.count,
            ..Damage::default()
        }
    }

    /// Appends the next samples, mixed down; none at the end.
    pub(crate) fn read_block(&mut self, mixer: &mut Mixer, samples: &mut Vec<f32>) -> Result<()> {
        let (position, channels) = (self.position, self.info.channels);
        self.read_bytes()?;
        if mixer.is_mean() && !self.info.float {
            convert(&self.info, channels.into(), &self.bytes, samples);
        } else {
            self.interleaved.clear();
            convert(&self.info, 1, &self.bytes, &mut self.interleaved);
            if self.info.float {
                let interleaved = &mut self.interleaved;
                self.no_numbers.silence(interleaved, channels, position);
            }
            mixer.push(&self.interleaved, channels.into(), samples);
        }
        if self.is_at_end() {
            mixer.finish(samples);
            self.no_numbers.check(&self.path)?;
        }
        Ok(())
    }

    /// Reads the next samples and returns them as they are stored; none at the end.
    pub(crate) fn read_bytes(&mut self) -> Result<&[u8]> {
        let frame_bytes = self.info.frame_bytes();
        let wanted = self.block.min(self.info.frames - self.position);
        self.bytes.resize(wanted as usize * frame_bytes, 0);
        let held = fill(&mut self.reader, &mut self.bytes);
        let held = held.map_err(ser_files::Error::at(&self.path))?;
        let frames = (held / frame_bytes) as u64;
        self.position += frames;
        if frames < wanted {
            self.bytes.truncate(frames as usize * frame_bytes);
            let stated = self.info.frames;
            if stated != u64::MAX && self.promised.is_none() {
                self.promised = Some(stated);
            }
            self.info.frames = self.position;
        }
        Ok(&self.bytes)
    }
}

/// Reads until `bytes` is full or the input ends, and returns the number of bytes read.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut held = 0;
    while held < bytes.len() {
        match reader.read(&mut bytes[held..]) {
            Ok(0) => break,
            Ok(read) => held += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(held)
}

/// Converts `data`, mixes it down to the mean of `channels` channels, and appends the samples.
#[multiversion(targets("x86_64+avx2+fma"))]
fn convert(info: &WavInfo, channels: usize, data: &[u8], samples: &mut Vec<f32>) {
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
        (_, false) if info.padded => mix_down(data, channels, samples, |[a, b, c, _]: [u8; 4]| {
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
