//! Recordings with headers other than WAV: AU, NIST SPHERE, RIFX and Wave64 become WAV while they are read, and
//! anything in front of a recording is dropped.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Number of bytes whose byte order is reversed at a time: a whole number of samples of 1, 2, 3, 4 and 8 bytes.
const BLOCK: u64 = 24 << 10;

/// Largest number of chunks before the samples: no file has nearly as many.
pub(crate) const MAX_CHUNKS: usize = 1000;

pub(crate) const PCM: u16 = 1;
pub(crate) const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
pub(crate) const EXTENSIBLE: u16 = 0xFFFE;

/// The format and the position of samples, as a header states them.
pub(crate) struct Samples {
    /// The format tag of such samples in WAV.
    pub tag: u16,
    pub channels: u16,
    pub rate: u32,
    /// Bytes of a sample.
    pub width: u16,
    pub is_big_endian: bool,
    /// Whether samples of one byte are signed; in WAV they are not.
    pub is_signed_byte: bool,
    /// Position of the first sample.
    pub start: u64,
    /// Number of bytes of all samples, if the header states it.
    pub len: Option<u64>,
}

/// Parses a header of Sun and NeXT, `.au` and `.snd`. The error is the reason why it is not supported.
pub(crate) fn au(head: &[u8]) -> Result<Samples, String> {
    let fields = head.get(..24).ok_or("its header is cut short")?;
    let field = |n: usize| u32::from_be_bytes([0, 1, 2, 3].map(|byte| fields[4 * n + byte]));
    let (tag, width) = match field(3) {
        1 => (MU_LAW, 1),
        encoding @ 2..=5 => (PCM, encoding as u16 - 1),
        6 => (FLOAT, 4),
        7 => (FLOAT, 8),
        27 => (A_LAW, 1),
        other => return Err(format!("encoding {other} is not supported")),
    };
    Ok(Samples {
        tag,
        channels: field(5).try_into().unwrap_or(u16::MAX),
        rate: field(4),
        width,
        is_big_endian: true,
        is_signed_byte: tag == PCM,
        start: field(1).into(),
        len: (field(2) != u32::MAX).then_some(field(2).into()),
    })
}

/// Parses a header of NIST SPHERE, as in TIMIT and other corpora. The error is the reason why it is not supported.
pub(crate) fn sphere(head: &[u8]) -> Result<Samples, String> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().skip(1);
    let start = lines.next().and_then(|line| line.trim().parse().ok());
    let value = |name: &str| {
        lines
            .clone()
            .take_while(|&line| line != "end_head")
            .find_map(|line| {
                let mut words = line.splitn(3, ' ');
                (words.next() == Some(name)).then(|| words.nth(1).unwrap_or("").trim())
            })
    };
    let number = |name: &str| value(name).and_then(|value| value.parse::<u64>().ok());
    let coding = value("sample_coding").unwrap_or("pcm");
    let (tag, width) = match coding {
        "pcm" => (PCM, number("sample_n_bytes").unwrap_or(2)),
        "ulaw" | "mu-law" => (MU_LAW, 1),
        "alaw" => (A_LAW, 1),
        _ if coding.contains("shorten") => {
            return Err("it is compressed with shorten: unpack it with sph2pipe".into());
        }
        _ => return Err(format!("samples coded as {coding} are not supported")),
    };
    let (Some(start), Some(rate)) = (start, number("sample_rate")) else {
        return Err("its header lacks its length or its sampling rate".into());
    };
    let channels = number("channel_count").unwrap_or(1);
    let frame = width.saturating_mul(channels);
    Ok(Samples {
        tag,
        channels: channels.try_into().unwrap_or(u16::MAX),
        rate: rate.try_into().unwrap_or(u32::MAX),
        width: width.try_into().unwrap_or(u16::MAX),
        is_big_endian: value("sample_byte_format") == Some("10"),
        is_signed_byte: tag == PCM,
        start,
        len: number("sample_count").map(|count| count.saturating_mul(frame)),
    })
}

