//! A graph under construction: values have names, and nodes are in the order of computation.

use crate::proto::{self, Attribute, Node, Tensor, attribute, data_type};

/// Nodes and constants. Each value has a unique name.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) constants: Vec<Tensor>,
}

/// The name of a value.
pub(crate) type Name = String;

impl Graph {
    fn name(&self, what: &str) -> Name {
        format!("{what}_{}", self.nodes.len() + self.constants.len())
    }

    /// Adds an operator without attributes, and returns its only output.
    pub(crate) fn node(&mut self, operator: &str, inputs: &[&Name]) -> Name {
        self.node_with(operator, inputs, Vec::new())
    }

    pub(crate) fn node_with(
        &mut self,
        operator: &str,
        inputs: &[&Name],
        attributes: Vec<Attribute>,
    ) -> Name {
        let output = self.name(operator);
        self.nodes.push(Node {
            input: inputs.iter().map(|&name| name.clone()).collect(),
            output: vec![output.clone()],
            op_type: operator.to_owned(),
            attribute: attributes,
        });
        output
    }

    /// Adds weights under their own name, unless the graph already has them: several views of a clip share weights.
    pub(crate) fn weights(&mut self, name: Name, shape: &[usize], values: &[f32]) -> Name {
        if !self.constants.iter().any(|known| known.name == name) {
            self.array(name.clone(), shape, data_type::FLOAT, floats(values));
        }
        name
    }

    /// Adds a constant array of 32-bit floats in C order.
    pub(crate) fn floats(&mut self, shape: &[usize], values: &[f32]) -> Name {
        self.constant(shape, data_type::FLOAT, floats(values))
    }

    pub(crate) fn float(&mut self, value: f32) -> Name {
        self.floats(&[], &[value])
    }

    /// Adds a constant list of integers, such as axes or a shape.
    pub(crate) fn ints(&mut self, values: &[i64]) -> Name {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(&[values.len()], data_type::INT64, bytes)
    }

    pub(crate) fn int(&mut self, value: usize) -> Name {
        let bytes = (value as i64).to_le_bytes().to_vec();
        self.constant(&[], data_type::INT64, bytes)
    }

    fn constant(&mut self, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> Name {
        let name = self.name("constant");
        self.array(name.clone(), shape, data_type, raw_data);
        name
    }

    fn array(&mut self, name: Name, shape: &[usize], data_type: i32, raw_data: Vec<u8>) {
        self.constants.push(Tensor {
            dims: shape.iter().map(|&n| n as i64).collect(),
            data_type,
            name,
            raw_data,
        });
    }

    /// Returns the mean over an axis, which is removed from the shape.
    pub(crate) fn mean(&mut self, x: &Name, axis: i64) -> Name {
        self.node_with(
            "ReduceMean",
            &[x],
            vec![ints("axes", &[axis]), int("keepdims", 0)],
        )
    }

    /// Reshapes `x`. In the shape, −1 stands for the size that follows from the others, and 0 for the current size.
    pub(crate) fn reshape(&mut self, x: &Name, shape: &[i64]) -> Name {
        let shape = self.ints(shape);
        self.node("Reshape", &[x, &shape])
    }

    pub(crate) fn transpose(&mut self, x: &Name, axes: &[i64]) -> Name {
        self.node_with("Transpose", &[x], vec![ints("perm", axes)])
    }

    /// Returns the first `count` entries along an axis. `count` is a value of the graph.
    pub(crate) fn first(&mut self, x: &Name, count: &Name, axis: i64) -> Name {
        let begin = self.ints(&[0]);
        let end = self.reshape(count, &[1]);
        let axes = self.ints(&[axis]);
        self.node("Slice", &[x, &begin, &end, &axes])
    }

    /// Returns the size of the first axis.
    pub(crate) fn count(&mut self, x: &Name) -> Name {
        let shape = self.node("Shape", &[x]);
        let first = self.int(0);
        self.node("Gather", &[&shape, &first])
    }

    /// Returns `⌈x / divisor⌉` for an integer `x`.
    pub(crate) fn divided_up(&mut self, x: &Name, divisor: usize) -> Name {
        if divisor == 1 {
            return x.clone();
        }
        let more = self.int(divisor - 1);
        let sum = self.node("Add", &[x, &more]);
        let divisor = self.int(divisor);
        self.node("Div", &[&sum, &divisor])
    }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

pub(crate) fn int(name: &str, value: i64) -> Attribute {
    Attribute {
        name: name.to_owned(),
        i: Some(value),
        kind: attribute::INT,
        ..Attribute::default()
    }
}

pub(crate) fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        ints: values.to_vec(),
        kind: attribute::INTS,
        ..Attribute::default()
    }
}

pub(crate) fn text(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        s: Some(value.as_bytes().to_vec()),
        kind: attribute::STRING,
        ..Attribute::default()
    }
}

/// Describes an input or output of 32-bit floats.
pub(crate) fn value(name: &str, shape: &[Size], doc: String) -> proto::ValueInfo {
    let dim = shape.iter().map(|size| match *size {
        Size::Of(n) => proto::Dimension {
            dim_value: Some(n as i64),
            dim_param: None,
        },
        Size::Any(name) => proto::Dimension {
            dim_value: None,
            dim_param: Some(name.to_owned()),
        },
    });
    proto::ValueInfo {
        name: name.to_owned(),
        kind: Some(proto::Type {
            tensor_type: Some(proto::TensorType {
                elem_type: data_type::FLOAT,
                shape: Some(proto::Shape { dim: dim.collect() }),
            }),
        }),
        doc_string: doc,
    }
}

/// The size of an axis: fixed, or variable with a name.
pub(crate) enum Size<'a> {
    Of(usize),
    Any(&'a str),
}
