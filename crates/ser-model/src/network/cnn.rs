//! The convolutional network, and the convolution blocks that other networks can begin with.

use rand_chacha::ChaCha8Rng;
use ser_predict::ConvBlock;
use ser_recipe::CnnConfig;
use tch::Tensor;
use tch::nn::Path;

use super::Network;
use crate::error::Result;
use crate::layers::{
    BatchNorm, ConvNormPool, Linear, dropout, frame_mask, masked_mean_std, strided_lengths,
};

/// Convolution blocks over the time × coefficient plane.
#[derive(Debug)]
pub(super) struct Blocks {
    blocks: Vec<(ConvNormPool, ConvBlock)>,
    dropout: f64,
    /// Number of values per frame after the last block.
    pub(super) outputs: i64,
}

impl Blocks {
    pub(super) fn new(
        configs: &[ConvBlock],
        dropout: f64,
        path: &Path,
        coefficients: i64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let (mut channels, mut height) = (1, coefficients);
        let mut blocks = Vec::new();
        for (i, block) in configs.iter().enumerate() {
            let path = path / "blocks" / i;
            let conv = ConvNormPool::new(&path, channels, block, rng)?;
            blocks.push((conv, block.clone()));
            channels = block.channels as i64;
            let (stride, pool) = (block.stride as u64, block.pool[1] as u64);
            height = (height as u64).div_ceil(stride).div_ceil(pool) as i64;
        }
        Ok(Self {
            blocks,
            dropout,
            outputs: channels * height,
        })
    }

    /// Maps `[B, T, C]` to `[B, T', outputs]`, and returns the new lengths as well.
    pub(super) fn forward(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        mut rng: Option<&mut ChaCha8Rng>,
    ) -> Result<(Tensor, Tensor)> {
        let train = rng.is_some();
        // [B, 1, T, C] with the channels last in memory. All layers below keep this order, in which libtorch
        // pools and normalises faster.
        let mut x = features.f_unsqueeze(3)?.f_permute([0, 3, 1, 2])?;
        let mut lengths = lengths.shallow_clone();
        for (i, (conv, block)) in self.blocks.iter().enumerate() {
            x = conv.forward(&x, train)?;
            if i > 0 {
                x = dropout(x, self.dropout, 2, rng.as_deref_mut())?;
            }
            lengths = strided_lengths(&lengths, block.stride as i64)?;
            lengths = strided_lengths(&lengths, block.pool[0] as i64)?;
        }
        Ok((x.f_transpose(1, 2)?.f_flatten(2, 3)?, lengths))
    }
}

/// Convolution blocks, then one embedding per remaining frame: linear, batch norm, ReLU.
#[derive(Debug)]
pub(super) struct FrameEmbedding {
    blocks: Blocks,
    embed: Linear,
    norm: BatchNorm,
}

impl FrameEmbedding {
    pub(super) fn new(
        blocks: Blocks,
        values: i64,
        path: &Path,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        Ok(Self {
            embed: Linear::new(&(path / "embed"), blocks.outputs, values, rng)?,
            norm: BatchNorm::new(&(path / "embed_norm"), values)?,
            blocks,
        })
    }

    /// Maps `[B, T, C]` to `[B, T', values]`, and returns the new lengths as well.
    pub(super) fn forward(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Result<(Tensor, Tensor)> {
        let train = rng.is_some();
        let (x, lengths) = self.blocks.forward(features, lengths, rng)?;
        let x = self.embed.forward(&x)?.f_transpose(1, 2)?; // the norm takes channels as the second axis
        let x = self.norm.forward(&x, train)?.f_relu_()?;
        Ok((x.f_transpose(1, 2)?, lengths))
    }
}

/// Convolutions over the time × coefficient plane, then one embedding per remaining frame, mean and standard
/// deviation over the frames of the clip, and one linear layer.
#[derive(Debug)]
pub(super) struct Cnn {
    frames: FrameEmbedding,
    output: Linear,
    dropout: f64,
    embedding: i64,
}

impl Cnn {
    pub(super) fn new(
        config: &CnnConfig,
        path: &Path,
        coefficients: i64,
        classes: i64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let embedding = config.embedding as i64;
        let blocks = Blocks::new(
            &config.blocks,
            config.block_dropout,
            path,
            coefficients,
            rng,
        )?;
        Ok(Self {
            frames: FrameEmbedding::new(blocks, embedding, path, rng)?,
            output: Linear::new(&(path / "output"), 2 * embedding, classes, rng)?,
            dropout: config.dropout,
            embedding: 2 * embedding,
        })
    }
}

impl Network for Cnn {
    fn embed(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor> {
        let (x, lengths) = self.frames.forward(features, lengths, rng)?;
        let mask = frame_mask(&lengths, x.size()[1])?;
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