/// The structure of the chunks of a file.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Chunks {
    /// Big-endian RIFF.
    Rifx,
    /// Names of 16 bytes; lengths of 8 bytes that include the header.
    Wave64,
}

/// Walks the chunks of a file to its samples; returns `None` if there are none. Leaves the reader anywhere.
pub(crate) fn chunks(reader: &mut (impl Read + Seek), kind: Chunks) -> io::Result<Option<Samples>> {
    let is_big_endian = kind == Chunks::Rifx;
    let (mut position, head_len) = match kind {
        Chunks::Wave64 => (40, 24),
        Chunks::Rifx => (12, 8),
    };
    let mut format = None;
    for _ in 0..MAX_CHUNKS {
        let mut head = [0; 24];
        reader.seek(SeekFrom::Start(position))?;
        match reader.read_exact(&mut head[..head_len]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let [_, _, _, _, a, b, c, d, ..] = head;
        let stated = match kind {
            Chunks::Rifx => u32::from_be_bytes([a, b, c, d]).into(),
            Chunks::Wave64 => {
                let mut size = [0; 8];
                size.copy_from_slice(&head[16..]);
                u64::from_le_bytes(size).saturating_sub(24)
            }
        };
        position += head_len as u64;
        match &head[..4] {
            b"data" => {
                return Ok(format.map(|format| Samples {
                    start: position,
                    len: Some(stated),
                    ..format
                }));
            }
            b"fmt " => {
                let mut bytes = Vec::new();
                reader
                    .by_ref()
                    .take(stated.min(40))
                    .read_to_end(&mut bytes)?;
                format = format_chunk(&bytes, is_big_endian);
            }
            _ => {}
        }
        let alignment = if kind == Chunks::Wave64 { 8 } else { 2 };
        let Some(next) = position
            .checked_add(stated)
            .and_then(|end| end.checked_next_multiple_of(alignment))
            // No file is longer, and no position beyond can be sought.
            .filter(|&next| i64::try_from(next).is_ok())
        else {
            return Ok(None);
        };
        position = next;
    }
    Ok(None)
}

fn format_chunk(bytes: &[u8], is_big_endian: bool) -> Option<Samples> {
    let number = |at: usize| {
        let bytes = [*bytes.get(at)?, *bytes.get(at + 1)?];
        Some(if is_big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    };
    let (low, high) = if is_big_endian { (2, 0) } else { (0, 2) };
    let channels = number(2)?;
    Some(Samples {
        tag: match number(0)? {
            // The tag is the first number, of four bytes, of the GUID of the format.
            EXTENSIBLE => number(24 + low)?,
            tag => tag,
        },
        channels,
        rate: u32::from(number(4 + high)?) << 16 | u32::from(number(4 + low)?),
        width: number(12)? / channels.max(1),
        is_big_endian,
        is_signed_byte: false,
        start: 0,
        len: None,
    })
}

/// A part of a file with another header.
pub(crate) struct Rewritten {
    pub(crate) header: Vec<u8>,
    inner: Box<dyn MediaSource>,
    /// Start and length of the part, if the length is known.
    start: u64,
    len: Option<u64>,
    /// Number of bytes of a sample whose order is reversed.
    turned: usize,
    /// Mask that flips the sign of one-byte samples.
    flipped: u8,
    position: u64,
    /// Bytes that were read, in the new order, from `block_start` of the part on.
    block: Vec<u8>,
    block_start: u64,
}

impl Rewritten {
    /// Creates a source of everything from `start` on, of a file of `file_len` bytes.
    pub(crate) fn behind(inner: Box<dyn MediaSource>, file_len: Option<u64>, start: u64) -> Self {
        Self {
            header: Vec::new(),
            inner,
            start,
            len: file_len.map(|len| len.saturating_sub(start)),
            turned: 1,
            flipped: 0,
            position: 0,
            block: Vec::new(),
            block_start: 0,
        }
    }

    /// Creates a source of the `stated` bytes from `start` on, of a file of `file_len` bytes.
    pub(crate) fn part(
        inner: Box<dyn MediaSource>,
        file_len: Option<u64>,
        start: u64,
        stated: Option<u64>,
    ) -> Self {
        let behind = Self::behind(inner, file_len, start);
        // Several writers do not know the length, and some state a wrong one.
        Self {
            len: match (behind.len, stated) {
                (Some(held), Some(stated)) if stated > 0 => Some(held.min(stated)),
                (held, _) => held,
            },
            ..behind
        }
    }

    /// Creates a source of the samples as a WAV file.
    pub(crate) fn wav(inner: Box<dyn MediaSource>, len: Option<u64>, samples: &Samples) -> Self {
        let frame = samples.channels.saturating_mul(samples.width);
        // A length that WAV cannot express means that the samples are read to their end.
        let stated = samples.len.and_then(|len| u32::try_from(len).ok());
        let stated = stated.unwrap_or(u32::MAX);
        let mut header = b"RIFF".to_vec();
        header.extend(stated.saturating_add(38).to_le_bytes());
        header.extend(b"WAVEfmt \x12\0\0\0");
        header.extend(samples.tag.to_le_bytes());
        header.extend(samples.channels.to_le_bytes());
        header.extend(samples.rate.to_le_bytes());
        header.extend(samples.rate.saturating_mul(frame.into()).to_le_bytes());
        header.extend(frame.to_le_bytes());
        header.extend(samples.width.saturating_mul(8).to_le_bytes());
        // For A-law and μ-law, readers expect a format chunk with an extension of length 0.
        header.extend(b"\0\0data");
        header.extend(stated.to_le_bytes());
        let turned = match samples.width {
            width @ (2 | 3 | 4 | 8) if samples.is_big_endian => width.into(),
            _ => 1,
        };
        let is_flipped = samples.is_signed_byte && samples.width == 1;
        Self {
            header,
            turned,
            flipped: if is_flipped { 0x80 } else { 0 },
            ..Self::part(inner, len, samples.start, samples.len)
        }
    }

    /// Fills `block` so that it holds the byte of the part at `position`, if there is one.
    fn fill(&mut self, position: u64) -> io::Result<()> {
        let read = self.block_start..self.block_start + self.block.len() as u64;
        // An incomplete sample is the last one. A pipe could not go back to its start.
        let is_behind_last = position == read.end && !self.block.len().is_multiple_of(self.turned);
        if read.contains(&position) || is_behind_last {
            return Ok(());
        }
        self.block_start = position - position % self.turned as u64;
        self.block.clear();
        let left = self
            .len
            .map_or(BLOCK, |len| len.saturating_sub(self.block_start));
        if left == 0 {
            return Ok(());
        }
        self.inner
            .seek(SeekFrom::Start(self.start.saturating_add(self.block_start)))?;
        // From a pipe, this waits only for the first bytes, and then for the rest of a sample.
        let most = left.min(BLOCK) as usize;
        self.block.resize(most, 0);
        let mut filled = 0;
        while filled < most && (filled == 0 || !filled.is_multiple_of(self.turned)) {
            match self.inner.read(&mut self.block[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.block.truncate(filled);
        self.block
            .chunks_exact_mut(self.turned)
            .for_each(<[u8]>::reverse);
        self.block.iter_mut().for_each(|byte| *byte ^= self.flipped);
        Ok(())
    }
}

impl Read for Rewritten {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let header = self.header.len() as u64;
        let mut source = match self.position.checked_sub(header) {
            None => &self.header[self.position as usize..],
            Some(position) => {
                self.fill(position)?;
                let from = (position - self.block_start) as usize;
                self.block.get(from..).unwrap_or_default()
            }
        };
        let read = source.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Rewritten {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let wanted = match to {
            SeekFrom::Start(wanted) => Some(wanted),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.byte_len().and_then(|len| len.checked_add_signed(by)),
        };
        self.position = wanted.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl MediaSource for Rewritten {
    fn is_seekable(&self) -> bool {
        self.inner.is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        self.len.map(|len| len + self.header.len() as u64)
    }
}
