//! A graph under construction: values by name, nodes in the order of computation.

use crate::proto::{self, Attribute, Node, Tensor, attribute, data_type};

/// Nodes and constants, each value with a name of its own.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) constants: Vec<Tensor>,
}

/// Name of a value.
pub(crate) type Name = String;

impl Graph {
    fn name(&self, what: &str) -> Name {
        format!("{what}_{}", self.nodes.len() + self.constants.len())
    }

    /// The one output of an operator.
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

    /// Weights of a name of their own, which several views of a clip share.
    pub(crate) fn weights(&mut self, name: Name, shape: &[usize], values: &[f32]) -> Name {
        if !self.constants.iter().any(|known| known.name == name) {
            self.array(name.clone(), shape, data_type::FLOAT, floats(values));
        }
        name
    }

    /// A constant array in C order.
    pub(crate) fn floats(&mut self, shape: &[usize], values: &[f32]) -> Name {
        self.constant(shape, data_type::FLOAT, floats(values))
    }

    pub(crate) fn float(&mut self, value: f32) -> Name {
        self.floats(&[], &[value])
    }

    /// A list of whole numbers: axes, or a shape.
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

    /// The mean over an axis, which goes.
    pub(crate) fn mean(&mut self, x: &Name, axis: i64) -> Name {
        self.node_with(
            "ReduceMean",
            &[x],
            vec![ints("axes", &[axis]), int("keepdims", 0)],
        )
    }

    /// `x` as an array of this shape; −1 stands for what is left, 0 for the size that there is.
    pub(crate) fn reshape(&mut self, x: &Name, shape: &[i64]) -> Name {
        let shape = self.ints(shape);
        self.node("Reshape", &[x, &shape])
    }

    pub(crate) fn transpose(&mut self, x: &Name, axes: &[i64]) -> Name {
        self.node_with("Transpose", &[x], vec![ints("perm", axes)])
    }

    /// The first `count`, a number of the graph, along an axis.
    pub(crate) fn first(&mut self, x: &Name, count: &Name, axis: i64) -> Name {
        let begin = self.ints(&[0]);
        let end = self.reshape(count, &[1]);
        let axes = self.ints(&[axis]);
        self.node("Slice", &[x, &begin, &end, &axes])
    }

    /// How many there are along the first axis.
    pub(crate) fn count(&mut self, x: &Name) -> Name {
        let shape = self.node("Shape", &[x]);
        let first = self.int(0);
        self.node("Gather", &[&shape, &first])
    }

    /// `⌈x / divisor⌉` of whole numbers.
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

/// An input or output of 32-bit numbers; a size that varies has a name.
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

/// Size of an axis.
pub(crate) enum Size<'a> {
    Of(usize),
    Any(&'a str),
}
