//! Where in time the packets of a recording belong, and so what is lost between them.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::IntoIter;

use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_FLAC, FORMAT_ID_MP1, FORMAT_ID_MP2, FORMAT_ID_MP3,
};
use symphonia::core::packet::Packet;
use symphonia::core::units::{TimeBase, Timestamp};

use crate::counted::AHEAD;
use crate::mpeg::{Gap, Gaps};

/// Bytes of a header of ADTS, which is no part of the packet.
const ADTS_HEADER: u64 = 7;
/// Bytes that a second of silence takes at least, 4 kbit/s: a small file that is all holes does not become days of it.
const SECOND: u64 = 500;
/// Bytes that a second takes at least of the beginning that a file may lack: what was recorded out of a broadcast may have
/// begun hours ago.
const BEGINNING: u64 = 8000;
/// Seconds by which time stamps may be off that are no multiples of the sampling period, and a hundredth that others may.
const JITTER: f64 = 0.1;
const EXACT: f64 = 0.01;

pub(crate) struct Clock {
    /// Bytes taken out of the file, and bytes of all of it, if that is known.
    taken: Arc<AtomicU64>,
    len: Option<u64>,
    time: Time,
}

enum Time {
    /// The container says when each packet is.
    Stamps {
        base: TimeBase,
        /// A time stamp, and the number of the sample that it has; of the first packet some may be left out.
        anchor: Option<(Timestamp, i128)>,
        /// Whether a stream began since the last packet, and whether that was the same one once more.
        is_new: bool,
        is_same: bool,
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
    /// Packets follow each other, and all losses are known.
    Gaps {
        /// Those that are still to come, and the samples of a frame.
        gaps: Peekable<IntoIter<Gap>>,
        frame: u64,
        /// Samples of the packets up to here of which nothing was heard, and of the beginning that is left out.
        failed: u64,
        left_out: u64,
    },
}

impl Clock {
    /// `gaps` are those of an MP3 that says how long it is.
    pub(crate) fn new(
        format: &dyn FormatReader,
        track: u32,
        taken: Arc<AtomicU64>,
        len: Option<u64>,
        gaps: Gaps,
    ) -> Self {
        let bytes = |header| Time::Bytes {
            header,
            end: None,
            bytes: 0,
            frames: 0,
        };
        let time = match format.format_info().format {
            FORMAT_ID_MP3 if !gaps.ends.is_empty() => Time::Gaps {
                gaps: gaps.ends.into_iter().peekable(),
                frame: gaps.frame,
                failed: 0,
                left_out: 0,
            },
            FORMAT_ID_MP1 | FORMAT_ID_MP2 | FORMAT_ID_MP3 => bytes(0),
            FORMAT_ID_ADTS => bytes(ADTS_HEADER),
            _ => {
                let track = format.tracks().iter().find(|t| t.id == track);
                let is_flac = format.format_info().format == FORMAT_ID_FLAC;
                Time::Stamps {
                    base: track.and_then(|t| t.time_base).unwrap_or_default(),
                    // Frames of FLAC are counted from the beginning, whether or not that is there.
                    anchor: is_flac.then_some((Timestamp::ZERO, 0)),
                    is_new: false,
                    is_same: false,
                }
            }
        };
        Self { taken, len, time }
    }

    /// Whether the container has time stamps.
    pub(crate) fn is_stamped(&self) -> bool {
        matches!(self.time, Time::Stamps { .. })
    }

    /// Another stream begins, or the same one behind a loss.
    pub(crate) fn begin_again(&mut self) {
        if let Time::Stamps { is_new, .. } = &mut self.time {
            *is_new = true;
        }
    }

    /// Whether the packet that [`lost_before`](Self::lost_before) has seen last is the first behind a loss in a stream that is
    /// decoded anew.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.time, Time::Stamps { is_same: true, .. })
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
                is_same,
            } => {
                *is_same = false;
                let pts = start(packet);
                let Some((before, at)) = *anchor else {
                    return 0;
                };
                let ticks = i128::from(pts.get()) - i128::from(before.get());
                let (numerator, denominator) = (base.numer.get(), base.denom.get());
                let frames =
                    ticks * i128::from(numerator) * i128::from(rate) / i128::from(denominator);
                let lost = frames + at - i128::from(position);
                let jitter = f64::from(rate) * if counts(*base, rate) { EXACT } else { JITTER };
                let seconds = (position as f64 + lost as f64) / f64::from(rate);
                let is_beyond = duration.is_some_and(|duration| seconds > duration + 1.0);
                let begins = std::mem::take(is_new);
                let is_other = begins && lost < 0;
                if is_other || is_beyond || lost < -i128::from(rate) {
                    // Its times are its own.
                    *anchor = None;
                    return 0;
                }
                *is_same = begins;
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
            // Rubble may look like a frame of another kind.
            Time::Gaps { frame, .. } if packet.block_dur().get() != *frame => 0,
            Time::Gaps {
                gaps,
                frame,
                failed,
                left_out,
            } => {
                let begin = taken.saturating_sub(packet.data.len() as u64);
                let mut lost = std::mem::take(failed);
                while let Some(gap) = gaps.next_if(|gap| gap.at <= begin) {
                    let due = gap.before.saturating_mul(*frame);
                    lost = due.saturating_sub(*left_out).saturating_sub(position);
                }
                lost
            }
        };
        let most = match position {
            0 => self.len.unwrap_or(taken) / BEGINNING,
            _ => taken / SECOND,
        };
        let mut allowed = lost.min(most.saturating_mul(rate.into()).saturating_sub(silent));
        if position == 0 && allowed < lost {
            allowed = 0;
        }
        if let (Time::Stamps { anchor, .. }, true) = (&mut self.time, allowed < lost) {
            *anchor = Some((start(packet), (position + allowed).into()));
        }
        allowed
    }

    /// A packet was decoded to so many samples at a rate, the first of them at `position`.
    pub(crate) fn decoded(&mut self, packet: &Packet, rate: u32, position: u64, decoded: usize) {
        match &mut self.time {
            Time::Stamps { base, anchor, .. } => {
                // What an encoder of Opus puts in front is left out of the packet, and counts in its time stamps.
                let left_out = match counts(*base, rate) {
                    true => packet.dur.get().saturating_sub(decoded as u64),
                    false => 0,
                };
                let at = i128::from(position) - i128::from(left_out);
                anchor.get_or_insert((start(packet), at));
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
            Time::Gaps { left_out, .. } => *left_out += packet.trim_start.get(),
        }
        self.passed(packet);
    }

    /// A packet could not be decoded.
    pub(crate) fn failed(&mut self, packet: &Packet) {
        if let Time::Gaps { frame, failed, .. } = &mut self.time
            && packet.block_dur().get() == *frame
        {
            *failed += *frame;
        }
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

/// Whether time stamps count samples.
fn counts(base: TimeBase, rate: u32) -> bool {
    u64::from(base.numer.get()) * u64::from(rate) == u64::from(base.denom.get())
}

/// When the first sample of a packet is that is heard.
fn start(packet: &Packet) -> Timestamp {
    packet.pts.saturating_add(packet.trim_start)
}
