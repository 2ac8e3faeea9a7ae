//! From the features of a clip to the standardised windows of a network.

use ser_predict::{Input, Standardiser};

use crate::graph::{Graph, Name, int, ints};

/// Windows of a clip, all as long as the network has them.
pub(crate) struct Windows {
    /// `[N, F, C]`: zero where the clip has ended.
    pub(crate) values: Name,
    /// How many frames of each window are the clip's: a whole number of the graph.
    pub(crate) length: Name,
    /// `F`
    pub(crate) frames: usize,
    /// `C`
    pub(crate) coefficients: usize,
}

/// `features` `[T, C]` to windows, as [`Input::prepare`] and the model's windows have them.
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

    // The first frames of the windows, evenly spread: n·last / (count − 1).
    let numbers = graph.node("Range", &[&zero, &count, &one]);
    let spread = graph.node("Mul", &[&numbers, &last]);
    let fewer = graph.node("Sub", &[&count, &one]);
    let intervals = graph.node("Max", &[&fewer, &one]);
    let starts = graph.node("Div", &[&spread, &intervals]);

    // Behind the end of the clip the last frame stands in, and is made zero below.
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

/// Means of neighbouring frames; a rest that does not fill a group is dropped, unless it is all there is.
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
