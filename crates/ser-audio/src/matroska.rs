//! Matroska and WebM with missing parts.
//!
//! symphonia stops reading a file where its structure is broken. This module therefore searches what follows the
//! beginning of a file for clusters and the blocks in them, and passes on each intact block in a cluster of its own.
//!
//! # References
//! RFC 8794 (EBML), RFC 9559 (Matroska).

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use symphonia::core::io::MediaSource;

use crate::lookahead::Lookahead;

/// The first bytes of a file.
pub(crate) const CAPTURE: &[u8; 4] = b"\x1A\x45\xDF\xA3";

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
/// The time of a cluster, to which the times of its blocks are relative.
const TIMESTAMP: u32 = 0xE7;
const SIMPLE_BLOCK: u32 = 0xA3;
const BLOCK_GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;
/// Other elements of a cluster: its position, the size of the previous one, silent tracks, padding, a checksum.
const IN_CLUSTERS: [u32; 5] = [0xA7, 0xAB, 0x5854, 0xEC, 0xBF];
/// Other elements of a segment: SeekHead, Info, Tracks, Cues, Tags, Chapters, Attachments.
const IN_SEGMENTS: [u32; 7] = [
    0x114D_9B74,
    0x1549_A966,
    0x1654_AE6B,
    0x1C53_BB6B,
    0x1254_C367,
    0x1043_A770,
    0x1941_A469,
];
/// Number of bytes of the longest head of an element: four of its name and eight of its size.
const HEAD: usize = 12;
/// Largest number of bytes of an element.
const LONGEST: u64 = 1 << 24;
/// An unknown size, in eight bytes.
const UNKNOWN: [u8; 8] = [0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

/// Number of elements that must follow each other to be trusted at the end of an element, and after junk, which may
/// look like elements.
const CHAIN: usize = 2;
const CHAIN_BEHIND_JUNK: usize = 4;

/// A recording without its damaged parts.
pub(crate) struct Clusters {
    file: Lookahead<Box<dyn MediaSource>>,
    /// Bytes to pass on, and how many of them were passed on.
    ready: Vec<u8>,
    given: usize,
    /// Number of bytes that are passed on unchanged; `None` from the first cluster on.
    beginning: Option<u64>,
    /// The element with the time of the cluster, if it exists, and the end of the cluster, if it is known.
    timestamp: Option<Vec<u8>>,
    end: Option<u64>,
    /// The time of the last block in the cluster.
    last: i16,
    /// Whether junk precedes the next element.
    is_lost: bool,
    /// The end of the segment, if it is known, and whether the file ends before it.
    segment_end: Option<u64>,
    is_cut: Arc<AtomicBool>,
}

/// The head of an element.
#[derive(Clone, Copy)]
struct Element {
    name: u32,
    head: usize,
    /// Bytes after the head, if the number is known.
    size: Option<u64>,
}

impl Element {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (name, length) = number(bytes, 4)?;
        let (size, size_length) = number(bytes.get(length..)?, 8)?;
        // The name includes the bit that marks its length. A size of only ones is unknown.
        let marker = 1u64 << (7 * size_length);
        Some(Self {
            name: (name | 1 << (7 * length)) as u32,
            head: length + size_length,
            size: (size != marker - 1).then_some(size),
        })
    }

    /// Returns the number of bytes of the whole element, if they may be kept in memory.
    fn length(&self) -> Option<usize> {
        let size = self.size.filter(|&size| size < LONGEST)?;
        Some(self.head + size as usize)
    }

    fn is_known(&self) -> bool {
        matches!(self.name, CLUSTER | TIMESTAMP | SIMPLE_BLOCK | BLOCK_GROUP)
            || IN_CLUSTERS.contains(&self.name)
            || IN_SEGMENTS.contains(&self.name)
    }
}

/// Parses a number of one to `most` bytes, without the marker bit. Its leading zeros give the number of bytes.
fn number(bytes: &[u8], most: usize) -> Option<(u64, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let bytes = bytes.get(..length).filter(|_| length <= most)?;
    let number = bytes
        .iter()
        .fold(0, |number, &byte| (number << 8) | u64::from(byte));
    Some((number & ((1 << (7 * length)) - 1), length))
}

/// Returns the time of a block, or of the block that begins a group, relative to that of its cluster.
fn time(bytes: &[u8]) -> Option<i16> {
    let element = Element::parse(bytes)?;
    let data = bytes.get(element.head..)?;
    match element.name {
        BLOCK_GROUP if Element::parse(data)?.name == BLOCK => time(data),
        SIMPLE_BLOCK | BLOCK => {
            let (_, track) = number(data, 8)?;
            Some(i16::from_be_bytes(*data.get(track..)?.first_chunk()?))
        }
        _ => None,
    }
}

