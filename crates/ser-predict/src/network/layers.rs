//! The layers, for one clip at a time. Planes have their channels last: `[T, C, channels]`, row-major.

use multiversion::multiversion;

use crate::architecture::ConvBlock;
use crate::error::{Error, Result};
use crate::weights::{Sink, Source};

/// ε of batch norm, PyTorch's default.
const NORM_EPSILON: f32 = 1e-5;
/// Added to a variance before its root, as training does, where it keeps the gradient finite.
const VARIANCE_EPSILON: f32 = 1e-5;
/// Rows of a convolution that are multiplied at a time: enough to make up for packing the weights, and few enough for
/// the cache.
const ROWS_AT_ONCE: usize = 512;

/// Values of `[frames, height, channels]`.
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

/// `c += a · b` with `a` `[m, k]`, `b` `[k, n]`, `c` `[m, n]`, all row-major.
pub(crate) fn multiply_add(m: usize, k: usize, n: usize, a: &[f32], b: &[f32], c: &mut [f32]) {
    assert!(a.len() >= m * k && b.len() >= k * n && c.len() >= m * n);
    let (row, columns) = (k as isize, n as isize);
    // SAFETY: the strides and sizes stay inside the slices, by the lengths asserted above; `c` is borrowed mutably, so
    // it overlaps neither `a` nor `b`.
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            1.0,
            a.as_ptr(),
            row,
            1,
            b.as_ptr(),
            columns,
            1,
            1.0,
            c.as_mut_ptr(),
            columns,
            1,
        );
    }
}

/// `y += x · w` with `x` `[k]` and `w` `[k, n]`: four rows of `w` at a time, so that `y` is read and written less.
#[multiversion(targets("x86_64+avx2+fma"))]
fn vector_multiply_add(x: &[f32], w: &[f32], y: &mut [f32]) {
    let n = y.len();
    if n == 0 {
        return;
    }
    let (xs, x_rest) = x.as_chunks::<4>();
    let (blocks, w_rest) = w.split_at((xs.len() * 4 * n).min(w.len()));
    for (x, rows) in xs.iter().zip(blocks.chunks_exact(4 * n)) {
        if *x == [0.0; 4] {
            continue;
        }
        let (a, rows) = rows.split_at(n);
        let (b, rows) = rows.split_at(n);
        let (c, d) = rows.split_at(n);
        for ((((y, a), b), c), d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *y += (x[0] * a + x[1] * b) + (x[2] * c + x[3] * d);
        }
    }
    for (x, row) in x_rest.iter().zip(w_rest.chunks_exact(n)) {
        y.iter_mut().zip(row).for_each(|(y, w)| *y += x * w);
    }
}

/// `[rows, columns] → [columns, rows]`
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let column = |c| values[c..].iter().step_by(columns).take(rows).copied();
    (0..columns).flat_map(column).collect()
}

/// `[…, inputs] → […, outputs]`
#[derive(Debug)]
pub(crate) struct Linear {
    /// `[inputs, outputs]`
    weight: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    pub(crate) fn new(mut source: Source, inputs: usize, outputs: usize) -> Result<Self> {
        let weight = source.take("weight", &[outputs, inputs])?;
        Ok(Self {
            weight: transposed(&weight, outputs, inputs),
            bias: source.take("bias", &[outputs])?,
            inputs,
        })
    }

    /// As [`Linear::new`] for an input whose values stand in another order than the weights': those of `[height,
    /// channels]` where training has `[channels, height]`.
    pub(crate) fn behind_plane(
        source: Source,
        height: usize,
        channels: usize,
        outputs: usize,
    ) -> Result<Self> {
        let mut linear = Self::new(source, height * channels, outputs)?;
        linear.swap_inputs(channels, height);
        Ok(linear)
    }

    /// Changes the order of the inputs from `[outer, inner]` to `[inner, outer]`.
    fn swap_inputs(&mut self, outer: usize, inner: usize) {
        let outputs = self.bias.len();
        let row = |i: usize| &self.weight[i * outputs..][..outputs];
        let order = (0..inner).flat_map(|i| (0..outer).map(move |o| o * inner + i));
        self.weight = order.flat_map(row).copied().collect();
    }

    pub(crate) fn store(&self, mut sink: Sink) {
        let outputs = self.bias.len();
        let weight = transposed(&self.weight, self.inputs, outputs);
        sink.put("weight", &[outputs, self.inputs], weight);
        sink.put("bias", &[outputs], self.bias.clone());
    }

