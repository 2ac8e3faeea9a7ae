//! Decoding with symphonia, for everything but plain WAV.

use std::io::{self, Cursor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_FLAC, CODEC_ID_OPUS, CODEC_ID_PCM_F32BE, CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F64BE,
    CODEC_ID_PCM_F64LE, CODEC_ID_PCM_S8, CODEC_ID_PCM_S16BE, CODEC_ID_PCM_S16LE,
    CODEC_ID_PCM_S24BE, CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S32LE, CODEC_ID_PCM_U8,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_AIFF, FORMAT_ID_MP3, FORMAT_ID_OGG,
};
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::MediaSource;
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;
use symphonia::default::get_codecs;

use crate::atoms::{may_be_big_endian, to_the_end};
use crate::channels::Mixer;
use crate::clock::Clock;
use crate::container;
use crate::damage::{CutShort, Damage, NoNumbers};
use crate::decode::check_limits;
use crate::error::{Error, Result};
use crate::matroska::{self, Clusters};
use crate::mpeg::Gaps;
use crate::ogg::{CAPTURE, Pages};
use crate::opus::OpusDecoder;
use crate::wav::{data_chunk, is_unknown_length};
use crate::wrapper;

/// Largest number of packets that are tried until one can be decoded, and of consecutive errors of a container before
/// reading stops.
const MAX_BAD_PACKETS: usize = 50;

/// Largest number of samples per channel that a packet may announce. FLAC and ALAC have up to 2^16.
const MAX_PACKET: u64 = 1 << 17;

/// Largest number of values, over all channels, of a block of silence: a small file may announce much of it.
const SILENCE: usize = 1 << 16;

/// Largest sample that a codec without floating point may give: louder samples are noise from damage.
const LOUDEST: f32 = 16.0;
/// Seconds by which a recording may be shorter than its header states without being damaged.
const TOLERANCE: f64 = 0.25;
/// Seconds from which on a stated length is none, 136 years. Recorders that do not know it yet write the largest number,
/// or 0.
const UNKNOWN: f64 = u32::MAX as f64;
/// Least share of a recording that must be decoded; if less is, the recording is refused.
const LEAST: f64 = 0.1;

/// A recording that is read by a demultiplexer and a decoder.
pub(crate) struct Coded {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// Whether it ends when its writer stops: a pipe, or a header that does not state the length.
    is_open_ended: bool,
    /// Whether it ended within something, if its reader does not distinguish that from the end.
    is_cut_within: Option<Arc<AtomicBool>>,
    sample_rate: u32,
    duration: Option<f64>,
    /// Whether the duration is exact, and the seconds of it that may be missing without damage.
    is_promise: bool,
    tolerance: f64,
    /// Whether its samples may have any value.
    is_float: bool,
    /// Whether `interleaved` has not been returned yet: the first packet is decoded to learn the rate.
    is_decoded: bool,
    /// A packet that silence precedes, and the number of samples of silence that are left.
    waiting: Option<Packet>,
    silence: u64,
    clock: Clock,
    /// The last packet that was decoded, and its samples with channels interleaved.
    packet: Box<[u8]>,
    interleaved: Vec<f32>,
    channels: u16,
    /// Bits of a sample, if decoding restores the stored integers.
    bits: Option<u32>,
    /// Number of samples returned, including silence, and how many of them are silence.
    position: u64,
    silent: u64,
    places: usize,
    /// Whether the last samples were silence.
    is_silent: bool,
    no_numbers: NoNumbers,
    is_cut: bool,
    is_at_end: bool,
}

/// The result of decoding a packet.
enum Decoded {
    Samples,
    Nothing,
    Bad(String),
}

impl Coded {
    /// Detects the format of `source` and decodes its first samples.
    pub(crate) fn open(source: Box<dyn MediaSource>, path: &Path) -> Result<Self> {
        guarded(|| Self::find(source, path)).unwrap_or_else(|| {
            Err(Error::Damaged {
                path: path.to_path_buf(),
                seconds: 0.0,
                reason: "its decoder failed".into(),
            })
        })
    }

