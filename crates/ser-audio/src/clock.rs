//! The time of each packet of a recording, and with it the length of what is lost between packets.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::IntoIter;

use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::{FORMAT_ID_ADTS, FORMAT_ID_FLAC, FORMAT_ID_MP3};
use symphonia::core::packet::Packet;
use symphonia::core::units::{TimeBase, Timestamp};

use crate::counting_reader::AHEAD;
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
    Stamps(Stamps),
    Bytes(Bytes),
    Gaps(KnownGaps),
}

/// The container states the time of each packet.
struct Stamps {
    base: TimeBase,
    /// A time stamp, and the index of the sample at that time. Samples of the first packet may be dropped, which makes the
    /// index negative.
    anchor: Option<(Timestamp, i128)>,
    /// Whether a stream began since the last packet, and whether it continues the previous one.
    is_new: bool,
    is_same: bool,
}

/// Packets follow each other. A loss between two of them is as long as the same number of decoded bytes.
#[derive(Default)]
struct Bytes {
    /// Bytes of a packet in addition to its data.
    header: u64,
    /// Position at which the last packet ended that was decoded or replaced with silence.
    end: Option<u64>,
    bytes: u64,
    frames: u64,
}

/// Packets follow each other, and all losses are known.
struct KnownGaps {
    /// The losses still to come, and the number of samples in a frame.
    gaps: Peekable<IntoIter<Gap>>,
    frame: u64,
    /// Number of samples of failed packets that silence has not replaced yet, and of samples dropped at the beginning.
    failed: u64,
    left_out: u64,
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
        let time = match format.format_info().format {
            FORMAT_ID_MP3 if !gaps.ends.is_empty() => Time::Gaps(KnownGaps {
                gaps: gaps.ends.into_iter().peekable(),
                frame: gaps.frame,
                failed: 0,
                left_out: 0,
            }),
            FORMAT_ID_MP3 => Time::Bytes(Bytes::default()),
            FORMAT_ID_ADTS => Time::Bytes(Bytes {
                header: ADTS_HEADER,
                ..Bytes::default()
            }),
            id => {
                let track = format.tracks().iter().find(|t| t.id == track);
                Time::Stamps(Stamps {
                    base: track.and_then(|t| t.time_base).unwrap_or_default(),
                    // FLAC frames are numbered from the beginning, even if that is missing.
                    anchor: (id == FORMAT_ID_FLAC).then_some((Timestamp::ZERO, 0)),
                    is_new: false,
                    is_same: false,
                })
            }
        };
        Self { taken, len, time }
    }

    /// Returns whether the container has time stamps.
    pub(crate) fn is_stamped(&self) -> bool {
        matches!(self.time, Time::Stamps(_))
    }

    /// Records that another stream begins, or that the same one continues after a loss.
    pub(crate) fn begin_again(&mut self) {
        if let Time::Stamps(stamps) = &mut self.time {
            stamps.is_new = true;
        }
    }

    /// Returns whether the packet that [`lost_before`](Self::lost_before) saw last is the first one after a loss in a
    /// stream that is decoded anew.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.time, Time::Stamps(Stamps { is_same: true, .. }))
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
            Time::Stamps(stamps) => stamps.lost_before(packet, rate, position, duration),
            Time::Bytes(bytes) => bytes.lost_before(packet, taken),
            Time::Gaps(gaps) => gaps.lost_before(packet, taken, position),
        };
        let most = match position {
            0 => self.len.unwrap_or(taken) / BEGINNING,
            _ => taken / SECOND,
        };
        let mut allowed = lost.min(most.saturating_mul(rate.into()).saturating_sub(silent));
        if position == 0 && allowed < lost {
            allowed = 0;
        }
        if let (Time::Stamps(stamps), true) = (&mut self.time, allowed < lost) {
            stamps.anchor = Some((start(packet), (position + allowed).into()));
        }
        allowed
    }

    /// Records that a packet was decoded to `decoded` samples at a sampling rate, the first of them at `position`.
    pub(crate) fn decoded(&mut self, packet: &Packet, rate: u32, position: u64, decoded: usize) {
        match &mut self.time {
            Time::Stamps(stamps) => stamps.decoded(packet, rate, position, decoded),
            Time::Bytes(bytes) => {
                bytes.bytes += bytes.size(packet);
                bytes.frames += decoded as u64;
            }
            Time::Gaps(gaps) => gaps.left_out += packet.trim_start.get(),
        }
        self.passed(packet);
    }

    /// Records that a packet could not be decoded.
    pub(crate) fn failed(&mut self, packet: &Packet) {
        if let Time::Gaps(gaps) = &mut self.time
            && packet.block_dur().get() == gaps.frame
        {
            gaps.failed += gaps.frame;
        }
    }

    /// Records that a packet was decoded, even if it gave no samples.
    pub(crate) fn passed(&mut self, packet: &Packet) {
        if let Time::Bytes(bytes) = &mut self.time {
            let size = bytes.size(packet);
            if let Some(end) = &mut bytes.end {
                *end += size;
            }
        }
    }
}