    /// The reverse of [`Linear::behind_plane`].
    pub(crate) fn store_behind_plane(&self, sink: Sink, height: usize, channels: usize) {
        let mut linear = Self {
            weight: self.weight.clone(),
            bias: self.bias.clone(),
            inputs: self.inputs,
        };
        linear.swap_inputs(height, channels);
        linear.store(sink);
    }

    /// `x` `[rows, inputs]` → `out` `[rows, outputs]`
    pub(crate) fn forward(&self, x: &[f32], rows: usize, out: &mut Vec<f32>) {
        out.clear();
        for _ in 0..rows {
            out.extend_from_slice(&self.bias);
        }
        match rows {
            1 => vector_multiply_add(x, &self.weight, out),
            _ => multiply_add(rows, self.inputs, self.bias.len(), x, &self.weight, out),
        }
    }
}

/// Batch norm over the last axis with the statistics of training (Ioffe & Szegedy 2015), as one scale and one shift:
/// `y = x·scale + shift`.
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
        let scale = weight.iter().zip(&variance);
        let scale: Vec<f32> = scale.map(|(w, v)| w / (v + NORM_EPSILON).sqrt()).collect();
        let shift = bias.iter().zip(&mean).zip(&scale);
        let shift = shift.map(|((bias, mean), scale)| bias - mean * scale);
        Ok(Self {
            shift: shift.collect(),
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

    /// Norm and ReLU of rows of channels, in place.
    pub(crate) fn forward_relu(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.scale.len().max(1)) {
            for ((x, scale), shift) in row.iter_mut().zip(&self.scale).zip(&self.shift) {
                *x = relu(*x * scale + shift);
            }
        }
    }
}

/// Zero for what is negative. What is not a number stays so: an answer must not be made of it.
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// Convolution without bias, norm, max pooling, ReLU: `[T, C, inputs] → [T', C', outputs]`, where stride and pooling
/// divide both `T` and `C`, rounding up.
#[derive(Debug)]
pub(crate) struct Convolution {
    block: ConvBlock,
    inputs: usize,
    /// `[kernel, kernel, inputs, outputs]`
    weight: Vec<f32>,
    norm: Norm,
}

/// Buffers of convolutions.
#[derive(Debug, Default)]
pub(crate) struct ConvolutionScratch {
    /// `[positions, kernel, kernel, inputs]`: what the kernel lies on at each position.
    patches: Vec<f32>,
    convolved: Vec<f32>,
}

impl Convolution {
    pub(crate) fn new(mut source: Source, inputs: usize, block: &ConvBlock) -> Result<Self> {
        let (outputs, kernel) = (block.channels, block.kernel);
        let weight = source.take("weight", &[outputs, inputs, kernel, kernel])?;
        // Inputs last, then outputs last of all.
        let by_place: Vec<f32> = weight
            .chunks_exact(inputs * kernel * kernel)
            .flat_map(|filter| transposed(filter, inputs, kernel * kernel))
            .collect();
        Ok(Self {
            norm: Norm::new(source.below("norm"), outputs)?,
            weight: transposed(&by_place, outputs, inputs * kernel * kernel),
            block: block.clone(),
            inputs,
        })
    }

