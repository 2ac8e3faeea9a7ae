//! A source that reports how many bytes were read from it.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symphonia::core::io::MediaSource;

/// The largest number of bytes returned at a time: the reader is never further ahead of what it uses.
pub(crate) const AHEAD: u64 = 256;
/// Number of bytes read at a time.
const BLOCK: usize = 1 << 15;

/// Passes a source on in small pieces and counts the bytes.
pub(crate) struct Counted {
    source: Box<dyn MediaSource>,
    /// The bytes that were read, and how many of them were passed on.
    block: Vec<u8>,
    given: usize,
    /// Position of the next byte to pass on.
    position: Arc<AtomicU64>,
    /// Number of bytes that may still be passed on.
    allowed: Arc<AtomicU64>,
}

impl Counted {
    /// Creates a reader at the beginning of a source. Returns its position as well, which others may read, and the number of bytes
    /// that may still be read, which others may set: beyond it, reading fails with [`io::ErrorKind::FileTooLarge`].
    pub(crate) fn new(source: Box<dyn MediaSource>) -> (Self, Arc<AtomicU64>, Arc<AtomicU64>) {
        let position = Arc::new(AtomicU64::new(0));
        let allowed = Arc::new(AtomicU64::new(u64::MAX));
        let counted = Self {
            source,
            block: Vec::new(),
            given: 0,
            position: position.clone(),
            allowed: allowed.clone(),
        };
        (counted, position, allowed)
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() {
            self.block.resize(BLOCK, 0);
            self.given = 0;
            let read = self.source.read(&mut self.block);
            self.block.truncate(*read.as_ref().unwrap_or(&0));
            read?;
        }
        let wanted = buffer.len().min(AHEAD as usize);
        let read = (&self.block[self.given..]).read(&mut buffer[..wanted])?;
        self.given += read;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        let allowed = self.allowed.load(Ordering::Relaxed);
        let left = allowed.checked_sub(read as u64);
        self.allowed
            .store(left.ok_or(io::ErrorKind::FileTooLarge)?, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // The source itself is ahead by the bytes that were not passed on yet.
        let unused = (self.block.len() - self.given) as i64;
        let to = match to {
            SeekFrom::Current(by) => SeekFrom::Current(by.saturating_sub(unused)),
            to => to,
        };
        self.block.clear();
        self.given = 0;
        let position = self.source.seek(to)?;
        self.position.store(position, Ordering::Relaxed);
        Ok(position)
    }
}

impl MediaSource for Counted {
    fn is_seekable(&self) -> bool {
        self.source.is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        self.source.byte_len()
    }
}
