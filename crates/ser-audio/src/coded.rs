//! What symphonia decodes: everything but plain WAV.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_FLAC, CODEC_ID_OPUS, CODEC_ID_PCM_S8, CODEC_ID_PCM_S16BE, CODEC_ID_PCM_S16LE,
    CODEC_ID_PCM_S24BE, CODEC_ID_PCM_S24LE, CODEC_ID_PCM_U8,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::default::{get_codecs, get_probe};

use crate::decode::check_limits;
use crate::error::{Error, Result};
use crate::waveform::SAMPLE_RANGE;

/// The most packets in a row that are left out because they cannot be decoded: about a second.
const MAX_BAD_PACKETS: usize = 50;

/// The most samples per channel that a packet may announce. FLAC and ALAC have up to 2^16.
const MAX_PACKET: u64 = 1 << 17;

/// Bytes of one text or one picture that a recording may bring with it: nobody looks at them.
const MAX_METADATA: Limit = Limit::Maximum(1 << 16);

/// A recording on its way through a demultiplexer and a decoder.
pub(crate) struct Coded {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    is_pipe: bool,
    sample_rate: u32,
    duration: Option<f64>,
    /// Samples of the first packet, which was decoded to learn the rate.
    first: Vec<f32>,
    /// The last packet that was decoded, and its samples, channels interleaved.
    packet: Box<[u8]>,
    interleaved: Vec<f32>,
    channels: u16,
    /// Bits of a sample where decoding gives back integers that were stored.
    bits: Option<u32>,
    /// Samples decoded so far.
    position: u64,
    is_at_end: bool,
}

impl Coded {
    /// Finds out what `source` holds and decodes its first samples.
    pub(crate) fn open(source: Box<dyn MediaSource>, path: &Path) -> Result<Self> {
        guarded(path, 0.0, || Self::find(source, path))
    }