    pub(crate) fn store(&self, mut sink: Sink) {
        let (outputs, kernel) = (self.block.channels, self.block.kernel);
        let by_output = transposed(&self.weight, self.inputs * kernel * kernel, outputs);
        let weight = by_output
            .chunks_exact(self.inputs * kernel * kernel)
            .flat_map(|filter| transposed(filter, kernel * kernel, self.inputs));
        let shape = [outputs, self.inputs, kernel, kernel];
        sink.put("weight", &shape, weight.collect());
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
        let size = kernel * kernel * self.inputs;
        scratch.convolved.clear();
        scratch.convolved.resize(frames * height * channels, 0.0);
        let at_once = (ROWS_AT_ONCE / height.max(1)).max(1);
        let parts = scratch.convolved.chunks_mut(at_once * height * channels);
        for (part, first) in parts.zip((0..frames).step_by(at_once)) {
            let last = (first + at_once).min(frames);
            self.patches(x, first..last, height, &mut scratch.patches);
            let rows = (last - first) * height;
            multiply_add(rows, size, channels, &scratch.patches, &self.weight, part);
        }
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

    /// What the kernel lies on at every position of some output frames; zeros beyond the plane.
    fn patches(
        &self,
        x: &Plane,
        frames: std::ops::Range<usize>,
        height: usize,
        patches: &mut Vec<f32>,
    ) {
        let (kernel, stride) = (self.block.kernel, self.block.stride);
        let (padding, inputs) = (kernel / 2, self.inputs);
        patches.clear();
        patches.resize(frames.len() * height * kernel * kernel * inputs, 0.0);
        let mut rows = patches.chunks_exact_mut((kernel * inputs).max(1));
        for t in frames {
            for c in 0..height {
                // The part of the kernel that lies inside the plane.
                let left = (c * stride).saturating_sub(padding);
                let right = (c * stride + kernel - padding).min(x.height);
                let before = padding.saturating_sub(c * stride) * inputs;
                for k in 0..kernel {
                    let Some(row) = rows.next() else { return };
                    let Some(frame) = (t * stride + k).checked_sub(padding) else {
                        continue;
                    };
                    if frame >= x.frames || left >= right {
                        continue;
                    }
                    let from =
                        &x.values[(frame * x.height + left) * inputs..][..(right - left) * inputs];
                    row[before..][..from.len()].copy_from_slice(from);
                }
            }
        }
    }
}

/// Norm, the maximum of each pool, ReLU. What is not finite makes the first value not a number.
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

/// Mean and standard deviation of each value over rows (statistics pooling, Snyder et al. 2018): `[rows, values] →
/// [2·values]`.
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

/// One direction of an LSTM layer (Hochreiter & Schmidhuber 1997), gates in the order input, forget, cell, output.
#[derive(Debug)]
struct LstmDirection {
    /// `[inputs, 4·hidden]`
    input: Vec<f32>,
    /// `[hidden, 4·hidden]`
    state: Vec<f32>,
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
            input: transposed(&input, gates, inputs),
            state: transposed(&state, gates, hidden),
            input_bias: source.take("bias_ih", &[gates])?,
            state_bias: source.take("bias_hh", &[gates])?,
            hidden,
        })
    }

    fn store(&self, mut sink: Sink) {
        let gates = 4 * self.hidden;
        let inputs = self.input.len() / gates;
        let input = transposed(&self.input, inputs, gates);
        let state = transposed(&self.state, self.hidden, gates);
        sink.put("weight_ih", &[gates, inputs], input);
        sink.put("weight_hh", &[gates, self.hidden], state);
        sink.put("bias_ih", &[gates], self.input_bias.clone());
        sink.put("bias_hh", &[gates], self.state_bias.clone());
    }

    /// Runs over `x` `[steps, inputs]` and writes its outputs into columns `at..at + hidden` of `out` `[steps,
    /// 2·hidden]`.
    fn forward(
        &self,
        x: &[f32],
        steps: usize,
        at: usize,
        scratch: &mut LstmScratch,
        out: &mut [f32],
    ) {
        let (hidden, gates) = (self.hidden, 4 * self.hidden);
        let inputs = self.input.len() / gates;
        let LstmScratch { sums, state, cell } = scratch;
        sums.clear();
        for _ in 0..steps {
            let biases = self.input_bias.iter().zip(&self.state_bias);
            sums.extend(biases.map(|(a, b)| a + b));
        }
        multiply_add(steps, inputs, gates, x, &self.input, sums);
        state.clear();
        state.resize(hidden, 0.0);
        cell.clear();
        cell.resize(hidden, 0.0);
        let backward = at > 0;
        for n in 0..steps {
            let step = if backward { steps - 1 - n } else { n };
            let sums = &mut sums[step * gates..][..gates];
            vector_multiply_add(state, &self.state, sums);
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

/// Buffers of LSTM layers.
#[derive(Debug, Default)]
pub(crate) struct LstmScratch {
    sums: Vec<f32>,
    state: Vec<f32>,
    cell: Vec<f32>,
}

/// One bidirectional LSTM layer: `[steps, inputs] → [steps, 2·hidden]`.
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
    fn a_vector_times_a_matrix_is_a_row_of_a_product() {
        for (k, n) in [(1, 1), (4, 3), (7, 5), (9, 64), (64, 33)] {
            let x: Vec<f32> = (0..k).map(|i| (i as f32 * 0.7).sin()).collect();
            let w: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.3).cos()).collect();
            let (mut one, mut other) = (vec![0.5; n], vec![0.5; n]);
            vector_multiply_add(&x, &w, &mut one);
            multiply_add(1, k, n, &x, &w, &mut other);
            for (a, b) in one.iter().zip(&other) {
                assert!((a - b).abs() < 1e-5, "{k} {n}: {a} {b}");
            }
        }
    }

    #[test]
    fn statistics_are_those_of_each_value() {
        let mut out = Vec::new();
        mean_and_deviation(&[1.0, 5.0, 3.0, 5.0], 2, &mut out);
        assert_eq!(out[..2], [2.0, 5.0]);
        assert!((out[2] - 1.0).abs() < 1e-4 && out[3] < 4e-3, "{out:?}");
    }
}
