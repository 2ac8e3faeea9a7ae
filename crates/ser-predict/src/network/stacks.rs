//! Sequences of layers: convolution blocks, the embedding of each frame, LSTM layers.

use crate::architecture::{ConvBlock, LstmConfig};
use crate::error::Result;
use crate::weights::{Sink, Source};

use super::Scratch;
use super::layers::{
    BiLstm, Convolution, ConvolutionScratch, Linear, Norm, Plane, mean_and_deviation,
};

/// Convolution blocks over the plane of time and coefficients.
#[derive(Debug)]
pub(super) struct Blocks {
    blocks: Vec<Convolution>,
    /// Height and channels of the plane after the last block.
    height: usize,
    channels: usize,
}

impl Blocks {
    pub(super) fn new(
        configs: &[ConvBlock],
        source: &mut Source,
        coefficients: usize,
    ) -> Result<Self> {
        let (mut height, mut channels) = (coefficients, 1);
        let mut blocks = Vec::new();
        for (i, block) in configs.iter().enumerate() {
            let source = source.below(format_args!("blocks.{i}"));
            blocks.push(Convolution::new(source, channels, block)?);
            channels = block.channels;
            height = height.div_ceil(block.stride).div_ceil(block.pool[1]);
        }
        Ok(Self {
            blocks,
            height,
            channels,
        })
    }

    fn configs(&self) -> impl DoubleEndedIterator<Item = &ConvBlock> + Clone {
        self.blocks.iter().map(|convolution| &convolution.block)
    }

    /// Applies the blocks to `plane` in place: `[T, C, 1] → [T', height, channels]`.
    fn forward(&self, plane: &mut Plane, next: &mut Plane, scratch: &mut ConvolutionScratch) {
        for block in &self.blocks {
            block.forward(plane, scratch, next);
            std::mem::swap(plane, next);
        }
    }
}

/// Returns how many frames blocks leave of `frames` frames of a clip or of a plane.
fn remaining<'a>(blocks: impl Iterator<Item = &'a ConvBlock>, frames: usize) -> usize {
    let left = |frames: usize, b: &ConvBlock| frames.div_ceil(b.stride).div_ceil(b.pool[0]);
    blocks.fold(frames, left)
}

/// Returns how many frames blocks must get so that the outputs of the first `length` frames do not depend on any later
/// frame: these include the frames that the last kernels reach.
fn needed<'a>(
    blocks: impl DoubleEndedIterator<Item = &'a ConvBlock> + Clone,
    length: usize,
) -> usize {
    let reach = |frames: usize, b: &ConvBlock| {
        let frames = frames.saturating_mul(b.pool[0]).saturating_mul(b.stride);
        frames.saturating_add(b.kernel / 2)
    };
    let left = remaining(blocks.clone(), length);
    blocks.rev().fold(left, reach)
}

/// Convolution blocks, followed by an embedding of each remaining frame: linear layer, norm, ReLU.
#[derive(Debug)]
pub(crate) struct FrameEmbedding {
    blocks: Blocks,
    embed: Linear,
    norm: Norm,
    values: usize,
}

impl FrameEmbedding {
    pub(super) fn new(blocks: Blocks, source: &mut Source, values: usize) -> Result<Self> {
        let (height, channels) = (blocks.height, blocks.channels);
        Ok(Self {
            embed: Linear::behind_plane(source.below("embed"), height, channels, values)?,
            norm: Norm::new(source.below("embed_norm"), values)?,
            blocks,
            values,
        })
    }

    pub(super) fn store(&self, sink: &mut Sink) {
        for (i, block) in self.blocks.blocks.iter().enumerate() {
            block.store(sink.below(format_args!("blocks.{i}")));
        }
        self.embed.store(sink.below("embed"));
        self.norm.store(sink.below("embed_norm"));
    }

    /// Embeds the first `frames` frames of `scratch.window` → `scratch.rows` `[T', values]`.
    fn forward(&self, frames: usize, coefficients: usize, scratch: &mut Scratch) {
        let Scratch {
            convolution,
            plane,
            next,
            rows,
            window,
            ..
        } = scratch;
        plane.reshape(frames, coefficients, 1);
        plane
            .values
            .copy_from_slice(&window[..frames * coefficients]);
        self.blocks.forward(plane, next, convolution);
        self.embed.forward(&plane.values, plane.frames, rows);
        self.norm.forward_relu(rows);
    }