    fn find(mut source: Box<dyn MediaSource>, path: &Path) -> Result<Self> {
        if source.byte_len() == Some(0) {
            return Err(Error::Unsupported {
                path: path.to_path_buf(),
                reason: "the file is empty".into(),
            });
        }
        let (is_pipe, len) = (!source.is_seekable(), source.byte_len());
        let io_error = ser_files::Error::at(path);
        let head = wrapper::head(&mut source, wrapper::HEAD).map_err(&io_error)?;
        let samples = if head.starts_with(b"RIFF") {
            data_chunk(&mut Cursor::new(&head), Some(head.len() as u64)).map_err(&io_error)?
        } else {
            None
        };
        let is_endless = samples.is_some_and(|(_, stated)| is_unknown_length(stated));
        let (mut end, mut gaps, mut is_cut_within) = (None, Gaps::default(), None);
        let mut is_big_endian = false;
        if head.starts_with(CAPTURE) {
            end = Pages::end(&mut source).map_err(&io_error)?;
            source = Box::new(Pages::new(source));
        } else if head.starts_with(matroska::CAPTURE) {
            let (clusters, is_cut) = Clusters::new(source);
            (source, is_cut_within) = (Box::new(clusters), Some(is_cut));
        } else if head.starts_with(b"ID3") || head.starts_with(&[0xFF]) {
            gaps = Gaps::find(&mut source).map_err(&io_error)?;
        } else if head.get(4..8) == Some(b"ftyp") || head.starts_with(b"FORM") {
            is_big_endian = may_be_big_endian(&mut source, &head).map_err(&io_error)?;
            source = to_the_end(source, &head).map_err(&io_error)?;
        }
        let (format, taken) = container::open(source, &head, path)?;
        let Track {
            id,
            decoder,
            duration,
            is_promise,
            tolerance,
            is_float,
            bits,
        } = Track::find(format.as_ref(), path, end)?;
        if is_big_endian && is_taken_for_little_endian(decoder.codec_params().codec) {
            return Err(Error::Unsupported {
                path: path.to_path_buf(),
                reason: "its PCM may be big-endian, which is not decoded: convert it with ffmpeg"
                    .into(),
            });
        }
        let mut coded = Self {
            path: path.to_path_buf(),
            clock: Clock::new(format.as_ref(), id, taken, len, gaps),
            format,
            decoder,
            track: id,
            is_open_ended: is_pipe || is_endless,
            is_cut_within,
            sample_rate: 0,
            duration: duration.filter(|_| !is_endless),
            is_promise,
            tolerance,
            is_float,
            is_decoded: false,
            waiting: None,
            silence: 0,
            packet: Box::default(),
            interleaved: Vec::new(),
            channels: 0,
            bits,
            position: 0,
            silent: 0,
            places: 0,
            is_silent: false,
            no_numbers: NoNumbers::default(),
            is_cut: false,
            is_at_end: false,
        };
        coded.is_decoded = coded.decode()?;
        if !coded.is_decoded {
            return Err(coded.damaged("it holds no samples".into()));
        }
        Ok(coded)
    }

    pub(crate) fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    pub(crate) fn duration(&self) -> Option<f64> {
        self.duration
    }

    pub(crate) fn channels(&self) -> u16 {
        self.channels
    }

    /// Returns the bits of a sample, if decoding restores the stored integers and single precision can hold
    /// them.
    pub(crate) fn bits(&self) -> Option<u32> {
        self.bits
    }

    /// Returns the packet from which the last block was decoded.
    pub(crate) fn packet(&self) -> &[u8] {
        &self.packet
    }

    /// Returns the samples of the last block before mixing down, with channels interleaved.
    pub(crate) fn interleaved(&self) -> &[f32] {
        &self.interleaved
    }

