//! The time of each packet of a recording, and with it the length of what is lost between packets.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::IntoIter;

use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::{FORMAT_ID_ADTS, FORMAT_ID_FLAC, FORMAT_ID_MP3};
use symphonia::core::packet::Packet;
use symphonia::core::units::{TimeBase, Timestamp};

use crate::counted::AHEAD;
use crate::mpeg::{Gap, Gaps};

/// Number of bytes of an ADTS header, which is not part of the packet.
const ADTS_HEADER: u64 = 7;
/// Least number of bytes read per second of silence, 4 kbit/s, so that a small file full of gaps does not become days
/// of silence.
const SECOND: u64 = 500;
/// Least number of bytes of the file per second of silence in place of a missing beginning. The times of a recording of
/// a broadcast may have started hours before it.
const BEGINNING: u64 = 8000;
/// Seconds by which time stamps may be wrong if they do not count samples, and if they do.
const JITTER: f64 = 0.1;
const EXACT: f64 = 0.01;

pub(crate) struct Clock {
    /// Number of bytes read from the file, and the length of the file if it is known.
    taken: Arc<AtomicU64>,
    len: Option<u64>,
    time: Time,
}

enum Time {
    /// The container states the time of each packet.
    Stamps {
        base: TimeBase,
        /// A time stamp, and the index of the sample at that time. Samples of the first packet may be dropped, which
        /// makes the index negative.
        anchor: Option<(Timestamp, i128)>,
        /// Whether a stream began since the last packet, and whether it continues the previous one.
        is_new: bool,
        is_same: bool,
    },
    /// Packets follow each other. A loss between two of them is as long as the same number of decoded bytes.
    Bytes {
        /// Bytes of a packet in addition to its data.
        header: u64,
        /// Position at which the last packet ended that was decoded or replaced with silence.
        end: Option<u64>,
        bytes: u64,
        frames: u64,
    },
    /// Packets follow each other, and all losses are known.
    Gaps {
        /// The losses still to come, and the number of samples in a frame.
        gaps: Peekable<IntoIter<Gap>>,
        frame: u64,
        /// Number of samples of failed packets that silence has not replaced yet, and of samples dropped at the
        /// beginning.
        failed: u64,
        left_out: u64,
    },
}

impl Clock {
    /// Creates a clock. `gaps` are those of an MP3 that states its length.
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
            FORMAT_ID_MP3 => bytes(0),
            FORMAT_ID_ADTS => bytes(ADTS_HEADER),
            _ => {
                let track = format.tracks().iter().find(|t| t.id == track);
                let is_flac = format.format_info().format == FORMAT_ID_FLAC;
                Time::Stamps {
                    base: track.and_then(|t| t.time_base).unwrap_or_default(),
                    // FLAC frames are numbered from the beginning, even if that is missing.
                    anchor: is_flac.then_some((Timestamp::ZERO, 0)),
                    is_new: false,
                    is_same: false,
                }
            }
        };
        Self { taken, len, time }
    }

    /// Returns whether the container has time stamps.
    pub(crate) fn is_stamped(&self) -> bool {
        matches!(self.time, Time::Stamps { .. })
    }

    /// Records that another stream begins, or that the same one continues after a loss.
    pub(crate) fn begin_again(&mut self) {
        if let Time::Stamps { is_new, .. } = &mut self.time {
            *is_new = true;
        }
    }

    /// Returns whether the packet that [`lost_before`](Self::lost_before) saw last is the first one after a loss in a
    /// stream that is decoded anew.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.time, Time::Stamps { is_same: true, .. })
    }

    /// Returns the number of samples that are lost before a packet, at the sampling rate `rate`. `position` samples
    /// precede the packet, `silent` of which already replace lost ones. `duration` is the stated length of the
    /// recording in seconds.
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
                    // The new stream has its own times.
                    *anchor = None;
                    return 0;
                }
                *is_same = begins;
                if lost as f64 > jitter {
                    u64::try_from(lost).unwrap_or(u64::MAX)
                } else {
                    return 0;
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
                // While the format was detected, the container may have been read further than it was decoded.
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
            // Junk may look like a frame of another kind.
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

    /// Records that a packet was decoded to `decoded` samples at a sampling rate, the first of them at `position`.
    pub(crate) fn decoded(&mut self, packet: &Packet, rate: u32, position: u64, decoded: usize) {
        match &mut self.time {
            Time::Stamps { base, anchor, .. } => {
                // The samples that an Opus encoder puts in front are dropped from the packet, but count in its time
                // stamps.
                let left_out = if counts(*base, rate) {
                    packet.dur.get().saturating_sub(decoded as u64)
                } else {
                    0
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

    /// Records that a packet could not be decoded.
    pub(crate) fn failed(&mut self, packet: &Packet) {
        if let Time::Gaps { frame, failed, .. } = &mut self.time
            && packet.block_dur().get() == *frame
        {
            *failed += *frame;
        }
    }

    /// Records that a packet was decoded, even if it gave no samples.
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

/// Returns whether time stamps count samples.
fn counts(base: TimeBase, rate: u32) -> bool {
    u64::from(base.numer.get()) * u64::from(rate) == u64::from(base.denom.get())
}

/// Returns the time of the first sample of a packet that is not dropped.
fn start(packet: &Packet) -> Timestamp {
    packet.pts.saturating_add(packet.trim_start)
}