impl Stamps {
    /// Returns the number of samples between the last sample and the time that the packet states.
    fn lost_before(
        &mut self,
        packet: &Packet,
        rate: u32,
        position: u64,
        duration: Option<f64>,
    ) -> u64 {
        self.is_same = false;
        let Some((before, at)) = self.anchor else {
            return 0;
        };
        let ticks = i128::from(start(packet).get()) - i128::from(before.get());
        let (numerator, denominator) = (self.base.numer.get(), self.base.denom.get());
        let frames = ticks * i128::from(numerator) * i128::from(rate) / i128::from(denominator);
        let lost = frames + at - i128::from(position);
        let seconds = (position as f64 + lost as f64) / f64::from(rate);
        let is_beyond = duration.is_some_and(|duration| seconds > duration + 1.0);
        let begins = std::mem::take(&mut self.is_new);
        let is_other = begins && lost < 0;
        if is_other || is_beyond || lost < -i128::from(rate) {
            // The new stream has its own times.
            self.anchor = None;
            return 0;
        }
        self.is_same = begins;
        let jitter = if counts(self.base, rate) {
            EXACT
        } else {
            JITTER
        };
        if lost as f64 > f64::from(rate) * jitter {
            u64::try_from(lost).unwrap_or(u64::MAX)
        } else {
            0
        }
    }

    fn decoded(&mut self, packet: &Packet, rate: u32, position: u64, decoded: usize) {
        // The samples that an Opus encoder puts in front are dropped from the packet, but count in its time stamps.
        let left_out = if counts(self.base, rate) {
            packet.dur.get().saturating_sub(decoded as u64)
        } else {
            0
        };
        let at = i128::from(position) - i128::from(left_out);
        self.anchor.get_or_insert((start(packet), at));
    }
}

impl Bytes {
    /// Returns the number of samples that the bytes between the last packet and this one would have given. `taken` bytes of the
    /// file were read.
    fn lost_before(&mut self, packet: &Packet, taken: u64) -> u64 {
        let size = self.size(packet);
        let begin = taken.saturating_sub(size);
        // While the format was detected, the container may have been read further than it was decoded.
        let before = self.end.get_or_insert(begin);
        *before = begin.min(*before);
        let lost = begin - *before;
        if lost <= AHEAD + size {
            return 0;
        }
        self.end = Some(begin);
        let (frames, bytes) = match self.bytes {
            0 => (packet.block_dur().get(), size),
            bytes => (self.frames, bytes),
        };
        (u128::from(lost) * u128::from(frames) / u128::from(bytes.max(1))) as u64
    }

    /// Returns the number of bytes of a packet, with its header.
    fn size(&self, packet: &Packet) -> u64 {
        packet.data.len() as u64 + self.header
    }
}

impl KnownGaps {
    /// Returns the number of samples that are due before the packet and not there yet. `taken` bytes of the file were read.
    fn lost_before(&mut self, packet: &Packet, taken: u64, position: u64) -> u64 {
        // Junk may look like a frame of another kind.
        if packet.block_dur().get() != self.frame {
            return 0;
        }
        let begin = taken.saturating_sub(packet.data.len() as u64);
        let mut lost = std::mem::take(&mut self.failed);
        while let Some(gap) = self.gaps.next_if(|gap| gap.at <= begin) {
            let due = gap.before.saturating_mul(self.frame);
            lost = due.saturating_sub(self.left_out).saturating_sub(position);
        }
        lost
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
