//! What can go wrong, cut by what the caller can do about it. A recording that cannot be answered is none of it: it is a row
//! with its error.

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

    /// A manifest in CSV holds something unexpected.
    #[error(transparent)]
    Table(#[from] ser_data::Error),

    /// A manifest is no table by its name.
    #[error("{}: expected a manifest, whose name ends in .parquet, .csv or .tsv, found another file", path.display())]
    NoManifest {
        /// The file.
        path: PathBuf,
    },

    /// A manifest in Parquet is damaged, or in an encoding that is not read.
    #[error("{}: no Parquet that is read here: {reason}: write it without compression or with Snappy, or as CSV", path.display())]
    Parquet {
        /// The manifest.
        path: PathBuf,
        /// What its reader says.
        reason: String,
    },

    /// A row of a manifest holds something unexpected.
    #[error("{}, {place}, column `{column}`: expected {expected}, found {actual}", path.display())]
    Row {
        /// The manifest.
        path: PathBuf,
        /// Its line or row, counted from 1.
        place: String,
        /// Name of the column.
        column: String,
        /// What it may hold.
        expected: String,
        /// What it holds.
        actual: String,
    },

    /// Two rows of a manifest have one id.
    #[error(
        "{}: {first} and {second} have the same id, {id:?}: answers are found by it, so that each must be another; without a \
         column `id` it is the path",
        path.display()
    )]
    Twice {
        /// The manifest.
        path: PathBuf,
        /// The id.
        id: String,
        /// Line or row of the one.
        first: String,
        /// Of the other.
        second: String,
    },

    /// A manifest without a row.
    #[error("{}: expected a row a recording, found none", path.display())]
    Empty {
        /// The manifest.
        path: PathBuf,
    },

    /// A folder holds answers to another question.
    #[error(
        "{}: the answers here were begun by another call, {what}: expected {expected}, found {actual}: go on with that one, or \
         name another folder",
        path.display()
    )]
    Another {
        /// What says so.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What this call has.
        expected: String,
        /// What is there.
        actual: String,
    },
}
