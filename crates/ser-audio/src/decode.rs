//! Any recording in, mono samples out, block by block.

use std::fs::File;
use std::io::{self, Cursor, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use symphonia::core::io::MediaSource;

use crate::channels::{Channels, Mixer};
use crate::coded::Coded;
use crate::damage::Damage;
use crate::error::{Error, Result};
use crate::folder::has_extension;
use crate::pipe::{Input, Pipe};
use crate::stored::{Stored, StoredReader};
use crate::wav::WavStream;
use crate::waveform::Waveform;
use crate::wrapper;

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
/// ```no_run
/// let clip = ser_audio::read("03-01-05-02-01-02-11.flac")?;
/// println!("{:.2} s at {} Hz", clip.duration(), clip.sample_rate);
/// # Ok::<(), ser_audio::Error>(())
/// ```
///
/// # Errors
///
/// As [`AudioStream::open`] and [`AudioStream::read_to_end`].
pub fn read(path: impl AsRef<Path>) -> Result<Waveform> {
    AudioStream::open(path.as_ref())?.read_to_end()
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
    decoder: Decoder,
    mixer: Mixer,
    origin: Origin,
    path: PathBuf,
    /// Samples that may still be given, and the limit in seconds.
    left: Option<(u64, f64)>,
    part: Option<Part>,
}

/// The part of a recording that is given.
struct Part {
    /// In seconds from the beginning.
    start: f64,
    end: Option<f64>,
    /// Samples decoded so far.
    decoded: u64,
}

/// A part may end so many seconds behind its recording: tables round, and codecs pad.
const BEYOND: f64 = 0.1;

/// Who decodes.
pub(crate) enum Decoder {
    Wav {
        stream: WavStream<Box<dyn MediaSource>>,
        /// Memory of the stream.
        bytes: Vec<u8>,
    },
    Coded(Box<Coded>),
}

/// Where a recording comes from, to start over.
enum Origin {
    /// A file that had so many bytes when it was opened.
    File(File, u64),
    Memory(Arc<[u8]>),
    Stored(Arc<dyn Stored>),
    /// What comes once.
    Pipe,
}

impl AudioStream {
    /// Opens a recording and finds out what it is.
    ///
    /// # Formats
    ///
    /// WAV as [`decode_wav`](crate::decode_wav) has it, and with A-law, μ-law, ADPCM or 64-bit samples; FLAC; MP3; Opus, Vorbis
    /// and FLAC in Ogg; AAC (low complexity), ALAC and Opus in MP4 and MOV, AAC in ADTS; AIFF; CAF; what of these
    /// is in Matroska and WebM; AU, NIST SPHERE, RIFX, Wave64. Of several tracks the default audio track is decoded.
    ///
    /// # Scale
    ///
    /// Full scale is −1 to 1, as there; lossy codecs may exceed it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be read, [`Error::Wav`] for a damaged WAV file and for what is
    /// only called one, [`Error::Unsupported`] for what is no recording, for a format or codec that is not decoded, for more than
    /// [`MAX_CHANNELS`] or a rate beyond [`MAX_SAMPLE_RATE`], and [`Error::Damaged`] when nothing can be
    /// decoded.
    pub fn open(path: &Path) -> Result<Self> {
        let io_error = ser_files::Error::at(path);
        let file = File::open(path).map_err(&io_error)?;
        let metadata = file.metadata().map_err(&io_error)?;
        if metadata.is_file() {
            Self::from_origin(Origin::File(file, metadata.len()), path)
        } else {
            Self::from_reader(Box::new(file), path)
        }
    }

    /// Reads a recording that is in memory; `name` is for error messages.
    ///
    /// # Errors
    ///
    /// As [`AudioStream::open`].
    pub fn from_bytes(bytes: Arc<[u8]>, name: &Path) -> Result<Self> {
        Self::from_origin(Origin::Memory(bytes), name)
    }

    /// Reads a recording where it lies; `name` is for error messages.
    ///
    /// # Errors
    ///
    /// As [`AudioStream::open`].
    pub fn from_stored(stored: Arc<dyn Stored>, name: &Path) -> Result<Self> {
        Self::from_origin(Origin::Stored(stored), name)
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
        let decoder = Decoder::find(Box::new(Pipe::new(reader)), None, name)?;
        Ok(Self::of(decoder, Origin::Pipe, name))
    }

    fn from_origin(origin: Origin, path: &Path) -> Result<Self> {
        Ok(Self::of(origin.decoder(path)?, origin, path))
    }

    fn of(decoder: Decoder, origin: Origin, path: &Path) -> Self {
        Self {
            mixer: Mixer::new(Channels::Mean, decoder.channels().into()),
            decoder,
            origin,
            path: path.to_path_buf(),
            left: None,
            part: None,
        }
    }

    /// Makes it an error that a recording is longer than so many seconds, whatever its header says.
    #[must_use]
    pub fn at_most(self, seconds: f64) -> Self {
        let samples = (seconds * f64::from(self.sample_rate())) as u64;
        Self {
            left: Some((samples, seconds)),
            ..self
        }
    }

    /// Gives only what lies between two times, in seconds from the beginning; without an end, down to that of the recording.
    /// What comes before is decoded and passed over.
    #[must_use]
    pub fn part(self, start: f64, end: Option<f64>) -> Self {
        let decoded = 0;
        Self {
            part: Some(Part {
                start,
                end,
                decoded,
            }),
            ..self
        }
    }

    /// Makes something else of the channels than their mean.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`] if the recording has no such channel.
    pub fn with(self, channels: Channels) -> Result<Self> {
        let count = self.channels();
        match channels {
            Channels::Only(number) if !(1..=count).contains(&number) => Err(Error::Channel {
                path: self.path,
                number,
                count,
            }),
            _ => Ok(Self {
                mixer: Mixer::new(channels, count.into()),
                ..self
            }),
        }
    }

    /// Number of channels.
    pub fn channels(&self) -> u16 {
        self.decoder.channels()
    }

    /// Whether, of channels that are [compared](Channels::Compared), two are loud and have nothing in common up to here, as
    /// those of a call on which each speaker has one.
    pub fn are_channels_apart(&self) -> bool {
        self.mixer.are_apart()
    }

    /// What the recording is known to lack; all of it at the end.
    pub fn damage(&self) -> Option<Damage> {
        match &self.decoder {
            Decoder::Wav { stream, .. } => stream.damage().some(),
            Decoder::Coded(coded) => coded.damage().some(),
        }
    }

    /// Starts over.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it comes through a pipe, and as [`AudioStream::open`].
    pub fn rewind(&mut self) -> Result<()> {
        self.decoder = self.origin.decoder(&self.path)?;
        self.mixer = Mixer::new(self.mixer.channels, self.channels().into());
        if let Some(part) = &mut self.part {
            part.decoded = 0;
        }
        Ok(())
    }

    /// Samples per second, in Hz.
    pub fn sample_rate(&self) -> u32 {
        match &self.decoder {
            Decoder::Wav { stream, .. } => stream.info().sample_rate,
            Decoder::Coded(coded) => coded.sample_rate(),
        }
    }

    /// Samples in all, where that is certain before the last one is decoded: in plain WAV that does not come
    /// through a pipe, whose header was held against what there is, and of which not only a [part](Self::part) is given.
    pub fn frames(&self) -> Option<u64> {
        match (&self.decoder, &self.origin) {
            _ if self.part.is_some() => None,
            (_, Origin::Pipe) | (Decoder::Coded(_), _) => None,
            (Decoder::Wav { stream, .. }, _) => Some(stream.info().frames),
        }
    }

    /// Length in seconds as the container states it; `None` if it does not.
    pub fn duration(&self) -> Option<f64> {
        match &self.decoder {
            Decoder::Wav { stream, .. } => {
                let info = stream.info();
                (info.frames != u64::MAX).then(|| info.duration())
            }
            Decoder::Coded(coded) => coded.duration(),
        }
    }

    /// Appends the next samples to `samples`; `false`, and none, at the end.
    ///
    /// A recording that is damaged goes on behind the damage. What cannot be decoded is silent for as long as it lasted: by
    /// the times that the container gives, in MP3 and ADTS by the bytes that were lost. [`damage`](Self::damage) says so.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Damaged`] when less than a tenth can be decoded, or the sampling rate changes;
    /// [`Error::OutOfRange`] when most samples are no numbers; [`Error::Longer`] beyond the limit of
    /// [`at_most`](Self::at_most); [`Error::Part`] when the recording ends before its [part](Self::part) does. After an error
    /// the stream is at its end.
    pub fn next_block(&mut self, samples: &mut Vec<f32>) -> Result<bool> {
        if self.part.is_some() {
            return self.next_of_part(samples);
        }
        self.next_decoded(samples)
    }

    /// The next samples that lie in the part.
    fn next_of_part(&mut self, samples: &mut Vec<f32>) -> Result<bool> {
        let rate = f64::from(self.sample_rate());
        let Some(Part { start, end, .. }) = self.part else {
            return Ok(false);
        };
        let first = (start * rate).round() as u64;
        let behind = end.map_or(u64::MAX, |end| (end * rate).round() as u64);
        let before = samples.len();
        loop {
            let at = self.part.as_ref().map_or(0, |part| part.decoded);
            if at >= behind {
                return Ok(false);
            }
            if !self.next_decoded(samples)? {
                let seconds = at as f64 / rate;
                let is_there = at > first && end.is_none_or(|end| end <= seconds + BEYOND);
                return match is_there {
                    true => Ok(false),
                    false => Err(Error::Part {
                        path: self.path.clone(),
                        start,
                        end,
                        seconds,
                    }),
                };
            }
            let given = (samples.len() - before) as u64;
            if let Some(part) = &mut self.part {
                part.decoded = at + given;
            }
            samples.truncate(before + given.min(behind - at) as usize);
            let passed_over = first.saturating_sub(at).min(given) as usize;
            samples.drain(before..(before + passed_over).min(samples.len()));
            if samples.len() > before {
                return Ok(true);
            }
        }
    }

    fn next_decoded(&mut self, samples: &mut Vec<f32>) -> Result<bool> {
        let before = samples.len();
        match &mut self.decoder {
            Decoder::Wav { stream, bytes } => {
                while samples.len() == before && !stream.is_at_end() {
                    stream.read_block(bytes, &mut self.mixer, samples)?;
                }
            }
            Decoder::Coded(coded) => {
                coded.next_block(&mut self.mixer, samples)?;
            }
        }
        let given = samples.len() - before;
        if let Some((left, seconds)) = &mut self.left {
            *left = left.checked_sub(given as u64).ok_or(Error::Longer {
                path: self.path.clone(),
                seconds: *seconds,
            })?;
        }
        Ok(given > 0)
    }

    /// Reads all samples that are left.
    ///
    /// # Errors
    ///
    /// As [`AudioStream::next_block`], and [`Error::TooLong`] beyond [`MAX_SAMPLES`].
    pub fn read_to_end(mut self) -> Result<Waveform> {
        let frames = self.frames().unwrap_or(0).min(MAX_SAMPLES as u64);
        let samples = Vec::with_capacity(frames as usize);
        let mut waveform = Waveform::new(samples, self.sample_rate());
        while self.next_block(&mut waveform.samples)? {
            if waveform.samples.len() > MAX_SAMPLES {
                return Err(Error::TooLong {
                    path: self.path,
                    limit: MAX_SAMPLES,
                });
            }
        }
        Ok(waveform)
    }

    pub(crate) fn into_decoder(self) -> Decoder {
        self.decoder
    }
}

impl Origin {
    /// A decoder that is at the beginning.
    fn decoder(&self, path: &Path) -> Result<Decoder> {
        let io_error = ser_files::Error::at(path);
        match self {
            Self::File(file, len) => {
                let mut again = file.try_clone().map_err(&io_error)?;
                again.rewind().map_err(&io_error)?;
                Decoder::find(Box::new(again), Some(*len), path)
            }
            Self::Memory(bytes) => {
                let len = Some(bytes.len() as u64);
                Decoder::find(Box::new(Cursor::new(bytes.clone())), len, path)
            }
            Self::Stored(stored) => {
                let len = Some(stored.size());
                Decoder::find(Box::new(StoredReader::new(stored.clone())), len, path)
            }
            Self::Pipe => {
                let kind = io::ErrorKind::NotSeekable;
                Err(io_error(io::Error::new(kind, "a pipe cannot go back")).into())
            }
        }
    }
}

impl Decoder {
    fn channels(&self) -> u16 {
        match self {
            Self::Wav { stream, .. } => stream.info().channels,
            Self::Coded(coded) => coded.channels(),
        }
    }

    /// Plain WAV goes to [`WavStream`], everything else to symphonia. `len` is `None` for a pipe.
    fn find(reader: Box<dyn MediaSource>, len: Option<u64>, path: &Path) -> Result<Self> {
        let io_error = ser_files::Error::at(path);
        let (mut reader, len) = wrapper::open(reader, len, path)?;
        let is_wav = wrapper::is_wav(&wrapper::head(&mut reader, 12).map_err(&io_error)?);
        if !is_wav && !has_extension(path, &["wav", "wave"]) {
            return Ok(Self::Coded(Box::new(Coded::open(reader, path)?)));
        }
        let (refusal, mut reader) = match WavStream::new(reader, len, path) {
            Ok(stream) => {
                let info = stream.info();
                check_limits(path, info.channels.into(), info.sample_rate)?;
                let bytes = Vec::new();
                return Ok(Self::Wav { stream, bytes });
            }
            Err(refused) => refused,
        };
        // A damaged WAV file is not tried as anything else.
        if is_wav && !matches!(refusal, Error::Unsupported { .. }) {
            return Err(refusal);
        }
        reader.rewind().map_err(&io_error)?;
        match Coded::open(reader, path) {
            Ok(coded) => Ok(Self::Coded(Box::new(coded))),
            // Of a file that nobody can decode and that is called WAV, it is said what is wrong with the WAV.
            Err(Error::Unsupported { .. } | Error::Damaged { .. }) => Err(refusal),
            Err(error) => Err(error),
        }
    }
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
