//! The file behind a store: records that are appended one after another.
//!
//! # Format
//!
//! All numbers are little-endian; all checksums are xxHash3.
//!
//! ```text
//! file    = "SERFEAT" 1, identity u64, record*
//! record  = header, path (UTF-8 where it is), features
//! header  = magic u32, length of path u32, hash of path u128,
//!           file size u64, modification time i64 in ns since 1970, hash of the file's bytes u128,
//!           frames u32, coefficients u32, checksum of path and features u64,
//!           checksum of the header up to here u64
//! features = frames · coefficients f32, frame by frame
//! ```
//!
//! A record states that the file at `path` has this state, and that a file with this content has these
//! features. A record with 0 frames states only the former: an earlier record has the features. A later
//! record replaces the statements of earlier ones.
//!
//! # Concurrency
//!
//! A store holds the lock on the file `….lock`, next to the file of records, while it looks for new
//! records or appends one. A file of records that was rewritten has a new identity, which tells other
//! stores that their open file was replaced. They can still read the replaced file.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::error::Result;
use crate::features::Features;

/// A modification time that never matches, for files too young to be recognised by their time.
pub(super) const UNTRUSTED: i64 = i64::MIN;

const FILE_MAGIC: [u8; 8] = *b"SERFEAT\x01";
const FILE_HEADER: usize = 16;
const RECORD_MAGIC: u32 = u32::from_le_bytes(*b"CLIP");
const RECORD_HEADER: usize = 80;

/// The state of an audio file, as a record stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileState {
    /// Size in bytes.
    pub(super) size: u64,
    /// Modification time in nanoseconds since 1970, or [`UNTRUSTED`].
    pub(super) modified: i64,
    /// Hash of the bytes of the file.
    pub(super) content: u128,
}

/// The position of stored features in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    offset: u64,
    length: u64,
    content: u128,
}

/// An open file of records, and an index of its content.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    lock: File,
    file: File,
    identity: u64,
    /// Position up to which `file` has been indexed.
    end: u64,
    /// The state of each audio file and the offset of its record, by hash of path.
    files: HashMap<u128, (FileState, u64)>,
    /// The position of features, by hash of content.
    features: HashMap<u128, Place>,
}

impl Log {
    /// Opens or creates the file for a fingerprint, cuts off an incomplete record at its end, and removes old
    /// records.
    pub(super) fn open(folder: &Path, fingerprint: &str) -> Result<Self> {
        let path = folder.join(format!("{fingerprint}.features"));
        let lock_path = folder.join(format!("{fingerprint}.lock"));
        let lock = open_or_create(&lock_path).map_err(ser_files::Error::at(&lock_path))?;
        let file = open_or_create(&path).map_err(ser_files::Error::at(&path))?;
        let mut log = Self {
            path,
            lock,
            file,
            // No file has the identity 0, so the first refresh reads the whole file.
            identity: 0,
            end: 0,
            files: HashMap::new(),
            features: HashMap::new(),
        };
        log.locked(|log| {
            log.refresh()?;
            log.compact()
        })?;
        Ok(log)
    }

    /// Returns the position of the features of an unchanged file. Ignores `state.content`.
    pub(super) fn place_of_path(&self, key: u128, state: FileState) -> Option<Place> {
        let (known, _) = self.files.get(&key)?;
        if state.modified == UNTRUSTED
            || (known.size, known.modified) != (state.size, state.modified)
        {
            return None;
        }
        self.place_of_content(known.content)
    }

    /// Returns the position of the features of a file with this content.
    pub(super) fn place_of_content(&self, content: u128) -> Option<Place> {
        self.features.get(&content).copied()
    }

