#![doc = include_str!("../README.md")]

mod graph;
mod network;
mod proto;
mod windows;

use prost::Message;
use ser_predict::{Model, Result};
use serde_json::json;

use crate::graph::{Graph, Name, Size, ints, value};
use crate::network::{Weights, network};
use crate::windows::windows;

/// Version of the ONNX file format.
const IR_VERSION: i64 = 8;
/// Version of the operator set: the last one in which `ReduceMean` and `ReduceMax` have their axes as attributes. All
/// current runtimes can read it.
const OPSET: i64 = 17;
/// Name of the output of the graph.
const OUTPUT: &str = "probabilities";

/// Returns the model as the bytes of an ONNX file, whose graph maps the features of one clip to the probabilities of
/// the labels.
///
/// # Shape
/// The inputs `features_0`, `features_1`, … correspond to [`Model::views`], in the same order. Each has the shape
/// `[frames, coefficients]` with any number of frames. The output `probabilities` has the shape `[labels]`.
///
/// # Errors
/// [`Error::Weights`](ser_predict::Error::Weights) if the model lacks weights of one of its networks.
pub fn export(model: &Model) -> Result<Vec<u8>> {
    let views = model.views();
    let tensors = model.tensors();
    let total: f64 = model
        .networks
        .iter()
        .map(|trained| trained.info.weight)
        .sum();
    let mut graph = Graph::default();
    let mut votes = Vec::new();
    for (number, trained) in model.networks.iter().enumerate() {
        let (info, own) = (&trained.info, trained.views());
        let weights = Weights {
            tensors: &tensors,
            prefix: format!("{number}."),
        };
        let share = info.weight / total / own.len() as f64;
        for view in own {
            let position = views.iter().position(|other| *other == view);
            let features = input_name(position.unwrap_or_default());
            let windows = windows(&mut graph, &features, &info.input, &info.standardiser);
            let probabilities = network(&mut graph, &windows, &info.network, &weights)?;
            let share = graph.float(share as f32);
            votes.push(graph.node("Mul", &[&probabilities, &share]));
        }
    }
    let votes: Vec<&Name> = votes.iter().collect();
    let mean = graph.node("Sum", &votes);
    let answer = tempered(&mut graph, &mean, model.temperature as f32);
    graph.nodes.push(proto::Node {
        input: vec![answer],
        output: vec![OUTPUT.to_owned()],
        op_type: "Identity".to_owned(),
        attribute: Vec::new(),
    });

    let inputs = views.iter().enumerate().map(|(i, view)| {
        let frames = format!("frames_{i}");
        let shape = [Size::Any(&frames), Size::Of(view.coefficients())];
        value(
            &input_name(i),
            &shape,
            serde_json::to_string(view).unwrap_or_default(),
        )
    });
    Ok(proto::Model {
        ir_version: IR_VERSION,
        producer_name: "ser".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        opset_import: vec![proto::OperatorSet {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: metadata(model),
        graph: Some(proto::Graph {
            name: model.name.clone(),
            input: inputs.collect(),
            output: vec![value(
                OUTPUT,
                &[Size::Of(model.labels.len())],
                model.labels.join(", "),
            )],
            node: graph.nodes,
            initializer: graph.constants,
        }),
    }
    .encode_to_vec())
}

fn input_name(position: usize) -> Name {
    format!("features_{position}")
}

/// Divides the logarithms of probabilities `[K]` by the temperature, and normalises the result to a sum of 1.
fn tempered(graph: &mut Graph, x: &Name, temperature: f32) -> Name {
    // Divide by the largest probability first, so that a low temperature cannot make all of them 0.
    let largest = graph.node_with("ReduceMax", &[x], vec![ints("axes", &[0])]);
    let x = graph.node("Div", &[x, &largest]);
    let power = graph.float(1.0 / temperature);
    let x = graph.node("Pow", &[&x, &power]);
    let sum = graph.node("ReduceSum", &[&x]);
    graph.node("Div", &[&x, &sum])
}

/// Returns the metadata that a program needs to use the file.
fn metadata(model: &Model) -> Vec<proto::Entry> {
    let entries = [
        ("name", json!(model.name)),
        ("labels", json!(model.labels)),
        ("fingerprint", json!(model.fingerprint())),
        ("synthetic", json!(model.provenance.synthetic)),
        ("features", json!(model.views())),
    ];
    let entry = |(key, value): (&str, serde_json::Value)| proto::Entry {
        key: key.to_owned(),
        // Text is stored as it is, and everything else as JSON.
        value: value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    };
    entries.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use ser_features::FeatureConfig;

    use super::*;

    fn exported(model: &Model) -> proto::Model {
        let bytes = export(model).unwrap();
        proto::Model::decode(bytes.as_slice()).unwrap()
    }

    #[test]
    fn metadata_and_shapes_say_what_the_inputs_and_the_probabilities_are() {
        let model = Model::built_in().unwrap();
        let file = exported(&model);
        let metadata = |key: &str| {
            let entries = &file.metadata_props;
            &entries.iter().find(|entry| entry.key == key).unwrap().value
        };
        let views: Vec<FeatureConfig> = serde_json::from_str(metadata("features")).unwrap();
        assert!(views.iter().eq(model.views()));
        let labels: Vec<String> = serde_json::from_str(metadata("labels")).unwrap();
        assert_eq!(labels, model.labels);

        let graph = file.graph.as_ref().unwrap();
        let sizes = |value: &proto::ValueInfo| -> Vec<Option<i64>> {
            let tensor = value.kind.as_ref().unwrap().tensor_type.as_ref().unwrap();
            let dimensions = &tensor.shape.as_ref().unwrap().dim;
            dimensions.iter().map(|size| size.dim_value).collect()
        };
        assert_eq!(graph.input.len(), views.len());
        for (input, view) in graph.input.iter().zip(&views) {
            assert_eq!(sizes(input), [None, Some(view.coefficients() as i64)]);
        }
        assert_eq!(sizes(&graph.output[0]), [Some(labels.len() as i64)]);
    }

    #[test]
    fn every_value_is_made_once_and_before_it_is_used() {
        let model = Model::built_in().unwrap();
        let graph = exported(&model).graph.unwrap();
        let mut known: std::collections::BTreeSet<&str> =
            graph.input.iter().map(|i| i.name.as_str()).collect();
        assert_eq!(known.len(), model.views().len());
        for constant in &graph.initializer {
            assert!(known.insert(&constant.name), "{}", constant.name);
            let count: i64 = constant.dims.iter().product();
            let size = if constant.data_type == proto::data_type::FLOAT {
                4
            } else {
                8
            };
            assert_eq!(
                constant.raw_data.len() as i64,
                size * count,
                "{}",
                constant.name
            );
        }
        for node in &graph.node {
            for input in &node.input {
                assert!(
                    known.contains(input.as_str()),
                    "{} wants {input}",
                    node.op_type
                );
            }
            assert!(known.insert(&node.output[0]), "{}", node.output[0]);
        }
        assert!(known.contains(OUTPUT));
        assert_eq!(graph.output[0].name, OUTPUT);
    }
}
