//! The recurrent network.

use rand_chacha::ChaCha8Rng;
use ser_recipe::LstmConfig;
use tch::Tensor;
use tch::nn::Path;

use super::Network;
use super::cnn::{Blocks, FrameEmbedding};
use crate::error::Result;
use crate::layers::{BiLstm, Linear, dropout, frame_mask, masked_mean_std, strided_lengths};

/// Bidirectional LSTM layers (Hochreiter & Schmidhuber 1997), then mean and standard deviation of their outputs
/// over the frames of the clip, and one linear layer.
///
/// If the network begins with convolution blocks, an embedding per frame as wide as the output of a layer follows them,
/// and each LSTM layer adds its output to its input (residual connection, He et al. 2016) where both have the same size.
#[derive(Debug)]
pub(super) struct Lstm {
    frames: Option<FrameEmbedding>,
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
        let (hidden, stack) = (config.hidden as i64, config.stack as i64);
        let width = 2 * hidden;
        let (mut frames, mut inputs) = (None, coefficients * stack);
        if !config.blocks.is_empty() {
            let dropout = config.block_dropout;
            let blocks = Blocks::new(&config.blocks, dropout, path, coefficients, rng)?;
            frames = Some(FrameEmbedding::new(blocks, width, path, rng)?);
            inputs = width * stack;
        }
        let layers = (0..config.layers)
            .map(|i| {
                let inputs = if i == 0 { inputs } else { width };
                BiLstm::new(&(path / "layers" / i), inputs, hidden, rng)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            frames,
            layers,
            output: Linear::new(&(path / "output"), 2 * width, classes, rng)?,
            stack,
            dropout: config.dropout,
            embedding: 2 * width,
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
        if let Some(frames) = &self.frames {
            (x, lengths) = frames.forward(&x, &lengths, rng.as_deref_mut())?;
        }
        let (batch, frames, values) = x.size3()?;
        let steps = (frames + self.stack - 1) / self.stack;
        let missing = steps * self.stack - frames;
        x = x.f_constant_pad_nd([0, 0, 0, missing])?;
        x = x.f_reshape([batch, steps, values * self.stack])?;
        for (i, layer) in self.layers.iter().enumerate() {
            let mut y = x.shallow_clone();
            // Without convolutions, the first layer reads the features themselves, which are not dropped.
            if i > 0 || self.frames.is_some() {
                y = dropout(y, self.dropout, 3, rng.as_deref_mut())?;
            }
            y = layer.forward(&y)?;
            if self.frames.is_some() && y.size() == x.size() {
                y = y.f_add(&x)?;
            }
            x = y;
        }
        let mask = frame_mask(&strided_lengths(&lengths, self.stack)?, steps)?;
        masked_mean_std(&x, &mask)
    }

    fn classify(&self, embedding: Tensor, rng: Option<&mut ChaCha8Rng>) -> Result<Tensor> {
        self.output
            .forward(&dropout(embedding, self.dropout, 2, rng)?)
    }

    fn embedding(&self) -> i64 {
        self.embedding
    }
}
