//! The headers of WAV files, as microphones, telephones, editors and pipes write them.
//!
//! hound reads the format; walked here are the chunks around it, which come in forms that it does not know:
//! RF64, chunks of odd length, lengths that a pipe could not know.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, Result};

/// What the header of a WAV file says of its samples.
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
    /// Samples per channel; `u64::MAX` for a pipe whose header does not say.
    pub frames: u64,
}

impl WavInfo {
    /// Length in seconds.
    pub fn duration(&self) -> f64 {
        self.frames as f64 / f64::from(self.sample_rate)
    }

    /// Bytes of one sample of every channel.
    pub fn frame_bytes(&self) -> usize {
        usize::from(self.channels) * usize::from(self.bits_per_sample / 8)
    }
}

impl WavInfo {
    /// Walks the chunks of what `reader` holds from here on, and leaves it before the first sample. `len` is the
    /// number of bytes that it holds, `None` for a pipe, which only needs to seek forward.
    ///
    /// A length that the writer could not know means all that is there.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Wav`] for what is damaged, cut short or not WAV; [`Error::Unsupported`].
    /// All of them name `path`.
    pub(crate) fn find(
        reader: &mut (impl Read + Seek),
        len: Option<u64>,
        path: &Path,
    ) -> Result<Self> {
        let io_error = ser_files::Error::at(path);
        let wav = |reason: &str| Error::wav(path, reason);
        let cut_short = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => match len {
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
        let riff_length = le_u32(&riff[4..8]);

        let mut position = 12;
        let mut format = None;
        // RF64 (EBU Tech 3306) has its lengths of 64 bits in a chunk of their own.
        let mut long_data = None;
        loop {
            let mut header = [0; 8];
            if let Err(source) = reader.read_exact(&mut header) {
                return Err(match source.kind() {
                    io::ErrorKind::UnexpectedEof => wav("it has no data chunk"),
                    _ => io_error(source).into(),
                });
            }
            position += 8;
            let stated = le_u32(&header[4..8]);
            match &header[..4] {
                b"data" => {
                    let format: Format =
                        format.ok_or_else(|| wav("no fmt chunk before the data"))?;
                    let held = len.map(|len| len.saturating_sub(position));
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
                        return Err(wav(&format!(
                            "cut short: expected {stated} bytes of samples, found {held}"
                        )));
                    }
                    let frame = u64::from(format.block_align);
                    if data_len % frame != 0 && !unknown {
                        return Err(wav(&format!(
                            "expected samples in frames of {frame} bytes, found {data_len} bytes"
                        )));
                    }
                    return Ok(Self {
                        frames: match data_len {
                            u64::MAX => data_len,
                            _ => data_len / frame,
                        },
                        ..format.info
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
                return Err(wav("it has no data chunk"));
            }
            reader.seek(SeekFrom::Start(position)).map_err(&io_error)?;
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
                hound::Error::FormatError(reason) => wav(reason),
                source => wav(&source.to_string()),
            })?
            .spec();

        if spec.sample_rate == 0 {
            return Err(wav("its sampling rate is 0"));
        }
        // hound has made sure that there are channels.
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
