//! A pipe that can be rewound while its format is detected.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Number of bytes from the beginning that are kept. The headers that decide who decodes are far shorter.
const KEPT: usize = 1 << 16;

/// A source that can be read but not sought.
pub(crate) type Input = Box<dyn Read + Send + Sync>;

/// Seeks forward by reading, and back as long as no more than [`KEPT`] bytes were read.
pub(crate) struct Pipe {
    input: Input,
    /// The first bytes of the input.
    head: Vec<u8>,
    /// Number of bytes read from the input.
    taken: u64,
    /// Position of the next byte to read; never beyond `taken`.
    position: u64,
}

impl Pipe {
    pub(crate) fn new(input: Input) -> Self {
        Self {
            input,
            head: Vec::new(),
            taken: 0,
            position: 0,
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position < self.taken {
            // `seek` has checked that all bytes read so far are in the head.
            let mut rest = &self.head[self.position as usize..];
            let read = rest.read(buffer)?;
            self.position += read as u64;
            return Ok(read);
        }
        let read = self.input.read(buffer)?;
        let room = KEPT - self.head.len();
        self.head.extend_from_slice(&buffer[..read.min(room)]);
        self.taken += read as u64;
        self.position = self.taken;
        Ok(read)
    }
}

impl Seek for Pipe {
    /// Stops at the end of the input if that comes before the requested position.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let wanted = match to {
            SeekFrom::Start(wanted) => Some(wanted),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(_) => None,
        };
        match wanted {
            Some(wanted) if wanted >= self.position => {
                let skipped = wanted - self.position;
                io::copy(&mut self.by_ref().take(skipped), &mut io::sink())?;
                Ok(self.position)
            }
            Some(wanted) if self.taken <= self.head.len() as u64 => {
                self.position = wanted;
                Ok(wanted)
            }
            _ => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a pipe cannot go back",
            )),
        }
    }
}

impl MediaSource for Pipe {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}
