#![doc = include_str!("../README.md")]

mod graph;
mod network;
mod proto;
mod windows;

use prost::Message;
use ser_features::FeatureConfig;
use ser_predict::{Model, Result, TrainedNetwork};
use serde_json::json;

use crate::graph::{Graph, Name, Size, ints, value};
use crate::network::{Weights, network};
use crate::windows::windows;

/// Version of the format.
const IR_VERSION: i64 = 8;
/// Version of the operators: the last whose reductions have their axes as attributes, which all runtimes of today read.
const OPSET: i64 = 17;
/// Name of the output.
const OUTPUT: &str = "probabilities";

/// The model as the bytes of an ONNX file: the features of one clip in, probabilities of the labels out.
///
/// # Shape
/// An input `features_0`, `features_1`, … for each of [`Model::views`], in their order: `[frames, coefficients]`, of which the
/// frames vary. One output `probabilities`: `[labels]`.
///
/// # Errors
/// [`Error::Weights`](ser_predict::Error::Weights) for a model that lacks weights of its own networks.
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

    let width = |view: &FeatureConfig| {
        let of = |trained: &&TrainedNetwork| trained.views().contains(view);
        let trained = model.networks.iter().find(of);
        trained.map_or(0, |trained| trained.info.standardiser.mean.len())
    };
    let inputs = views.iter().enumerate().map(|(i, view)| {
        let frames = format!("frames_{i}");
        let shape = [Size::Any(&frames), Size::Of(width(view))];
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

/// Probabilities `[K]` whose logarithms are divided by the temperature.
fn tempered(graph: &mut Graph, x: &Name, temperature: f32) -> Name {
    // Scaled by the largest, so that a low temperature cannot turn all of them into zeros.
    let largest = graph.node_with("ReduceMax", &[x], vec![ints("axes", &[0])]);
    let x = graph.node("Div", &[x, &largest]);
    let power = graph.float(1.0 / temperature);
    let x = graph.node("Pow", &[&x, &power]);
    let sum = graph.node("ReduceSum", &[&x]);
    graph.node("Div", &[&x, &sum])
}

/// What a program that runs the file wants to know of the model.
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
        // Texts as they are, all else as JSON.
        value: value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    };
    entries.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_made_once_and_before_it_is_used() {
        let model = Model::built_in().unwrap();
        let bytes = export(&model).unwrap();
        let file = proto::Model::decode(bytes.as_slice()).unwrap();
        let graph = file.graph.unwrap();
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
