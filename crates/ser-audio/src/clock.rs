//! Where in time the packets of a recording belong, and so what is lost between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_MP1, FORMAT_ID_MP2, FORMAT_ID_MP3,
};
use symphonia::core::packet::Packet;
use symphonia::core::units::{TimeBase, Timestamp};

use crate::counted::AHEAD;

/// Bytes of a header of ADTS, which is no part of the packet.
const ADTS_HEADER: u64 = 7;
/// Bytes that a second of silence takes at least, 4 kbit/s: a small file that is all holes does not become days of it.
const SECOND: u64 = 500;
/// Seconds by which time stamps may be off that are no multiples of the sampling period, and a hundredth that others may.
const JITTER: f64 = 0.1;
const EXACT: f64 = 0.01;

pub(crate) struct Clock {
    /// Bytes taken out of the file.
    taken: Arc<AtomicU64>,
    time: Time,
}

enum Time {
    /// The container says when each packet is.
    Stamps {
        base: TimeBase,
        /// The time stamp of a packet, and the number of its first sample.
        anchor: Option<(Timestamp, u64)>,
        /// Whether a stream began since the last packet.
        is_new: bool,
    },
    /// Packets follow each other: between two of them what is lost takes as long as as many bytes that were decoded.
    Bytes {
        /// Bytes of a packet beside its data.
        header: u64,
        /// Where the last packet ended that was decoded, or what was made up for.
        end: Option<u64>,
        bytes: u64,
        frames: u64,
    },
}

impl Clock {
    pub(crate) fn new(format: &dyn FormatReader, track: u32, taken: Arc<AtomicU64>) -> Self {
        let bytes = |header| Time::Bytes {
            header,
            end: None,
            bytes: 0,
            frames: 0,
        };
        let time = match format.format_info().format {
            FORMAT_ID_MP1 | FORMAT_ID_MP2 | FORMAT_ID_MP3 => bytes(0),
            FORMAT_ID_ADTS => bytes(ADTS_HEADER),
            _ => {
                let track = format.tracks().iter().find(|t| t.id == track);
                Time::Stamps {
                    base: track.and_then(|t| t.time_base).unwrap_or_default(),
                    anchor: None,
                    is_new: false,
                }
            }
        };
        Self { taken, time }
    }

    /// Whether the container has time stamps.
    pub(crate) fn is_stamped(&self) -> bool {
        matches!(self.time, Time::Stamps { .. })
    }

    /// Another stream begins.
    pub(crate) fn begin_again(&mut self) {
        if let Time::Stamps { is_new, .. } = &mut self.time {
            *is_new = true;
        }
    }

    /// Samples that are lost before a packet, at a rate, behind `position` samples of which `silent` are made up for already.
    /// The recording is stated to take `duration` seconds.
    pub(crate) fn lost_before(
        &mut self,
        packet: &Packet,
        rate: u32,
        position: u64,
        silent: u64,
        duration: Option<f64>,
    ) -> u64 {
        if rate == 0 {
            return 0;
        }
        let taken = self.taken.load(Ordering::Relaxed);
        let lost = match &mut self.time {
            Time::Stamps {
                base,
                anchor,
                is_new,
            } => {
                let pts = start(packet);
                let Some((before, at)) = *anchor else {
                    return 0;
                };
                let ticks = i128::from(pts.get()) - i128::from(before.get());
                let (numerator, denominator) = (base.numer.get(), base.denom.get());
                let frames =
                    ticks * i128::from(numerator) * i128::from(rate) / i128::from(denominator);
                let lost = frames + i128::from(at) - i128::from(position);
                let is_exact = u64::from(numerator) * u64::from(rate) == u64::from(denominator);
                let jitter = f64::from(rate) * if is_exact { EXACT } else { JITTER };
                let seconds = (position as f64 + lost as f64) / f64::from(rate);
                let is_beyond = duration.is_some_and(|duration| seconds > duration + 1.0);
                let is_other = std::mem::take(is_new) && lost < 0;
                if is_other || is_beyond || lost < -i128::from(rate) {
                    // Its times are its own.
                    *anchor = Some((pts, position));
                    return 0;
                }
                match lost as f64 > jitter {
                    true => u64::try_from(lost).unwrap_or(u64::MAX),
                    false => return 0,
                }
            }
            Time::Bytes {
                header,
                end,
                bytes,
                frames,
            } => {
                let size = packet.data.len() as u64 + *header;
                let begin = taken.saturating_sub(size);
                // To know what it is, the container may have been read further than it was decoded.
                let before = end.get_or_insert(begin);
                *before = begin.min(*before);
                let lost = begin - *before;
                if lost <= AHEAD + size {
                    return 0;
                }
                *end = Some(begin);
                let (frames, bytes) = match *bytes {
                    0 => (packet.block_dur().get(), size),
                    bytes => (*frames, bytes),
                };
                (u128::from(lost) * u128::from(frames) / u128::from(bytes.max(1))) as u64
            }
        };
        let most = (taken / SECOND).saturating_mul(rate.into());
        let allowed = lost.min(most.saturating_sub(silent));
        if let (Time::Stamps { anchor, .. }, true) = (&mut self.time, allowed < lost) {
            *anchor = Some((start(packet), position + allowed));
        }
        allowed
    }

    /// A packet was decoded, whose first sample is at `position`.
    pub(crate) fn decoded(&mut self, packet: &Packet, position: u64, decoded: usize) {
        match &mut self.time {
            Time::Stamps { anchor, .. } => {
                anchor.get_or_insert((start(packet), position));
            }
            Time::Bytes {
                header,
                bytes,
                frames,
                ..
            } => {
                *bytes += packet.data.len() as u64 + *header;
                *frames += decoded as u64;
            }
        }
        self.passed(packet);
    }

    /// A packet was decoded, if only to nothing.
    pub(crate) fn passed(&mut self, packet: &Packet) {
        if let Time::Bytes {
            header,
            end: Some(end),
            ..
        } = &mut self.time
        {
            *end += packet.data.len() as u64 + *header;
        }
    }
}

/// When the first sample of a packet is that is heard.
fn start(packet: &Packet) -> Timestamp {
    packet.pts.saturating_add(packet.trim_start)
}