    /// Reads the record at `place` without checking it.
    pub(super) fn read(&mut self, place: &Place, reader: &mut RecordReader) -> Result<()> {
        reader.bytes.resize(place.length as usize, 0);
        let read = self
            .file
            .seek(SeekFrom::Start(place.offset))
            .and_then(|_| self.file.read_exact(&mut reader.bytes));
        match read {
            // Another program cut the file short: treat the record as damaged.
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                reader.bytes.clear();
                Ok(())
            }
            read => Ok(read.map_err(ser_files::Error::at(&self.path))?),
        }
    }

    /// Appends a record.
    pub(super) fn append(&mut self, record: &Record) -> Result<()> {
        let Header { key, state, .. } = record.header;
        let is_known = |(known, _): &(FileState, _)| *known == state;
        if !record.header.has_features() && self.files.get(&key).is_some_and(is_known) {
            return Ok(());
        }
        self.locked(|log| {
            log.refresh()?;
            log.file.seek(SeekFrom::Start(log.end))?;
            log.file.write_all(&record.bytes)?;
            log.note(&record.header);
            Ok(())
        })
    }

    /// Runs `work` while no other store accesses the file.
    fn locked(&mut self, work: impl FnOnce(&mut Self) -> io::Result<()>) -> Result<()> {
        let result = self.lock.lock().and_then(|()| {
            let result = work(self);
            self.lock.unlock()?;
            result
        });
        Ok(result.map_err(ser_files::Error::at(&self.path))?)
    }

    /// Reads the records that others have appended, and cuts off an unfinished record.
    fn refresh(&mut self) -> io::Result<()> {
        let mut file = open_or_create(&self.path)?;
        let length = file.metadata()?.len();
        match read_identity(&mut file)? {
            Some(identity) if identity == self.identity && length >= self.end => {}
            Some(identity) => self.start_over(file, identity),
            None => {
                let identity = new_identity();
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&file_header(identity))?;
                self.start_over(file, identity);
            }
        }

        let length = self.file.metadata()?.len();
        let mut header = [0; RECORD_HEADER];
        while length - self.end >= RECORD_HEADER as u64 {
            self.file.seek(SeekFrom::Start(self.end))?;
            self.file.read_exact(&mut header)?;
            match Header::from_bytes(&header) {
                Some(header) if header.record_length() <= length - self.end => self.note(&header),
                _ => break,
            }
        }
        if self.end < length {
            self.file.set_len(self.end)?;
        }
        Ok(())
    }

    /// Replaces the current file with another one and clears the index.
    fn start_over(&mut self, file: File, identity: u64) {
        self.file = file;
        self.identity = identity;
        self.end = FILE_HEADER as u64;
        self.files.clear();
        self.features.clear();
    }

    /// Adds the record at `end` to the index.
    fn note(&mut self, header: &Header) {
        let length = header.record_length();
        let content = header.state.content;
        self.files.insert(header.key, (header.state, self.end));
        if header.has_features() {
            let offset = self.end;
            self.features.insert(
                content,
                Place {
                    offset,
                    length,
                    content,
                },
            );
        }
        self.end += length;
    }

    /// Rewrites the file if less than half of it is still in use.
    ///
    /// A record is in use if it is the last one of its path, or if it has the features of the last record
    /// of any path.
    fn compact(&mut self) -> io::Result<()> {
        let mut live: HashSet<u64> = HashSet::new();
        for (state, offset) in self.files.values() {
            live.insert(*offset);
            live.extend(self.features.get(&state.content).map(|place| place.offset));
        }
        let mut live: Vec<u64> = live.into_iter().collect();
        live.sort_unstable();
        let mut live_records = Vec::with_capacity(live.len());
        let mut live_bytes = 0;
        for offset in live {
            let mut header = [0; RECORD_HEADER];
            self.file.seek(SeekFrom::Start(offset))?;
            self.file.read_exact(&mut header)?;
            if let Some(header) = Header::from_bytes(&header) {
                live_records.push((offset, header.record_length()));
                live_bytes += header.record_length();
            }
        }
        if 2 * live_bytes >= self.end - FILE_HEADER as u64 {
            return Ok(());
        }

        let identity = new_identity();
        let mut old = BufReader::new(&self.file);
        ser_files::write(&self.path, |new| {
            new.write_all(&file_header(identity))?;
            for (offset, length) in live_records {
                old.seek(SeekFrom::Start(offset))?;
                io::copy(&mut old.by_ref().take(length), new)?;
            }
            Ok(())
        })
        .map_err(|error| error.source)?;
        self.refresh()
    }
}

/// A record that was read from the file. Its buffer is reused for the next record.
#[derive(Debug, Default)]
pub(super) struct RecordReader {
    bytes: Vec<u8>,
}

impl RecordReader {
    /// Returns the features in the record if it is intact and the one expected at `place`.
    pub(super) fn features(&self, place: &Place) -> Option<Features> {
        let (header, body) = self.bytes.split_first_chunk()?;
        let header = Header::from_bytes(header)?;
        if header.state.content != place.content || xxh3_64(body) != header.body_checksum {
            return None;
        }
        let values = body.get(header.path_length as usize..)?;
        let data = values
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f32::from_le_bytes(bytes))
            .collect();
        Features::from_parts(data, header.frames as usize, header.coefficients as usize).ok()
    }
}

/// A record that is ready to be appended. It is assembled before the file is locked.
pub(super) struct Record {
    header: Header,
    bytes: Vec<u8>,
}

