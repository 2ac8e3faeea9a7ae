//! What must be known of MP4, QuickTime and AIFF before symphonia reads them.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

use crate::wrapper;

/// Number of bytes of a directory (moov) that are searched, and of the beginning of a pipe, which can go back that far.
const DIRECTORY: u64 = 1 << 24;
const BEGINNING: usize = 1 << 15;

/// A box of MP4 at the top level.
struct Atom {
    name: [u8; 4],
    end: u64,
}

impl Atom {
    /// Reads the header of the box at `start`. Returns `None` if there is none, or if it does not state its end.
    fn read(source: &mut Box<dyn MediaSource>, start: u64) -> io::Result<Option<Self>> {
        source.seek(SeekFrom::Start(start))?;
        let mut header = Vec::new();
        source.take(16).read_to_end(&mut header)?;
        let Some((&[a, b, c, d, name @ ..], long)) = header.split_first_chunk::<8>() else {
            return Ok(None);
        };
        let size = match u32::from_be_bytes([a, b, c, d]) {
            1 => long.first_chunk().copied().map_or(0, u64::from_be_bytes),
            size => size.into(),
        };
        let end = start.checked_add(size).filter(|_| size >= 8);
        Ok(end.map(|end| Self { name, end }))
    }
}

/// Returns where the sound of an MP4 ends by its own statement, if symphonia would pass over it because the file ends
/// before that. The directory must come before the sound. Leaves the source anywhere.
fn stated_end(source: &mut Box<dyn MediaSource>, len: u64) -> io::Result<Option<u64>> {
    let (mut at, mut has_directory) = (0, false);
    while let Some(atom) = Atom::read(source, at)? {
        if atom.end > len {
            return Ok(has_directory.then_some(atom.end));
        }
        match &atom.name {
            b"moov" => has_directory = true,
            // Nobody knows the end of a recording in fragments before the last one, so it need not be looked for.
            b"moof" => return Ok(has_directory.then_some(u64::MAX)),
            _ => {}
        }
        at = atom.end;
    }
    Ok(None)
}

/// Returns `source` such that symphonia reads an MP4 or AIFF as far as it goes if the file ends before the header says
/// so. Otherwise a single byte that is missing at the end would cost all of the sound.
pub(crate) fn to_the_end(
    mut source: Box<dyn MediaSource>,
    head: &[u8],
) -> io::Result<Box<dyn MediaSource>> {
    let Some(len) = source.byte_len() else {
        return Ok(source);
    };
    if let Some((b"FORM", rest)) = head.split_first_chunk() {
        let stated = rest.first_chunk().copied().map_or(0, u32::from_be_bytes);
        return Ok(if u64::from(stated) + 8 > len {
            Box::new(CutSource { source, end: None })
        } else {
            source
        });
    }
    let end = stated_end(&mut source, len)?;
    source.rewind()?;
    Ok(match end {
        None => source,
        end => Box::new(CutSource { source, end }),
    })
}

/// A file that ends before its header says so.
struct CutSource {
    source: Box<dyn MediaSource>,
    /// The stated end. `None` for a file that is read like a pipe: the reader of AIFF looks for chunks behind the sound
    /// in any other.
    end: Option<u64>,
}

impl Read for CutSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

impl Seek for CutSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match (to, self.end) {
            // This is how symphonia asks for the length. It reads nothing there, and not every system can seek there.
            (SeekFrom::End(0), Some(end)) => Ok(end),
            _ => self.source.seek(to),
        }
    }
}

impl MediaSource for CutSource {
    fn is_seekable(&self) -> bool {
        self.end.is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.end
    }
}

/// Returns whether a QuickTime file may hold PCM in big-endian order where symphonia assumes the opposite: in the entries
/// `in24`, `in32`, `fl32` and `fl64` of its directory, unless `enda` is 1. The entry `lpcm` states its order. Leaves the
/// source at its start.
pub(crate) fn may_be_big_endian(
    source: &mut Box<dyn MediaSource>,
    head: &[u8],
) -> io::Result<bool> {
    if head.get(8..12) != Some(b"qt  ") {
        return Ok(false);
    }
    let directory = if source.is_seekable() {
        directory(source)?
    } else {
        wrapper::head(source, BEGINNING)?
    };
    source.rewind()?;
    let holds = |name: &[u8]| directory.windows(name.len()).any(|bytes| bytes == name);
    Ok(!holds(b"lpcm") && !holds(b"enda\0\x01"))
}

/// Reads the directory of an MP4. Leaves the source anywhere.
fn directory(source: &mut Box<dyn MediaSource>) -> io::Result<Vec<u8>> {
    let (mut at, mut directory) = (0, Vec::new());
    while let Some(atom) = Atom::read(source, at)? {
        if &atom.name == b"moov" {
            source.seek(SeekFrom::Start(at))?;
            let size = (atom.end - at).min(DIRECTORY);
            source.take(size).read_to_end(&mut directory)?;
            break;
        }
        at = atom.end;
    }
    Ok(directory)
}
