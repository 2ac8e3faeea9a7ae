//! A source whose next bytes can be inspected before they are used.

use std::io::{self, Read, Seek, SeekFrom};

/// Number of bytes read at a time.
const BLOCK: usize = 1 << 14;

/// Reads a source from its start and allows looking ahead.
pub(crate) struct Lookahead<S> {
    source: S,
    /// The bytes that were read, the number of them that are used, and the position in the source up to which they are.
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

    /// Returns the number of bytes used.
    pub(crate) fn place(&self) -> u64 {
        self.place
    }

    /// Returns at least this number of the next bytes; fewer only at the end of the source.
    pub(crate) fn look(&mut self, bytes: usize) -> io::Result<&[u8]> {
        // Reads no further than needed: a pipe may have no more bytes for now.
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

    /// Moves to another position in the source.
    pub(crate) fn seek(&mut self, place: u64) -> io::Result<()> {
        self.read.clear();
        self.used = 0;
        self.is_at_end = false;
        self.place = self.source.seek(SeekFrom::Start(place))?;
        Ok(())
    }
}
