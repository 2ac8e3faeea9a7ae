//! What can go wrong, cut by what the caller can do about it.

/// The result of everything fallible in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no picture, page or document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A figure could not be computed.
    #[error(transparent)]
    Eval(#[from] ser_eval::Error),
    /// A file could not be written or removed.
    #[error(transparent)]
    Io(#[from] ser_files::Error),
    /// A picture of nothing was asked for.
    #[error("no {what}: nothing to draw")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// A picture could not be drawn.
    #[error("cannot draw {picture}: {reason}")]
    Picture {
        /// Which picture.
        picture: &'static str,
        /// What stood in the way, or what the drawing library answered.
        reason: String,
    },
}
