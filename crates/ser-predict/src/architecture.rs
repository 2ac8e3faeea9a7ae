//! The architecture of a network: its kind and sizes, as the model file describes them.

use serde::{Deserialize, Serialize};

/// Largest size that a file may request. A larger one is a mistake or an attack.
const LARGEST: usize = 4096;

/// Kind and sizes of a network.
///
/// The letters of dimensions are **T** for frames, **C** for coefficients of a frame, **E** for values of an embedding
/// and **K** for classes.
///
/// ```
/// use ser_predict::{Architecture, MlpConfig};
///
/// let mlp = Architecture::Mlp(MlpConfig { hidden: vec![16] });
/// // (10 + 1)·16 of the hidden layer, 2·16 of its norm, (16 + 1)·3 of the output layer
/// assert_eq!(mlp.parameters(10, 3), 259);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "architecture", rename_all = "kebab-case")]
pub enum Architecture {
    /// Convolution blocks over the plane of time and coefficients, an embedding of each remaining frame, mean and
    /// deviation over the frames, one linear layer.
    Cnn(CnnConfig),
    /// Optional convolution blocks, bidirectional LSTM layers, mean and deviation over the steps, one linear layer.
    Lstm(LstmConfig),
    /// Mean over the frames, hidden layers, one linear layer.
    Mlp(MlpConfig),
}

/// Sizes of the convolutional network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CnnConfig {
    /// Convolution blocks, from first to last.
    pub blocks: Vec<ConvBlock>,
    /// Width of the embedding of a frame.
    pub embedding: usize,
}

/// A block of convolution without bias, batch norm, max pooling and ReLU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvBlock {
    /// Number of output channels.
    pub channels: usize,
    /// Side length of the square kernel, an odd number. The plane is padded with zeros by half of it.
    pub kernel: usize,
    /// Stride of the convolution along time and coefficients.
    #[serde(default = "one")]
    pub stride: usize,
    /// Size of the max pooling, `[time, coefficients]`. Sizes of the result are rounded up.
    #[serde(default = "no_pool")]
    pub pool: [usize; 2],
}

/// Sizes of the recurrent network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LstmConfig {
    /// Number of units in each direction.
    pub hidden: usize,
    /// Number of bidirectional layers.
    #[serde(default = "one")]
    pub layers: usize,
    /// Number of consecutive frames that are joined into one step.
    #[serde(default = "one")]
    pub stack: usize,
    /// Convolution blocks before the first layer.
    #[serde(default)]
    pub blocks: Vec<ConvBlock>,
}

/// Sizes of the fully connected network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MlpConfig {
    /// Number of units of each hidden layer, from first to last.
    pub hidden: Vec<usize>,
}

pub(crate) fn one() -> usize {
    1
}

fn no_pool() -> [usize; 2] {
    [1, 1]
}

/// An invalid size: its key, what it must be, and what it is.
pub type InvalidSize = (&'static str, &'static str, String);

