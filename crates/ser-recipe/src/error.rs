//! What can go wrong, cut by what the caller can do about it.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error(transparent)]
    Io(#[from] ser_files::Error),
    /// A recipe is not valid TOML or has an unknown key or a value of the wrong type.
    #[error("recipe {origin}: {message}")]
    Syntax {
        /// The file or the built-in name.
        origin: String,
        /// The parser's message, with the line.
        message: String,
    },
    /// A value of a recipe is out of its range.
    #[error("recipe {origin}{}: `{key}` must be {expected}, but is {actual}", at(*line))]
    Value {
        /// The recipe's name.
        origin: String,
        /// The line of its text, counted from 1; the one of the table where the key is not given.
        line: Option<usize>,
        /// The key with its table.
        key: String,
        /// What is allowed.
        expected: String,
        /// What was found.
        actual: String,
    },
    /// No file and no built-in recipe has this name.
    #[error("there is no recipe `{name}`: give a TOML file or one of {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The built-in names.
        known: String,
    },
    /// The feature configuration's own errors.
    #[error(transparent)]
    Features(#[from] ser_features::Error),
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
