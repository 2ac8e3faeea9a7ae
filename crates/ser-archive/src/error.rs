//! The errors of this crate, divided by what the caller can do about them. A recording that cannot be answered is not an
//! error: its row holds the reason.

use std::path::PathBuf;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] ser_files::Error),

    /// A CSV manifest holds something unexpected.
    #[error(transparent)]
    Table(#[from] ser_data::Error),

    /// The name of the manifest does not end like that of a table.
    #[error("{}: expected a manifest whose name ends in .parquet, .csv or .tsv, found another file", path.display())]
    NoManifest {
        /// The file.
        path: PathBuf,
    },

    /// A Parquet manifest is damaged, or has an unsupported encoding.
    #[error("{}: not a readable Parquet file: {reason}: write it uncompressed or with Snappy, or as CSV", path.display())]
    Parquet {
        /// The manifest.
        path: PathBuf,
        /// The reason that the reader gives.
        reason: String,
    },

    /// A row of a manifest holds something unexpected.
    #[error("{}, {place}, column `{column}`: expected {expected}, found {actual}", path.display())]
    Row {
        /// The manifest.
        path: PathBuf,
        /// The line or row, counted from 1.
        place: String,
        /// Name of the column.
        column: String,
        /// What the field may hold.
        expected: String,
        /// What the field holds.
        actual: String,
    },

    /// Two rows of a manifest have the same id.
    #[error(
        "{}: {first} and {second} have the same id, {id:?}: the id identifies the answer, so it must differ in each row; \
         without a column `id`, the path is the id",
        path.display()
    )]
    Twice {
        /// The manifest.
        path: PathBuf,
        /// The id.
        id: String,
        /// Line or row of the first.
        first: String,
        /// Line or row of the second.
        second: String,
    },

    /// A manifest has no rows.
    #[error("{}: expected a row for each recording, found none", path.display())]
    Empty {
        /// The manifest.
        path: PathBuf,
    },

    /// A folder holds the answers of a call with other inputs.
    #[error(
        "{}: another call started the answers here, {what}: expected {expected}, found {actual}: continue that call, or name \
         another folder",
        path.display()
    )]
    Another {
        /// The file that records what produced the folder.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// The value of this call.
        expected: String,
        /// The value in the file.
        actual: String,
    },
}
