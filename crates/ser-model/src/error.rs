//! The errors of this crate, grouped by what the caller can do about them.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data cannot be trained on.
    #[error("cannot train: {0}")]
    Data(String),
    /// The loss or the weights became infinite or NaN before the first epoch ended.
    #[error(
        "the first epoch ends with values that are not finite: lower `training.learning_rate` or `training.weight_decay`, or \
         set `training.gradient_clip`"
    )]
    Diverged,
    /// The recipe is not valid, or cannot be written as TOML.
    #[error(transparent)]
    Recipe(#[from] ser_recipe::Error),
    /// A feature configuration or a feature extraction failed.
    #[error(transparent)]
    Features(#[from] ser_features::Error),
    /// The trained network does not fit its description, or has values that are not finite.
    #[error(transparent)]
    Predict(#[from] ser_predict::Error),
    /// A metric could not be computed.
    #[error(transparent)]
    Eval(#[from] ser_eval::Error),
    /// libtorch reported an error.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
