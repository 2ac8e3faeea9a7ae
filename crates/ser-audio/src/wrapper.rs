//! Detection, by the first bytes, of files that are not recordings, and of recordings inside other data.

use std::io::{self, Read, Seek};
use std::path::Path;

use symphonia::core::io::MediaSource;

use crate::error::{Error, Result};
use crate::flac::headless;
use crate::other_headers::{Chunks, Rewritten, Samples, au, chunks, sphere};
use crate::wav::data_chunk;

/// Number of bytes from the beginning that are inspected.
pub(crate) const HEAD: usize = 4096;
/// Number of bytes in which two FLAC frames are searched if nothing else is detected. A pipe can go back that far.
const SEARCHED: usize = 1 << 15;

const CONVERT: &str = "convert it with ffmpeg";
const UNPACK: &str = "unpack it";
const OTHER: &str = "give the recording instead";
const AGAIN: &str = "download the recording again";

/// Known formats that are not read: offset, the bytes there, what they mean, what to do.
const KNOWN: &[(usize, &[u8], &str, &str)] = &[
    (0, b"PK\x03\x04", "a zip archive", UNPACK),
    (0, b"\x1F\x8B", "packed with gzip", "unpack it with gunzip"),
    (0, b"\xFD7zXZ\0", "packed with xz", "unpack it with unxz"),
    (0, b"BZh", "packed with bzip2", "unpack it with bunzip2"),
    (
        0,
        b"\x28\xB5\x2F\xFD",
        "packed with zstd",
        "unpack it with unzstd",
    ),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7z archive", UNPACK),
    (0, b"Rar!\x1A\x07", "a RAR archive", UNPACK),
    (257, b"ustar", "a tar archive", "unpack it with tar -xf"),
    (0, b"%PDF", "a PDF", OTHER),
    (0, b"\x89PNG", "a picture", OTHER),
    (0, b"\xFF\xD8\xFF", "a picture", OTHER),
    (0, b"GIF8", "a picture", OTHER),
    (8, b"WEBP", "a picture", OTHER),
    (4, b"ftyphei", "a picture", OTHER),
    (4, b"ftypmif1", "a picture", OTHER),
    (4, b"ftypavif", "a picture", OTHER),
    (
        0,
        b"\xD0\xCF\x11\xE0",
        "a document of an office program",
        OTHER,
    ),
    (0, b"SQLite format 3", "a database", OTHER),
    (0, b"PAR1", "a Parquet table", OTHER),
    (0, b"\x93NUMPY", "an array of NumPy", OTHER),
    (0, b"\x89HDF", "an HDF5 file", OTHER),
    (
        0,
        b"MThd",
        "MIDI, notes without sound",
        "play it into a WAV file",
    ),
    (
        0,
        b"\0\x05\x16\x07",
        "metadata that macOS stores beside a file (AppleDouble)",
        OTHER,
    ),
    (
        0,
        b"\0\x05\x16\0",
        "a file of classic Mac OS (AppleSingle)",
        UNPACK,
    ),
    (
        0,
        b"bplist00",
        "a property list, which iCloud leaves in place of a file",
        "download the recording in the Finder",
    ),
    (
        0,
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, not the recording",
        "run `git lfs pull`",
    ),
    (
        4,
        b"ftypaax",
        "a protected audio book of Audible",
        "only its seller's programs can play it",
    ),
    (
        4,
        b"ftypM4P",
        "a protected recording",
        "only its seller's programs can play it",
    ),
    (0, b"#!AMR", "AMR", CONVERT),
    (0, b"#!SILK", "SILK of a messenger", CONVERT),
    (1, b"#!SILK", "SILK of a messenger", CONVERT),
    (
        0,
        b"\x30\x26\xB2\x75\x8E\x66\xCF\x11",
        "WMA or another file in ASF",
        CONVERT,
    ),
    (0, b"\x0B\x77", "AC-3", CONVERT),
    (0, b"\x7F\xFE\x80\x01", "DTS", CONVERT),
    (0, b"MAC ", "Monkey's Audio (APE)", CONVERT),
    (0, b"wvpk", "WavPack", CONVERT),
    (0, b"TTA1", "TTA", CONVERT),
    (0, b"MPCK", "Musepack", CONVERT),
    (0, b"MP+", "Musepack", CONVERT),
    (0, b"DSD ", "DSD", CONVERT),
    (0, b"FRM8", "DSD", CONVERT),
    (0, b"OFR ", "OptimFROG", "unpack it with ofr"),
    (0, b"ajkg", "packed with shorten", CONVERT),
    (28, b"Speex   ", "Speex", CONVERT),
    (0, b".RMF", "RealAudio", CONVERT),
    (0, b".ra\xFD", "RealAudio", CONVERT),
    (0, b"FLV\x01", "a video in FLV", CONVERT),
    (8, b"AVI LIST", "a video in AVI", CONVERT),
    (0, b"\0\0\x01\xBA", "a video in MPEG-PS", CONVERT),
    (0, b"Creative Voice File", "VOC", CONVERT),
    (
        0,
        b"#EXTM3U",
        "a playlist",
        "give the recordings that it names",
    ),
    (
        0,
        b"[playlist]",
        "a playlist",
        "give the recordings that it names",
    ),
];

