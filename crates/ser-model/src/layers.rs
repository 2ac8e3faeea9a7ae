//! Layers with PyTorch's default initialisation. The layers of tch differ: their linear and convolution
//! weights have a √6 times wider distribution, and their batch norm starts with a random scale.
//!
//! Every random number comes from the generator that the caller passes, never from the generator of
//! libtorch, which all trainings of a process share.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use ser_predict::{ConvBlock, NORM_EPSILON, VARIANCE_EPSILON};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::error::Result;

/// Parameter group of biases and normalisation scales, to which weight decay does not apply.
pub(crate) const NO_DECAY: usize = 1;

/// Creates a variable with values drawn from U(−1/√fan_in, 1/√fan_in).
///
/// This is PyTorch's default for the weights and biases of linear layers, of convolutions (PyTorch writes it as
/// Kaiming with a = √5) and, with the hidden size as fan-in, of LSTMs.
fn uniform(
    path: &Path,
    name: &str,
    shape: &[i64],
    fan_in: i64,
    rng: &mut ChaCha8Rng,
) -> Result<Tensor> {
    let bound = 1.0 / (fan_in as f32).sqrt();
    let count = shape.iter().product::<i64>();
    let values: Vec<f32> = (0..count)
        .map(|_| bound * (2.0 * rng.random::<f32>() - 1.0))
        .collect();
    Ok(path.f_var_copy(name, &Tensor::f_from_slice(&values)?.f_reshape(shape)?)?)
}

/// Applies dropout with keep probability 1 − p, scaled so that the mean does not change (Srivastava et al. 2014).
/// Without `rng`, in evaluation, returns `x` unchanged.
///
/// One decision is drawn for each index of the first `axes` axes: with all axes, single values are dropped; with 2,
/// whole channels of `[B, channels, …]`.
pub(crate) fn dropout(
    x: Tensor,
    p: f64,
    axes: usize,
    rng: Option<&mut ChaCha8Rng>,
) -> Result<Tensor> {
    let Some(rng) = rng.filter(|_| p > 0.0) else {
        return Ok(x);
    };
    let mut shape = x.size();
    shape.iter_mut().skip(axes).for_each(|d| *d = 1);
    let scale = (1.0 / (1.0 - p)) as f32;
    let drop_below = (p * f64::from(u32::MAX)) as u32;
    let mut drawn = vec![0_u32; shape.iter().product::<i64>() as usize];
    rng.fill(&mut drawn[..]);
    let kept = |u: u32| if u < drop_below { 0.0 } else { scale };
    let mask: Vec<f32> = drawn.into_iter().map(kept).collect();
    Ok(x.f_mul(&Tensor::f_from_slice(&mask)?.f_reshape(shape)?)?)
}

/// A linear layer: `[…, inputs] → […, outputs]`.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    pub(crate) fn new(
        path: &Path,
        inputs: i64,
        outputs: i64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let no_decay = path.set_group(NO_DECAY);
        Ok(Self {
            weight: uniform(path, "weight", &[outputs, inputs], inputs, rng)?,
            bias: uniform(&no_decay, "bias", &[outputs], inputs, rng)?,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_linear(&self.weight, Some(&self.bias))?)
    }
}

/// A convolution without bias, then batch norm, max pooling and ReLU: `[B, inputs, T, C] → [B, outputs, T', C']`,
/// where stride and pooling divide both `T` and `C`, rounding up.
#[derive(Debug)]
pub(crate) struct ConvNormPool {
    weight: Tensor,
    norm: BatchNorm,
    stride: i64,
    padding: i64,
    pool: [i64; 2],
}

impl ConvNormPool {
    /// Creates the layers with fresh weights. The kernel size of `block` must be odd.
    pub(crate) fn new(
        path: &Path,
        inputs: i64,
        block: &ConvBlock,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let (channels, kernel) = (block.channels as i64, block.kernel as i64);
        let shape = [channels, inputs, kernel, kernel];
        Ok(Self {
            weight: uniform(path, "weight", &shape, inputs * kernel * kernel, rng)?,
            norm: BatchNorm::new(&(path / "norm"), channels)?,
            stride: block.stride as i64,
            padding: kernel / 2,
            pool: block.pool.map(|size| size as i64),
        })
    }

