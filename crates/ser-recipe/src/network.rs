//! Architectures and their sizes.

use serde::{Deserialize, Serialize};

/// The architecture of a recipe with its sizes: the table `[network]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "architecture", rename_all = "kebab-case")]
pub enum NetworkConfig {
    /// `architecture = "cnn"`
    Cnn(CnnConfig),
    /// `architecture = "lstm"`
    Lstm(LstmConfig),
    /// `architecture = "mlp"`
    Mlp(MlpConfig),
}

impl NetworkConfig {
    /// Name of the architecture, for reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cnn(_) => "CNN",
            Self::Lstm(_) => "LSTM",
            Self::Mlp(_) => "MLP",
        }
    }

    /// The first size that cannot be built: its key, what it must be, what it is.
    pub(crate) fn invalid(&self) -> Option<(&'static str, &'static str, String)> {
        /// A file may ask for any size; a larger one than this is a mistake or an attack.
        const LARGEST: i64 = 4096;
        let size = |key, n: i64| {
            let fits = (1..=LARGEST).contains(&n);
            (!fits).then(|| (key, "from 1 to 4096", n.to_string()))
        };
        let dropout = |key, p: f64| {
            let fits = (0.0..1.0).contains(&p);
            (!fits).then(|| (key, "at least 0 and below 1", p.to_string()))
        };
        let block = |b: &ConvBlock| {
            let kernel = b.kernel % 2 == 1 && (1..=31).contains(&b.kernel);
            let kernel_key = "network.blocks.kernel";
            (!kernel)
                .then(|| (kernel_key, "odd, from 1 to 31", b.kernel.to_string()))
                .or_else(|| size("network.blocks.channels", b.channels))
                .or_else(|| size("network.blocks.stride", b.stride))
                .or_else(|| size("network.blocks.pool", b.pool[0].min(b.pool[1])))
        };
        match self {
            Self::Cnn(c) => size("network.embedding", c.embedding)
                .or_else(|| dropout("network.dropout", c.dropout))
                .or_else(|| dropout("network.block_dropout", c.block_dropout))
                .or_else(|| c.blocks.iter().find_map(block)),
            Self::Lstm(c) => size("network.hidden", c.hidden)
                .or_else(|| size("network.layers", c.layers))
                .or_else(|| size("network.stack", c.stack))
                .or_else(|| dropout("network.dropout", c.dropout))
                .or_else(|| dropout("network.block_dropout", c.block_dropout))
                .or_else(|| c.blocks.iter().find_map(block)),
            Self::Mlp(c) => dropout("network.dropout", c.dropout)
                .or_else(|| dropout("network.input_dropout", c.input_dropout))
                .or_else(|| c.hidden.iter().find_map(|&n| size("network.hidden", n))),
        }
    }
}

/// Sizes of the convolutional network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CnnConfig {
    /// Convolution blocks over the time × coefficient plane, first to last.
    pub blocks: Vec<ConvBlock>,
    /// Width of the per-frame embedding that is pooled over time.
    pub embedding: i64,
    /// Dropout before the output layer.
    #[serde(default)]
    pub dropout: f64,
    /// Dropout of whole channels behind each block but the first.
    #[serde(default)]
    pub block_dropout: f64,
}

/// One block: convolution, batch norm, ReLU, max pooling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvBlock {
    /// Output channels.
    pub channels: i64,
    /// Side of the square kernel, odd.
    pub kernel: i64,
    /// Stride of the convolution along time and coefficients.
    #[serde(default = "one")]
    pub stride: i64,
    /// Max pooling `[time, coefficients]`, rounding up.
    #[serde(default = "no_pool")]
    pub pool: [i64; 2],
}

fn one() -> i64 {
    1
}

/// A pool of this size changes nothing.
pub const NO_POOL: [i64; 2] = [1, 1];

fn no_pool() -> [i64; 2] {
    NO_POOL
}

/// Sizes of the recurrent network: convolution blocks if there are any, LSTM layers over what they
/// leave of time, statistics pooling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LstmConfig {
    /// Units of each direction.
    pub hidden: i64,
    /// Bidirectional layers.
    #[serde(default = "one")]
    pub layers: i64,
    /// Consecutive frames joined into one step: the sequence gets so much shorter.
    #[serde(default = "one")]
    pub stack: i64,
    /// Dropout between layers and before the output layer.
    #[serde(default)]
    pub dropout: f64,
    /// Convolution blocks in front of the first layer.
    #[serde(default)]
    pub blocks: Vec<ConvBlock>,
    /// Dropout of whole channels behind each block but the first.
    #[serde(default)]
    pub block_dropout: f64,
}

/// Sizes of the fully connected network; its input is one row of a clip's statistics, such as
/// [`Output::Functionals`](ser_features::Output::Functionals).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpConfig {
    /// Units of the hidden layers, first to last.
    pub hidden: Vec<i64>,
    /// Dropout of input values.
    #[serde(default)]
    pub input_dropout: f64,
    /// Dropout behind each hidden layer.
    #[serde(default)]
    pub dropout: f64,
}
