//! The fully connected network.

use rand_chacha::ChaCha8Rng;
use ser_recipe::MlpConfig;
use tch::nn::Path;
use tch::{Kind, Tensor};

use super::Network;
use crate::error::Result;
use crate::layers::{BatchNorm, Linear, dropout, frame_mask};

/// A network whose embedding is the mean of the frames of a clip (functionals are one frame), followed by hidden layers of
/// linear, batch norm, ReLU and dropout, and one linear layer.
#[derive(Debug)]
pub(super) struct Mlp {
    hidden: Vec<(Linear, BatchNorm)>,
    output: Linear,
    input_dropout: f64,
    dropout: f64,
    embedding: i64,
}

impl Mlp {
    pub(super) fn new(
        config: &MlpConfig,
        path: &Path,
        coefficients: i64,
        classes: i64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let mut inputs = coefficients;
        let mut hidden = Vec::new();
        for (i, &units) in config.hidden.iter().enumerate() {
            let units = units as i64;
            let path = path / "hidden" / i;
            let linear = Linear::new(&path, inputs, units, rng)?;
            hidden.push((linear, BatchNorm::new(&(path / "norm"), units)?));
            inputs = units;
        }
        Ok(Self {
            hidden,
            output: Linear::new(&(path / "output"), inputs, classes, rng)?,
            input_dropout: config.input_dropout,
            dropout: config.dropout,
            embedding: coefficients,
        })
    }
}

impl Network for Mlp {
    fn embed(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        _rng: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor> {
        let mask = frame_mask(lengths, features.size()[1])?;
        let frames = [1i64].as_slice();
        let sum = features
            .f_mul(&mask)?
            .f_sum_dim_intlist(frames, false, Kind::Float)?;
        Ok(sum.f_div(&mask.f_sum_dim_intlist(frames, false, Kind::Float)?)?)
    }

    fn classify(&self, embedding: Tensor, mut rng: Option<&mut ChaCha8Rng>) -> Result<Tensor> {
        let train = rng.is_some();
        let mut x = dropout(embedding, self.input_dropout, 2, rng.as_deref_mut())?;
        for (linear, norm) in &self.hidden {
            x = norm.forward(&linear.forward(&x)?, train)?.f_relu_()?;
            x = dropout(x, self.dropout, 2, rng.as_deref_mut())?;
        }
        self.output.forward(&x)
    }

    fn embedding(&self) -> i64 {
        self.embedding
    }
}
