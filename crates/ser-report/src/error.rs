//! The errors of this crate, grouped by what the caller can do about them.

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why a picture, page or document could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A figure could not be computed.
    #[error(transparent)]
    Eval(#[from] ser_eval::Error),
    /// A file could not be written or removed.
    #[error(transparent)]
    Io(#[from] ser_files::Error),
    /// There is nothing to draw.
    #[error("no {what}: nothing to draw")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// A picture could not be drawn.
    #[error("cannot draw {picture}: {reason}")]
    Picture {
        /// The name of the picture.
        picture: &'static str,
        /// The reason, or the error of the drawing library.
        reason: String,
    },
}
