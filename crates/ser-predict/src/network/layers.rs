//! The layers, which process one clip at a time. A plane has its channels last: `[T, C, channels]`, row-major.

use multiversion::multiversion;

use crate::architecture::ConvBlock;
use crate::error::{Error, Result};
use crate::weights::{Sink, Source};

use super::matrix::{Layout, Matrix};

/// The ε of batch norm, which is PyTorch's default.
pub const NORM_EPSILON: f32 = 1e-5;
/// The constant that statistics pooling adds to the variance before taking its square root. Training adds it to keep
/// the gradient finite, and prediction must do the same.
pub const VARIANCE_EPSILON: f32 = 1e-5;

/// An array of the shape `[frames, height, channels]`.
#[derive(Debug, Default)]
pub(crate) struct Plane {
    pub(crate) values: Vec<f32>,
    pub(crate) frames: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
}

impl Plane {
    pub(crate) fn reshape(&mut self, frames: usize, height: usize, channels: usize) {
        (self.frames, self.height, self.channels) = (frames, height, channels);
        self.values.clear();
        self.values.resize(frames * height * channels, 0.0);
    }
}

/// A linear layer: `[…, inputs] → […, outputs]`.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Matrix,
    bias: Vec<f32>,
    /// Height of the plane of inputs. The inputs have the order `[height, channels]`, but in training and in the stored
    /// weights they have the order `[channels, height]`.
    height: usize,
}

impl Linear {
    pub(crate) fn new(source: Source, inputs: usize, outputs: usize) -> Result<Self> {
        Self::behind_plane(source, 1, inputs, outputs)
    }

    /// Creates a layer whose inputs are the frames of a plane with this height and number of channels.
    pub(crate) fn behind_plane(
        mut source: Source,
        height: usize,
        channels: usize,
        outputs: usize,
    ) -> Result<Self> {
        let weight = source.take("weight", &[outputs, height * channels])?;
        Ok(Self {
            weight: Matrix::new(&weight, outputs, plane_order(height, channels)),
            bias: source.take("bias", &[outputs])?,
            height,
        })
    }

    pub(crate) fn store(&self, mut sink: Sink) {
        let (inputs, outputs) = (self.weight.inputs(), self.bias.len());
        let (weight, bias) = self.weights();
        sink.put("weight", &[outputs, inputs], weight);
        sink.put("bias", &[outputs], bias);
    }

    /// Returns the weight `[outputs, inputs]` and the bias `[outputs]`.
    pub(crate) fn weights(&self) -> (Vec<f32>, Vec<f32>) {
        let place = plane_order(self.height, self.weight.inputs() / self.height.max(1));
        (self.weight.weights(place), self.bias.clone())
    }

    /// Applies the layer to rows: `x` `[rows, inputs]` → `out` `[rows, outputs]`.
    pub(crate) fn forward(&self, x: &[f32], rows: usize, out: &mut Vec<f32>) {
        out.clear();
        for _ in 0..rows {
            out.extend_from_slice(&self.bias);
        }
        let layout = Layout::rows(self.weight.inputs());
        self.weight.multiply_add(x, layout, out);
    }
}

/// Returns the function that maps the position of a value in an array `[outer, inner]` to its position in
/// `[inner, outer]`.
fn plane_order(inner: usize, outer: usize) -> impl Fn(usize) -> usize {
    move |i| i % inner * outer + i / inner
}

/// Combines the parameters of batch norm and the statistics of training into one scale and one shift for each channel:
/// `y = x·scale + shift`. All arguments and results have the shape `[channels]`.
#[must_use]
pub fn batch_norm(
    weight: &[f32],
    bias: &[f32],
    mean: &[f32],
    variance: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let scale = weight.iter().zip(variance);
    let scale: Vec<f32> = scale.map(|(w, v)| w / (v + NORM_EPSILON).sqrt()).collect();
    let shift = bias.iter().zip(mean).zip(&scale);
    let shift = shift.map(|((bias, mean), scale)| bias - mean * scale);
    let shift = shift.collect();
    (scale, shift)
}

