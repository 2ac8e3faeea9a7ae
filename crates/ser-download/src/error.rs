//! The errors of this crate, divided by what the caller can do about them.

use std::io;
use std::path::PathBuf;

use crate::size;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    Io(#[from] ser_files::Error),

    /// A server does not respond.
    #[error("no answer from {url} or from the address to which it redirects: {reason}")]
    NoAnswer {
        /// The requested address.
        url: String,
        /// Why the connection failed.
        reason: String,
    },

    /// A server refuses the request.
    #[error("{url} answered {status}")]
    Status {
        /// The requested address.
        url: String,
        /// The status code with its text.
        status: String,
    },

    /// A server offers another file than the published one.
    #[error("{url} offers {actual} bytes, but {expected} are published: it is another file")]
    AnotherFile {
        /// The requested address.
        url: String,
        /// The published size.
        expected: u64,
        /// The size that the server announces.
        actual: u64,
    },

    /// A server's response does not match the request or an earlier response.
    #[error("{url}: expected {expected}, got {actual}")]
    Contradiction {
        /// The requested address.
        url: String,
        /// The expected response.
        expected: String,
        /// The actual response.
        actual: String,
    },

    /// A connection was lost during the download.
    #[error("cut off after {}{}: {reason}", size(*have), of.map(|of| format!(" of {}", size(of))).unwrap_or_default())]
    CutOff {
        /// Bytes received so far.
        have: u64,
        /// Size of the whole file in bytes, if it is known.
        of: Option<u64>,
        /// Why the connection was lost.
        reason: String,
    },

    /// A file is longer than allowed.
    #[error("{url} sends more than the {} that are allowed", size(*limit))]
    TooLong {
        /// The requested address.
        url: String,
        /// Maximum size in bytes.
        limit: u64,
    },

    /// A downloaded file is not the published one; it was removed.
    #[error("{url} has {what} {actual}, expected {expected}; the file was removed: run again")]
    Damaged {
        /// The requested address.
        url: String,
        /// What differs: size or checksum.
        what: &'static str,
        /// The published value.
        expected: String,
        /// The value of the downloaded file.
        actual: String,
    },

    /// A server asks for a longer wait than we allow.
    #[error("the server asks to wait {seconds} seconds: run again later: {last}")]
    Busy {
        /// The wait in seconds.
        seconds: u64,
        /// The error of the last attempt.
        last: Box<Error>,
    },

    /// Several attempts in a row made no progress. The bytes received so far are kept.
    #[error(
        "gave up after {attempts} attempts without progress; run again later: the download continues from {} in {}: {last}",
        size(*have),
        part.display()
    )]
    GaveUp {
        /// Number of attempts in a row without progress.
        attempts: u32,
        /// Bytes received so far.
        have: u64,
        /// The file that contains them.
        part: PathBuf,
        /// The error of the last attempt.
        last: Box<Error>,
    },

    /// A file is not an archive that this crate can read.
    #[error("{} is not a readable zip archive: {reason}", path.display())]
    NoArchive {
        /// The file.
        path: PathBuf,
        /// The message of the zip reader.
        reason: String,
    },

    /// An archive declares more than the limits allow.
    #[error("{} declares {actual} {what}, but at most {limit} are allowed", path.display())]
    TooMuch {
        /// The archive.
        path: PathBuf,
        /// What is counted.
        what: String,
        /// The largest allowed number.
        limit: u64,
        /// The declared number.
        actual: u64,
    },

    /// An entry of an archive must not be unpacked. Its name is quoted with escapes, since it may contain control
    /// sequences for a terminal.
    #[error("{}: {entry:?}: expected {expected}, found {actual}: refused", path.display())]
    Entry {
        /// The archive.
        path: PathBuf,
        /// The name of the entry.
        entry: String,
        /// What the entry should be.
        expected: String,
        /// What the entry is.
        actual: String,
    },

    /// An entry could not be unpacked: it is damaged, or it cannot be written.
    #[error("unpacking {entry:?} of {}: {}", path.display(), ser_files::in_words(source))]
    Unpacking {
        /// The archive.
        path: PathBuf,
        /// The name of the entry.
        entry: String,
        /// The error of the disk or of the zip reader.
        source: io::Error,
    },

    /// Something already exists where a folder should be created.
    #[error("{} is in the way; move it elsewhere and run again", path.display())]
    InTheWay {
        /// The path that exists.
        path: PathBuf,
    },
}

/// Returns true if an error was caused by lack of disk space and not by the downloaded file.
pub fn lacked_room(error: &(dyn std::error::Error + 'static)) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| matches!(cause.kind(), FileTooLarge | QuotaExceeded | StorageFull))
}
