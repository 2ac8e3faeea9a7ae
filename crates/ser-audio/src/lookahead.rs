//! A source that can be looked into before it is used.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes read at a time.
const BLOCK: usize = 1 << 14;

/// Bytes of a source from its start on.
pub(crate) struct Lookahead<S> {
    source: S,
    /// What was read, and how much of it is used, up to `place` in the source.
    read: Vec<u8>,
    used: usize,
    place: u64,
    is_at_end: bool,
}

impl<S: Read + Seek> Lookahead<S> {
    pub(crate) fn new(source: S) -> Self {
        Self {
            source,
            read: Vec::new(),
            used: 0,
            place: 0,
            is_at_end: false,
        }
    }

    /// How many bytes are used.
    pub(crate) fn place(&self) -> u64 {
        self.place
    }

    /// At least so many of the next bytes, fewer only at the end of the source.
    pub(crate) fn look(&mut self, bytes: usize) -> io::Result<&[u8]> {
        // No further than needed: a pipe may have no more for now.
        while self.read.len() - self.used < bytes && !self.is_at_end {
            if self.used > self.read.len() / 2 {
                self.read.drain(..self.used);
                self.used = 0;
            }
            let before = self.read.len();
            self.read.resize(before + BLOCK, 0);
            let read = self.source.read(&mut self.read[before..]);
            self.read.truncate(before + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => self.is_at_end = true,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(&self.read[self.used..])
    }

    /// Uses bytes that were looked at.
    pub(crate) fn skip(&mut self, bytes: usize) {
        let bytes = bytes.min(self.read.len() - self.used);
        self.used += bytes;
        self.place += bytes as u64;
    }

    /// Goes to another byte.
    pub(crate) fn seek(&mut self, place: u64) -> io::Result<()> {
        self.read.clear();
        self.used = 0;
        self.is_at_end = false;
        self.place = self.source.seek(SeekFrom::Start(place))?;
        Ok(())
    }
}
