//! What can go wrong.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A rate at which nothing can be told of a voice.
    #[error("expected a sampling rate of {lowest} Hz or more, found {actual} Hz")]
    SampleRate {
        /// The lowest rate in Hz.
        lowest: u32,
        /// The rate found in Hz.
        actual: u32,
    },
    /// Features could not be extracted.
    #[error(transparent)]
    Features(#[from] ser_features::Error),
    /// The model could not answer.
    #[error(transparent)]
    Model(#[from] ser_model::Error),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
