//! Ogg with missing pages.
//!
//! After a lost page, symphonia gives the next page the times before the loss; only the page after that has the right
//! times. Where a stream begins the times are right, so this module repeats the first pages of the stream in front of
//! what follows a loss.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::checksum::Crc32;
use symphonia::core::io::{MediaSource, Monitor};

use crate::lookahead::Lookahead;

/// The first bytes of a page.
pub(crate) const CAPTURE: &[u8; 4] = b"OggS";
/// Number of bytes of a page before its segment table, and positions of fields in them.
const HEADER: usize = 27;
const FLAGS: usize = 5;
const GRANULE: std::ops::Range<usize> = 6..14;
const SERIAL: std::ops::Range<usize> = 14..18;
const SEQUENCE: std::ops::Range<usize> = 18..22;
const CHECKSUM: std::ops::Range<usize> = 22..26;
const SEGMENTS: usize = 26;
/// Flag of the first page of a stream, and of the last.
const FIRST: u8 = 2;
const LAST: u8 = 4;
/// Number of bytes of the longest page.
const LONGEST: usize = HEADER + 255 + 255 * 255;
/// Largest number of bytes that are kept of the first pages of a stream, with pictures, and of parallel streams.
const KEPT: usize = 1 << 20;
const STREAMS: usize = 16;
/// Limit, as a multiple of the bytes read, of bytes that are inspected in vain or repeated: junk may be full of page
/// beginnings.
const TIMES: u64 = 16;

/// The pages of a recording without its damaged parts.
pub(crate) struct Pages {
    file: Lookahead<Box<dyn MediaSource>>,
    /// Bytes to pass on, and how many of them were passed on.
    pages: Vec<u8>,
    given: usize,
    /// The first pages of a stream, up to the page before its first sound.
    head: Vec<u8>,
    is_head: bool,
    /// Sequence number and end of the last page of each stream, by serial number.
    last: BTreeMap<u32, (u32, u64)>,
    /// Whether something was lost since the last page.
    is_lost: bool,
    /// Number of bytes of pages with a wrong checksum, and of repeated bytes.
    refused: u64,
    repeated: u64,
}

impl Pages {
    pub(crate) fn new(source: Box<dyn MediaSource>) -> Self {
        Self {
            file: Lookahead::new(source),
            pages: Vec::new(),
            given: 0,
            head: Vec::new(),
            is_head: true,
            last: BTreeMap::new(),
            is_lost: false,
            refused: 0,
            repeated: 0,
        }
    }

    /// Returns the end of the last page in the units of its codec, and leaves the source at its start.
    pub(crate) fn end(source: &mut Box<dyn MediaSource>) -> io::Result<Option<u64>> {
        let Some(len) = source.byte_len().filter(|_| source.is_seekable()) else {
            return Ok(None);
        };
        let tail = len.saturating_sub(2 * LONGEST as u64);
        source.seek(SeekFrom::Start(tail))?;
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes)?;
        source.rewind()?;
        let starts = (0..bytes.len()).rev();
        let mut pages = starts.filter_map(|at| {
            let page = &bytes[at..];
            let length = page.starts_with(CAPTURE).then(|| length(page))??;
            let granule = number(page, GRANULE);
            let is_whole = || page.len() >= length && is_sound(&page[..length]);
            (granule != u64::MAX && is_whole()).then_some(granule)
        });
        Ok(pages.next())
    }

    fn allowed(&self) -> u64 {
        TIMES * (self.file.place() + LONGEST as u64)
    }

    /// Prepares the next page; returns `false` at the end.
    fn next_page(&mut self) -> io::Result<bool> {
        loop {
            let allowed = self.allowed();
            let ahead = self.file.look(HEADER)?;
            if ahead.len() < HEADER || self.refused > allowed {
                return Ok(false);
            }
            if !ahead.starts_with(CAPTURE) {
                let next = ahead.windows(4).position(|bytes| bytes == CAPTURE);
                let junk = next.unwrap_or(ahead.len() - 3);
                self.file.skip(junk);
                self.is_lost = true;
                continue;
            }
            let table = HEADER + usize::from(ahead[SEGMENTS]);
            let length = length(self.file.look(table)?).unwrap_or(table);
            let ahead = self.file.look(length)?;
            let (page, used) = match ahead.get(..length) {
                Some(page) => (page.to_vec(), length),
                None => match beginning(ahead).filter(|page| is_next(&self.last, page)) {
                    Some(page) => (page, ahead.len()),
                    None => {
                        // A whole page may follow a false beginning.
                        self.file.skip(1);
                        continue;
                    }
                },
            };
            if !is_sound(&page) {
                self.refused += page.len() as u64;
                self.file.skip(1);
                self.is_lost = true;
                continue;
            }
            self.file.skip(used);
            self.take(page);
            return Ok(true);
        }
    }

    /// Processes an intact page, or the intact part of the last one.
    fn take(&mut self, mut page: Vec<u8>) {
        let serial = number(&page, SERIAL) as u32;
        let (sequence, granule) = (number(&page, SEQUENCE) as u32, number(&page, GRANULE));
        self.pages.clear();
        self.given = 0;
        if page[FLAGS] & FIRST != 0 {
            if !self.is_head {
                self.head.clear();
                self.last.clear();
            }
            (self.is_head, self.is_lost) = (true, false);
        }
        // A page on which a long header continues has no granule position.
        self.is_head &= matches!(granule, 0 | u64::MAX) && self.head.len() + page.len() <= KEPT;
        if self.is_head {
            self.head.extend_from_slice(&page);
        } else if let Some(&(before, end)) = self.last.get(&serial) {
            let is_behind_loss = self.is_lost || sequence > before.wrapping_add(1);
            if is_behind_loss && self.repeated < self.allowed() {
                self.pages.extend_from_slice(&self.head);
                self.repeated += self.head.len() as u64;
            } else if page[FLAGS] & LAST != 0 && granule < end {
                // A page cannot end before it begins. Without a limit, all of it is played.
                page[GRANULE].copy_from_slice(&(u64::MAX >> 2).to_le_bytes());
                seal(&mut page);
            }
        }
        self.is_lost = false;
        if self.last.len() < STREAMS || self.last.contains_key(&serial) {
            let end = match granule {
                u64::MAX => self.last.get(&serial).map_or(0, |&(_, end)| end),
                granule => granule,
            };
            self.last.insert(serial, (sequence, end));
        }
        self.pages.append(&mut page);
    }
}

