//! What a network asks for, told from its sizes alone, before any memory is asked for.

use crate::network::{ConvBlock, NetworkConfig};

impl NetworkConfig {
    /// Number of trained values: weights and biases of all layers, scales and shifts of the norms.
    #[must_use]
    pub fn parameters(&self, coefficients: i64, classes: i64) -> u64 {
        match self {
            Self::Cnn(c) => {
                let blocks = Plane::behind(&c.blocks, 1, coefficients);
                sum([
                    blocks.parameters,
                    linear(blocks.outputs(), c.embedding),
                    product([2, c.embedding]),
                    linear(twice(c.embedding), classes),
                ])
            }
            Self::Lstm(c) => {
                let width = twice(c.hidden);
                let (mut frames, mut inputs) = (0, coefficients);
                if !c.blocks.is_empty() {
                    let blocks = Plane::behind(&c.blocks, 1, coefficients);
                    let embedding = linear(blocks.outputs(), width);
                    frames = sum([blocks.parameters, embedding, product([2, width])]);
                    inputs = width;
                }
                // Both directions, four gates, weights of the input and of the state, two biases.
                let layer = |inputs| {
                    let (input, state) = (
                        product([8, c.hidden, inputs]),
                        product([8, c.hidden, c.hidden]),
                    );
                    sum([input, state, product([16, c.hidden])])
                };
                let first = layer(inputs.saturating_mul(c.stack));
                let others = layer(width).saturating_mul(c.layers.saturating_sub(1).max(0) as u64);
                sum([frames, first, others, linear(twice(width), classes)])
            }
            Self::Mlp(c) => {
                let (mut inputs, mut all) = (coefficients, 0);
                for &units in &c.hidden {
                    all = sum([all, linear(inputs, units), product([2, units])]);
                    inputs = units;
                }
                sum([all, linear(inputs, classes)])
            }
        }
    }

    /// Number of values that a clip of `frames` frames has, and becomes behind each layer.
    pub(crate) fn activations(&self, frames: i64, coefficients: i64) -> u64 {
        let clip = product([frames, coefficients]);
        match self {
            Self::Cnn(c) => {
                let blocks = Plane::behind(&c.blocks, frames, coefficients);
                sum([
                    clip,
                    blocks.activations,
                    product([blocks.frames, c.embedding]),
                ])
            }
            Self::Lstm(c) => {
                let blocks = Plane::behind(&c.blocks, frames, coefficients);
                let steps = rounded_up(blocks.frames, c.stack);
                // Four gates and a state of each direction.
                let layers = product([steps, c.layers, 10, c.hidden]);
                let inputs = if c.blocks.is_empty() {
                    coefficients
                } else {
                    twice(c.hidden)
                };
                sum([
                    clip,
                    blocks.activations,
                    product([steps, c.stack, inputs]),
                    layers,
                ])
            }
            Self::Mlp(c) => c
                .hidden
                .iter()
                .fold(clip, |all, &units| sum([all, product([units])])),
        }
    }
}

/// The plane that convolution blocks leave of a clip.
struct Plane {
    channels: i64,
    frames: i64,
    height: i64,
    parameters: u64,
    activations: u64,
}

impl Plane {
    fn behind(blocks: &[ConvBlock], frames: i64, coefficients: i64) -> Self {
        let mut plane = Self {
            channels: 1,
            frames,
            height: coefficients,
            parameters: 0,
            activations: 0,
        };
        for block in blocks {
            let weights = product([block.channels, plane.channels, block.kernel, block.kernel]);
            plane.parameters = sum([plane.parameters, weights, product([2, block.channels])]);
            plane.channels = block.channels;
            plane.frames = rounded_up(plane.frames, block.stride);
            plane.height = rounded_up(plane.height, block.stride);
            let convolved = product([plane.channels, plane.frames, plane.height]);
            plane.activations = sum([plane.activations, convolved]);
            plane.frames = rounded_up(plane.frames, block.pool[0]);
            plane.height = rounded_up(plane.height, block.pool[1]);
        }
        plane
    }

    /// Values of a frame.
    fn outputs(&self) -> i64 {
        self.channels.saturating_mul(self.height)
    }
}

fn twice(n: i64) -> i64 {
    n.saturating_mul(2)
}

/// Weights and biases.
fn linear(inputs: i64, outputs: i64) -> u64 {
    sum([product([inputs, outputs]), product([outputs])])
}

/// ⌈n / step⌉
fn rounded_up(n: i64, step: i64) -> i64 {
    let step = step.max(1);
    n / step + i64::from(n % step > 0)
}

fn product<const N: usize>(factors: [i64; N]) -> u64 {
    let factors = factors.map(|factor| factor.max(0) as u64);
    factors.into_iter().fold(1, u64::saturating_mul)
}

fn sum<const N: usize>(terms: [u64; N]) -> u64 {
    terms.into_iter().fold(0, u64::saturating_add)
}
