//! The recurrent network.

use rand_chacha::ChaCha8Rng;
use tch::Tensor;
use tch::nn::Path;

use super::cnn::Blocks;
use super::{LstmConfig, Network};
use crate::error::Result;
use crate::layers::{BiLstm, Linear, dropout, frame_mask, masked_mean_std, strided_lengths};

/// Convolution blocks, if any; bidirectional LSTM layers (Hochreiter & Schmidhuber 1997); mean and
/// deviation of their outputs over the frames of the clip; one linear layer.
#[derive(Debug)]
pub(super) struct Lstm {
    blocks: Option<Blocks>,
    layers: Vec<BiLstm>,
    output: Linear,
    stack: i64,
    dropout: f64,
    embedding: i64,
}

impl Lstm {
    pub(super) fn new(
        config: &LstmConfig,
        path: &Path,
        coefficients: i64,
        classes: i64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let blocks = match config.blocks.as_slice() {
            [] => None,
            blocks => Some(Blocks::new(blocks, config.block_dropout, path, coefficients, rng)?),
        };
        let frame = blocks.as_ref().map_or(coefficients, |b| b.outputs);
        let layers = (0..config.layers)
            .map(|i| {
                let inputs = if i == 0 {
                    frame * config.stack
                } else {
                    2 * config.hidden
                };
                BiLstm::new(&(path / "layers" / i), inputs, config.hidden, rng)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            blocks,
            layers,
            output: Linear::new(&(path / "output"), 4 * config.hidden, classes, rng)?,
            stack: config.stack,
            dropout: config.dropout,
            embedding: 4 * config.hidden,
        })
    }
}

impl Network for Lstm {
    fn embed(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        mut rng: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor> {
        let (mut x, mut lengths) = (features.shallow_clone(), lengths.shallow_clone());
        if let Some(blocks) = &self.blocks {
            (x, lengths) = blocks.forward(&x, &lengths, rng.as_deref_mut())?;
            x = dropout(x, self.dropout, 3, rng.as_deref_mut())?;
        }
        let (batch, frames, values) = x.size3()?;
        let steps = (frames + self.stack - 1) / self.stack;
        let missing = steps * self.stack - frames;
        x = x.f_constant_pad_nd([0, 0, 0, missing])?;
        x = x.f_reshape([batch, steps, values * self.stack])?;
        for (i, layer) in self.layers.iter().enumerate() {
            if i > 0 {
                x = dropout(x, self.dropout, 3, rng.as_deref_mut())?;
            }
            x = layer.forward(&x)?;
        }
        let mask = frame_mask(&strided_lengths(&lengths, self.stack)?, steps)?;
        masked_mean_std(&x, &mask)
    }

    fn classify(&self, embedding: Tensor, rng: Option<&mut ChaCha8Rng>) -> Result<Tensor> {
        self.output.forward(&dropout(embedding, self.dropout, 2, rng)?)
    }

    fn embedding(&self) -> i64 {
        self.embedding
    }
}