impl Record {
    /// Creates a record of `path`, whose hash is `key`, without features if they are stored already.
    ///
    /// Returns `None` if the path or the features are too large for a record, near 4 GiB, which never happens
    /// in practice.
    pub(super) fn new(
        path: &Path,
        key: u128,
        state: FileState,
        features: Option<&Features>,
    ) -> Option<Self> {
        let path = path.as_os_str().as_encoded_bytes();
        let (frames, coefficients) = features.map_or((0, 0), |f| (f.frames(), f.coefficients()));
        let values = features.map_or(&[][..], Features::as_slice);
        let mut bytes = vec![0; RECORD_HEADER + path.len() + 4 * values.len()];
        let (head, body) = bytes.split_at_mut(RECORD_HEADER);
        let (path_bytes, value_bytes) = body.split_at_mut(path.len());
        path_bytes.copy_from_slice(path);
        for (bytes, value) in value_bytes.as_chunks_mut().0.iter_mut().zip(values) {
            *bytes = value.to_le_bytes();
        }
        let header = Header {
            path_length: u32::try_from(path.len()).ok()?,
            key,
            state,
            frames: u32::try_from(frames).ok()?,
            coefficients: u32::try_from(coefficients).ok()?,
            body_checksum: xxh3_64(body),
        };
        head.copy_from_slice(&header.to_bytes());
        Some(Self { header, bytes })
    }
}

/// The fixed part of a record.
struct Header {
    path_length: u32,
    key: u128,
    state: FileState,
    frames: u32,
    coefficients: u32,
    body_checksum: u64,
}

impl Header {
    fn has_features(&self) -> bool {
        self.frames > 0
    }

    /// Returns the length of the whole record in bytes.
    fn record_length(&self) -> u64 {
        let values = u64::from(self.frames).saturating_mul(u64::from(self.coefficients));
        values
            .saturating_mul(4)
            .saturating_add(RECORD_HEADER as u64 + u64::from(self.path_length))
    }

    fn to_bytes(&self) -> [u8; RECORD_HEADER] {
        let mut bytes = [0; RECORD_HEADER];
        bytes[..4].copy_from_slice(&RECORD_MAGIC.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.path_length.to_le_bytes());
        bytes[8..24].copy_from_slice(&self.key.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.state.size.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.state.modified.to_le_bytes());
        bytes[40..56].copy_from_slice(&self.state.content.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.frames.to_le_bytes());
        bytes[60..64].copy_from_slice(&self.coefficients.to_le_bytes());
        bytes[64..72].copy_from_slice(&self.body_checksum.to_le_bytes());
        let checksum = xxh3_64(&bytes[..72]);
        bytes[72..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Parses a header; returns `None` if the magic number or the checksum is wrong.
    fn from_bytes(bytes: &[u8; RECORD_HEADER]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let magic = u32::from_le_bytes(fields.next()?);
        let header = Self {
            path_length: u32::from_le_bytes(fields.next()?),
            key: u128::from_le_bytes(fields.next()?),
            state: FileState {
                size: u64::from_le_bytes(fields.next()?),
                modified: i64::from_le_bytes(fields.next()?),
                content: u128::from_le_bytes(fields.next()?),
            },
            frames: u32::from_le_bytes(fields.next()?),
            coefficients: u32::from_le_bytes(fields.next()?),
            body_checksum: u64::from_le_bytes(fields.next()?),
        };
        let checksum = u64::from_le_bytes(fields.next()?);
        (magic == RECORD_MAGIC && checksum == xxh3_64(&bytes[..72])).then_some(header)
    }
}

/// The fields of a header that have not been read yet.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn next<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn file_header(identity: u64) -> [u8; FILE_HEADER] {
    let mut bytes = [0; FILE_HEADER];
    bytes[..8].copy_from_slice(&FILE_MAGIC);
    bytes[8..].copy_from_slice(&identity.to_le_bytes());
    bytes
}

/// Reads the identity of a file of this format; returns `None` if the file is new or of another format.
fn read_identity(file: &mut File) -> io::Result<Option<u64>> {
    let mut header = [0; FILE_HEADER];
    match file.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut fields = Fields(&header);
    let magic = fields.next();
    let identity = fields.next().map(u64::from_le_bytes);
    Ok(identity.filter(|&identity| magic == Some(FILE_MAGIC) && identity != 0))
}

/// Returns a number that no other file has: the standard library seeds every hasher differently.
fn new_identity() -> u64 {
    RandomState::new().hash_one(std::process::id()).max(1)
}
