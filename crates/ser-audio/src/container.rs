//! Detects the container of a compressed recording, and reads everything before its sound.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, atomic::AtomicU64};

use symphonia::core::common::Limit;
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::default::formats::{
    AdtsReader, AiffReader, CafReader, FlacReader, IsoMp4Reader, MkvReader, MpaReader, OggReader,
    WavReader,
};
use symphonia::default::meta::Id3v2Reader;

use crate::coded::failure;
use crate::counting_reader::Counted;
use crate::error::{Error, Result};
use crate::{matroska, ogg};

/// Largest number of bytes of one text or picture in the metadata, which is not used.
const MAX_METADATA: Limit = Limit::Maximum(1 << 16);

/// The first bytes of CAF.
const CAF: &[u8; 4] = b"caff";
/// Largest number of bytes that are read of CAF before its sound. Each byte of its packet table takes 32 in memory. Two bytes for
/// each packet of AAC at 48 kHz are enough for 12 hours.
const MAX_CAF: u64 = 4 << 20;

/// What symphonia says of MP4 without a directory.
const NO_DIRECTORY: &str = "isomp4: missing moov atom";

/// Reads CAF, and nothing else.
static CAF_PROBE: LazyLock<Probe> = LazyLock::new(|| {
    let mut probe = Probe::default();
    probe.register_format::<CafReader<'_>>();
    probe
});

/// Reads everything but CAF, also if something else comes before it.
static PROBE: LazyLock<Probe> = LazyLock::new(|| {
    let mut probe = Probe::default();
    probe.register_format::<AdtsReader<'_>>();
    probe.register_format::<FlacReader<'_>>();
    probe.register_format::<IsoMp4Reader<'_>>();
    probe.register_format::<MpaReader<'_>>();
    probe.register_format::<AiffReader<'_>>();
    probe.register_format::<WavReader<'_>>();
    probe.register_format::<OggReader<'_>>();
    probe.register_format::<MkvReader<'_>>();
    probe.register_metadata::<Id3v2Reader<'_>>();
    probe
});

/// Opens the container of a source that begins with `head`. Returns the position of the next byte to read as well.
pub(crate) fn open(
    source: Box<dyn MediaSource>,
    head: &[u8],
    path: &Path,
) -> Result<(Box<dyn FormatReader>, Arc<AtomicU64>)> {
    let is_pipe = !source.is_seekable();
    let (source, taken, allowed) = Counted::new(source);
    let probe = if head.starts_with(CAF) {
        allowed.store(MAX_CAF, Ordering::Relaxed);
        &CAF_PROBE
    } else {
        &PROBE
    };
    let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
    let metadata = MetadataOptions::default()
        .limit_tag_bytes(MAX_METADATA)
        .limit_visual_bytes(MAX_METADATA);
    let format = probe.probe(&Hint::new(), stream, FormatOptions::default(), metadata);
    let format = format.map_err(|error| refused(error, head, path, is_pipe))?;
    allowed.store(u64::MAX, Ordering::Relaxed);
    Ok((format, taken))
}

fn refused(error: Symphonia, head: &[u8], path: &Path, is_pipe: bool) -> Error {
    let unsupported = |reason: &str| Error::Unsupported {
        path: path.to_path_buf(),
        reason: reason.into(),
    };
    match error {
        Symphonia::Unsupported(reason) if reason.starts_with("core (probe)") => {
            unsupported("no known audio format; ffmpeg turns most into WAV")
        }
        Symphonia::IoError(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            unsupported("more than 4 MiB come before its sound; ffmpeg turns it into WAV")
        }
        Symphonia::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            ser_files::Error::at(path)(source).into()
        }
        Symphonia::IoError(_) | Symphonia::Unsupported(NO_DIRECTORY)
            if head.get(4..8) == Some(b"ftyp") =>
        {
            unsupported(if is_pipe {
                "its directory (moov) does not come before its sound: give the file, not a pipe"
            } else {
                "its directory (moov), which is written last, is missing or damaged: without it the sound cannot be decoded; \
             copy or download the recording again"
            })
        }
        error if head.starts_with(ogg::CAPTURE) || head.starts_with(matroska::CAPTURE) => {
            Error::Damaged {
                path: path.to_path_buf(),
                seconds: 0.0,
                reason: format!(
                    "its beginning, or everything after it, is missing or damaged ({error}): copy or download the recording \
                     again"
                ),
            }
        }
        error => failure(path, 0.0, error),
    }
}
