//! The errors of this crate, divided by what the caller can do about them.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error(transparent)]
    Io(#[from] ser_files::Error),
    /// A recipe is not valid TOML, has an unknown key, or has a value of the wrong type.
    #[error("recipe {origin}: {message}")]
    Syntax {
        /// The file or the built-in name.
        origin: String,
        /// The parser's message, with the line.
        message: String,
    },
    /// A value of a recipe is out of range.
    #[error("recipe {origin}{}: `{key}` must be {expected}, but is {actual}", at(*line))]
    Value {
        /// The file or the built-in name.
        origin: String,
        /// The line of the key, counted from 1; the line of its table if the key is missing.
        line: Option<usize>,
        /// The key, with its table.
        key: String,
        /// The allowed values.
        expected: String,
        /// The value that was found.
        actual: String,
    },
    /// There is neither a file nor a built-in recipe of this name.
    #[error("there is no recipe `{name}`: give a TOML file or one of {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names of the built-in recipes.
        known: String,
    },
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;
