//! Any recording in, mono samples out, block by block.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use symphonia::core::io::MediaSource;

use crate::coded::Coded;
use crate::error::{Error, Result};
use crate::pipe::{Input, Pipe};
use crate::wav::{WavInfo, WavStream};
use crate::waveform::Waveform;

/// Extensions of the files that folders are searched for, in lower case.
///
/// Only a hint for searching: what a file holds is told from its first bytes, not from its name.
pub const EXTENSIONS: &[&str] = &[
    "aac", "aif", "aifc", "aiff", "caf", "flac", "m4a", "m4b", "mka", "mkv", "mov", "mp3", "mp4",
    "oga", "ogg", "wav", "wave", "webm",
];

/// The most channels that are mixed down.
pub const MAX_CHANNELS: usize = 255;

/// The highest sampling rate in Hz.
pub const MAX_SAMPLE_RATE: u32 = 768_000;

/// The most samples that [`read`] holds: 4 GiB, 6.2 hours at 48 kHz.
///
/// A file of a few kilobytes can decode to days of silence; [`AudioStream`] has no such limit, as it
/// holds a block at a time.
pub const MAX_SAMPLES: usize = 1 << 30;

/// Reads a whole recording, mixed down to the mean of its channels, at its own sampling rate.
///
/// # Errors
///
/// As [`AudioStream::open`] and [`AudioStream::next_block`], and [`Error::TooLong`] beyond
/// [`MAX_SAMPLES`].
pub fn read(path: &Path) -> Result<Waveform> {
    let mut stream = AudioStream::open(path)?;
    let mut waveform = Waveform::new(Vec::new(), stream.sample_rate());
    while stream.next_block(&mut waveform.samples)? {
        if waveform.samples.len() > MAX_SAMPLES {
            return Err(Error::TooLong {
                path: path.to_path_buf(),
                limit: MAX_SAMPLES,
            });
        }
    }
    Ok(waveform)
}

/// The samples of a recording, block by block, in memory that does not grow with its length.
///
/// ```no_run
/// use std::path::Path;
///
/// use ser_audio::AudioStream;
///
/// let mut stream = AudioStream::open(Path::new("interview.mp3"))?;
/// let (mut samples, mut loudest) = (Vec::new(), 0.0f32);
/// while stream.next_block(&mut samples)? {
///     loudest = samples.drain(..).fold(loudest, |loudest, x| loudest.max(x.abs()));
/// }
/// println!("peak {loudest:.3} at {} Hz", stream.sample_rate());
/// # Ok::<(), ser_audio::Error>(())
/// ```
pub struct AudioStream {
    source: Source,
}

/// Who decodes.
enum Source {
    Wav {
        stream: WavStream<'static, Box<dyn MediaSource>>,
        /// What the header says.
        info: WavInfo,
        /// Memory of the stream.
        bytes: Vec<u8>,
    },
    Coded(Box<Coded>),
}

impl AudioStream {
    /// Opens a recording and finds out what it is.
    ///
    /// # Formats
    ///
    /// WAV as [`Waveform::read`] has it, and with A-law, μ-law, ADPCM or 64-bit samples; FLAC; MP3; Vorbis
    /// and FLAC in Ogg; AAC (low complexity) and ALAC in MP4 and MOV, AAC in ADTS; AIFF; CAF; what of these
    /// is in Matroska and WebM. Of several tracks the default audio track is decoded. Opus is not.
    ///
    /// # Scale
    ///
    /// Full scale is −1 to 1, as in [`Waveform::read`]; lossy codecs may exceed it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be read, [`Error::Wav`] for a damaged WAV file,
    /// [`Error::Unsupported`] for a format or codec that is not decoded, for more than [`MAX_CHANNELS`]
    /// or a rate beyond [`MAX_SAMPLE_RATE`], and [`Error::Damaged`] when nothing can be decoded.
    pub fn open(path: &Path) -> Result<Self> {
        let io_error = |source| Error::io(path, source);
        let file = File::open(path).map_err(io_error)?;
        let metadata = file.metadata().map_err(io_error)?;
        if metadata.is_file() {
            Self::identify(Box::new(file), Some(metadata.len()), path)
        } else {
            Self::from_reader(Box::new(file), path)
        }
    }