/// Batch norm over the last axis with the statistics of training (Ioffe & Szegedy 2015), applied as one scale and one
/// shift: `y = x·scale + shift`.
#[derive(Debug)]
pub(crate) struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    mean: Vec<f32>,
    variance: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Norm {
    pub(crate) fn new(mut source: Source, channels: usize) -> Result<Self> {
        let mut take = |name| source.take(name, &[channels]);
        let (weight, bias) = (take("weight")?, take("bias")?);
        let (mean, variance) = (take("running_mean")?, take("running_var")?);
        if let Some(negative) = variance.iter().find(|&&v| v < 0.0) {
            return Err(Error::Weights {
                tensor: format!("{}running_var", source.prefix),
                expected: "variances".to_owned(),
                actual: format!("{negative}, which is below 0"),
            });
        }
        let (scale, shift) = batch_norm(&weight, &bias, &mean, &variance);
        Ok(Self {
            shift,
            scale,
            weight,
            bias,
            mean,
            variance,
        })
    }

    pub(crate) fn store(&self, mut sink: Sink) {
        let mut put = |name, values: &Vec<f32>| sink.put(name, &[values.len()], values.clone());
        put("weight", &self.weight);
        put("bias", &self.bias);
        put("running_mean", &self.mean);
        put("running_var", &self.variance);
    }

    /// Applies the norm and then ReLU to rows of channels, in place.
    pub(crate) fn forward_relu(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.scale.len().max(1)) {
            for ((x, scale), shift) in row.iter_mut().zip(&self.scale).zip(&self.shift) {
                *x = relu(*x * scale + shift);
            }
        }
    }
}

/// Returns `x`, or 0 if it is negative. A NaN remains NaN, because no answer may be computed from it.
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// A block of convolution without bias, norm, max pooling and ReLU: `[T, C, inputs] → [T', C', outputs]`. Stride and
/// pooling divide both `T` and `C`, rounding up.
#[derive(Debug)]
pub(crate) struct Convolution {
    pub(super) block: ConvBlock,
    inputs: usize,
    /// The weights of an output, in the order `[kernel, kernel, inputs]`; in the file the order is
    /// `[inputs, kernel, kernel]`.
    weight: Matrix,
    norm: Norm,
}

/// Buffers for convolutions.
#[derive(Debug, Default)]
pub(crate) struct ConvolutionScratch {
    /// The input plane, padded with zeros as far as the kernel reaches.
    padded: Vec<f32>,
    convolved: Vec<f32>,
}

impl Convolution {
    pub(crate) fn new(mut source: Source, inputs: usize, block: &ConvBlock) -> Result<Self> {
        let (outputs, kernel) = (block.channels, block.kernel);
        let weight = source.take("weight", &[outputs, inputs, kernel, kernel])?;
        Ok(Self {
            norm: Norm::new(source.below("norm"), outputs)?,
            weight: Matrix::new(&weight, outputs, plane_order(kernel * kernel, inputs)),
            block: block.clone(),
            inputs,
        })
    }

    pub(crate) fn store(&self, mut sink: Sink) {
        let (outputs, kernel) = (self.block.channels, self.block.kernel);
        let weight = self
            .weight
            .weights(plane_order(kernel * kernel, self.inputs));
        sink.put("weight", &[outputs, self.inputs, kernel, kernel], weight);
        self.norm.store(sink.below("norm"));
    }

    pub(crate) fn forward(&self, x: &Plane, scratch: &mut ConvolutionScratch, out: &mut Plane) {
        let ConvBlock {
            channels,
            kernel,
            stride,
            pool,
        } = self.block;
        let (frames, height) = (x.frames.div_ceil(stride), x.height.div_ceil(stride));
        let (inputs, width) = (self.inputs, (height.max(1) - 1) * stride + kernel);
        self.pad(
            x,
            (frames.max(1) - 1) * stride + kernel,
            width,
            &mut scratch.padded,
        );
        let layout = Layout {
            columns: height.max(1),
            step: stride * inputs,
            line: stride * width * inputs,
            runs: kernel,
            length: kernel * inputs,
            stride: width * inputs,
        };
        scratch.convolved.clear();
        scratch.convolved.resize(frames * height * channels, 0.0);
        self.weight
            .multiply_add(&scratch.padded, layout, &mut scratch.convolved);
        out.reshape(frames.div_ceil(pool[0]), height.div_ceil(pool[1]), channels);
        let (scale, shift) = (&self.norm.scale, &self.norm.shift);
        norm_pool_relu(
            &scratch.convolved,
            [frames, height],
            pool,
            scale,
            shift,
            out,
        );
    }