    pub(crate) fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let stride = [self.stride; 2];
        let padding = [self.padding; 2];
        let x = x.f_conv2d(&self.weight, None::<&Tensor>, stride, padding, [1, 1], 1)?;
        let mut x = self.norm.forward(&x, train)?;
        if self.pool != [1, 1] {
            x = x.f_max_pool2d(self.pool, self.pool, [0, 0], [1, 1], true)?;
        }
        // ReLU and maximum commute. After pooling there are fewer values to apply the ReLU to.
        Ok(x.f_relu_()?)
    }
}

/// Batch normalisation over all axes except the second (Ioffe & Szegedy 2015), with PyTorch's
/// defaults: ε = 1e-5, running statistics with momentum 0.1.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
}

impl BatchNorm {
    pub(crate) fn new(path: &Path, channels: i64) -> Result<Self> {
        let trained = path.set_group(NO_DECAY);
        Ok(Self {
            weight: trained.f_ones("weight", &[channels])?,
            bias: trained.f_zeros("bias", &[channels])?,
            running_mean: path.f_zeros_no_train("running_mean", &[channels])?,
            running_var: path.f_ones_no_train("running_var", &[channels])?,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        Ok(x.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            train,
            0.1,
            f64::from(NORM_EPSILON),
            false,
        )?)
    }
}

/// One bidirectional LSTM layer: `[B, T, inputs] → [B, T, 2·hidden]`.
#[derive(Debug)]
pub(crate) struct BiLstm {
    weights: Vec<Tensor>,
    hidden: i64,
}

impl BiLstm {
    pub(crate) fn new(path: &Path, inputs: i64, hidden: i64, rng: &mut ChaCha8Rng) -> Result<Self> {
        let mut weights = Vec::with_capacity(8);
        for direction in ["forward", "backward"] {
            let path = path / direction;
            let no_decay = path.set_group(NO_DECAY);
            let gates = 4 * hidden;
            weights.push(uniform(&path, "weight_ih", &[gates, inputs], hidden, rng)?);
            weights.push(uniform(&path, "weight_hh", &[gates, hidden], hidden, rng)?);
            weights.push(uniform(&no_decay, "bias_ih", &[gates], hidden, rng)?);
            weights.push(uniform(&no_decay, "bias_hh", &[gates], hidden, rng)?);
        }
        Ok(Self { weights, hidden })
    }

    /// Runs both directions over all `T` steps.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let state = Tensor::f_zeros([2, x.size()[0], self.hidden], (Kind::Float, x.device()))?;
        let weights: Vec<&Tensor> = self.weights.iter().collect();
        let (y, _, _) = x.f_lstm(&[&state, &state], &weights, true, 1, 0.0, false, true, true)?;
        Ok(y)
    }
}

/// Returns the mean and standard deviation over the frames that are not padding (statistics pooling,
/// Snyder et al. 2018): `[B, T, F] → [B, 2F]`, with `mask` `[B, T, 1]` of ones and zeros.
pub(crate) fn masked_mean_std(x: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let frames = mask.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?;
    let mean = x
        .f_mul(mask)?
        .f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?
        .f_div(&frames)?;
    let centred = x.f_sub(&mean.f_unsqueeze(1)?)?.f_mul(mask)?;
    let variance = centred
        .f_square()?
        .f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?
        .f_div(&frames)?;
    // The small constant keeps the gradient of the square root finite where a feature is constant.
    let deviation = variance
        .f_add_scalar(f64::from(VARIANCE_EPSILON))?
        .f_sqrt()?;
    Ok(Tensor::f_cat(&[mean, deviation], 1)?)
}

/// Returns a mask `[B, T, 1]`: one for the frames of each clip (at least one frame), zero for padding.
pub(crate) fn frame_mask(lengths: &Tensor, frames: i64) -> Result<Tensor> {
    let positions = Tensor::f_arange(frames, (Kind::Int64, lengths.device()))?.f_unsqueeze(0)?;
    let lengths = lengths.f_clamp(1, frames)?.f_unsqueeze(1)?;
    Ok(positions
        .f_less_tensor(&lengths)?
        .f_to_kind(Kind::Float)?
        .f_unsqueeze(2)?)
}

/// Returns ⌈length / step⌉, the number of frames after striding or pooling.
pub(crate) fn strided_lengths(lengths: &Tensor, step: i64) -> Result<Tensor> {
    Ok(lengths
        .f_add_scalar(step - 1)?
        .f_divide_scalar_mode(step, "floor")?)
}