/// Codecs in WAV that are not decoded.
const IN_WAV: &[(u16, &str)] = &[
    (0x0031, "GSM 6.10"),
    (0x0040, "G.721"),
    (0x0042, "G.723.1"),
    (0x0045, "G.726"),
    (0x0050, "MP2"),
    (0x0064, "G.726"),
    (0x0083, "G.729"),
    (0x00FF, "AAC without frames"),
    (0x0160, "WMA"),
    (0x0161, "WMA"),
    (0x0162, "WMA"),
    (0x2000, "AC-3"),
    (0xA109, "Speex"),
];

/// MP3 and AAC in ADTS: streams that need no WAV around them.
const STREAMS_IN_WAV: [u16; 2] = [0x0055, 0x1600];

/// The beginnings of files that are read directly.
const READ: &[(usize, &[u8])] = &[
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"ID3"),
    (0, b"FORM"),
    (0, b"caff"),
    (0, b"RF64"),
    (0, b"RIFF"),
    (0, b"\x1A\x45\xDF\xA3"),
    (4, b"ftyp"),
];

/// The beginnings of recordings that are searched for after other data. They are long enough not to appear by chance.
const HIDDEN: [&[u8]; 3] = [b"OggS\0\x02", b"fLaC\0\0\0\x22", b"WAVEfmt "];

/// Finds the recording inside an opened source, and its length. `len` is `None` for a pipe.
///
/// # Errors
///
/// [`Error::Unsupported`] if the source is not a recording, or one that this crate cannot decode. The reason says what
/// it is and what to do.
pub(crate) fn open(
    mut reader: Box<dyn MediaSource>,
    len: Option<u64>,
    path: &Path,
) -> Result<(Box<dyn MediaSource>, Option<u64>)> {
    let io_error = ser_files::Error::at(path);
    let unsupported = |reason: String| Error::Unsupported {
        path: path.to_path_buf(),
        reason,
    };
    // A live WAV stream may have no more than its header yet.
    let head = head(&mut reader, 24).map_err(&io_error)?;
    if head.is_empty() {
        return Err(unsupported(format!("the file is empty: {AGAIN}")));
    }
    if is_wav(&head) {
        return match head.get(20..22) {
            Some(&[a, b]) if begins(&head, 12, b"fmt ") => {
                in_wav(reader, len, path, u16::from_le_bytes([a, b]))
            }
            _ => Ok((reader, len)),
        };
    }
    let head = self::head(&mut reader, HEAD).map_err(&io_error)?;
    if let Some((_, _, what, step)) = KNOWN.iter().find(|known| begins(&head, known.0, known.1)) {
        return Err(unsupported(format!("{what}: {step}")));
    }
    let samples = match head.get(..4) {
        Some(b".snd") => Some(au(&head).map_err(|reason| format!("Sun audio: {reason}"))),
        Some(b"NIST") => Some(sphere(&head).map_err(|reason| format!("NIST SPHERE: {reason}"))),
        Some(b"RIFX") => {
            let found = chunks(&mut reader, Chunks::Rifx).map_err(&io_error)?;
            Some(found.ok_or("RIFX without samples".into()))
        }
        Some(b"riff") => {
            let found = chunks(&mut reader, Chunks::Wave64).map_err(&io_error)?;
            Some(found.ok_or("Wave64 without samples".into()))
        }
        _ => None,
    };
    if let Some(samples) = samples {
        return rewritten(reader, len, samples.map_err(unsupported)?);
    }
    // Frames of FLAC without a header before them begin with the same byte, and are searched for below.
    let is_mpeg = matches!(head[..], [0xFF, second, ..] if !matches!(second, 0xF8 | 0xF9));
    if is_mpeg || READ.iter().any(|&(at, bytes)| begins(&head, at, bytes)) {
        return Ok((reader, len));
    }
    if let Some(start) = hidden(&head) {
        let found = Rewritten::behind(reader, len, start);
        let len = found.byte_len();
        return Ok((Box::new(found), len));
    }
    let beginning = self::head(&mut reader, SEARCHED).map_err(&io_error)?;
    if let Some((start, header)) = headless(&beginning) {
        let mut found = Rewritten::behind(reader, len, start);
        found.header = header;
        let len = found.byte_len();
        return Ok((Box::new(found), len));
    }
    if holds_zeros(&mut reader).map_err(&io_error)? {
        let what = "nothing but zeros, as broken downloads leave";
        return Err(unsupported(format!("{what}: {AGAIN}")));
    }
    match text(&head) {
        Some(what) => Err(unsupported(what)),
        None => Ok((reader, len)),
    }
}