    /// Returns what is known to be missing.
    pub(crate) fn damage(&self) -> Damage {
        let rate = f64::from(self.sample_rate);
        let held_seconds = self.seconds();
        let promised = self.duration.filter(|&promised| {
            self.is_at_end && self.is_promise && promised > held_seconds + self.tolerance
        });
        let is_cut = self.is_cut || promised.is_some();
        Damage {
            cut_short: is_cut.then_some(CutShort {
                held_seconds,
                promised_seconds: promised,
            }),
            silent_seconds: self.silent as f64 / rate,
            places: self.places,
            no_numbers: self.no_numbers.count,
        }
    }

    /// Appends samples; returns `false` at the end.
    pub(crate) fn next_block(&mut self, mixer: &mut Mixer, samples: &mut Vec<f32>) -> Result<bool> {
        let before = samples.len();
        while samples.len() == before {
            if !self.next_interleaved()? {
                mixer.finish(samples);
                return Ok(samples.len() > before);
            }
            mixer.push(&self.interleaved, self.channels.into(), samples);
        }
        Ok(true)
    }

    /// Decodes the next samples, with channels interleaved; returns `false` at the end.
    pub(crate) fn next_interleaved(&mut self) -> Result<bool> {
        if self.is_at_end {
            return Ok(false);
        }
        let there = if std::mem::take(&mut self.is_decoded) {
            Ok(true)
        } else {
            self.decode()
        };
        match there {
            Ok(true) => {
                let frames = self.interleaved.len() / usize::from(self.channels);
                self.position += frames as u64;
                return Ok(true);
            }
            Ok(false) => {
                self.is_at_end = true;
                self.judge()?;
            }
            Err(error) => {
                self.is_at_end = true;
                return Err(error);
            }
        }
        Ok(false)
    }

    /// Refuses a recording that is mostly damaged.
    fn judge(&self) -> Result<()> {
        let heard = self.position - self.silent;
        if (heard as f64) < LEAST * self.position as f64 {
            let seconds = heard as f64 / f64::from(self.sample_rate);
            return Err(self.damaged(format!("no more than {seconds:.1} s of it can be decoded")));
        }
        self.no_numbers.check(&self.path)
    }

    /// Decodes packets until one of them gives samples or silence precedes one; returns `false` at the end.
    fn decode(&mut self) -> Result<bool> {
        let (mut bad, mut failed) = (0, 0);
        loop {
            if self.silence > 0 {
                self.be_silent();
                return Ok(true);
            }
            let packet = match self.waiting.take() {
                Some(packet) => packet,
                None => match self.next_packet()? {
                    Next::Packet(packet) => packet,
                    Next::Other => continue,
                    Next::End => return Ok(false),
                    Next::Failed if failed < MAX_BAD_PACKETS => {
                        failed += 1;
                        continue;
                    }
                    Next::Failed => {
                        self.is_cut = true;
                        return Ok(false);
                    }
                },
            };
            failed = 0;
            self.silence = self.lost_before(&packet);
            if self.clock.goes_on() {
                self.decoder.reset();
            }
            if self.silence > 0 {
                self.waiting = Some(packet);
                continue;
            }
            let is_first = self.sample_rate == 0;
            match self.decode_packet(&packet)? {
                Decoded::Samples => {
                    if is_first && self.clock.is_stamped() {
                        // The rate is known only now.
                        self.silence = self.lost_before(&packet);
                        if self.silence > 0 {
                            self.waiting = Some(packet);
                            continue;
                        }
                    }
                    let frames = self.interleaved.len() / usize::from(self.channels);
                    let rate = self.sample_rate;
                    self.clock.decoded(&packet, rate, self.position, frames);
                    (self.is_silent, self.is_cut) = (false, false);
                    self.packet = packet.data;
                    return Ok(true);
                }
                Decoded::Nothing => self.clock.passed(&packet),
                Decoded::Bad(reason) => {
                    self.clock.failed(&packet);
                    bad += 1;
                    if self.sample_rate == 0 && bad >= MAX_BAD_PACKETS {
                        return Err(self.damaged(format!(
                            "{bad} packets in a row cannot be decoded: {reason}"
                        )));
                    }
                }
            }
        }
    }

