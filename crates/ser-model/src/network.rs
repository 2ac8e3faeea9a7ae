//! The networks. Dimension letters: **B** clips of a batch, **T** frames, **C** coefficients of a
//! frame, **K** classes.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::layers::{
    BatchNorm, BiLstm, ConvNormPool, Linear, dropout, frame_mask, masked_mean_std, strided_lengths,
};

/// A network from padded features to class scores.
pub trait Network: std::fmt::Debug + Send {
    /// Class scores before the softmax.
    ///
    /// # Shape
    /// `features` `[B, T, C]`, standardised, zero behind each clip's end; `lengths` `[B]` (int64),
    /// the frames of each clip; result `[B, K]`. `rng` is given in training: dropout draws from it
    /// and batch norm uses the batch's own statistics.
    ///
    /// # Errors
    /// libtorch's, for tensors of another shape.
    fn forward(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor>;
}

/// The architecture of a recipe with its sizes: the table `[network]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "architecture", rename_all = "kebab-case")]
pub enum NetworkConfig {
    /// `architecture = "cnn"`
    Cnn(CnnConfig),
    /// `architecture = "lstm"`
    Lstm(LstmConfig),
}

impl NetworkConfig {
    /// Builds the network with fresh weights under `path`, drawn from `rng`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn build(
        &self,
        path: &Path,
        coefficients: i64,
        classes: i64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Box<dyn Network>> {
        Ok(match self {
            Self::Cnn(config) => Box::new(Cnn::new(config, path, coefficients, classes, rng)?),
            Self::Lstm(config) => Box::new(Lstm::new(config, path, coefficients, classes, rng)?),
        })
    }

