//! Turns the features of a clip into the standardised windows of a network.

use ser_predict::{Input, Standardiser};

use crate::graph::{Graph, Name, int, ints};

/// The windows of a clip, all with the number of frames that the network expects.
pub(crate) struct Windows {
    /// `[N, F, C]`: the windows, with zeros after the end of the clip.
    pub(crate) values: Name,
    /// Number of frames of each window that belong to the clip: an integer value of the graph.
    pub(crate) length: Name,
    /// `F`: number of frames in a window.
    pub(crate) frames: usize,
    /// `C`: number of coefficients in a frame.
    pub(crate) coefficients: usize,
}

/// Turns `features` `[T, C]` into windows, with the same steps as [`Input::prepare`] and the windows of the model.
pub(crate) fn windows(
    graph: &mut Graph,
    features: &Name,
    input: &Input,
    standardiser: &Standardiser,
) -> Windows {
    let coefficients = standardiser.mean.len();
    let mut x = features.clone();
    if input.average > 1 {
        x = averaged(graph, &x, input.average, coefficients);
    }
    if input.relative_level {
        let level = graph.node_with("ReduceMean", &[&x], vec![ints("axes", &[0, 1])]);
        x = graph.node("Sub", &[&x, &level]);
    }

    let total = graph.count(&x);
    let (zero, one, size) = (graph.int(0), graph.int(1), graph.int(input.frames));
    let up = graph.divided_up(&total, input.frames);
    let count = graph.node("Max", &[&up, &one]);
    let left = graph.node("Sub", &[&total, &size]);
    let last = graph.node("Max", &[&left, &zero]);

    // The windows are evenly spread: window n begins at frame n·last / (count − 1).
    let numbers = graph.node("Range", &[&zero, &count, &one]);
    let spread = graph.node("Mul", &[&numbers, &last]);
    let fewer = graph.node("Sub", &[&count, &one]);
    let intervals = graph.node("Max", &[&fewer, &one]);
    let starts = graph.node("Div", &[&spread, &intervals]);

    // After the end of the clip, positions refer to its last frame, and the values are set to zero below.
    let starts = graph.reshape(&starts, &[-1, 1]);
    let offsets = graph.node("Range", &[&zero, &size, &one]);
    let offsets = graph.reshape(&offsets, &[1, -1]);
    let places = graph.node("Add", &[&starts, &offsets]);
    let is_heard = graph.node("Less", &[&places, &total]);
    let end = graph.node("Sub", &[&total, &one]);
    let places = graph.node("Min", &[&places, &end]);
    let x = graph.node("Gather", &[&x, &places]);

    let mean = graph.floats(&[coefficients], &standardiser.mean);
    let deviation = graph.floats(&[coefficients], &standardiser.deviation);
    let x = graph.node("Sub", &[&x, &mean]);
    let x = graph.node("Div", &[&x, &deviation]);
    let limit = Standardiser::LIMIT;
    let (lower, upper) = (graph.float(-limit), graph.float(limit));
    let x = graph.node("Clip", &[&x, &lower, &upper]);
    let axis = graph.ints(&[2]);
    let is_heard = graph.node("Unsqueeze", &[&is_heard, &axis]);
    let nothing = graph.float(0.0);
    Windows {
        values: graph.node("Where", &[&is_heard, &x, &nothing]),
        length: graph.node("Min", &[&total, &size]),
        frames: input.frames,
        coefficients,
    }
}

/// Averages groups of neighbouring frames. Frames at the end that do not fill a group are dropped, unless the clip has
/// no others.
fn averaged(graph: &mut Graph, x: &Name, group: usize, coefficients: usize) -> Name {
    let total = graph.count(x);
    let (one, size) = (graph.int(1), graph.int(group));
    let group = graph.node("Min", &[&total, &size]);
    let groups = graph.node("Div", &[&total, &size]);
    let groups = graph.node("Max", &[&groups, &one]);
    let taken = graph.node("Mul", &[&groups, &group]);
    let x = graph.first(x, &taken, 0);
    let (groups, group) = (graph.reshape(&groups, &[1]), graph.reshape(&group, &[1]));
    let values = graph.ints(&[coefficients as i64]);
    let shape = graph.node_with("Concat", &[&groups, &group, &values], vec![int("axis", 0)]);
    let x = graph.node("Reshape", &[&x, &shape]);
    graph.mean(&x, 1)
}
