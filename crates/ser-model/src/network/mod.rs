//! The networks. Dimension letters: **B** clips of a batch, **T** frames, **C** coefficients of a
//! frame, **E** values of an embedding, **K** classes.

mod cnn;
mod lstm;
mod mlp;

use rand_chacha::ChaCha8Rng;
use ser_recipe::NetworkConfig;
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::error::Result;

/// A network from padded features to class scores, in two halves: between them a clip is one vector,
/// and a speaker's average vector can be taken from it.
pub trait Network: std::fmt::Debug + Send {
    /// One vector per clip.
    ///
    /// # Shape
    /// `features` `[B, T, C]`, standardised, zero behind each clip's end; `lengths` `[B]` (int64),
    /// the frames of each clip; result `[B, E]`. `rng` is given in training: dropout draws from it
    /// and batch norm uses the batch's own statistics.
    ///
    /// # Errors
    /// libtorch's, for tensors of another shape.
    fn embed(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor>;

    /// Class scores before the softmax: `[B, E] → [B, K]`.
    ///
    /// # Errors
    /// As [`Network::embed`].
    fn classify(&self, embedding: Tensor, rng: Option<&mut ChaCha8Rng>) -> Result<Tensor>;

    /// `E`.
    fn embedding(&self) -> i64;
}

/// Builds a network with fresh weights under `path`, drawn from `rng`.
///
/// # Errors
/// libtorch's.
pub fn build_network(
    config: &NetworkConfig,
    path: &Path,
    coefficients: i64,
    classes: i64,
    rng: &mut ChaCha8Rng,
) -> Result<Box<dyn Network>> {
    Ok(match config {
        NetworkConfig::Cnn(config) => {
            Box::new(cnn::Cnn::new(config, path, coefficients, classes, rng)?)
        }
        NetworkConfig::Lstm(config) => {
            Box::new(lstm::Lstm::new(config, path, coefficients, classes, rng)?)
        }
        NetworkConfig::Mlp(config) => {
            Box::new(mlp::Mlp::new(config, path, coefficients, classes, rng)?)
        }
    })
}

/// Argmax of class scores or probabilities: `[B, K] → B` class numbers.
pub(crate) fn classes(scores: &Tensor) -> Result<Vec<usize>> {
    let best = scores.f_argmax(1, false)?.f_to_kind(Kind::Int64)?;
    let best = Vec::<i64>::try_from(best)?;
    Ok(best.into_iter().map(|c| c as usize).collect())
}
