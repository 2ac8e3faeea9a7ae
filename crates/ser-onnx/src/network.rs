//! The layers of a network as ONNX operators.

use ser_predict::{
    Architecture, ConvBlock, Error, LstmConfig, Result, Tensor, Tensors, VARIANCE_EPSILON,
    batch_norm,
};

use crate::graph::{Graph, Name, int, ints, text};
use crate::windows::Windows;

/// The weights of one network.
pub(crate) struct Weights<'a> {
    pub(crate) tensors: &'a Tensors,
    /// Prefix of every name.
    pub(crate) prefix: String,
}

impl Weights<'_> {
    fn below(&self, name: &str) -> Self {
        Self {
            tensors: self.tensors,
            prefix: format!("{}{name}.", self.prefix),
        }
    }

    /// Adds a tensor to the graph, and returns its name.
    fn value(&self, graph: &mut Graph, name: &str) -> Result<Name> {
        let Tensor { shape, values } = self.get(name)?;
        Ok(graph.weights(format!("{}{name}", self.prefix), shape, values))
    }

    fn get(&self, name: &str) -> Result<&Tensor> {
        let tensor = format!("{}{name}", self.prefix);
        self.tensors.get(&tensor).ok_or_else(|| Error::Weights {
            tensor,
            expected: "a tensor".to_owned(),
            actual: "none".to_owned(),
        })
    }
}

/// Adds a network, and returns the mean of its probabilities over the windows: `[N, F, C] → [K]`.
pub(crate) fn network(
    graph: &mut Graph,
    windows: &Windows,
    architecture: &Architecture,
    weights: &Weights,
) -> Result<Name> {
    let embedding = match architecture {
        Architecture::Cnn(config) => {
            let (rows, _) = frame_embedding(graph, windows, &config.blocks, weights)?;
            let heard = remaining(graph, &windows.length, &config.blocks);
            mean_and_deviation(graph, &rows, &heard)
        }
        Architecture::Lstm(config) => recurrent(graph, windows, config, weights)?,
        Architecture::Mlp(config) => {
            let heard = graph.first(&windows.values, &windows.length, 1);
            let mut x = graph.mean(&heard, 1);
            for i in 0..config.hidden.len() {
                let weights = weights.below(&format!("hidden.{i}"));
                x = linear(graph, &x, &weights)?;
                x = norm_relu(graph, &x, &weights.below("norm"))?;
            }
            x
        }
    };
    let scores = linear(graph, &embedding, &weights.below("output"))?;
    let probabilities = graph.node_with("Softmax", &[&scores], vec![int("axis", -1)]);
    Ok(graph.mean(&probabilities, 0))
}

/// Adds a linear layer: `[…, inputs] → […, outputs]`.
fn linear(graph: &mut Graph, x: &Name, weights: &Weights) -> Result<Name> {
    let weight = weights.value(graph, "weight")?;
    let weight = graph.transpose(&weight, &[1, 0]);
    let bias = weights.value(graph, "bias")?;
    let x = graph.node("MatMul", &[x, &weight]);
    Ok(graph.node("Add", &[&x, &bias]))
}

/// Adds batch norm over the last axis, as one scale and one shift, and then ReLU.
fn norm_relu(graph: &mut Graph, x: &Name, weights: &Weights) -> Result<Name> {
    let x = norm(graph, x, weights, &[])?;
    Ok(graph.node("Relu", &[&x]))
}

/// Adds batch norm as one scale and one shift. It applies to the axis that is followed by as many axes as `behind` has
/// sizes, all of which are 1.
fn norm(graph: &mut Graph, x: &Name, weights: &Weights, behind: &[usize]) -> Result<Name> {
    let get = |name| weights.get(name).map(|tensor| &tensor.values);
    let (weight, bias) = (get("weight")?, get("bias")?);
    let (mean, variance) = (get("running_mean")?, get("running_var")?);
    let (scale, shift) = batch_norm(weight, bias, mean, variance);
    let shape = [&[scale.len()], behind].concat();
    let named = |what| format!("{}{what}", weights.prefix);
    let scale = graph.weights(named("scale"), &shape, &scale);
    let shift = graph.weights(named("shift"), &shape, &shift);
    let x = graph.node("Mul", &[x, &scale]);
    Ok(graph.node("Add", &[&x, &shift]))
}