    /// Writes `x` to `padded`, a plane of `frames` frames and `width` columns. Zeros precede the first frame and
    /// column, and fill the rest of the plane after the last.
    fn pad(&self, x: &Plane, frames: usize, width: usize, padded: &mut Vec<f32>) {
        let (before, inputs) = (self.block.kernel / 2, self.inputs);
        padded.clear();
        padded.resize(frames * width * inputs, 0.0);
        let rows = padded
            .chunks_exact_mut((width * inputs).max(1))
            .skip(before);
        for (row, from) in rows.zip(x.values.chunks_exact((x.height * inputs).max(1))) {
            let row = &mut row[before * inputs..];
            let length = row.len().min(from.len());
            row[..length].copy_from_slice(&from[..length]);
        }
    }
}

/// Applies the norm, the maximum over each pool, and ReLU. If any input is not finite, the first output becomes NaN.
#[multiversion(targets("x86_64+avx2+fma"))]
fn norm_pool_relu(
    x: &[f32],
    [frames, height]: [usize; 2],
    pool: [usize; 2],
    scale: &[f32],
    shift: &[f32],
    out: &mut Plane,
) {
    let channels = out.channels;
    let mut poison = vec![0.0_f32; channels];
    let columns = out.height;
    for (at, best) in out.values.chunks_exact_mut(channels.max(1)).enumerate() {
        let (t, c) = (at / columns * pool[0], at % columns * pool[1]);
        best.fill(f32::NEG_INFINITY);
        for t in t..(t + pool[0]).min(frames) {
            for c in c..(c + pool[1]).min(height) {
                let x = &x[(t * height + c) * channels..][..channels];
                let normed = x.iter().zip(scale).zip(shift);
                let normed = normed.map(|((x, scale), shift)| x * scale + shift);
                for ((best, x), poison) in best.iter_mut().zip(normed).zip(&mut poison) {
                    *best = if x > *best { x } else { *best };
                    *poison += x * 0.0;
                }
            }
        }
        best.iter_mut().for_each(|x| *x = relu(*x));
    }
    if let Some(first) = out.values.first_mut()
        && poison.iter().any(|x| x.is_nan())
    {
        *first = f32::NAN;
    }
}

/// Computes the mean and the standard deviation of each value over the rows (statistics pooling, Snyder et al. 2018):
/// `[rows, values] → [2·values]`.
pub(crate) fn mean_and_deviation(rows: &[f32], values: usize, out: &mut Vec<f32>) {
    out.clear();
    out.resize(2 * values, 0.0);
    let count = (rows.len() / values.max(1)).max(1) as f32;
    let (mean, deviation) = out.split_at_mut(values);
    for row in rows.chunks_exact(values.max(1)) {
        mean.iter_mut().zip(row).for_each(|(m, x)| *m += x);
    }
    mean.iter_mut().for_each(|m| *m /= count);
    for row in rows.chunks_exact(values.max(1)) {
        let centred = row.iter().zip(&*mean).map(|(x, m)| x - m);
        for (d, x) in deviation.iter_mut().zip(centred) {
            *d += x * x;
        }
    }
    for d in deviation {
        *d = (*d / count + VARIANCE_EPSILON).sqrt();
    }
}

/// One direction of an LSTM layer (Hochreiter & Schmidhuber 1997). The gates are in the order input, forget, cell,
/// output.
#[derive(Debug)]
struct LstmDirection {
    input: Matrix,
    state: Matrix,
    input_bias: Vec<f32>,
    state_bias: Vec<f32>,
    hidden: usize,
}