/// Returns whether all bytes are zeros; in a pipe, as far as it can go back. Leaves the reader at its start.
fn holds_zeros(reader: &mut Box<dyn MediaSource>) -> io::Result<bool> {
    let most = if reader.is_seekable() {
        u64::MAX
    } else {
        SEARCHED as u64
    };
    let mut zeros = reader.by_ref().take(most);
    let mut block = [0; HEAD];
    let is_all = loop {
        match zeros.read(&mut block)? {
            0 => break true,
            read if block[..read].iter().any(|&byte| byte != 0) => break false,
            _ => {}
        }
    };
    reader.rewind()?;
    Ok(is_all)
}

/// Returns whether the bytes begin a RIFF WAVE header.
pub(crate) fn is_wav(head: &[u8]) -> bool {
    begins(head, 8, b"WAVE") && (head.starts_with(b"RIFF") || head.starts_with(b"RF64"))
}

/// Returns the first bytes, and leaves the reader at its start.
pub(crate) fn head(reader: &mut (impl Read + Seek), most: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(most);
    reader.by_ref().take(most as u64).read_to_end(&mut head)?;
    reader.rewind()?;
    Ok(head)
}

fn begins(head: &[u8], at: usize, bytes: &[u8]) -> bool {
    head.get(at..).is_some_and(|rest| rest.starts_with(bytes))
}

/// Opens a WAV file whose samples have a given format tag.
fn in_wav(
    mut reader: Box<dyn MediaSource>,
    len: Option<u64>,
    path: &Path,
    tag: u16,
) -> Result<(Box<dyn MediaSource>, Option<u64>)> {
    if let Some((_, name)) = IN_WAV.iter().find(|(known, _)| *known == tag) {
        return Err(Error::Unsupported {
            path: path.to_path_buf(),
            reason: format!("a WAV file that holds {name}: {CONVERT}"),
        });
    }
    if !STREAMS_IN_WAV.contains(&tag) {
        return Ok((reader, len));
    }
    let io_error = ser_files::Error::at(path);
    match data_chunk(&mut reader, len).map_err(&io_error)? {
        Some((start, stated)) => {
            let found = Rewritten::part(reader, len, start, Some(stated.into()));
            let len = found.byte_len();
            Ok((Box::new(found), len))
        }
        None => Err(Error::wav(path, "it has no data chunk")),
    }
}

fn rewritten(
    reader: Box<dyn MediaSource>,
    len: Option<u64>,
    samples: Samples,
) -> Result<(Box<dyn MediaSource>, Option<u64>)> {
    let found = Rewritten::wav(reader, len, &samples);
    let len = found.byte_len();
    Ok((Box::new(found), len))
}

/// Returns where a recording begins after a byte order mark, zeros, a MacBinary header or anything else.
fn hidden(head: &[u8]) -> Option<u64> {
    let at = |bytes: &[u8]| head.windows(bytes.len()).position(|window| window == bytes);
    let [ogg, flac, wav] = HIDDEN.map(at);
    // The bytes found for WAV follow the name and the length.
    let wav = wav.and_then(|at| at.checked_sub(8));
    let wav = wav.filter(|&at| begins(head, at, b"RIFF"));
    [ogg, flac, wav]
        .into_iter()
        .flatten()
        .min()
        .map(|at| at as u64)
}

/// Returns what kind of text is there instead of a recording.
fn text(head: &[u8]) -> Option<String> {
    let text = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    let is_in = |what: &[u8]| head.windows(what.len()).any(|window| window == what);
    if is_in(b"/annex/objects/") {
        return Some("a git-annex pointer, not the recording: run `git annex get`".into());
    }
    let begins = |what: &[u8]| {
        let beginning = text.get(..what.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(what))
    };
    let what = match text.first()? {
        _ if begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") => "a web page",
        _ if begins(b"HTTP/") => "the answer of a web server",
        _ if begins(b"<?xml") || begins(b"<error") => "XML",
        // Only if there are no control characters: the first byte of a sample may be a bracket.
        b'{' | b'['
            if head
                .iter()
                .all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace()) =>
        {
            "JSON"
        }
        _ => return None,
    };
    Some(format!("{what}, not the recording: {AGAIN}"))
}
