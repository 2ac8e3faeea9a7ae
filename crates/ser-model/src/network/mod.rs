//! The networks. Dimension letters: **B** clips of a batch, **T** frames, **C** coefficients of a
//! frame, **E** values of an embedding, **K** classes.

mod cnn;
mod lstm;
mod mlp;

use rand_chacha::ChaCha8Rng;
use ser_predict::Tensors;
use ser_recipe::{NetworkConfig, Recipe};
use tch::nn::{Path, VarStore};
use tch::{Device, Kind, Tensor};

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

/// A network while it is trained.
#[derive(Debug)]
pub(crate) struct TrainingNetwork {
    pub(crate) network: Box<dyn Network>,
    /// `[E]`: the average embedding of training, where the recipe has enrolment. One of `vars`.
    pub(crate) centre: Option<Tensor>,
    pub(crate) vars: VarStore,
}

impl TrainingNetwork {
    /// A network with fresh weights drawn from `rng`.
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

    /// The weights as they are now, for a [`ser_predict::TrainedNetwork`].
    pub(crate) fn tensors(&self) -> Result<Tensors> {
        tensors(&self.vars)
    }

    /// Whether all weights are numbers.
    pub(crate) fn is_finite(&self) -> Result<bool> {
        for weight in self.vars.variables().values() {
            if i64::try_from(weight.f_isfinite()?.f_all()?)? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Copies of all weights and running statistics by name.
///
/// # Errors
/// libtorch's.
pub fn tensors(vars: &VarStore) -> Result<Tensors> {
    let variables = vars.variables().into_iter();
    let copied = variables.map(|(name, weight)| {
        let shape = weight.size().iter().map(|&d| d as usize).collect();
        let values = Vec::try_from(weight.f_detach()?.f_reshape([-1])?)?;
        Ok((name, ser_predict::Tensor { shape, values }))
    });
    copied.collect()
}

/// Argmax of class scores or probabilities: `[B, K] → B` class numbers.
pub(crate) fn classes(scores: &Tensor) -> Result<Vec<usize>> {
    let best = scores.f_argmax(1, false)?.f_to_kind(Kind::Int64)?;
    let best = Vec::<i64>::try_from(best)?;
    Ok(best.into_iter().map(|c| c as usize).collect())
}
