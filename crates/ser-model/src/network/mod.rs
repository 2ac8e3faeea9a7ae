//! The networks. Letters of dimensions: **B** clips of a batch, **T** frames, **C** coefficients of a
//! frame, **E** values of an embedding, **K** classes.

mod cnn;
mod lstm;
mod mlp;

use rand_chacha::ChaCha8Rng;
use ser_predict::Tensors;
use ser_recipe::{NetworkConfig, Recipe};
use tch::nn::{Path, VarStore};
use tch::{Device, Tensor};

use crate::error::Result;

/// A network in two halves: the first maps padded features to one embedding per clip, the second maps embeddings to class
/// scores. Between the halves, the average embedding of a speaker can be subtracted.
pub trait Network: std::fmt::Debug + Send {
    /// Returns one embedding per clip.
    ///
    /// With `rng`, in training, dropout draws from it and batch norm uses the statistics of the batch.
    ///
    /// # Shape
    /// `features` `[B, T, C]`, standardised, zero after the end of each clip; `lengths` `[B]` (int64),
    /// the number of frames of each clip; result `[B, E]`.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) for tensors of another shape.
    fn embed(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor>;

    /// Returns the logits, the class scores before the softmax: `[B, E] → [B, K]`.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) for tensors of another shape.
    fn classify(&self, embedding: Tensor, rng: Option<&mut ChaCha8Rng>) -> Result<Tensor>;

    /// Returns `E`, the number of values of an embedding.
    fn embedding(&self) -> i64;
}

/// Builds a network under `path`, with fresh weights drawn from `rng`.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) if libtorch refuses an operation.
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

/// A network in training.
#[derive(Debug)]
pub(crate) struct TrainingNetwork {
    pub(crate) network: Box<dyn Network>,
    /// `[E]`: the average embedding of the training clips, if the recipe has enrolment. It is one of `vars`.
    pub(crate) centre: Option<Tensor>,
    pub(crate) vars: VarStore,
}

impl TrainingNetwork {
    /// Creates a network with fresh weights drawn from `rng`.
    pub(crate) fn new(
        recipe: &Recipe,
        coefficients: usize,
        classes: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let vars = VarStore::new(Device::Cpu);
        let (root, coefficients, classes) = (vars.root(), coefficients as i64, classes as i64);
        let network = build_network(&recipe.network, &root, coefficients, classes, rng)?;
        let centre = recipe.enrolment.as_ref();
        let centre = centre.map(|_| root.f_zeros_no_train("centre", &[network.embedding()]));
        Ok(Self {
            centre: centre.transpose()?,
            network,
            vars,
        })
    }

    /// Returns whether all weights are finite.
    pub(crate) fn is_finite(&self) -> Result<bool> {
        for weight in self.vars.variables().values() {
            if i64::try_from(weight.f_isfinite()?.f_all()?)? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns copies of all weights and running statistics, by name.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) if libtorch refuses to copy them.
pub fn tensors(vars: &VarStore) -> Result<Tensors> {
    let variables = vars.variables().into_iter();
    let copied = variables.map(|(name, weight)| {
        let shape = weight.size().iter().map(|&d| d as usize).collect();
        let values = Vec::try_from(weight.f_detach()?.f_reshape([-1])?)?;
        Ok((name, ser_predict::Tensor { shape, values }))
    });
    copied.collect()
}
