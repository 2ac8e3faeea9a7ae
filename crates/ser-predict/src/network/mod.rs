//! The networks in plain Rust: they compute an embedding from standardised frames, and class scores from an embedding.

mod layers;
mod matrix;
mod stacks;

use crate::architecture::Architecture;
use crate::error::Result;
use crate::weights::{Sink, Source};
use layers::{ConvolutionScratch, Linear, LstmScratch, Norm, Plane};
pub use layers::{NORM_EPSILON, VARIANCE_EPSILON, batch_norm};
use stacks::{Blocks, FrameEmbedding, Recurrent};

/// A network with its weights.
#[derive(Debug)]
pub(crate) enum Network {
    Cnn {
        frames: FrameEmbedding,
        output: Linear,
    },
    Lstm {
        layers: Recurrent,
        output: Linear,
    },
    Mlp {
        hidden: Vec<(Linear, Norm)>,
        output: Linear,
    },
}

/// Buffers that a thread reuses from clip to clip.
#[derive(Debug, Default)]
pub struct Scratch {
    convolution: ConvolutionScratch,
    lstm: LstmScratch,
    plane: Plane,
    next: Plane,
    rows: Vec<f32>,
    other: Vec<f32>,
    /// `[T, C]`: the input window of a network.
    pub(crate) window: Vec<f32>,
    /// `[E]`: the embedding of the window.
    pub(crate) embedding: Vec<f32>,
    /// `[K]`: the class scores of the window.
    pub(crate) scores: Vec<f32>,
}

impl Network {
    /// Builds a network whose weights are taken from `source`.
    pub(crate) fn new(
        architecture: &Architecture,
        mut source: Source,
        coefficients: usize,
        classes: usize,
    ) -> Result<Self> {
        let embedding = architecture.embedding(coefficients);
        Ok(match architecture {
            Architecture::Cnn(config) => {
                let blocks = Blocks::new(&config.blocks, &mut source, coefficients)?;
                Self::Cnn {
                    frames: FrameEmbedding::new(blocks, &mut source, config.embedding)?,
                    output: Linear::new(source.below("output"), embedding, classes)?,
                }
            }
            Architecture::Lstm(config) => Self::Lstm {
                layers: Recurrent::new(config, &mut source, coefficients)?,
                output: Linear::new(source.below("output"), embedding, classes)?,
            },
            Architecture::Mlp(config) => {
                let (mut inputs, mut hidden) = (coefficients, Vec::new());
                for (i, &units) in config.hidden.iter().enumerate() {
                    let mut source = source.below(format_args!("hidden.{i}"));
                    let norm = Norm::new(source.below("norm"), units)?;
                    hidden.push((Linear::new(source, inputs, units)?, norm));
                    inputs = units;
                }
                Self::Mlp {
                    hidden,
                    output: Linear::new(source.below("output"), inputs, classes)?,
                }
            }
        })
    }

    /// Writes the weights to `sink`, under the names by which [`Network::new`] takes them.
    pub(crate) fn store(&self, mut sink: Sink) {
        match self {
            Self::Cnn { frames, .. } => frames.store(&mut sink),
            Self::Lstm { layers, .. } => layers.store(&mut sink),
            Self::Mlp { hidden, .. } => {
                for (i, (linear, norm)) in hidden.iter().enumerate() {
                    let mut sink = sink.below(format_args!("hidden.{i}"));
                    norm.store(sink.below("norm"));
                    linear.store(sink);
                }
            }
        }
        self.output().store(sink.below("output"));
    }

    /// Embeds the window `scratch.window` of `frames` frames, of which the first `length` belong to the clip and the
    /// others are zero: `[T, C]` → `scratch.embedding` `[E]`.
    pub(crate) fn embed(&self, frames: usize, length: usize, scratch: &mut Scratch) {
        // The mean over no frames would not be a number.
        let length = length.clamp(1, frames);
        match self {
            Self::Cnn { frames: blocks, .. } => blocks.embed(frames, length, scratch),
            Self::Lstm { layers, .. } => layers.embed(frames, length, scratch),
            Self::Mlp { .. } => {
                let Scratch {
                    window, embedding, ..
                } = scratch;
                let coefficients = window.len() / frames;
                embedding.clear();
                embedding.resize(coefficients, 0.0);
                for row in window.chunks_exact(coefficients.max(1)).take(length) {
                    embedding.iter_mut().zip(row).for_each(|(e, x)| *e += x);
                }
                embedding.iter_mut().for_each(|e| *e /= length as f32);
            }
        }
    }

    /// Computes the class scores before the softmax: `scratch.embedding` `[E]` → `scratch.scores` `[K]`.
    pub(crate) fn classify(&self, scratch: &mut Scratch) {
        self.hidden(scratch);
        let Scratch { rows, scores, .. } = scratch;
        self.output().forward(rows, 1, scores);
    }

    /// Computes the input of the last layer: `scratch.embedding` `[E]` → `[E']`.
    pub(crate) fn hidden<'a>(&self, scratch: &'a mut Scratch) -> &'a [f32] {
        let Scratch {
            rows,
            other,
            embedding,
            ..
        } = scratch;
        rows.clone_from(embedding);
        if let Self::Mlp { hidden, .. } = self {
            for (linear, norm) in hidden {
                linear.forward(rows, 1, other);
                norm.forward_relu(other);
                std::mem::swap(rows, other);
            }
        }
        rows
    }

    /// Returns the last layer.
    pub(crate) fn output(&self) -> &Linear {
        match self {
            Self::Cnn { output, .. } | Self::Lstm { output, .. } | Self::Mlp { output, .. } => {
                output
            }
        }
    }
}
