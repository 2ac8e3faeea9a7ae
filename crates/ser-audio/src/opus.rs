//! Opus, whose packets symphonia reads from its containers but does not decode.

use opus_rs::multistream::{ChannelMappingTable, MultistreamDecoder};
use symphonia::core::audio::{
    AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, Channels, GenericAudioBufferRef,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, FinalizeResult};
use symphonia::core::errors::{Result, decode_error, unsupported_error};
use symphonia::core::packet::PacketRef;

/// Sampling rate in Hz of the decoded samples, out of the five that Opus allows, and of the pre-skip.
const SAMPLE_RATE: u32 = 48_000;
/// Samples per channel of the longest packet, 120 ms.
const MAX_PACKET: usize = 5760;
/// The largest number of channels in the layouts of Vorbis.
const MAX_CHANNELS: u8 = 8;

/// A decoder of the packets of one stream, at 48 kHz. It drops the samples that the encoder put in front.
pub(crate) struct OpusDecoder {
    parameters: AudioCodecParameters,
    decoder: MultistreamDecoder,
    channels: usize,
    /// Factor by which the samples are multiplied.
    gain: f32,
    /// Samples per channel that are still to be dropped.
    skip: usize,
    interleaved: Vec<f32>,
    buffer: AudioBuffer<f32>,
}

impl OpusDecoder {
    pub(crate) fn new(parameters: &AudioCodecParameters) -> Result<Self> {
        let head = match &parameters.extra_data {
            Some(bytes) => Head::parse(bytes)?,
            // Recorders that do not follow the specification omit it in Matroska.
            None => Head::plain(parameters.channels.as_ref().map_or(1, Channels::count))?,
        };
        let channels = usize::from(head.table.channels);
        let Ok(decoder) = MultistreamDecoder::new(SAMPLE_RATE as i32, head.table) else {
            return unsupported_error("Opus with impossible streams");
        };
        let spec = AudioSpec::new(SAMPLE_RATE, Channels::Discrete(channels as u16));
        Ok(Self {
            parameters: parameters.clone(),
            decoder,
            channels,
            gain: head.gain,
            skip: head.pre_skip,
            interleaved: vec![0.0; MAX_PACKET * channels],
            buffer: AudioBuffer::new(spec, MAX_PACKET),
        })
    }
}

impl AudioDecoder for OpusDecoder {
    /// Prepares for packets from the middle of the stream, which have no pre-skip.
    fn reset(&mut self) {
        self.skip = 0;
    }

    fn codec_info(&self) -> &CodecInfo {
        &CodecInfo {
            short_name: "opus",
            long_name: "Opus",
            profiles: &[],
        }
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.parameters
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.buffer.clear();
        // To the decoder, an empty packet means a loss that it should conceal, of any length.
        if packet.data.is_empty() {
            return decode_error("a packet of Opus is empty");
        }
        let decoded = self
            .decoder
            .decode(packet.data, MAX_PACKET, &mut self.interleaved);
        let Ok(frames) = decoded else {
            return decode_error("a packet of Opus is damaged");
        };
        let samples = &mut self.interleaved[..frames * self.channels];
        samples.iter_mut().for_each(|x| *x *= self.gain);
        self.buffer.resize_with_silence(frames);
        self.buffer.copy_from_slice_interleaved(&samples);
        let skipped = self.skip.min(frames);
        self.skip -= skipped;
        // Only Ogg has samples to drop at the end, and it counts them at the same rate.
        self.buffer.trim(skipped, packet.trim_end.get() as usize);
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}

/// The identification header of a stream, as Ogg, Matroska and MP4 store it (RFC 7845, section 5.1).
struct Head {
    /// Samples per channel to drop at the beginning.
    pre_skip: usize,
    /// Factor by which the samples are multiplied.
    gain: f32,
    table: ChannelMappingTable,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let Some((&[version, channels, a, b, _, _, _, _, c, d, family], rest)) = bytes
            .strip_prefix(b"OpusHead")
            .and_then(|fields| fields.split_first_chunk())
        else {
            return decode_error("the header of Opus is cut short");
        };
        // The header in MP4 has version 0 and is big-endian.
        let number = match version {
            0 => u16::from_be_bytes,
            _ => u16::from_le_bytes,
        };
        let head = match family {
            0 => Self::plain(channels.into())?,
            1 if (1..=MAX_CHANNELS).contains(&channels) => {
                match ChannelMappingTable::parse(family, channels, rest) {
                    Some(table) if is_possible(&table) => Self::of(table),
                    _ => return decode_error("the header of Opus states impossible streams"),
                }
            }
            _ => {
                return unsupported_error("Opus with an unknown channel layout");
            }
        };
        // The gain is in 256ths of a decibel.
        let decibels = f32::from(number([c, d]) as i16) / 256.0;
        Ok(Self {
            pre_skip: number([a, b]).into(),
            gain: 10f32.powf(decibels / 20.0),
            ..head
        })
    }

    /// Returns the header of one stream of one or two channels.
    fn plain(channels: usize) -> Result<Self> {
        if !matches!(channels, 1 | 2) {
            return unsupported_error("Opus with more than two channels in one stream");
        }
        Ok(Self::of(ChannelMappingTable {
            channels: channels as u8,
            stream_count: 1,
            coupled_count: channels as u8 - 1,
            mapping: (0..channels as u8).collect(),
        }))
    }

    fn of(table: ChannelMappingTable) -> Self {
        Self {
            pre_skip: 0,
            gain: 1.0,
            table,
        }
    }
}

/// Returns whether each channel comes from an existing stream or is silent. The decoder does not check this.
fn is_possible(table: &ChannelMappingTable) -> bool {
    let streams = table.stream_count;
    let decoded = u16::from(streams) + u16::from(table.coupled_count);
    streams > 0
        && table.coupled_count <= streams
        && decoded <= 255
        && (table.mapping.iter()).all(|&from| u16::from(from) < decoded || from == 255)
}