    /// Returns the number of samples that are lost before a packet.
    fn lost_before(&mut self, packet: &Packet) -> u64 {
        self.clock.lost_before(
            packet,
            self.sample_rate,
            self.position,
            self.silent,
            self.duration,
        )
    }

    /// Sets the next samples to silence, at most [`SILENCE`] values of it.
    fn be_silent(&mut self) {
        let most = SILENCE / usize::from(self.channels.max(1));
        let frames = self.silence.min(most as u64);
        self.silence -= frames;
        self.silent += frames;
        self.places += usize::from(!self.is_silent);
        self.is_silent = true;
        self.packet = Box::default();
        self.interleaved.clear();
        self.interleaved
            .resize(frames as usize * usize::from(self.channels), 0.0);
    }

    /// Reads a packet from the container.
    fn next_packet(&mut self) -> Result<Next> {
        let format = &mut self.format;
        let packet = match guarded(|| format.next_packet()) {
            Some(Ok(Some(packet))) => packet,
            Some(Ok(None)) => return Ok(Next::End),
            Some(Err(Symphonia::ResetRequired)) => {
                // Another stream begins where one ended, as in Ogg, or the same one again after a part of it was lost.
                let track = self.find_again()?;
                (self.track, self.decoder) = (track.id, track.decoder);
                self.clock.begin_again();
                return Ok(Next::Other);
            }
            Some(Err(Symphonia::IoError(error)))
                if error.kind() == io::ErrorKind::UnexpectedEof =>
            {
                let is_within = self.is_cut_within.as_ref();
                self.is_cut =
                    !self.is_open_ended && is_within.is_none_or(|cut| cut.load(Ordering::Relaxed));
                return Ok(Next::End);
            }
            Some(Err(error @ Symphonia::IoError(_))) => {
                return Err(failure(&self.path, self.seconds(), error));
            }
            Some(Err(_)) => return Ok(Next::Failed),
            None => {
                // A container that panicked is not used again.
                self.is_cut = true;
                return Ok(Next::End);
            }
        };
        if packet.track_id != self.track {
            return Ok(Next::Other);
        }
        Ok(Next::Packet(self.untrimmed(packet)))
    }

    /// Removes the trimming of a packet's end where symphonia takes everything after the stated length of an MP3, which
    /// may be an estimate or wrong, for padding of its encoder.
    fn untrimmed(&self, mut packet: Packet) -> Packet {
        let mut tracks = self.format.tracks().iter();
        let track = tracks.find(|track| track.id == self.track);
        let stated = track.and_then(|track| Some(track.num_frames? + u64::from(track.padding?)));
        let is_padding = self.is_promise && packet.pts.get() <= stated.unwrap_or(0) as i64;
        if !self.clock.is_stamped() && !is_padding {
            packet.trim_end = Duration::ZERO;
        }
        packet
    }

