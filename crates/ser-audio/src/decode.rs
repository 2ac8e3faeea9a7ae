//! Decoding of any recording to mono samples, block by block.

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
use crate::quality::Warning;
use crate::stored::{Stored, StoredReader};
use crate::wav::WavStream;
use crate::waveform::Waveform;
use crate::wrapper;

/// The largest number of channels that are mixed down.
pub const MAX_CHANNELS: usize = 255;

/// The highest sampling rate in Hz.
pub const MAX_SAMPLE_RATE: u32 = 768_000;

/// The largest number of samples that [`read`] holds: 4 GiB, 6.2 hours at 48 kHz.
///
/// A file of a few kilobytes can decode to days of silence. [`AudioStream`] has no such limit, because it
/// holds one block at a time.
pub const MAX_SAMPLES: usize = 1 << 30;

/// Reads a whole recording at its own sampling rate, mixed down to the mean of its channels.
///
/// ```no_run
/// let clip = ser_audio::read("03-01-05-02-01-02-11.flac")?;
/// println!("{:.2} s at {} Hz", clip.duration(), clip.sample_rate);
/// # Ok::<(), ser_audio::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`AudioStream::open`] and [`AudioStream::read_to_end`].
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
    limit: Option<Limit>,
    part: Option<Part>,
}

/// The length that is an error to exceed.
struct Limit {
    seconds: f64,
    samples: u64,
    /// Number of samples that may still be returned.
    left: u64,
}

/// The part of a recording that is returned.
struct Part {
    /// Start in seconds from the beginning.
    start: f64,
    end: Option<f64>,
    /// Number of samples decoded so far.
    decoded: u64,
}

/// Seconds by which a part may end after its recording: tables are rounded, and codecs add padding.
const BEYOND: f64 = 0.1;

/// The decoder of a recording.
pub(crate) enum Decoder {
    Wav(WavStream<Box<dyn MediaSource>>),
    Coded(Box<Coded>),
}

/// The source of a recording, for starting over.
enum Origin {
    /// A file, with its length in bytes when it was opened.
    File(File, u64),
    Memory(Arc<[u8]>),
    Stored(Arc<dyn Stored>),
    /// A source that can be read only once.
    Pipe,
}

impl AudioStream {
    /// Opens a recording and detects its format.
    ///
    /// # Formats
    ///
    /// Those of the table *What is decoded* on the page of the crate. Of several tracks, the default audio track is
    /// decoded.
    ///
    /// # Scale
    ///
    /// Full scale is −1 to 1, as in [`decode_wav`](crate::decode_wav); lossy codecs may exceed it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be read; [`Error::Wav`] for a damaged WAV file, and for a file that is WAV only
    /// by name; [`Error::Unsupported`] for a file that is not a recording, for a format or codec that is not decoded,
    /// for more than [`MAX_CHANNELS`] channels, and for a sampling rate above [`MAX_SAMPLE_RATE`]; [`Error::Damaged`]
    /// if nothing can be decoded.
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

    /// Opens a recording that is in memory; `name` is for error messages.
    ///
    /// # Errors
    ///
    /// Those of [`AudioStream::open`].
    pub fn from_bytes(bytes: Arc<[u8]>, name: &Path) -> Result<Self> {
        Self::from_origin(Origin::Memory(bytes), name)
    }

    /// Opens a recording in a [`Stored`] source; `name` is for error messages.
    ///
    /// # Errors
    ///
    /// Those of [`AudioStream::open`].
    pub fn from_stored(stored: Arc<dyn Stored>, name: &Path) -> Result<Self> {
        Self::from_origin(Origin::Stored(stored), name)
    }

