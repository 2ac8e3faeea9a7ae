//! One-channel audio in memory, and how a WAV file becomes it.
//!
//! hound reads the format description; the samples are converted in bulk from the bytes of the
//! `data` chunk, because asking hound for one sample after the other costs about thirty times as
//! much as reading the whole file.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, Result};

/// A mono signal and its sampling rate.
///
/// ```no_run
/// use ser_features::Waveform;
///
/// let clip = Waveform::read("03-01-05-02-01-02-11.wav")?;
/// println!("{:.2} s at {} Hz", clip.duration(), clip.sample_rate);
/// # Ok::<(), ser_features::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waveform {
    /// The samples; full scale is −1 to 1, and floating-point files may exceed it.
    pub samples: Vec<f32>,
    /// Samples per second, in Hz.
    pub sample_rate: u32,
}

impl Waveform {
    /// A signal from samples already in memory.
    pub fn new(samples: Vec<f32>, sample_rate: u32) -> Self {
        Self {
            samples,
            sample_rate,
        }
    }

    /// Reads a WAV file and mixes its channels down to their mean.
    ///
    /// # Formats
    ///
    /// PCM of 8, 16, 24 and 32 bits and floating point of 32 bits, plain or
    /// `WAVE_FORMAT_EXTENSIBLE`, any number of channels, any rate, any further chunks before and
    /// after the samples; RF64 as well, for files beyond 4 GiB.
    ///
    /// # Scale
    ///
    /// As libsndfile has it: an integer of `b` bits is divided by `2^(b−1)`, where `b` is the size
    /// of its container (8-bit samples are unsigned, so 128 is taken away first). Floating-point
    /// samples are left as they are.
    ///
    /// # Lengths
    ///
    /// A program that writes to a pipe cannot go back and fill in the length. Its mark for that
    /// (`0xFFFFFFFF`; `0x7FFFF000` from SoX; `0x80000000` from arecord; 0 in a file whose RIFF length
    /// is unknown as well) means that the samples reach to the end of the file, of which a last incomplete frame is dropped. A
    /// real length that the file does not hold is an error: such a file was cut short. No samples at
    /// all is not an error here.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be read, [`Error::Wav`] when it is damaged or not WAV,
    /// [`Error::Unsupported`] for a compressed or unusual sample format, and [`Error::NotFinite`]
    /// when a floating-point sample is infinite or not a number.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let mut waveform = Self::default();
        WavReader::new().read_into(path, &mut waveform)?;
        Ok(waveform)
    }

    /// Length in seconds, 0 if the rate is.
    pub fn duration(&self) -> f64 {
        if self.sample_rate == 0 {
            return 0.0;
        }
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }
}

/// What the header of a WAV file says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WavInfo {
    /// Samples per second and channel, in Hz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Bits that store one sample: 8, 16, 24 or 32.
    pub bits_per_sample: u16,
    /// Whether the samples are floating point.
    pub float: bool,
    /// Samples per channel; `u64::MAX` where a [`WavStream`] comes from a pipe and its header does
    /// not say.
    pub frames: u64,
}

impl WavInfo {
    /// Reads the header of a WAV file and no samples.
    ///
    /// # Errors
    ///
    /// As [`Waveform::read`], but for what only the samples can show.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Ok(WavStream::open(path.as_ref())?.info())
    }

    /// Length in seconds.
    pub fn duration(&self) -> f64 {
        self.frames as f64 / f64::from(self.sample_rate)
    }
}

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
    /// As [`WavInfo::read`].
    pub fn open(path: impl Into<Cow<'a, Path>>) -> Result<Self> {
        let path = path.into();
        let file = File::open(&path).map_err(|source| io_error(&path, source))?;
        let len = file
            .metadata()
            .map_err(|source| io_error(&path, source))?
            .len();
        // Room for a header; blocks are larger and go past this buffer.
        Self::new(BufReader::with_capacity(512, file), Some(len), path)
    }
}