impl LstmDirection {
    fn new(mut source: Source, inputs: usize, hidden: usize) -> Result<Self> {
        let gates = 4 * hidden;
        let input = source.take("weight_ih", &[gates, inputs])?;
        let state = source.take("weight_hh", &[gates, hidden])?;
        Ok(Self {
            input: Matrix::new(&input, gates, |i| i),
            state: Matrix::new(&state, gates, |i| i),
            input_bias: source.take("bias_ih", &[gates])?,
            state_bias: source.take("bias_hh", &[gates])?,
            hidden,
        })
    }

    fn store(&self, mut sink: Sink) {
        let gates = 4 * self.hidden;
        let mut put = |name, matrix: &Matrix| {
            sink.put(name, &[gates, matrix.inputs()], matrix.weights(|i| i));
        };
        put("weight_ih", &self.input);
        put("weight_hh", &self.state);
        sink.put("bias_ih", &[gates], self.input_bias.clone());
        sink.put("bias_hh", &[gates], self.state_bias.clone());
    }

    /// Processes `x` `[steps, inputs]` and writes its outputs to the columns `at..at + hidden` of `out`
    /// `[steps, 2·hidden]`. It runs backward in time if `at` is above 0.
    fn forward(
        &self,
        x: &[f32],
        steps: usize,
        at: usize,
        scratch: &mut LstmScratch,
        out: &mut [f32],
    ) {
        let (hidden, gates) = (self.hidden, 4 * self.hidden);
        let LstmScratch { sums, state, cell } = scratch;
        sums.clear();
        for _ in 0..steps {
            let biases = self.input_bias.iter().zip(&self.state_bias);
            sums.extend(biases.map(|(a, b)| a + b));
        }
        let layout = Layout::rows(self.input.inputs());
        self.input.multiply_add(x, layout, sums);
        state.clear();
        state.resize(hidden, 0.0);
        cell.clear();
        cell.resize(hidden, 0.0);
        let backward = at > 0;
        for n in 0..steps {
            let step = if backward { steps - 1 - n } else { n };
            let sums = &mut sums[step * gates..][..gates];
            self.state.multiply_add(state, Layout::rows(hidden), sums);
            for i in 0..hidden {
                let gate = |k: usize| sums[k * hidden + i];
                let kept = sigmoid(gate(1)) * cell[i];
                cell[i] = kept + sigmoid(gate(0)) * gate(2).tanh();
                state[i] = sigmoid(gate(3)) * cell[i].tanh();
            }
            out[step * 2 * hidden + at..][..hidden].copy_from_slice(state);
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Buffers for LSTM layers.
#[derive(Debug, Default)]
pub(crate) struct LstmScratch {
    sums: Vec<f32>,
    state: Vec<f32>,
    cell: Vec<f32>,
}

/// A bidirectional LSTM layer: `[steps, inputs] → [steps, 2·hidden]`.
#[derive(Debug)]
pub(crate) struct BiLstm {
    directions: [LstmDirection; 2],
}

impl BiLstm {
    pub(crate) fn new(mut source: Source, inputs: usize, hidden: usize) -> Result<Self> {
        let forward = LstmDirection::new(source.below("forward"), inputs, hidden)?;
        let backward = LstmDirection::new(source.below("backward"), inputs, hidden)?;
        Ok(Self {
            directions: [forward, backward],
        })
    }

    pub(crate) fn store(&self, mut sink: Sink) {
        self.directions[0].store(sink.below("forward"));
        self.directions[1].store(sink.below("backward"));
    }

    pub(crate) fn forward(
        &self,
        x: &[f32],
        steps: usize,
        scratch: &mut LstmScratch,
        out: &mut Vec<f32>,
    ) {
        let hidden = self.directions[0].hidden;
        out.clear();
        out.resize(steps * 2 * hidden, 0.0);
        for (i, direction) in self.directions.iter().enumerate() {
            direction.forward(x, steps, i * hidden, scratch, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_each_value() {
        let mut out = Vec::new();
        mean_and_deviation(&[1.0, 5.0, 3.0, 5.0], 2, &mut out);
        assert_eq!(out[..2], [2.0, 5.0]);
        assert!((out[2] - 1.0).abs() < 1e-4 && out[3] < 4e-3, "{out:?}");
    }
}
