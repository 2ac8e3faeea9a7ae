//! The errors of this crate, divided by what the caller can do about them.

use std::path::PathBuf;

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why predictions or histories are refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system reported an error.
    #[error(transparent)]
    Io(#[from] ser_files::Error),
    /// The file is not well-formed CSV.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file that was read.
        path: PathBuf,
        /// The error of the CSV reader or writer.
        source: csv::Error,
    },
    /// No clip has a value in the column by which figures should be grouped.
    #[error("no clip has a value in the column `{column}`; the columns with values are {}", known.join(", "))]
    NoColumn {
        /// Name of the column.
        column: String,
        /// The columns in which clips have values.
        known: Vec<String>,
    },
    /// The header of a CSV file names other columns.
    #[error("{}: expected the columns `{expected}`, found `{actual}`", path.display())]
    Header {
        /// The file that was read.
        path: PathBuf,
        /// The columns that this crate writes.
        expected: String,
        /// The columns of the file.
        actual: String,
    },
    /// A cell of a CSV file does not have a valid value for its column.
    #[error("{}, line {line}, column `{column}`: expected {expected}, found `{actual}`", path.display())]
    Cell {
        /// The file that was read.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// The name of the column.
        column: String,
        /// The values that the column may have.
        expected: String,
        /// The text of the cell.
        actual: String,
    },
    /// The file can be read, but its contents are not consistent.
    #[error("{}: {source}", path.display())]
    Contents {
        /// The file that was read.
        path: PathBuf,
        /// The inconsistency.
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
    /// A prediction does not match the labels, or is not a probability distribution.
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
    /// A clip was predicted twice in one split and would count twice.
    #[error("clip `{clip}` appears twice in split `{split}`")]
    Duplicate {
        /// The clip that appears twice.
        clip: String,
        /// The split in which it appears twice.
        split: String,
    },
    /// Predictions that should be pooled have different labels.
    #[error("expected the labels {expected:?}, found {actual:?}")]
    LabelsDiffer {
        /// The labels of the first part.
        expected: Vec<String>,
        /// The labels of the part that differs.
        actual: Vec<String>,
    },
    /// Runs that should be compared have predictions for different clips, or different labels.
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
        /// Number of true classes that were given.
        truth: usize,
        /// Number of predicted classes that were given.
        predicted: usize,
    },
    /// There is nothing to compute a figure from.
    #[error("no {what}: there is nothing to compute a figure from")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
}