    /// Opens a recording from a reader that cannot seek, such as standard input; `name` is for error messages.
    ///
    /// If a WAV header does not state its length, the pipe is read until it is closed, in blocks of a
    /// tenth of a second. Formats whose directory may lie at the end of the file (MP4, MOV, CAF) only
    /// work if it lies at the beginning.
    ///
    /// # Errors
    ///
    /// Those of [`AudioStream::open`].
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
            limit: None,
            part: None,
        }
    }

    /// Makes it an error if the recording is longer than `seconds`, whatever its header states.
    #[must_use]
    pub fn at_most(self, seconds: f64) -> Self {
        let samples = (seconds * f64::from(self.sample_rate())) as u64;
        Self {
            limit: Some(Limit {
                seconds,
                samples,
                left: samples,
            }),
            ..self
        }
    }

    /// Returns only the samples between two times, in seconds from the beginning, or up to the end of the recording if
    /// `end` is `None`. The samples before `start` are decoded and discarded.
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

    /// Mixes the channels in another way than to their mean.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`] if the recording does not have the channel.
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

    /// Returns the number of channels.
    pub fn channels(&self) -> u16 {
        self.decoder.channels()
    }

    /// Returns whether two of the channels, which must be [compared](Channels::Compared), are loud and have had nothing
    /// in common so far, as in a recording of a call with a channel for each speaker.
    pub fn are_channels_apart(&self) -> bool {
        self.mixer.are_apart()
    }

    /// Returns the warnings that the stream itself gives: what is missing from it, and that its channels are apart. They are
    /// complete at its end.
    pub fn warnings(&self) -> Vec<Warning> {
        let damaged = self.damage().map(Warning::Damaged);
        let apart = self.are_channels_apart().then_some(Warning::ChannelsApart);
        damaged.into_iter().chain(apart).collect()
    }

    /// Returns what is known to be missing from the recording. It is complete at the end of the stream.
    pub fn damage(&self) -> Option<Damage> {
        match &self.decoder {
            Decoder::Wav(stream) => stream.damage().some(),
            Decoder::Coded(coded) => coded.damage().some(),
        }
    }

    /// Starts over from the beginning.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the recording comes through a pipe; those of [`AudioStream::open`].
    pub fn rewind(&mut self) -> Result<()> {
        self.decoder = self.origin.decoder(&self.path)?;
        self.mixer = Mixer::new(self.mixer.channels, self.channels().into());
        if let Some(limit) = &mut self.limit {
            limit.left = limit.samples;
        }
        if let Some(part) = &mut self.part {
            part.decoded = 0;
        }
        Ok(())
    }

    /// Returns the sampling rate in Hz.
    pub fn sample_rate(&self) -> u32 {
        match &self.decoder {
            Decoder::Wav(stream) => stream.info().sample_rate,
            Decoder::Coded(coded) => coded.sample_rate(),
        }
    }

    /// Returns the number of samples, if it is certain before the last one is decoded: in plain WAV that does not come
    /// through a pipe, whose header was compared with the file, if not only a [part](Self::part) is returned.
    pub fn frames(&self) -> Option<u64> {
        match (&self.decoder, &self.origin) {
            _ if self.part.is_some() => None,
            (_, Origin::Pipe) | (Decoder::Coded(_), _) => None,
            (Decoder::Wav(stream), _) => Some(stream.info().frames),
        }
    }

    /// Returns the length in seconds that the container states; `None` if it states none. That of an MP3 without the tag of
    /// an encoder, of ADTS and of Ogg is an estimate, and only [`probe`](crate::probe()) knows the true one.
    pub fn duration(&self) -> Option<f64> {
        match &self.decoder {
            Decoder::Wav(stream) => {
                let info = stream.info();
                (info.frames != u64::MAX).then(|| info.duration())
            }
            Decoder::Coded(coded) => coded.duration(),
        }
    }

    /// Appends the next samples to `samples`. At the end it returns `false` and appends none.
    ///
    /// A damaged recording continues after the damage. What cannot be decoded is replaced with silence of the same
    /// length. The length comes from the times in the container, or in MP3 and ADTS from the lost bytes.
    /// [`damage`](Self::damage) reports it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Damaged`] if less than a tenth can be decoded, or if the sampling rate changes;
    /// [`Error::OutOfRange`] if most samples are not numbers; [`Error::Longer`] beyond the limit of
    /// [`at_most`](Self::at_most); [`Error::Part`] if the recording ends before its [part](Self::part) does. After an
    /// error no more samples are given.
    pub fn next_block(&mut self, samples: &mut Vec<f32>) -> Result<bool> {
        if self.part.is_some() {
            return self.next_of_part(samples);
        }
        self.next_decoded(samples)
    }

    /// Appends the next samples that lie in the part.
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
                return if is_there {
                    Ok(false)
                } else {
                    Err(Error::Part {
                        path: self.path.clone(),
                        start,
                        end,
                        seconds,
                    })
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
            Decoder::Wav(stream) => {
                while samples.len() == before && !stream.is_at_end() {
                    stream.read_block(&mut self.mixer, samples)?;
                }
            }
            Decoder::Coded(coded) => {
                coded.next_block(&mut self.mixer, samples)?;
            }
        }
        let given = samples.len() - before;
        if let Some(limit) = &mut self.limit {
            let Some(left) = limit.left.checked_sub(given as u64) else {
                samples.truncate(before);
                limit.left = 0;
                return Err(Error::Longer {
                    path: self.path.clone(),
                    seconds: limit.seconds,
                });
            };
            limit.left = left;
        }
        Ok(given > 0)
    }

    /// Reads all remaining samples.
    ///
    /// # Errors
    ///
    /// Those of [`AudioStream::next_block`], and [`Error::TooLong`] beyond [`MAX_SAMPLES`].
    pub fn read_to_end(&mut self) -> Result<Waveform> {
        let frames = self.frames().unwrap_or(0).min(MAX_SAMPLES as u64);
        let samples = Vec::with_capacity(frames as usize);
        let mut waveform = Waveform::new(samples, self.sample_rate());
        while self.next_block(&mut waveform.samples)? {
            if waveform.samples.len() > MAX_SAMPLES {
                return Err(Error::TooLong {
                    path: self.path.clone(),
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
    /// Returns a decoder at the beginning of the recording.
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
            Self::Wav(stream) => stream.info().channels,
            Self::Coded(coded) => coded.channels(),
        }
    }

    /// Chooses the decoder: [`WavStream`] for plain WAV, symphonia for everything else. `len` is `None` for a pipe.
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
                return Ok(Self::Wav(stream));
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
            // If nothing can decode a file whose name says WAV, the error says what is wrong with it as WAV.
            Err(Error::Unsupported { .. } | Error::Damaged { .. }) => Err(refusal),
            Err(error) => Err(error),
        }
    }
}

/// Refuses numbers of channels and sampling rates that no recording of speech has.
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