impl Read for Pages {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.pages.len() && !self.next_page()? {
            return Ok(0);
        }
        let read = (&self.pages[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

impl Seek for Pages {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::NotSeekable.into())
    }
}

impl MediaSource for Pages {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}

/// Returns whether a page follows the last page of its stream.
fn is_next(last: &BTreeMap<u32, (u32, u64)>, page: &[u8]) -> bool {
    let last = last.get(&(number(page, SERIAL) as u32));
    last.is_some_and(|&(before, _)| number(page, SEQUENCE) as u32 == before.wrapping_add(1))
}

/// Returns a little-endian number.
fn number(page: &[u8], place: std::ops::Range<usize>) -> u64 {
    let bytes = page[place].iter().rev();
    bytes.fold(0, |number, &byte| (number << 8) | u64::from(byte))
}

/// Returns the number of bytes of the page that begins here, if its segment table is complete.
fn length(bytes: &[u8]) -> Option<usize> {
    let table = HEADER + usize::from(*bytes.get(SEGMENTS)?);
    let body = bytes.get(HEADER..table)?.iter().map(|&n| usize::from(n));
    Some(table + body.sum::<usize>())
}

/// Returns a page with the complete packets of a page that is cut off.
fn beginning(bytes: &[u8]) -> Option<Vec<u8>> {
    let table = HEADER + usize::from(*bytes.get(SEGMENTS)?);
    let (segments, body) = (bytes.get(HEADER..table)?, bytes.get(table..)?);
    let (mut count, mut held) = (0, 0);
    // A packet that is cut off does not count.
    let mut end = 0;
    for (number, &segment) in (1..).zip(segments) {
        end += usize::from(segment);
        if end > body.len() {
            break;
        }
        if segment < 255 {
            (count, held) = (number, end);
        }
    }
    if count == 0 {
        return None;
    }
    let mut page = bytes[..HEADER].to_vec();
    page[FLAGS] &= !LAST;
    page[SEGMENTS] = count as u8;
    page.extend_from_slice(&segments[..count]);
    page.extend_from_slice(&body[..held]);
    seal(&mut page);
    Some(page)
}

/// Returns whether the checksum of a page is right.
fn is_sound(page: &[u8]) -> bool {
    let found = number(page, CHECKSUM);
    found == u64::from(checksum(page))
}

/// Corrects the checksum.
fn seal(page: &mut [u8]) {
    let right = checksum(page);
    page[CHECKSUM].copy_from_slice(&right.to_le_bytes());
}

/// Computes the checksum of a page, with zeros in the place of the checksum itself.
///
/// # References
/// RFC 3533, section 6.
fn checksum(page: &[u8]) -> u32 {
    let (before, rest) = page.split_at(CHECKSUM.start);
    let mut sum = Crc32::new(0);
    for part in [before, &[0; 4], &rest[4..]] {
        sum.process_buf_bytes(part);
    }
    sum.crc()
}