    /// Computes the mean and the deviation of the frame embeddings over a clip.
    pub(super) fn embed(&self, frames: usize, length: usize, scratch: &mut Scratch) {
        let coefficients = scratch.window.len() / frames;
        // Frames beyond the reach of the kernels are padding and do not affect the result.
        let needed = needed(self.blocks.configs(), length).min(frames);
        self.forward(needed, coefficients, scratch);
        let rows = &scratch.rows[..remaining(self.blocks.configs(), length) * self.values];
        mean_and_deviation(rows, self.values, &mut scratch.embedding);
    }
}

/// LSTM layers, after convolution blocks or directly on the frames. After convolution blocks, each layer whose input
/// and output have the same size adds its output to its input (He et al. 2016).
#[derive(Debug)]
pub(crate) struct Recurrent {
    frames: Option<FrameEmbedding>,
    layers: Vec<BiLstm>,
    stack: usize,
    width: usize,
}

impl Recurrent {
    pub(super) fn new(
        config: &LstmConfig,
        source: &mut Source,
        coefficients: usize,
    ) -> Result<Self> {
        let width = 2 * config.hidden;
        let (mut frames, mut inputs) = (None, coefficients * config.stack);
        if !config.blocks.is_empty() {
            let blocks = Blocks::new(&config.blocks, source, coefficients)?;
            frames = Some(FrameEmbedding::new(blocks, source, width)?);
            inputs = width * config.stack;
        }
        let mut layers = Vec::new();
        for i in 0..config.layers {
            let source = source.below(format_args!("layers.{i}"));
            layers.push(BiLstm::new(source, inputs, config.hidden)?);
            inputs = width;
        }
        Ok(Self {
            frames,
            layers,
            stack: config.stack,
            width,
        })
    }

    pub(super) fn store(&self, sink: &mut Sink) {
        if let Some(frames) = &self.frames {
            frames.store(sink);
        }
        for (i, layer) in self.layers.iter().enumerate() {
            layer.store(sink.below(format_args!("layers.{i}")));
        }
    }

    /// Computes the mean and the deviation of the outputs of the last layer over a clip. The layers also process the
    /// padding, because they do so in training, where the backward direction begins in the padding.
    pub(super) fn embed(&self, mut frames: usize, mut length: usize, scratch: &mut Scratch) {
        let coefficients = scratch.window.len() / frames;
        let mut values = coefficients;
        match &self.frames {
            Some(embedding) => {
                embedding.forward(frames, coefficients, scratch);
                frames = remaining(embedding.blocks.configs(), frames);
                length = remaining(embedding.blocks.configs(), length);
                values = self.width;
            }
            None => scratch.rows.clone_from(&scratch.window),
        }
        let Scratch {
            lstm,
            rows,
            other,
            embedding,
            ..
        } = scratch;
        // Consecutive rows already form the joined steps; only the last step may lack rows, which become zeros.
        let steps = frames.div_ceil(self.stack);
        rows.resize(steps * self.stack * values, 0.0);
        for layer in &self.layers {
            layer.forward(rows, steps, lstm, other);
            if self.frames.is_some() && other.len() == rows.len() {
                other.iter_mut().zip(&*rows).for_each(|(y, x)| *y += x);
            }
            std::mem::swap(rows, other);
        }
        let heard = length.div_ceil(self.stack).clamp(1, steps);
        mean_and_deviation(&rows[..heard * self.width], self.width, embedding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_and_pools_of_any_size_need_all_frames_and_no_more() {
        let block = ConvBlock {
            channels: 1,
            kernel: 1,
            stride: 4096,
            pool: [4096, 1],
        };
        let blocks = [block.clone(), block.clone(), block];
        assert_eq!(remaining(blocks.iter(), 100), 1);
        assert_eq!(needed(blocks.iter(), 100), usize::MAX);
    }
}