    /// Name of the architecture, for reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cnn(_) => "CNN",
            Self::Lstm(_) => "LSTM",
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
        match self {
            Self::Cnn(c) => {
                let block = |b: &ConvBlock| {
                    let kernel = b.kernel % 2 == 1 && (1..=31).contains(&b.kernel);
                    let kernel_key = "network.blocks.kernel";
                    (!kernel)
                        .then(|| (kernel_key, "odd, from 1 to 31", b.kernel.to_string()))
                        .or_else(|| size("network.blocks.channels", b.channels))
                        .or_else(|| size("network.blocks.stride", b.stride))
                        .or_else(|| size("network.blocks.pool", b.pool[0].min(b.pool[1])))
                };
                size("network.embedding", c.embedding)
                    .or_else(|| dropout("network.dropout", c.dropout))
                    .or_else(|| dropout("network.block_dropout", c.block_dropout))
                    .or_else(|| c.blocks.iter().find_map(block))
            }
            Self::Lstm(c) => size("network.hidden", c.hidden)
                .or_else(|| size("network.layers", c.layers))
                .or_else(|| size("network.stack", c.stack))
                .or_else(|| dropout("network.dropout", c.dropout)),
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
pub(crate) const NO_POOL: [i64; 2] = [1, 1];

fn no_pool() -> [i64; 2] {
    NO_POOL
}

/// Sizes of the recurrent network.
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
}

/// Convolutions over the time × coefficient plane, one embedding per remaining frame, mean and
/// deviation over the frames of the clip, one linear layer.
#[derive(Debug)]
struct Cnn {
    blocks: Vec<(ConvNormPool, ConvBlock)>,
    embed: Linear,
    embed_norm: BatchNorm,
    output: Linear,
    dropout: f64,
    block_dropout: f64,
}

impl Cnn {
    fn new(
        config: &CnnConfig,
        path: &Path,
        coefficients: i64,
        classes: i64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let (mut channels, mut height) = (1, coefficients);
        let mut blocks = Vec::new();
        for (i, block) in config.blocks.iter().enumerate() {
            let path = path / "blocks" / i;
            let conv = ConvNormPool::new(&path, channels, block, rng)?;
            blocks.push((conv, block.clone()));
            channels = block.channels;
            let strided = (height + block.stride - 1) / block.stride;
            height = (strided + block.pool[1] - 1) / block.pool[1];
        }
        Ok(Self {
            blocks,
            embed: Linear::new(&(path / "embed"), channels * height, config.embedding, rng)?,
            embed_norm: BatchNorm::new(&(path / "embed_norm"), config.embedding)?,
            output: Linear::new(&(path / "output"), 2 * config.embedding, classes, rng)?,
            dropout: config.dropout,
            block_dropout: config.block_dropout,
        })
    }
}

impl Network for Cnn {
    fn forward(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        mut rng: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor> {
        let train = rng.is_some();
        // [B, 1, T, C] with the channels last in memory, an order that everything below keeps: libtorch
        // pools and normalises faster in it.
        let mut x = features.f_unsqueeze(3)?.f_permute([0, 3, 1, 2])?;
        let mut lengths = lengths.shallow_clone();
        for (i, (conv, block)) in self.blocks.iter().enumerate() {
            x = conv.forward(&x, train)?;
            if i > 0 {
                x = dropout(x, self.block_dropout, 2, rng.as_deref_mut())?;
            }
            lengths = strided_lengths(&lengths, block.stride)?;
            lengths = strided_lengths(&lengths, block.pool[0])?;
        }
        let x = x.f_transpose(1, 2)?.f_flatten(2, 3)?; // [B, T', channels · C']
        let x = self.embed.forward(&x)?.f_transpose(1, 2)?; // the norm wants channels second
        let x = self
            .embed_norm
            .forward(&x, train)?
            .f_relu_()?
            .f_transpose(1, 2)?;
        let mask = frame_mask(&lengths, x.size()[1])?;
        let pooled = masked_mean_std(&x, &mask)?;
        self.output.forward(&dropout(pooled, self.dropout, 2, rng)?)
    }
}

/// Bidirectional LSTM layers (Hochreiter & Schmidhuber 1997), mean and deviation of their outputs
/// over the frames of the clip, one linear layer.
#[derive(Debug)]
struct Lstm {
    layers: Vec<BiLstm>,
    output: Linear,
    stack: i64,
    dropout: f64,
}

impl Lstm {
    fn new(
        config: &LstmConfig,
        path: &Path,
        coefficients: i64,
        classes: i64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let layers = (0..config.layers)
            .map(|i| {
                let inputs = if i == 0 {
                    coefficients * config.stack
                } else {
                    2 * config.hidden
                };
                BiLstm::new(&(path / "layers" / i), inputs, config.hidden, rng)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            layers,
            output: Linear::new(&(path / "output"), 4 * config.hidden, classes, rng)?,
            stack: config.stack,
            dropout: config.dropout,
        })
    }
}

impl Network for Lstm {
    fn forward(
        &self,
        features: &Tensor,
        lengths: &Tensor,
        mut rng: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor> {
        let (batch, frames, coefficients) = features.size3()?;
        let steps = (frames + self.stack - 1) / self.stack;
        let missing = steps * self.stack - frames;
        let mut x = features.f_constant_pad_nd([0, 0, 0, missing])?;
        x = x.f_reshape([batch, steps, coefficients * self.stack])?;
        for (i, layer) in self.layers.iter().enumerate() {
            if i > 0 {
                x = dropout(x, self.dropout, 3, rng.as_deref_mut())?;
            }
            x = layer.forward(&x)?;
        }
        let mask = frame_mask(&strided_lengths(lengths, self.stack)?, steps)?;
        let pooled = masked_mean_std(&x, &mask)?;
        self.output.forward(&dropout(pooled, self.dropout, 2, rng)?)
    }
}

/// Argmax of class scores or probabilities: `[B, K] → B` class numbers.
pub(crate) fn classes(scores: &Tensor) -> Result<Vec<usize>> {
    let best = scores.f_argmax(1, false)?.f_to_kind(Kind::Int64)?;
    let best = Vec::<i64>::try_from(best)?;
    Ok(best.into_iter().map(|c| c as usize).collect())
}