impl Clusters {
    /// Creates a reader of a recording, and a flag that says at the end whether the recording ended within something.
    pub(crate) fn new(source: Box<dyn MediaSource>) -> (Self, Arc<AtomicBool>) {
        let is_cut = Arc::new(AtomicBool::new(false));
        let clusters = Self {
            file: Lookahead::new(source),
            ready: Vec::new(),
            given: 0,
            beginning: Some(0),
            timestamp: None,
            end: None,
            last: i16::MIN,
            is_lost: false,
            segment_end: None,
            is_cut: is_cut.clone(),
        };
        (clusters, is_cut)
    }

    /// Prepares the next bytes; returns `false` at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.given = 0;
        while self.ready.is_empty() {
            let ahead = self.file.look(HEAD)?;
            if ahead.is_empty() {
                let is_short = self.segment_end.is_some_and(|end| self.file.place() < end);
                if is_short || self.is_lost {
                    self.is_cut.store(true, Ordering::Relaxed);
                }
                return Ok(false);
            }
            let element = Element::parse(ahead);
            match (self.beginning, element) {
                (Some(0), Some(element)) => self.begin(element),
                (Some(left), _) => {
                    let bytes = left.clamp(1, ahead.len() as u64);
                    self.ready.extend_from_slice(&ahead[..bytes as usize]);
                    self.file.skip(bytes as usize);
                    self.beginning = Some(left.saturating_sub(bytes));
                }
                (None, Some(element)) if self.is_sound()? => {
                    self.take(element)?;
                    self.is_lost = false;
                }
                (None, _) => {
                    self.file.skip(1);
                    self.is_lost = true;
                }
            }
        }
        Ok(true)
    }

    /// Processes an element of the beginning.
    fn begin(&mut self, element: Element) {
        match element.name {
            CLUSTER => self.beginning = None,
            SEGMENT => {
                // The segment that is passed on has another size.
                self.file.skip(element.head);
                self.segment_end = element.size.map(|size| self.file.place() + size);
                self.ready.extend(SEGMENT.to_be_bytes());
                self.ready.extend(UNKNOWN);
            }
            _ => self.beginning = Some(element.head as u64 + element.size.unwrap_or(0)),
        }
    }

    /// Returns whether known elements follow each other here.
    fn is_sound(&mut self) -> io::Result<bool> {
        let chain = if self.is_lost {
            CHAIN_BEHIND_JUNK
        } else {
            CHAIN
        };
        let mut at = 0;
        for _ in 0..chain {
            let ahead = self.file.look(at + HEAD)?;
            if ahead.len() == at {
                return Ok(true);
            }
            let element = ahead.get(at..).and_then(Element::parse);
            let Some(element) = element.filter(Element::is_known) else {
                return Ok(false);
            };
            at += match (element.name, element.length()) {
                (CLUSTER, _) => element.head,
                (_, Some(length)) => length,
                _ => return Ok(false),
            };
        }
        Ok(true)
    }

    /// Processes an element of a cluster.
    fn take(&mut self, element: Element) -> io::Result<()> {
        if element.name == CLUSTER {
            self.file.skip(element.head);
            self.end = element.size.map(|size| self.file.place() + size);
            (self.timestamp, self.last) = (None, i16::MIN);
            return Ok(());
        }
        let length = element.length().unwrap_or(element.head);
        let place = self.file.place();
        let bytes = self.file.look(length)?;
        let bytes = &bytes[..length.min(bytes.len())];
        match element.name {
            TIMESTAMP if self.timestamp.is_none() => self.timestamp = Some(bytes.to_vec()),
            SIMPLE_BLOCK | BLOCK_GROUP => {
                let time = time(bytes).unwrap_or(self.last);
                // If another cluster began in the lost part, its time is lost as well.
                let is_other = self.end.is_some_and(|end| place >= end);
                if self.is_lost && (is_other || time < self.last) {
                    self.timestamp = None;
                }
                if let Some(timestamp) = &self.timestamp {
                    self.last = time;
                    let size = (timestamp.len() + length) as u64;
                    self.ready.extend(CLUSTER.to_be_bytes());
                    self.ready.extend((size | 1 << 56).to_be_bytes());
                    self.ready.extend(timestamp);
                    self.ready.extend(bytes);
                }
            }
            _ => {}
        }
        self.file.skip(length);
        Ok(())
    }
}

impl Read for Clusters {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() && !self.advance()? {
            return Ok(0);
        }
        let read = (&self.ready[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

impl Seek for Clusters {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::NotSeekable.into())
    }
}

impl MediaSource for Clusters {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}