    fn find(source: Box<dyn MediaSource>, path: &Path) -> Result<Self> {
        if source.byte_len() == Some(0) {
            return Err(Error::Unsupported {
                path: path.to_path_buf(),
                reason: "the file is empty".into(),
            });
        }
        let is_pipe = !source.is_seekable();
        let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
        let metadata = MetadataOptions::default()
            .limit_tag_bytes(MAX_METADATA)
            .limit_visual_bytes(MAX_METADATA);
        let format = get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), metadata)
            .map_err(|error| match error {
                Symphonia::Unsupported(reason) if reason.starts_with("core (probe)") => {
                    Error::Unsupported {
                        path: path.to_path_buf(),
                        reason: "no known audio format; ffmpeg turns most into WAV".into(),
                    }
                }
                error => failure(path, 0.0, error),
            })?;
        let Track {
            id,
            decoder,
            duration,
            bits,
        } = Track::find(format.as_ref(), path)?;
        let mut coded = Self {
            path: path.to_path_buf(),
            format,
            decoder,
            track: id,
            is_pipe,
            sample_rate: 0,
            duration,
            first: Vec::new(),
            packet: Box::default(),
            interleaved: Vec::new(),
            channels: 0,
            bits,
            position: 0,
            is_at_end: false,
        };
        let mut first = Vec::new();
        if !coded.decode(&mut first)? {
            return Err(coded.damaged("it holds no samples".into()));
        }
        coded.first = first;
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

    /// Bits of a sample where decoding gives back the integers that were stored, and single precision holds
    /// them.
    pub(crate) fn bits(&self) -> Option<u32> {
        self.bits
    }

    /// The packet that the last block was decoded from.
    pub(crate) fn packet(&self) -> &[u8] {
        &self.packet
    }

    /// The samples of the last block before they were mixed down, channels interleaved.
    pub(crate) fn interleaved(&self) -> &[f32] {
        &self.interleaved
    }

    /// Appends samples; `false` at the end.
    pub(crate) fn next_block(&mut self, samples: &mut Vec<f32>) -> Result<bool> {
        if !self.first.is_empty() {
            samples.append(&mut self.first);
            return Ok(true);
        }
        if self.is_at_end {
            return Ok(false);
        }
        let (path, seconds) = (self.path.clone(), self.seconds());
        let result = guarded(&path, seconds, || self.decode(samples));
        self.is_at_end = !matches!(result, Ok(true));
        result
    }

    /// Decodes packets until one of them gives samples; `false` at the end.
    fn decode(&mut self, samples: &mut Vec<f32>) -> Result<bool> {
        let mut bad = 0;
        loop {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(false),
                Err(Symphonia::ResetRequired) => {
                    // Another stream begins where one ended, as in Ogg.
                    let track = Track::find(self.format.as_ref(), &self.path)?;
                    (self.track, self.decoder) = (track.id, track.decoder);
                    continue;
                }
                // A pipe ends when its writer is done.
                Err(Symphonia::IoError(error))
                    if self.is_pipe && error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    return Ok(false);
                }
                Err(error) => return Err(failure(&self.path, self.seconds(), error)),
            };
            if packet.track_id != self.track {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(buffer) if buffer.is_empty() => {}
                Ok(buffer) => {
                    let channels = buffer.spec().channels().count();
                    let rate = buffer.spec().rate();
                    self.interleaved.resize(buffer.samples_interleaved(), 0.0);
                    buffer.copy_to_slice_interleaved(&mut self.interleaved);
                    self.append(samples, channels, rate)?;
                    self.packet = packet.data;
                    return Ok(true);
                }
                Err(Symphonia::DecodeError(_)) if bad < MAX_BAD_PACKETS => bad += 1,
                Err(Symphonia::DecodeError(reason)) => {
                    return Err(self.damaged(format!(
                        "{bad} packets in a row cannot be decoded: {reason}"
                    )));
                }
                Err(error) => return Err(failure(&self.path, self.seconds(), error)),
            }
        }
    }

    /// Mixes down what was decoded.
    fn append(&mut self, samples: &mut Vec<f32>, channels: usize, rate: u32) -> Result<()> {
        if self.sample_rate == 0 {
            check_limits(&self.path, channels, rate)?;
            self.sample_rate = rate;
            self.channels = channels as u16;
        }
        if rate != self.sample_rate {
            let reason = format!(
                "the sampling rate changes from {} to {rate} Hz",
                self.sample_rate
            );
            return Err(self.damaged(reason));
        }
        let before = samples.len();
        let frames = self.interleaved.chunks_exact(channels);
        samples.extend(frames.map(|frame| frame.iter().sum::<f32>() / channels as f32));
        let new = &samples[before..];
        if let Some(index) = new.iter().position(|x| !SAMPLE_RANGE.contains(x)) {
            return Err(Error::OutOfRange {
                path: self.path.clone(),
                index: self.position + index as u64,
                value: new[index],
            });
        }
        self.position += new.len() as u64;
        Ok(())
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

/// The default audio track.
struct Track {
    id: u32,
    decoder: Box<dyn AudioDecoder>,
    /// Length in seconds, if it is stated.
    duration: Option<f64>,
    /// [`Coded::bits`].
    bits: Option<u32>,
}

impl Track {
    fn find(format: &dyn FormatReader, path: &Path) -> Result<Self> {
        let unsupported = |reason: String| Error::Unsupported {
            path: path.to_path_buf(),
            reason,
        };
        let track = format
            .default_track(TrackType::Audio)
            .ok_or_else(|| unsupported("it has no audio track".into()))?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(unsupported("its codec is unknown".into()));
        };
        if parameters.codec == CODEC_ID_OPUS {
            return Err(unsupported(
                "Opus is not supported: convert it with ffmpeg".into(),
            ));
        }
        // The decoder makes room for what the recording announces.
        if let Some(frames) = parameters.max_frames_per_packet.filter(|&n| n > MAX_PACKET) {
            return Err(unsupported(format!(
                "expected at most {MAX_PACKET} samples in a packet, found {frames}"
            )));
        }
        if let (Some(channels), Some(rate)) = (&parameters.channels, parameters.sample_rate) {
            check_limits(path, channels.count(), rate)?;
        }
        let decoder = get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| match error {
                Symphonia::Unsupported(reason) => unsupported(format!(
                    "{reason} ({} in {}): convert it with ffmpeg",
                    parameters.codec,
                    format.format_info().long_name
                )),
                error => failure(path, 0.0, error),
            })?;
        let duration = track
            .time_base
            .zip(track.duration)
            .and_then(|(base, duration)| base.calc_duration(duration))
            .map(|time| time.as_secs_f64());
        let is_exact = parameters.codec == CODEC_ID_FLAC || is_integer_pcm(parameters.codec);
        Ok(Self {
            id: track.id,
            decoder,
            duration,
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

/// Runs a step of symphonia, some of whose decoders panic on damaged recordings.
///
/// What panicked is not used again: an error ends the stream.
fn guarded<T>(path: &Path, seconds: f64, step: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| {
        Err(Error::Damaged {
            path: path.to_path_buf(),
            seconds,
            reason: "its decoder gave up".into(),
        })
    })
}

/// An error of symphonia after `seconds` of samples.
fn failure(path: &Path, seconds: f64, error: Symphonia) -> Error {
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
            reason: reason.into(),
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
    fn a_decoder_that_panics_is_an_error() {
        let result: Result<()> = guarded(Path::new("clip.ogg"), 1.5, || panic!("as they do"));
        assert_eq!(
            result.unwrap_err().to_string(),
            "clip.ogg: after 1.50 s: its decoder gave up"
        );
    }
}
