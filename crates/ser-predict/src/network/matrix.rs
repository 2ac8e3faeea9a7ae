//! Products with a matrix of weights, which take most of the time of every network.

use multiversion::multiversion;
use multiversion::target::target_cfg_f;

/// Number of outputs that are computed side by side: two vector registers of AVX2.
const LANES: usize = 16;
/// Number of rows that are computed together, so that each weight is loaded once for all of them. With [`LANES`]
/// outputs each, they occupy twelve of the sixteen registers.
const ROWS: usize = 6;

/// A matrix of weights, arranged in memory for products with rows of inputs.
#[derive(Debug)]
pub(crate) struct Matrix {
    /// `[⌈outputs / LANES⌉, inputs, LANES]`, with zeros after the last output.
    blocks: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

/// The positions of the inputs of each row of a product, as runs of adjacent values.
///
/// For a convolution, a row is the patch of the plane under the kernel and has one run for each row of the kernel, so
/// that the patches need not be copied (Dukhan 2019, "The Indirect Convolution Algorithm"). A row of a matrix is a
/// single run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// Number of rows in a line.
    pub(crate) columns: usize,
    /// Distance from the start of a row to that of the next in the same line.
    pub(crate) step: usize,
    /// Distance from the start of a line to that of the next.
    pub(crate) line: usize,
    /// Number of runs in a row.
    pub(crate) runs: usize,
    /// Number of values in a run.
    pub(crate) length: usize,
    /// Distance from the start of a run to that of the next in the same row.
    pub(crate) stride: usize,
}

impl Layout {
    /// Returns the layout of a row-major matrix.
    pub(crate) fn rows(inputs: usize) -> Self {
        Self {
            columns: 1,
            step: 0,
            line: inputs,
            runs: 1,
            length: inputs,
            stride: 0,
        }
    }

    fn start(&self, row: usize) -> usize {
        row / self.columns * self.line + row % self.columns * self.step
    }
}

impl Matrix {
    /// Arranges weights `[outputs, inputs]` for inputs in another order: `place` maps the position of an input in the
    /// weights to its position in a row of inputs.
    pub(crate) fn new(weights: &[f32], outputs: usize, place: impl Fn(usize) -> usize) -> Self {
        let inputs = weights.len() / outputs.max(1);
        let mut blocks = vec![0.0; outputs.div_ceil(LANES) * inputs * LANES];
        for (output, weights) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let block = &mut blocks[output / LANES * inputs * LANES..];
            for (i, &weight) in weights.iter().enumerate() {
                block[place(i) * LANES + output % LANES] = weight;
            }
        }
        Self {
            blocks,
            inputs,
            outputs,
        }
    }

    /// Returns the weights `[outputs, inputs]` that [`Matrix::new`] was given with the same `place`.
    pub(crate) fn weights(&self, place: impl Fn(usize) -> usize) -> Vec<f32> {
        let weight = |at: usize| {
            let (output, i) = (at / self.inputs, at % self.inputs);
            let block = output / LANES * self.inputs * LANES;
            self.blocks[block + place(i) * LANES + output % LANES]
        };
        (0..self.outputs * self.inputs).map(weight).collect()
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Adds to each row of `out` `[rows, outputs]` the product of the matrix and the row of `x` at the position that
    /// `layout` gives.
    pub(crate) fn multiply_add(&self, x: &[f32], layout: Layout, out: &mut [f32]) {
        let block = (self.inputs * LANES).max(1);
        for (number, weights) in self.blocks.chunks_exact(block).enumerate() {
            multiply_add(x, layout, weights, out, self.outputs, number * LANES);
        }
    }
}