    /// Decodes a packet into `interleaved`.
    fn decode_packet(&mut self, packet: &Packet) -> Result<Decoded> {
        let (decoder, interleaved) = (&mut self.decoder, &mut self.interleaved);
        let decoded = guarded(|| {
            decoder.decode(packet).map(|buffer| {
                interleaved.resize(buffer.samples_interleaved(), 0.0);
                buffer.copy_to_slice_interleaved(&mut *interleaved);
                let spec = buffer.spec();
                (spec.channels().count(), spec.rate())
            })
        });
        let (channels, rate) = match decoded {
            Some(Ok(_)) if self.interleaved.is_empty() => return Ok(Decoded::Nothing),
            Some(Ok(spec)) => spec,
            Some(Err(Symphonia::DecodeError(reason))) => return Ok(Decoded::Bad(reason.into())),
            Some(Err(Symphonia::IoError(error)))
                if error.kind() == io::ErrorKind::UnexpectedEof =>
            {
                // The recording is cut short here, unless a packet follows that can be decoded.
                self.is_cut = !self.is_open_ended;
                return Ok(Decoded::Bad("it is cut short".into()));
            }
            Some(Err(error)) => return Err(failure(&self.path, self.seconds(), error)),
            None => {
                // A decoder that panicked is not used again.
                self.decoder = self.find_again()?.decoder;
                return Ok(Decoded::Bad("its decoder failed".into()));
            }
        };
        let is_noise = |x: &f32| !(-LOUDEST..=LOUDEST).contains(x);
        if !self.is_float && self.interleaved.iter().any(is_noise) {
            return Ok(Decoded::Bad("it decodes to noise".into()));
        }
        if self.sample_rate == 0 {
            check_limits(&self.path, channels, rate)?;
            self.sample_rate = rate;
        }
        if rate != self.sample_rate {
            let reason = format!(
                "the sampling rate changes from {} to {rate} Hz",
                self.sample_rate
            );
            // Junk may look like a frame of any rate.
            return if self.clock.is_stamped() {
                Err(self.damaged(reason))
            } else {
                Ok(Decoded::Bad(reason))
            };
        }
        self.channels = channels as u16;
        if self.is_float {
            let interleaved = &mut self.interleaved;
            self.no_numbers
                .silence(interleaved, self.channels, self.position);
        }
        Ok(Decoded::Samples)
    }

    /// Finds the track and creates its decoder anew.
    fn find_again(&self) -> Result<Track> {
        guarded(|| Track::find(self.format.as_ref(), &self.path, None))
            .unwrap_or_else(|| Err(self.damaged("its decoder failed".into())))
    }

    fn damaged(&self, reason: String) -> Error {
        Error::Damaged {
            path: self.path.clone(),
            seconds: self.seconds(),
            reason,
        }
    }

    fn seconds(&self) -> f64 {
        self.position as f64 / f64::from(self.sample_rate.max(1))
    }
}

/// The result of reading from a container.
enum Next {
    Packet(Packet),
    /// Something other than a packet of the track.
    Other,
    /// An error after which reading may continue.
    Failed,
    End,
}

/// The default audio track.
struct Track {
    id: u32,
    decoder: Box<dyn AudioDecoder>,
    /// Length in seconds, if it is stated.
    duration: Option<f64>,
    /// [`Coded::is_promise`].
    is_promise: bool,
    /// [`Coded::tolerance`].
    tolerance: f64,
    /// [`Coded::is_float`].
    is_float: bool,
    /// [`Coded::bits`].
    bits: Option<u32>,
}

