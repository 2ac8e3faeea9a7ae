//! Recordings in other storage, which are read in place.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use symphonia::core::io::MediaSource;

/// Number of bytes requested at a time.
const BLOCK: usize = 1 << 18;

/// A recording that is neither a file of the system nor in memory, such as a file that was dropped on a web page.
/// Any part of it can be read.
pub trait Stored: Send + Sync {
    /// Returns the length in bytes.
    fn size(&self) -> u64;

    /// Reads bytes from `at` on into `buffer` and returns their number, which is 0 only at the end.
    ///
    /// # Errors
    /// Those of the storage.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Bytes in a vector, which [`AudioStream::from_bytes`](crate::AudioStream::from_bytes) would have to copy.
impl Stored for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..));
        rest.unwrap_or_default().read(buffer)
    }
}

/// A reader of a [`Stored`] recording with a position of its own.
pub(crate) struct StoredReader {
    stored: Arc<dyn Stored>,
    position: u64,
    /// Bytes that were read, from `block_start` on.
    block: Vec<u8>,
    block_start: u64,
}

impl StoredReader {
    pub(crate) fn new(stored: Arc<dyn Stored>) -> Self {
        Self {
            stored,
            position: 0,
            block: Vec::new(),
            block_start: 0,
        }
    }

    /// Returns the bytes in the block from the position on.
    fn rest(&self) -> &[u8] {
        let from = self.position.checked_sub(self.block_start);
        let from = from.and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.block.get(from..))
            .unwrap_or_default()
    }
}

impl Read for StoredReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest().is_empty() {
            self.block.resize(BLOCK, 0);
            let read = self.stored.read_at(self.position, &mut self.block);
            self.block.truncate(*read.as_ref().unwrap_or(&0));
            self.block_start = self.position;
            read?;
        }
        let read = self.rest().read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for StoredReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let wanted = match to {
            SeekFrom::Start(wanted) => Some(wanted),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.stored.size().checked_add_signed(by),
        };
        self.position = wanted.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl MediaSource for StoredReader {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.stored.size())
    }
}
