//! The headers of WAV files, as microphones, telephones, editors and pipes write them.
//!
//! hound parses the format. This module reads the chunks around it, which have forms that hound does not know:
//! RF64, chunks of odd length, and lengths that a pipe could not know.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, Result};
use crate::other_headers::{EXTENSIBLE, FLOAT, MAX_CHUNKS, PCM};

/// What the header of a WAV file states about its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WavInfo {
    /// Sampling rate in Hz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Bits that store one sample: 8, 16, 24 or 32.
    pub bits_per_sample: u16,
    /// Whether the samples are floating point.
    pub float: bool,
    /// Whether a sample has 24 bits in the low three of its four bytes, as ALSA's format `S24_LE`.
    pub padded: bool,
    /// Samples per channel; `u64::MAX` for a pipe whose header does not state the number.
    pub frames: u64,
}

impl WavInfo {
    /// Returns the length in seconds.
    pub fn duration(&self) -> f64 {
        self.frames as f64 / f64::from(self.sample_rate)
    }

    /// Returns the number of bytes that one sample of every channel takes.
    pub(crate) fn frame_bytes(&self) -> usize {
        usize::from(self.channels) * usize::from(self.bits_per_sample / 8)
    }
}

/// The content of the header, up to the first sample.
pub(crate) struct Header {
    /// The format of the samples; [`WavInfo::frames`] is the number of those that the file holds.
    pub(crate) info: WavInfo,
    /// The stated number of samples per channel, if the file holds fewer.
    pub(crate) promised: Option<u64>,
}

/// Number of bytes after the format in which samples are searched if the chunks do not lead to them.
const SEARCHED: u64 = 1 << 15;

impl Header {
    /// Reads the chunks of `reader` from its position on, and leaves it before the first sample. `len` is the number of
    /// bytes that it holds, `None` for a pipe, which only needs to seek forward.
    ///
    /// A length that the writer could not know, or that the bytes contradict, means everything up to the end.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Wav`] if the file is damaged or not WAV, or holds none of the samples that it states;
    /// [`Error::Unsupported`] for other formats. All of them name `path`.
    pub(crate) fn find(
        reader: &mut (impl Read + Seek),
        len: Option<u64>,
        path: &Path,
    ) -> Result<Self> {
        let io_error = ser_files::Error::at(path);
        let wav = |reason: &str| Error::wav(path, reason);
        let cut_short = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => match len {
                Some(0) => wav("the file is empty"),
                Some(len) => wav(&format!("it ends after {len} bytes, inside the header")),
                None => wav("it ends inside the header"),
            },
            _ => io_error(source).into(),
        };

        let mut riff = [0; 12];
        reader.read_exact(&mut riff).map_err(cut_short)?;
        if !matches!(&riff[..4], b"RIFF" | b"RF64") || &riff[8..] != b"WAVE" {
            return Err(wav("it does not begin as RIFF WAVE"));
        }
        let riff_end = u64::from(le_u32(&riff[4..8])) + 8;

