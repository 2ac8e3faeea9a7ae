//! Architectures and their sizes.

use ser_predict::{Architecture, ConvBlock, InvalidSize};
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
    /// Returns kind and sizes only, the description that a trained network has.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        match self.clone() {
            Self::Cnn(c) => Architecture::Cnn(ser_predict::CnnConfig {
                blocks: c.blocks,
                embedding: c.embedding,
            }),
            Self::Lstm(c) => Architecture::Lstm(ser_predict::LstmConfig {
                hidden: c.hidden,
                layers: c.layers,
                stack: c.stack,
                blocks: c.blocks,
            }),
            Self::Mlp(c) => Architecture::Mlp(ser_predict::MlpConfig { hidden: c.hidden }),
        }
    }

    /// Returns the first size or dropout that is invalid: its key, what it must be, and what it is.
    pub(crate) fn invalid(&self) -> Option<InvalidSize> {
        let dropout = |key, p: f64| {
            let fits = (0.0..1.0).contains(&p);
            (!fits).then(|| (key, "at least 0 and below 1", p.to_string()))
        };
        let (last, other) = match self {
            Self::Cnn(c) => (c.dropout, ("network.block_dropout", c.block_dropout)),
            Self::Lstm(c) => (c.dropout, ("network.block_dropout", c.block_dropout)),
            Self::Mlp(c) => (c.dropout, ("network.input_dropout", c.input_dropout)),
        };
        dropout("network.dropout", last)
            .or_else(|| dropout(other.0, other.1))
            .or_else(|| self.architecture().invalid())
    }
}

/// Sizes of the convolutional network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CnnConfig {
    /// Convolution blocks over the time × coefficient plane, first to last.
    pub blocks: Vec<ConvBlock>,
    /// Width of the embedding of each frame, which is pooled over time.
    pub embedding: usize,
    /// Dropout before the output layer.
    #[serde(default)]
    pub dropout: f64,
    /// Dropout of whole channels after each block except the first.
    #[serde(default)]
    pub block_dropout: f64,
}

fn one() -> usize {
    1
}

/// Sizes of the recurrent network: optional convolution blocks, LSTM layers over the remaining time steps, and
/// statistics pooling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LstmConfig {
    /// Units per direction.
    pub hidden: usize,
    /// Number of bidirectional layers.
    #[serde(default = "one")]
    pub layers: usize,
    /// Number of consecutive frames that are joined into one step; the sequence becomes shorter by this factor.
    #[serde(default = "one")]
    pub stack: usize,
    /// Dropout between layers and before the output layer; with convolution blocks also before the first layer.
    #[serde(default)]
    pub dropout: f64,
    /// Convolution blocks before the first layer.
    #[serde(default)]
    pub blocks: Vec<ConvBlock>,
    /// Dropout of whole channels after each block except the first.
    #[serde(default)]
    pub block_dropout: f64,
}

/// Sizes of the fully connected network. Its input is one row of statistics of a clip, such as
/// [`Output::Functionals`](ser_features::Output::Functionals).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpConfig {
    /// Units of the hidden layers, first to last.
    pub hidden: Vec<usize>,
    /// Dropout of input values.
    #[serde(default)]
    pub input_dropout: f64,
    /// Dropout after each hidden layer.
    #[serde(default)]
    pub dropout: f64,
}
