//! What can go wrong, cut by what the caller can do about it.

use std::io;
use std::path::PathBuf;

use crate::size;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    Io(#[from] ser_files::Error),

    /// Nobody answers.
    #[error("no answer from {url} or from where it redirects to: {reason}")]
    NoAnswer {
        /// Who was asked.
        url: String,
        /// What the connection broke off over.
        reason: String,
    },

    /// A server answers that it does not give the file.
    #[error("{url} answered {status}")]
    Status {
        /// Who was asked.
        url: String,
        /// What it said, in numbers and words.
        status: String,
    },

    /// A server has another file than the published one.
    #[error("{url} offers {actual} bytes where {expected} are published: it is another file")]
    AnotherFile {
        /// Who was asked.
        url: String,
        /// The published size.
        expected: u64,
        /// The announced one.
        actual: u64,
    },

    /// A server contradicts what it was asked for, or what it said before.
    #[error("{url}: expected {expected}, got {actual}")]
    Contradiction {
        /// Who was asked.
        url: String,
        /// What should have come.
        expected: String,
        /// What came.
        actual: String,
    },

    /// A connection was lost on the way.
    #[error("cut off after {}{}: {reason}", size(*have), of.map(|of| format!(" of {}", size(of))).unwrap_or_default())]
    CutOff {
        /// Bytes that are there.
        have: u64,
        /// Bytes of the whole file, where they are known.
        of: Option<u64>,
        /// What broke it off.
        reason: String,
    },

    /// A file is longer than it may be.
    #[error("{url} sends more than the {} it may", size(*limit))]
    TooLong {
        /// Who was asked.
        url: String,
        /// Bytes that it may have.
        limit: u64,
    },

    /// A downloaded file is not the published one. It was removed.
    #[error("{url} has {what} {actual}, expected {expected}; removed, run again")]
    Damaged {
        /// Where it came from.
        url: String,
        /// What differs.
        what: &'static str,
        /// The published one.
        expected: String,
        /// That of the file.
        actual: String,
    },

    /// A server asks for a wait that is longer than ours.
    #[error("the server asks to wait {seconds} seconds: run again later: {last}")]
    Busy {
        /// The wait.
        seconds: u64,
        /// What came of the last attempt.
        last: Box<Error>,
    },

    /// Attempt after attempt brought nothing. What is there is kept.
    #[error(
        "gave up after {attempts} attempts without progress; run again later, it continues from {} in {}: {last}",
        size(*have),
        part.display()
    )]
    GaveUp {
        /// Attempts in a row that brought nothing.
        attempts: u32,
        /// Bytes that are there.
        have: u64,
        /// Where they are.
        part: PathBuf,
        /// What came of the last attempt.
        last: Box<Error>,
    },

    /// A file is no archive that is read here.
    #[error("{} is not a readable zip archive: {reason}", path.display())]
    NoArchive {
        /// The file.
        path: PathBuf,
        /// What its reader says.
        reason: String,
    },

    /// An archive claims more than is plausible.
    #[error("{} claims {actual} {what}, at most {limit} are plausible", path.display())]
    TooMuch {
        /// The archive.
        path: PathBuf,
        /// What it has so many of.
        what: String,
        /// How many it may have.
        limit: u64,
        /// How many it claims.
        actual: u64,
    },

    /// An entry of an archive is none that may be unpacked. Its name is quoted with escapes, for it may hold what a terminal
    /// obeys.
    #[error("{}: {entry:?}: expected {expected}, found {actual}: refused", path.display())]
    Entry {
        /// The archive.
        path: PathBuf,
        /// The name of the entry.
        entry: String,
        /// What it should be.
        expected: String,
        /// What it is.
        actual: String,
    },

    /// An entry could not be unpacked: it is damaged, or the disk does not take it.
    #[error("unpacking {entry:?} of {}: {}", path.display(), ser_files::in_words(source))]
    Unpacking {
        /// The archive.
        path: PathBuf,
        /// The name of the entry.
        entry: String,
        /// What the disk or the unpacker said.
        source: io::Error,
    },

    /// Something is where a folder should be made.
    #[error("{} is in the way; move it elsewhere and run again", path.display())]
    InTheWay {
        /// What is there.
        path: PathBuf,
    },
}

/// Whether an error speaks of a full disk and not against the file that was downloaded.
pub fn lacked_room(error: &(dyn std::error::Error + 'static)) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| matches!(cause.kind(), FileTooLarge | QuotaExceeded | StorageFull))
}
