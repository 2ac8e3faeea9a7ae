//! What can go wrong, cut by what the caller can do about it.

use std::path::PathBuf;

/// The result of everything fallible in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why predictions or histories were refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system said no.
    #[error(transparent)]
    Io(#[from] ser_files::Error),
    /// The file is not well-formed CSV.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file that was read.
        path: PathBuf,
        /// What the CSV reader or writer answered.
        source: csv::Error,
    },
    /// No clip has a value in a column that figures are wanted by.
    #[error("no clip has a value in the column `{column}`; there are {}", known.join(", "))]
    NoColumn {
        /// The column.
        column: String,
        /// The columns that clips have values in.
        known: Vec<String>,
    },
    /// The header line of a CSV file names other columns.
    #[error("{}: expected the columns `{expected}`, found `{actual}`", path.display())]
    Header {
        /// The file that was read.
        path: PathBuf,
        /// The columns this crate writes.
        expected: String,
        /// The columns of the file.
        actual: String,
    },
    /// One cell of a CSV file does not hold what its column promises.
    #[error("{}, line {line}, column `{column}`: expected {expected}, found `{actual}`", path.display())]
    Cell {
        /// The file that was read.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// The name of the column.
        column: String,
        /// What the column holds.
        expected: String,
        /// The text of the cell.
        actual: String,
    },
    /// The file can be read, but its contents do not fit together.
    #[error("{}: {source}", path.display())]
    Contents {
        /// The file that was read.
        path: PathBuf,
        /// What does not fit.
        source: Box<Error>,
    },
    /// The list of class labels cannot be used.
    #[error("labels {labels:?}: {problem}")]
    Labels {
        /// The labels that were given.
        labels: Vec<String>,
        /// What is wrong with them.
        problem: &'static str,
    },
    /// One prediction does not fit the labels, or is no probability distribution.
    #[error("clip `{clip}` of split `{split}`: expected {expected}, found {actual}")]
    Prediction {
        /// The clip of the prediction.
        clip: String,
        /// The split of the prediction.
        split: String,
        /// What a valid prediction has.
        expected: String,
        /// What this one has.
        actual: String,
    },
    /// A clip was predicted twice in one split, so it would count twice.
    #[error("clip `{clip}` appears twice in split `{split}`")]
    Duplicate {
        /// The clip that appears twice.
        clip: String,
        /// The split it appears in.
        split: String,
    },
    /// Predictions that are to be pooled have different labels.
    #[error("expected the labels {expected:?}, found {actual:?}")]
    LabelsDiffer {
        /// The labels of the first part.
        expected: Vec<String>,
        /// The labels of the part that differs.
        actual: Vec<String>,
    },
    /// Runs that are to be compared did not answer the same clips, or with other labels.
    #[error("`{first}` and `{second}` cannot be compared: {what}")]
    RunsDiffer {
        /// Name of the first run.
        first: String,
        /// Name of the second run.
        second: String,
        /// What differs.
        what: String,
    },
    /// Truth and prediction have different lengths.
    #[error("{truth} true classes but {predicted} predicted ones")]
    Lengths {
        /// How many true classes were given.
        truth: usize,
        /// How many predicted classes were given.
        predicted: usize,
    },
    /// A figure over nothing was asked for.
    #[error("no {what}: nothing to compute a figure from")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
}