    /// Reads from what cannot be sought, such as standard input; `name` is for error messages.
    ///
    /// A WAV header that does not know its length is followed until the pipe is closed, in blocks of a
    /// tenth of a second. Formats whose directory may lie at the end of the file (MP4, MOV, CAF) only
    /// work if it lies at the beginning.
    ///
    /// # Errors
    ///
    /// As [`AudioStream::open`].
    pub fn from_reader(reader: Input, name: &Path) -> Result<Self> {
        Self::identify(Box::new(Pipe::new(reader)), None, name)
    }

    /// Plain WAV goes to `WavStream`, everything else to symphonia. `len` is `None` for a pipe.
    fn identify(mut reader: Box<dyn MediaSource>, len: Option<u64>, path: &Path) -> Result<Self> {
        let io_error = |source| Error::io(path, source);
        if is_wav(&mut reader).map_err(io_error)? {
            match WavStream::new(reader, len, path.to_path_buf()) {
                Ok(stream) => {
                    let info = stream.info();
                    check_limits(path, info.channels.into(), info.sample_rate)?;
                    return Ok(Self {
                        source: Source::Wav {
                            stream,
                            info,
                            bytes: Vec::new(),
                        },
                    });
                }
                Err((Error::Unsupported { .. }, back)) => reader = back,
                Err((error, _)) => return Err(error),
            }
            reader.rewind().map_err(io_error)?;
        }
        Ok(Self {
            source: Source::Coded(Box::new(Coded::open(reader, path)?)),
        })
    }

    /// Samples per second, in Hz.
    pub fn sample_rate(&self) -> u32 {
        match &self.source {
            Source::Wav { info, .. } => info.sample_rate,
            Source::Coded(coded) => coded.sample_rate(),
        }
    }

    /// Length in seconds as the container states it; `None` if it does not.
    pub fn duration(&self) -> Option<f64> {
        match &self.source {
            Source::Wav { info, .. } => (info.frames != u64::MAX).then(|| info.duration()),
            Source::Coded(coded) => coded.duration(),
        }
    }

    /// Appends the next samples to `samples`; `false`, and none, at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Wav`]; [`Error::Damaged`] when the recording breaks off or too many
    /// packets in a row cannot be decoded (single ones are left out), or changes its sampling rate;
    /// [`Error::OutOfRange`]. After an error the stream is at its end.
    pub fn next_block(&mut self, samples: &mut Vec<f32>) -> Result<bool> {
        match &mut self.source {
            Source::Wav { stream, bytes, .. } => {
                let before = samples.len();
                if !stream.is_at_end() {
                    stream.read_block(bytes, samples)?;
                }
                Ok(samples.len() > before)
            }
            Source::Coded(coded) => coded.next_block(samples),
        }
    }
}

/// Whether a RIFF WAVE header begins here; leaves the reader at its start.
fn is_wav(reader: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut head = Vec::with_capacity(12);
    reader.by_ref().take(12).read_to_end(&mut head)?;
    reader.rewind()?;
    Ok(head.len() == 12
        && (head.starts_with(b"RIFF") || head.starts_with(b"RF64"))
        && head.ends_with(b"WAVE"))
}

/// Refuses what no recording of speech has.
pub(crate) fn check_limits(path: &Path, channels: usize, rate: u32) -> Result<()> {
    let reason = if !(1..=MAX_CHANNELS).contains(&channels) {
        format!("expected 1 to {MAX_CHANNELS} channels, found {channels}")
    } else if !(1..=MAX_SAMPLE_RATE).contains(&rate) {
        format!("expected a sampling rate of 1 to {MAX_SAMPLE_RATE} Hz, found {rate} Hz")
    } else {
        return Ok(());
    };
    Err(Error::Unsupported {
        path: path.to_path_buf(),
        reason,
    })
}