/// Adds convolution blocks and an embedding of each remaining frame: `[N, F, C] → [N, F', E]`. Also returns `F'`.
fn frame_embedding(
    graph: &mut Graph,
    windows: &Windows,
    blocks: &[ConvBlock],
    weights: &Weights,
) -> Result<(Name, usize)> {
    let (mut frames, mut height) = (windows.frames, windows.coefficients);
    let mut channels = 1;
    let plane = [-1, 1, frames as i64, height as i64];
    let mut x = graph.reshape(&windows.values, &plane);
    for (i, block) in blocks.iter().enumerate() {
        let weights = weights.below(&format!("blocks.{i}"));
        x = convolution(graph, &x, [frames, height], block, &weights)?;
        channels = block.channels;
        frames = frames.div_ceil(block.stride).div_ceil(block.pool[0]);
        height = height.div_ceil(block.stride).div_ceil(block.pool[1]);
    }
    let x = graph.transpose(&x, &[0, 2, 1, 3]);
    let rows = [-1, frames as i64, (channels * height) as i64];
    let x = graph.reshape(&x, &rows);
    let x = linear(graph, &x, &weights.below("embed"))?;
    let x = norm_relu(graph, &x, &weights.below("embed_norm"))?;
    Ok((x, frames))
}

/// Adds a convolution, norm, max pooling and ReLU. Stride and pooling divide both sides, rounding up.
fn convolution(
    graph: &mut Graph,
    x: &Name,
    sides: [usize; 2],
    block: &ConvBlock,
    weights: &Weights,
) -> Result<Name> {
    let weight = weights.value(graph, "weight")?;
    let before = block.kernel / 2;
    // Pad with zeros after the end, as far as the last position of the kernel reaches.
    let behind = sides.map(|side| {
        let reach = (side.div_ceil(block.stride).max(1) - 1) * block.stride + block.kernel;
        reach.saturating_sub(side + before) as i64
    });
    let attributes = vec![
        ints("strides", &[block.stride as i64; 2]),
        ints(
            "pads",
            &[before as i64, before as i64, behind[0], behind[1]],
        ),
    ];
    let mut x = graph.node_with("Conv", &[x, &weight], attributes);
    x = norm(graph, &x, &weights.below("norm"), &[1, 1])?;
    if block.pool != [1, 1] {
        let pool = block.pool.map(|n| n as i64);
        let attributes = vec![
            ints("kernel_shape", &pool),
            ints("strides", &pool),
            int("ceil_mode", 1),
        ];
        x = graph.node_with("MaxPool", &[&x], attributes);
    }
    Ok(graph.node("Relu", &[&x]))
}

/// Returns how many frames the blocks leave of `frames` frames.
fn remaining(graph: &mut Graph, frames: &Name, blocks: &[ConvBlock]) -> Name {
    blocks.iter().fold(frames.clone(), |frames, block| {
        let frames = graph.divided_up(&frames, block.stride);
        graph.divided_up(&frames, block.pool[0])
    })
}

/// Adds the mean and the standard deviation of each value over the first `heard` rows:
/// `[N, rows, values] → [N, 2·values]`.
fn mean_and_deviation(graph: &mut Graph, rows: &Name, heard: &Name) -> Name {
    let rows = graph.first(rows, heard, 1);
    let mean = graph.node_with("ReduceMean", &[&rows], vec![ints("axes", &[1])]);
    let centred = graph.node("Sub", &[&rows, &mean]);
    let square = graph.node("Mul", &[&centred, &centred]);
    let variance = graph.mean(&square, 1);
    let epsilon = graph.float(VARIANCE_EPSILON);
    let variance = graph.node("Add", &[&variance, &epsilon]);
    let deviation = graph.node("Sqrt", &[&variance]);
    let axis = graph.ints(&[1]);
    let mean = graph.node("Squeeze", &[&mean, &axis]);
    graph.node_with("Concat", &[&mean, &deviation], vec![int("axis", 1)])
}