impl Architecture {
    /// Returns the name of the architecture for reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cnn(_) => "CNN",
            Self::Lstm(_) => "LSTM",
            Self::Mlp(_) => "MLP",
        }
    }

    /// Returns the first size that is out of its range, if there is one.
    #[must_use]
    pub fn invalid(&self) -> Option<InvalidSize> {
        let size = |key, n: usize| {
            let fits = (1..=LARGEST).contains(&n);
            (!fits).then(|| (key, "from 1 to 4096", n.to_string()))
        };
        let block = |b: &ConvBlock| {
            let odd = b.kernel % 2 == 1 && b.kernel <= 31;
            let kernel = "network.blocks.kernel";
            (!odd)
                .then(|| (kernel, "odd, from 1 to 31", b.kernel.to_string()))
                .or_else(|| size("network.blocks.channels", b.channels))
                .or_else(|| size("network.blocks.stride", b.stride))
                .or_else(|| size("network.blocks.pool", b.pool[0]))
                .or_else(|| size("network.blocks.pool", b.pool[1]))
        };
        match self {
            Self::Cnn(c) => {
                size("network.embedding", c.embedding).or_else(|| c.blocks.iter().find_map(block))
            }
            Self::Lstm(c) => size("network.hidden", c.hidden)
                .or_else(|| size("network.layers", c.layers))
                .or_else(|| size("network.stack", c.stack))
                .or_else(|| c.blocks.iter().find_map(block)),
            Self::Mlp(c) => c.hidden.iter().find_map(|&n| size("network.hidden", n)),
        }
    }

    /// Returns `E`, the number of values of the embedding of a clip.
    #[must_use]
    pub fn embedding(&self, coefficients: usize) -> usize {
        match self {
            Self::Cnn(c) => 2 * c.embedding,
            Self::Lstm(c) => 4 * c.hidden,
            Self::Mlp(_) => coefficients,
        }
    }

    /// Returns the number of trained parameters: the weights and biases of all layers, and the scales and shifts of the
    /// norms.
    #[must_use]
    pub fn parameters(&self, coefficients: usize, classes: usize) -> u64 {
        match self {
            Self::Cnn(c) => {
                let blocks = PlaneSizes::behind(&c.blocks, 1, coefficients);
                sum([
                    blocks.parameters,
                    linear(blocks.frame_values(), c.embedding),
                    product([2, c.embedding]),
                    linear(twice(c.embedding), classes),
                ])
            }
            Self::Lstm(c) => {
                let width = twice(c.hidden);
                let (mut frames, mut inputs) = (0, coefficients);
                if !c.blocks.is_empty() {
                    let blocks = PlaneSizes::behind(&c.blocks, 1, coefficients);
                    let embedding = linear(blocks.frame_values(), width);
                    frames = sum([blocks.parameters, embedding, product([2, width])]);
                    inputs = width;
                }
                // Both directions have four gates, weights for the input and for the state, and two biases.
                let layer = |inputs| {
                    sum([
                        product([8, c.hidden, inputs]),
                        product([8, c.hidden, c.hidden]),
                        product([16, c.hidden]),
                    ])
                };
                let first = layer(inputs.saturating_mul(c.stack));
                let others = layer(width).saturating_mul(c.layers.saturating_sub(1) as u64);
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

    /// Returns the number of values in a clip of `frames` frames and in the outputs of all layers for it.
    #[must_use]
    pub fn activations(&self, frames: usize, coefficients: usize) -> u64 {
        let clip = product([frames, coefficients]);
        match self {
            Self::Cnn(c) => {
                let blocks = PlaneSizes::behind(&c.blocks, frames, coefficients);
                let embedded = product([blocks.frames, c.embedding]);
                sum([clip, blocks.activations, embedded])
            }
            Self::Lstm(c) => {
                let blocks = PlaneSizes::behind(&c.blocks, frames, coefficients);
                let steps = blocks.frames.div_ceil(c.stack.max(1));
                // Each direction has four gates and a state.
                let layers = product([steps, c.layers, 10, c.hidden]);
                let inputs = if c.blocks.is_empty() {
                    coefficients
                } else {
                    twice(c.hidden)
                };
                let stacked = product([steps, c.stack, inputs]);
                sum([clip, blocks.activations, stacked, layers])
            }
            Self::Mlp(c) => c
                .hidden
                .iter()
                .fold(clip, |all, &units| sum([all, product([units])])),
        }
    }
}

/// The sizes of the plane that convolution blocks compute from a clip.
struct PlaneSizes {
    channels: usize,
    frames: usize,
    height: usize,
    parameters: u64,
    activations: u64,
}

impl PlaneSizes {
    fn behind(blocks: &[ConvBlock], frames: usize, coefficients: usize) -> Self {
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
            let inputs = plane.channels;
            plane.channels = block.channels;
            plane.frames = plane.frames.div_ceil(block.stride.max(1));
            plane.height = plane.height.div_ceil(block.stride.max(1));
            // A convolution reads its input padded with zeros.
            let reach = |n: usize| n.saturating_mul(block.stride).saturating_add(block.kernel);
            let padded = product([inputs, reach(plane.frames), reach(plane.height)]);
            let convolved = product([plane.channels, plane.frames, plane.height]);
            plane.activations = sum([plane.activations, padded, convolved]);
            plane.frames = plane.frames.div_ceil(block.pool[0].max(1));
            plane.height = plane.height.div_ceil(block.pool[1].max(1));
        }
        plane
    }

    fn frame_values(&self) -> usize {
        self.channels.saturating_mul(self.height)
    }
}

fn twice(n: usize) -> usize {
    n.saturating_mul(2)
}

/// Returns the number of weights and biases of a linear layer.
fn linear(inputs: usize, outputs: usize) -> u64 {
    sum([product([inputs, outputs]), product([outputs])])
}

fn product<const N: usize>(factors: [usize; N]) -> u64 {
    let factors = factors.into_iter().map(|factor| factor as u64);
    factors.fold(1, u64::saturating_mul)
}

fn sum<const N: usize>(terms: [u64; N]) -> u64 {
    terms.into_iter().fold(0, u64::saturating_add)
}