impl Track {
    /// Finds the track and creates its decoder. `end` is where the last page of Ogg ends.
    fn find(format: &dyn FormatReader, path: &Path, end: Option<u64>) -> Result<Self> {
        let unsupported = |reason: String| Error::Unsupported {
            path: path.to_path_buf(),
            reason,
        };
        let track = format.default_track(TrackType::Audio).ok_or_else(|| {
            unsupported(
                "it has no audio track in a codec that is decoded: convert it with ffmpeg".into(),
            )
        })?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(unsupported("its codec is unknown".into()));
        };
        // The decoder allocates memory for what the recording announces.
        if let Some(frames) = parameters.max_frames_per_packet.filter(|&n| n > MAX_PACKET) {
            return Err(unsupported(format!(
                "expected at most {MAX_PACKET} samples in a packet, found {frames}"
            )));
        }
        if let (Some(channels), Some(rate)) = (&parameters.channels, parameters.sample_rate) {
            check_limits(path, channels.count(), rate)?;
        }
        let options = AudioDecoderOptions::default();
        let decoder = match parameters.codec {
            CODEC_ID_OPUS => OpusDecoder::new(parameters).map(|decoder| Box::new(decoder) as _),
            _ => get_codecs().make_audio_decoder(parameters, &options),
        };
        let decoder = decoder.map_err(|error| match error {
            Symphonia::Unsupported(reason) => unsupported(format!(
                "{reason} ({} in {}): convert it with ffmpeg",
                parameters.codec,
                format.format_info().long_name
            )),
            error => failure(path, 0.0, error),
        })?;
        let duration = track
            .time_base
            .zip(track.duration.or(end.map(Duration::from)))
            .and_then(|(base, duration)| base.calc_duration(duration))
            .map(|time| time.as_secs_f64())
            .filter(|&seconds| seconds > 0.0 && seconds < UNKNOWN);
        // Without a tag of its encoder, the length of an MP3 is an estimate, as that of AAC in ADTS always is. That of
        // Ogg is where its last page claims to be.
        let is_promise = match format.format_info().format {
            FORMAT_ID_ADTS | FORMAT_ID_OGG => false,
            FORMAT_ID_MP3 => track.delay.is_some(),
            _ => true,
        };
        // The length of AIFF is computed from the bytes of its samples, so not one of them may be missing.
        let tolerance = match format.format_info().format {
            FORMAT_ID_AIFF => 0.5 / f64::from(parameters.sample_rate.unwrap_or(1)),
            _ => TOLERANCE,
        };
        let is_exact = parameters.codec == CODEC_ID_FLAC || is_integer_pcm(parameters.codec);
        Ok(Self {
            id: track.id,
            decoder,
            duration,
            is_promise,
            tolerance,
            is_float: is_float_pcm(parameters.codec),
            bits: parameters
                .bits_per_sample
                .filter(|&bits| is_exact && bits <= 24),
        })
    }
}

fn is_integer_pcm(codec: AudioCodecId) -> bool {
    matches!(
        codec,
        CODEC_ID_PCM_S8
            | CODEC_ID_PCM_U8
            | CODEC_ID_PCM_S16BE
            | CODEC_ID_PCM_S16LE
            | CODEC_ID_PCM_S24BE
            | CODEC_ID_PCM_S24LE
    )
}

fn is_float_pcm(codec: AudioCodecId) -> bool {
    matches!(
        codec,
        CODEC_ID_PCM_F32LE | CODEC_ID_PCM_F32BE | CODEC_ID_PCM_F64LE | CODEC_ID_PCM_F64BE
    )
}

/// Returns whether PCM in QuickTime is in the order that symphonia assumes for it, not in one that the file states.
fn is_taken_for_little_endian(codec: AudioCodecId) -> bool {
    matches!(
        codec,
        CODEC_ID_PCM_S24LE | CODEC_ID_PCM_S32LE | CODEC_ID_PCM_F32LE | CODEC_ID_PCM_F64LE
    )
}

/// Runs a step of symphonia, some of whose decoders panic on damaged recordings. Returns `None` if it panics.
///
/// The object that panicked must not be used again.
fn guarded<T>(step: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(step)).ok()
}

/// Converts an error of symphonia after `seconds` of samples.
pub(crate) fn failure(path: &Path, seconds: f64, error: Symphonia) -> Error {
    let path = path.to_path_buf();
    match error {
        Symphonia::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            ser_files::Error { path, source }.into()
        }
        Symphonia::IoError(_) => Error::Damaged {
            path,
            seconds,
            reason: "it is cut short".into(),
        },
        Symphonia::Unsupported(reason) => Error::Unsupported {
            path,
            reason: format!("{reason}: convert it with ffmpeg"),
        },
        error => Error::Damaged {
            path,
            seconds,
            reason: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_panics_is_noticed() {
        let result: Option<()> = guarded(|| panic!("as they do"));
        assert_eq!(result, None);
        assert_eq!(guarded(|| 1), Some(1));
    }
}
