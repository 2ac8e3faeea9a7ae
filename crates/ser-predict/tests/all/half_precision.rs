//! 16-bit weights in memory and in the model file.

use std::path::Path;

use ser_predict::{Architecture, MlpConfig, Model, Provenance, Tensor, Tensors, TrainedNetwork};

/// Returns a model of one layer with these weights, and a bias that a 16-bit float cannot represent.
fn model(weight: impl Fn(usize) -> f32) -> Model {
    let built_in = Model::built_in().unwrap();
    let mut info = built_in.networks[2].info.clone();
    (info.network, info.shrinkage) = (Architecture::Mlp(MlpConfig { hidden: Vec::new() }), None);
    let coefficients = info.standardiser.mean.len();
    let weight = Tensor {
        shape: vec![2, coefficients],
        values: (0..2 * coefficients).map(weight).collect(),
    };
    let bias = Tensor {
        shape: vec![2],
        values: vec![0.1, -0.1],
    };
    let tensors = [("output.weight", weight), ("output.bias", bias)];
    let tensors: Tensors = tensors.map(|(name, t)| (name.to_owned(), t)).into();
    let labels = ["low", "high"].map(str::to_owned).to_vec();
    let network = TrainedNetwork::new(info, labels.len(), tensors).unwrap();
    let provenance = Provenance::default();
    Model::new("one", labels, vec![network], provenance, String::new())
}

/// Writes the model and reads it again. Returns the model that was read and the size of the file.
fn written(model: &Model) -> (Model, usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let read = Model::from_bytes(&bytes, Path::new("written")).unwrap();
    (read, bytes.len())
}

#[test]
fn a_model_of_either_precision_comes_back_to_its_last_bit() {
    let full = model(|i| (i as f32).sin());
    let (read, size) = written(&full);
    assert_eq!(read.fingerprint(), full.fingerprint());

    let weights = full.parameters() - 2;
    let half = full.in_half_precision().unwrap();
    assert_ne!(half.fingerprint(), read.fingerprint());
    let (read, half_size) = written(&half);
    assert_eq!(read.fingerprint(), half.fingerprint());
    assert!(size - half_size >= 2 * weights, "{size} {half_size}");
}

#[test]
fn only_weights_are_rounded_and_only_once() {
    // 16-bit floats represent these weights exactly, so rounding must change nothing; the biases would change.
    let exact = model(|i| (i % 256) as f32 / 256.0);
    let fingerprint = exact.fingerprint();
    let half = exact.in_half_precision().unwrap();
    assert_eq!(half.fingerprint(), fingerprint);
}

#[test]
fn a_weight_that_16_bits_do_not_hold_is_named() {
    let error = model(|i| 7e4 * (i % 2) as f32)
        .in_half_precision()
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("output.weight") && error.contains("inf"),
        "{error}"
    );
}

#[test]
fn the_model_that_is_built_in_has_half_precision() {
    let model = Model::built_in().unwrap();
    let fingerprint = model.fingerprint();
    let half = model.in_half_precision().unwrap();
    assert_eq!(half.fingerprint(), fingerprint);
}