        let mut walk = Walk::new(len);
        let mut format = None;
        // RF64 (EBU Tech 3306) stores its 64-bit lengths in a separate chunk.
        let mut long_data = None;
        for _ in 0..MAX_CHUNKS {
            let chunk = walk.next(reader).map_err(&io_error)?;
            let chunk = chunk.ok_or_else(|| wav("it has no data chunk"))?;
            let (position, stated) = (walk.position, chunk.length);
            match &chunk.name {
                b"data" => {
                    let format: Format =
                        format.ok_or_else(|| wav("no fmt chunk before the data"))?;
                    let long_data = long_data.filter(|_| stated == u32::MAX);
                    let length = long_data.unwrap_or(stated.into());
                    // A length in 64 bits was filled in when it was known.
                    let is_known = length > 0 && !is_unknown_length(stated);
                    let is_real = long_data.is_some_and(|length| length > 0)
                        || is_length_real(reader, position, length, is_known, riff_end, len)
                            .map_err(&io_error)?;
                    reader.seek(SeekFrom::Start(position)).map_err(&io_error)?;
                    let held = len.map(|len| len.saturating_sub(position));
                    let held = match (is_real, held) {
                        (true, Some(held)) => held.min(length),
                        (true, None) => length,
                        (false, held) => held.unwrap_or(u64::MAX),
                    };
                    let frame = u64::from(format.block_align);
                    let frames = |bytes: u64| match bytes {
                        u64::MAX => bytes,
                        _ => bytes / frame,
                    };
                    let promised =
                        Some(frames(length)).filter(|&promised| is_real && promised > frames(held));
                    if promised.is_some() && held < frame {
                        return Err(wav(&format!(
                            "cut short: expected {length} bytes of samples, found {held}"
                        )));
                    }
                    return Ok(Self {
                        info: WavInfo {
                            frames: frames(held),
                            ..format.info
                        },
                        promised,
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
        }
        Err(wav(&format!(
            "expected at most {MAX_CHUNKS} chunks before the samples, found more"
        )))
    }
}

/// Returns whether the samples, which begin at `start`, can have this `length` in a file of `len` bytes. `is_known` says
/// whether its writer can have known it, and `riff_end` is where the file ends according to its header. Leaves the reader
/// anywhere.
fn is_length_real(
    reader: &mut (impl Read + Seek),
    start: u64,
    length: u64,
    is_known: bool,
    riff_end: u64,
    len: Option<u64>,
) -> io::Result<bool> {
    // Nothing contradicts the length in a pipe.
    let Some(len) = len else {
        return Ok(is_known);
    };
    let end = start.saturating_add(length);
    // The samples end where the file does. Then even a length that looks like the mark of an unknown one is right.
    if end == len {
        return Ok(true);
    }
    // The file was cut short.
    if end > len {
        return Ok(is_known);
    }
    // The header agrees. What follows may be anything then, such as a tag, if it is not longer than the samples.
    let is_agreed = riff_end == end || riff_end == end.next_multiple_of(2);
    if is_known && is_agreed && len - end <= length {
        return Ok(true);
    }
    // A length of 0 was never filled in if there is something, but no room for a chunk.
    if length == 0 && end + 8 > len {
        return Ok(false);
    }
    // Only other chunks may follow.
    are_chunks(reader, end, len)
}

/// Returns the position of the samples of a RIFF file and their stated length in bytes; `None` if it has none. `len` is
/// the length of the file, `None` for a pipe. Leaves the reader anywhere.
pub(crate) fn data_chunk(
    reader: &mut (impl Read + Seek),
    len: Option<u64>,
) -> io::Result<Option<(u64, u32)>> {
    let mut walk = Walk::new(len);
    for _ in 0..MAX_CHUNKS {
        match walk.next(reader)? {
            Some(chunk) if chunk.name == *b"data" => {
                return Ok(Some((walk.position, chunk.length)));
            }
            Some(_) => {}
            None => break,
        }
    }
    Ok(None)
}

/// A walk over the chunks of a file, up to its samples.
struct Walk {
    /// Number of bytes of the file; `None` for a pipe.
    len: Option<u64>,
    /// Start of the content of the last chunk, and its stated length.
    position: u64,
    length: u32,
    /// Where a search for the samples begins.
    behind_format: u64,
}

impl Walk {
    /// Begins behind the name of the file.
    fn new(len: Option<u64>) -> Self {
        Self {
            len,
            position: 12,
            length: 0,
            behind_format: 12,
        }
    }

    /// Reads the head of the next chunk, and leaves the reader before its content. If there is no chunk where the
    /// lengths lead, one of them was wrong, and the samples are searched. Returns `None` if they are not found.
    fn next(&mut self, reader: &mut (impl Read + Seek)) -> io::Result<Option<Chunk>> {
        let is_behind_odd = self.length % 2 == 1;
        self.position += u64::from(self.length);
        let mut chunk = None;
        if self.len.is_none_or(|len| self.position <= len) {
            reader.seek(SeekFrom::Start(self.position))?;
            chunk = Chunk::read(reader, &mut self.position, is_behind_odd)?;
        }
        let chunk = match chunk.filter(Chunk::is_named) {
            None => Chunk::search(reader, &mut self.position, self.behind_format)?,
            chunk => chunk,
        };
        if let Some(chunk) = &chunk {
            self.length = chunk.length;
            if chunk.name == *b"fmt " && self.behind_format == 12 {
                // The length of the chunk may be wrong.
                self.behind_format = self.position + 16;
            }
        }
        Ok(chunk)
    }
}

/// The name and the stated length of a chunk.
struct Chunk {
    name: [u8; 4],
    length: u32,
}

impl Chunk {
    fn of(bytes: [u8; 8]) -> Self {
        let [a, b, c, d, length @ ..] = bytes;
        Self {
            name: [a, b, c, d],
            length: u32::from_le_bytes(length),
        }
    }

    /// Reads the head of a chunk at `position`, and moves `position` after it. Returns `None` at the end.
    ///
    /// Chunks begin at even positions, so a chunk of odd length is followed by a byte of padding. Some writers omit
    /// it, others pad where no padding is due.
    fn read(
        reader: &mut (impl Read + Seek),
        position: &mut u64,
        is_behind_odd: bool,
    ) -> io::Result<Option<Self>> {
        let mut bytes = [0; 8];
        if !is_whole(reader.read_exact(&mut bytes))? {
            return Ok(None);
        }
        *position += 8;
        let is_padded = bytes[0] == 0
            || (is_behind_odd && !is_name(&bytes[..4]))
            || matches!(&bytes[1..5], b"data" | b"fmt ");
        if is_padded {
            bytes.rotate_left(1);
            if !is_whole(reader.read_exact(&mut bytes[7..]))? {
                return Ok(None);
            }
            *position += 1;
        }
        Ok(Some(Self::of(bytes)))
    }

    /// Searches for the samples from a position on, and moves `position` and the reader to them.
    fn search(
        reader: &mut (impl Read + Seek),
        position: &mut u64,
        from: u64,
    ) -> io::Result<Option<Self>> {
        // A pipe may have been read too far to go back.
        if reader.seek(SeekFrom::Start(from)).is_err() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        reader.by_ref().take(SEARCHED).read_to_end(&mut bytes)?;
        let found = bytes
            .windows(8)
            .enumerate()
            .find(|(_, window)| window.starts_with(b"data"));
        let Some((at, window)) = found else {
            return Ok(None);
        };
        *position = from + at as u64 + 8;
        reader.seek(SeekFrom::Start(*position))?;
        Ok(window.first_chunk().map(|&bytes| Self::of(bytes)))
    }

    fn is_named(&self) -> bool {
        is_name(&self.name)
    }
}

/// Returns whether the bytes may be the name of a chunk.
fn is_name(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
}

/// Returns whether everything was read; `false` if the end came first.
fn is_whole(read: io::Result<()>) -> io::Result<bool> {
    match read {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns whether chunks follow each other from `position` to the end at `len`, or there is no room for one. Of many
/// chunks, only the first [`MAX_CHUNKS`] are checked.
fn are_chunks(reader: &mut (impl Read + Seek), mut position: u64, len: u64) -> io::Result<bool> {
    let mut before = 0;
    for _ in 0..MAX_CHUNKS {
        if position + 8 >= len {
            return Ok(position <= len + 1);
        }
        reader.seek(SeekFrom::Start(position))?;
        match Chunk::read(reader, &mut position, before % 2 == 1)? {
            Some(chunk) if chunk.is_named() => before = chunk.length,
            _ => return Ok(false),
        }
        position += u64::from(before);
    }
    Ok(true)
}

/// The `fmt ` chunk.
struct Format {
    /// The format, without the number of frames.
    info: WavInfo,
    /// Bytes of one frame.
    block_align: u16,
}

impl Format {
    /// Parses the chunk with hound.
    ///
    /// hound gets the chunk inside a header made for it, because it cannot read the chunks of every file:
    /// it does not know the padding after a chunk of odd length. It gets only 16 bytes of the chunk
    /// unless the format is `EXTENSIBLE`. The rest has a meaning only there, and hound refuses some
    /// files because of it.
    fn parse(chunk: &[u8], path: &Path) -> Result<Self> {
        let wav = |reason: &str| Error::wav(path, reason);
        let unsupported = |actual: String| Error::Unsupported {
            path: path.to_path_buf(),
            reason: format!(
                "expected PCM of 8, 16, 24 or 32 bits or floating point of 32 bits, found {actual}"
            ),
        };
        let (Some(plain), extensible) = (chunk.get(..16), chunk.get(..40)) else {
            return Err(wav(&format!(
                "expected a fmt chunk of at least 16 bytes, found {}",
                chunk.len()
            )));
        };
        let tag = u16::from_le_bytes([plain[0], plain[1]]);
        // Checked first, because hound reports a format that it does not know as damaged.
        if !matches!(tag, PCM | FLOAT | EXTENSIBLE) {
            return Err(unsupported(format!("format tag {tag:#06x}")));
        }
        let bits = u16::from_le_bytes([plain[14], plain[15]]);
        if tag == FLOAT && bits != 32 {
            return Err(unsupported(format!("floating point of {bits} bits")));
        }
        let mut chunk = match extensible {
            Some(bytes) if tag == EXTENSIBLE => bytes.to_vec(),
            _ => plain.to_vec(),
        };
        let block_align = reconcile(&mut chunk);

        let mut header = Vec::with_capacity(68);
        header.extend_from_slice(b"RIFF\0\0\0\0WAVEfmt ");
        header.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
        header.extend_from_slice(&chunk);
        header.extend_from_slice(b"data\0\0\0\0");
        let spec = hound::WavReader::new(&header[..])
            .map_err(|source| match source {
                hound::Error::Unsupported => unsupported(format!("format tag {tag:#06x}")),
                hound::Error::FormatError(reason) => wav(reason),
                source => wav(&source.to_string()),
            })?
            .spec();

        if spec.sample_rate == 0 {
            return Err(wav("its sampling rate is 0"));
        }
        // hound has checked that there are channels.
        let bytes = block_align / spec.channels;
        if bytes * spec.channels != block_align {
            return Err(wav(&format!(
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
                padded: tag == PCM && bits == 24 && bytes == 4,
                frames: 0,
            },
            block_align,
        })
    }
}

/// Makes the fields of a format agree on the bytes of a frame, and returns that number.
///
/// Three values state it: channels and bits, the bytes per frame, and the bytes per second. If two of them agree, they
/// are right; if all differ, channels and bits are. Samples of 24 bits may be stored in 32.
fn reconcile(chunk: &mut [u8]) -> u16 {
    let field = |at: usize| u16::from_le_bytes([chunk[at], chunk[at + 1]]);
    let (channels, block_align, bits) = (field(2), field(12), field(14));
    let (rate, per_second) = (le_u32(&chunk[4..8]), le_u32(&chunk[8..12]));
    let sample = bits.div_ceil(8).max(1);
    let product = channels.saturating_mul(sample);
    let is_agreed = |frame: u16| u32::from(frame).checked_mul(rate) == Some(per_second);
    let of_whole_samples = block_align > 0 && block_align.is_multiple_of(sample);
    let is_roomy = field(0) == EXTENSIBLE || bits == 24;
    let (channels, frame) = if block_align == product || is_agreed(product) {
        (channels, product)
    } else if is_roomy && block_align == channels.saturating_mul(4) {
        (channels, block_align)
    } else if is_agreed(block_align) && of_whole_samples && channels > 0 {
        (block_align / sample, block_align)
    } else {
        (channels, product)
    };
    chunk[2..4].copy_from_slice(&channels.to_le_bytes());
    // A product that exceeds 32 bits wraps here, and is refused later.
    let per_second = u32::from(frame).wrapping_mul(rate);
    chunk[8..12].copy_from_slice(&per_second.to_le_bytes());
    chunk[12..14].copy_from_slice(&frame.to_le_bytes());
    frame
}

/// Returns whether a length of the data chunk is the mark of a writer that could not know it.
pub(crate) fn is_unknown_length(stated: u32) -> bool {
    matches!(stated, u32::MAX | 0x7FFF_F000 | 0x8000_0000)
}

/// Returns the number in the first four bytes, little-endian.
fn le_u32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