/// Computes the outputs that start at `first`, as many as a block of weights has.
#[multiversion(targets("x86_64+avx2+fma"))]
fn multiply_add(
    x: &[f32],
    layout: Layout,
    weights: &[f32],
    out: &mut [f32],
    outputs: usize,
    first: usize,
) {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    let (weights, _) = weights.as_chunks::<LANES>();
    let (last, length) = ((first + LANES).min(outputs), layout.length);
    let mut row = 0;
    let (tiles, rest) = out.split_at_mut(out.len() / outputs / ROWS * ROWS * outputs);
    for tile in tiles.chunks_exact_mut(ROWS * outputs) {
        let starts: [usize; ROWS] = std::array::from_fn(|i| layout.start(row + i));
        let mut sums = [[0.0_f32; LANES]; ROWS];
        for run in 0..layout.runs {
            let weights = &weights[run * length..][..length];
            let [a, b, c, d, e, f] =
                starts.map(|start| &x[start + run * layout.stride..][..length]);
            // The slices are zipped, because every index would be checked against the end of each slice.
            let inputs = a.iter().zip(b).zip(c).zip(d).zip(e).zip(f);
            for (weights, (((((a, b), c), d), e), f)) in weights.iter().zip(inputs) {
                add_scaled::<FUSED>(&mut sums[0], *a, weights);
                add_scaled::<FUSED>(&mut sums[1], *b, weights);
                add_scaled::<FUSED>(&mut sums[2], *c, weights);
                add_scaled::<FUSED>(&mut sums[3], *d, weights);
                add_scaled::<FUSED>(&mut sums[4], *e, weights);
                add_scaled::<FUSED>(&mut sums[5], *f, weights);
            }
        }
        for (out, sums) in tile.chunks_exact_mut(outputs).zip(sums) {
            out[first..last]
                .iter_mut()
                .zip(sums)
                .for_each(|(y, s)| *y += s);
        }
        row += ROWS;
    }
    for out in rest.chunks_exact_mut(outputs) {
        // The inputs go to four sets of sums in turn, so that successive additions need not wait for each other.
        let [mut a, mut b, mut c, mut d] = [[0.0_f32; LANES]; 4];
        for run in 0..layout.runs {
            let inputs = &x[layout.start(row) + run * layout.stride..][..length];
            let weights = &weights[run * length..][..length];
            let (inputs, inputs_rest) = inputs.as_chunks::<4>();
            let (weights, weights_rest) = weights.as_chunks::<4>();
            for (inputs, weights) in inputs.iter().zip(weights) {
                add_scaled::<FUSED>(&mut a, inputs[0], &weights[0]);
                add_scaled::<FUSED>(&mut b, inputs[1], &weights[1]);
                add_scaled::<FUSED>(&mut c, inputs[2], &weights[2]);
                add_scaled::<FUSED>(&mut d, inputs[3], &weights[3]);
            }
            for (&x, weights) in inputs_rest.iter().zip(weights_rest) {
                add_scaled::<FUSED>(&mut a, x, weights);
            }
        }
        for (i, y) in out[first..last].iter_mut().enumerate() {
            *y += (a[i] + b[i]) + (c[i] + d[i]);
        }
        row += 1;
    }
}

/// `sums += x · weights`
#[inline(always)]
fn add_scaled<const FUSED: bool>(sums: &mut [f32; LANES], x: f32, weights: &[f32; LANES]) {
    for (sum, &weight) in sums.iter_mut().zip(weights) {
        // On targets without this instruction, `mul_add` is a slow function call.
        *sum = if FUSED {
            x.mul_add(weight, *sum)
        } else {
            x * weight + *sum
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * step).sin()).collect()
    }

    #[test]
    fn every_size_is_multiplied_as_by_the_definition() {
        for (rows, inputs, outputs) in [(1, 1, 1), (1, 9, 33), (5, 4, 16), (6, 7, 15), (14, 19, 40)]
        {
            let (x, w) = (values(rows * inputs, 0.7), values(inputs * outputs, 0.3));
            let matrix = Matrix::new(&w, outputs, |i| i);
            let mut out = vec![0.5; rows * outputs];
            matrix.multiply_add(&x, Layout::rows(inputs), &mut out);
            for (at, y) in out.iter().enumerate() {
                let (row, output) = (at / outputs, at % outputs);
                let x = &x[row * inputs..][..inputs];
                let w = &w[output * inputs..][..inputs];
                let sum: f64 = x.iter().zip(w).map(|(x, w)| f64::from(x * w)).sum();
                assert!(
                    (f64::from(*y) - 0.5 - sum).abs() < 1e-5,
                    "{rows} {inputs} {outputs}: {y}"
                );
            }
        }
    }

    #[test]
    fn the_runs_of_a_row_may_lie_apart() {
        // Patches of 2 × 2 values of a plane of 3 × 4, with a step of 1: each row has two runs of two values.
        let x: Vec<f32> = (0_u8..12).map(f32::from).collect();
        let layout = Layout {
            columns: 3,
            step: 1,
            line: 4,
            runs: 2,
            length: 2,
            stride: 4,
        };
        let matrix = Matrix::new(&[1.0, 10.0, 100.0, 1000.0], 1, |i| i);
        let mut out = vec![0.0; 6];
        matrix.multiply_add(&x, layout, &mut out);
        assert_eq!(out, [5410.0, 6521.0, 7632.0, 9854.0, 10965.0, 12076.0]);
    }

    #[test]
    fn weights_come_back_in_the_order_they_were_given_in() {
        let w = values(3 * 20, 0.3);
        let place = |i| (i + 1) % 3;
        assert_eq!(Matrix::new(&w, 20, place).weights(place), w);
    }
}