/// Adds LSTM layers, after convolution blocks or directly on the frames, and returns the mean and the deviation of the
/// outputs of the last layer.
fn recurrent(
    graph: &mut Graph,
    windows: &Windows,
    config: &LstmConfig,
    weights: &Weights,
) -> Result<Name> {
    let width = 2 * config.hidden;
    let (mut x, mut frames, mut values) =
        (windows.values.clone(), windows.frames, windows.coefficients);
    let mut heard = windows.length.clone();
    let is_behind_blocks = !config.blocks.is_empty();
    if is_behind_blocks {
        (x, frames) = frame_embedding(graph, windows, &config.blocks, weights)?;
        heard = remaining(graph, &heard, &config.blocks);
        values = width;
    }
    // Consecutive frames are joined into one step; zeros fill the last step.
    let steps = frames.div_ceil(config.stack);
    let missing = steps * config.stack - frames;
    if missing > 0 {
        let pads = graph.ints(&[0, 0, 0, 0, missing as i64, 0]);
        x = graph.node("Pad", &[&x, &pads]);
    }
    let mut inputs = config.stack * values;
    let x = graph.reshape(&x, &[-1, steps as i64, inputs as i64]);
    // ONNX expects the steps on the first axis.
    let mut x = graph.transpose(&x, &[1, 0, 2]);
    for i in 0..config.layers {
        let y = lstm(
            graph,
            &x,
            config.hidden,
            &weights.below(&format!("layers.{i}")),
        )?;
        // After convolution blocks, a layer whose input and output have the same size adds its output to its input.
        x = if is_behind_blocks && inputs == width {
            graph.node("Add", &[&y, &x])
        } else {
            y
        };
        inputs = width;
    }
    let rows = graph.transpose(&x, &[1, 0, 2]);
    let heard = graph.divided_up(&heard, config.stack);
    Ok(mean_and_deviation(graph, &rows, &heard))
}

/// Adds a bidirectional LSTM layer: `[steps, N, inputs] → [steps, N, 2·hidden]`.
fn lstm(graph: &mut Graph, x: &Name, hidden: usize, weights: &Weights) -> Result<Name> {
    let directions = [weights.below("forward"), weights.below("backward")];
    let mut both = |names: &[&str]| -> Result<Name> {
        let (mut values, mut shape) = (Vec::new(), vec![directions.len()]);
        for direction in &directions {
            for name in names {
                values.extend(gates(direction.get(name)?));
            }
        }
        // ONNX expects the biases of input and state one after the other in one tensor.
        let first = directions[0].get(names[0])?;
        shape.push(first.shape[0] * names.len());
        shape.extend(&first.shape[1..]);
        let name = format!("{}{}", weights.prefix, names.join("+"));
        Ok(graph.weights(name, &shape, &values))
    };
    let (input, state) = (both(&["weight_ih"])?, both(&["weight_hh"])?);
    let bias = both(&["bias_ih", "bias_hh"])?;
    let attributes = vec![
        text("direction", "bidirectional"),
        int("hidden_size", hidden as i64),
    ];
    // The output has the shape [steps, 2, N, hidden].
    let y = graph.node_with("LSTM", &[x, &input, &state, &bias], attributes);
    let y = graph.transpose(&y, &[0, 2, 1, 3]);
    Ok(graph.reshape(&y, &[0, 0, 2 * hidden as i64]))
}

/// Reorders the rows of the gates from input, forget, cell, output to the order of ONNX: input, output, forget, cell.
fn gates(tensor: &Tensor) -> Vec<f32> {
    let length = tensor.values.len() / 4;
    let gate = |n: usize| &tensor.values[n * length..(n + 1) * length];
    [gate(0), gate(3), gate(1), gate(2)].concat()
}