impl<'a> WavStream<'a, Cursor<&'a [u8]>> {
    pub(crate) fn in_memory(bytes: &'a [u8], path: &'a Path) -> Result<Self> {
        Self::new(Cursor::new(bytes), Some(bytes.len() as u64), path)
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
    /// As [`WavInfo::read`].
    pub fn new(mut reader: R, len: Option<u64>, path: impl Into<Cow<'a, Path>>) -> Result<Self> {
        let path = path.into();
        let layout = Layout::find(&mut reader, len, &path)?;
        let block = (BLOCK_BYTES / layout.frame_bytes()) as u64;
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
    pub(crate) fn rewind(&mut self) -> Result<()> {
        self.position = 0;
        self.reader
            .seek(SeekFrom::Start(self.layout.data_start))
            .map_err(|source| io_error(&self.path, source))?;
        Ok(())
    }

    /// Appends the next samples, mixed down; none at the end. `bytes` is memory to reuse.
    ///
    /// # Errors
    ///
    /// As [`Waveform::read`].
    pub fn read_block(&mut self, bytes: &mut Vec<u8>, samples: &mut Vec<f32>) -> Result<()> {
        let frame_bytes = self.layout.frame_bytes();
        let mut frames = self.block.min(self.layout.info.frames - self.position);
        if self.layout.info.frames == u64::MAX {
            bytes.clear();
            let block = frames * frame_bytes as u64;
            self.reader
                .by_ref()
                .take(block)
                .read_to_end(bytes)
                .map_err(|source| io_error(&self.path, source))?;
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
                    io::ErrorKind::UnexpectedEof => Error::Wav {
                        path: self.path.to_path_buf(),
                        reason: "it ended before its stated length".into(),
                    },
                    _ => io_error(&self.path, source),
                })?;
        }
        let before = samples.len();
        self.layout.convert(bytes, samples);
        if self.layout.info.float
            && let Some(index) = samples[before..].iter().position(|x| !x.is_finite())
        {
            let value = samples[before + index];
            let index = index + self.position as usize;
            return Err(Error::NotFinite { index, value }.in_file(&self.path));
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

/// Where the samples of a WAV file are, and how they are stored.
struct Layout {
    info: WavInfo,
    data_start: u64,
}

impl Layout {
    /// Walks the chunks up to `data`. `len` is the length of the file, `None` that of a pipe.
    fn find(reader: &mut (impl Read + Seek), len: Option<u64>, path: &Path) -> Result<Self> {
        let wav_error = |reason: String| Error::Wav {
            path: path.to_path_buf(),
            reason,
        };
        let cut_short = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => wav_error(match len {
                Some(len) => format!("it ends after {len} bytes, inside the header"),
                None => "it ends inside the header".into(),
            }),
            _ => io_error(path, source),
        };

        let mut riff = [0; 12];
        reader.read_exact(&mut riff).map_err(cut_short)?;
        if !matches!(&riff[..4], b"RIFF" | b"RF64") || &riff[8..] != b"WAVE" {
            return Err(wav_error("it does not begin as RIFF WAVE".into()));
        }
        let riff_length = le_u32(&riff[4..8]);

        let mut position = 12;
        let mut format = None;
        // RF64 (EBU Tech 3306) has its lengths of 64 bits in a chunk of their own.
        let mut long_data = None;
        loop {
            let mut header = [0; 8];
            if let Err(source) = reader.read_exact(&mut header) {
                return Err(match source.kind() {
                    io::ErrorKind::UnexpectedEof => wav_error("it has no data chunk".into()),
                    _ => io_error(path, source),
                });
            }
            position += 8;
            let stated = le_u32(&header[4..8]);
            match &header[..4] {
                b"data" => {
                    let format: Format =
                        format.ok_or_else(|| wav_error("no fmt chunk before the data".into()))?;
                    let held = len.map(|len| len - position);
                    let long_data = long_data.filter(|_| stated == u32::MAX);
                    let unknown = long_data.is_none()
                        && is_unknown_length(stated, riff_length)
                        && held != Some(stated.into());
                    let stated = long_data.unwrap_or(stated.into());
                    let data_len = match held {
                        _ if !unknown => stated,
                        Some(held) => held,
                        None => u64::MAX,
                    };
                    if let Some(held) = held.filter(|&held| held < data_len) {
                        return Err(wav_error(format!(
                            "cut short: expected {stated} bytes of samples, found {held}"
                        )));
                    }
                    let frame = u64::from(format.block_align);
                    if data_len % frame != 0 && !unknown {
                        return Err(wav_error(format!(
                            "expected samples in frames of {frame} bytes, found {data_len} bytes"
                        )));
                    }
                    return Ok(Self {
                        info: WavInfo {
                            frames: match data_len {
                                u64::MAX => data_len,
                                _ => data_len / frame,
                            },
                            ..format.info
                        },
                        data_start: position,
                    });
                }
                b"fmt " if format.is_none() => {
                    let mut bytes = [0; 40];
                    let kept = (stated as usize).min(bytes.len());
                    reader.read_exact(&mut bytes[..kept]).map_err(cut_short)?;
                    format = Some(Format::parse(&bytes[..kept], path)?);
                }
                b"ds64" if &riff[..4] == b"RF64" && stated >= 16 => {
                    let mut lengths = [[0; 8]; 2];
                    reader
                        .read_exact(lengths.as_flattened_mut())
                        .map_err(cut_short)?;
                    long_data = Some(u64::from_le_bytes(lengths[1]));
                }
                _ => {}
            }
            // Chunks begin at even positions: one of odd length is followed by a byte of padding.
            position += u64::from(stated) + u64::from(stated % 2);
            if len.is_some_and(|len| position > len) {
                return Err(wav_error("it has no data chunk".into()));
            }
            reader
                .seek(SeekFrom::Start(position))
                .map_err(|source| io_error(path, source))?;
        }
    }

    /// Bytes of one sample of every channel.
    fn frame_bytes(&self) -> usize {
        usize::from(self.info.channels) * usize::from(self.info.bits_per_sample / 8)
    }

    /// Converts, mixes down and appends `data`.
    fn convert(&self, data: &[u8], samples: &mut Vec<f32>) {
        let channels = usize::from(self.info.channels);
        match (self.info.bits_per_sample, self.info.float) {
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

/// The `fmt ` chunk.
struct Format {
    /// Without the number of frames.
    info: WavInfo,
    /// Bytes of one frame.
    block_align: u16,
}

impl Format {
    /// Lets hound judge the chunk.
    ///
    /// hound gets it inside a header of its own making, as it cannot walk the chunks of every file:
    /// it does not know of the padding after a chunk of odd length. And it gets 16 bytes of it
    /// unless the format is `EXTENSIBLE`, because only there do the rest mean anything, and hound
    /// refuses some files for them.
    fn parse(chunk: &[u8], path: &Path) -> Result<Self> {
        const PCM: u32 = 1;
        const FLOAT: u32 = 3;
        const EXTENSIBLE: u32 = 0xFFFE;

        let unsupported = |actual: String| Error::Unsupported {
            path: path.to_path_buf(),
            expected: "PCM of 8, 16, 24 or 32 bits or floating point of 32 bits".into(),
            actual,
        };
        let wav_error = |reason: String| Error::Wav {
            path: path.to_path_buf(),
            reason,
        };
        let (Some(plain), extensible) = (chunk.get(..16), chunk.get(..40)) else {
            return Err(wav_error(format!(
                "expected a fmt chunk of at least 16 bytes, found {}",
                chunk.len()
            )));
        };
        let tag = le_u32(&[plain[0], plain[1], 0, 0]);
        // Before hound calls damaged what is only none of its formats.
        if !matches!(tag, PCM | FLOAT | EXTENSIBLE) {
            return Err(unsupported(format!("format tag {tag:#06x}")));
        }
        let bits = u16::from_le_bytes([plain[14], plain[15]]);
        if tag == FLOAT && bits != 32 {
            return Err(unsupported(format!("floating point of {bits} bits")));
        }
        let block_align = u16::from_le_bytes([plain[12], plain[13]]);
        let chunk = match extensible {
            Some(bytes) if tag == EXTENSIBLE => bytes,
            _ => plain,
        };

        let mut header = Vec::with_capacity(68);
        header.extend_from_slice(b"RIFF\0\0\0\0WAVEfmt ");
        header.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
        header.extend_from_slice(chunk);
        header.extend_from_slice(b"data\0\0\0\0");
        let spec = hound::WavReader::new(&header[..])
            .map_err(|source| match source {
                hound::Error::Unsupported => unsupported(format!("format tag {tag:#06x}")),
                hound::Error::FormatError(reason) => wav_error(reason.into()),
                source => wav_error(source.to_string()),
            })?
            .spec();

        if spec.sample_rate == 0 {
            return Err(wav_error("its sampling rate is 0".into()));
        }
        // hound has made sure that there are channels.
        let bytes = block_align / spec.channels;
        if bytes * spec.channels != block_align {
            return Err(wav_error(format!(
                "expected frames of {} channels, found frames of {block_align} bytes",
                spec.channels
            )));
        }
        let float = spec.sample_format == hound::SampleFormat::Float;
        if !(1..=4).contains(&bytes) || (float && bytes != 4) {
            let kind = if float { "floating point" } else { "PCM" };
            return Err(unsupported(format!("{kind} of {} bits", 8 * bytes)));
        }
        Ok(Self {
            info: WavInfo {
                sample_rate: spec.sample_rate,
                channels: spec.channels,
                bits_per_sample: 8 * bytes,
                float,
                frames: 0,
            },
            block_align,
        })
    }
}

/// Whether a length of the data chunk is the mark of a writer that could not know it.
fn is_unknown_length(stated: u32, riff_length: u32) -> bool {
    match stated {
        u32::MAX | 0x7FFF_F000 | 0x8000_0000 => true,
        0 => matches!(riff_length, 0 | u32::MAX),
        _ => false,
    }
}

/// The first four bytes, little endian.
fn le_u32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// An operating-system error with its path.
fn io_error(path: &Path, source: io::Error) -> Error {
    Error::Io {
        path: path.to_path_buf(),
        source,
    }
}
