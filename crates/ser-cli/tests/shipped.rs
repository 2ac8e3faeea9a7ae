//! The model of `data/models`.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{output, synthetic};
use ser_model::Model;
use ser_recipe::Experiment;
use serde_json::Value;

const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../data/models/robust.safetensors"
);

#[test]
fn it_is_what_its_recipe_makes_of_all_24_actors() {
    let model = Model::load(Path::new(MODEL)).unwrap();
    let experiment = Experiment::load("robust").unwrap();
    assert_eq!(model.labels, experiment.task.emotions);
    assert_eq!(model.provenance.speakers.len(), 24);
    assert!(!model.provenance.synthetic);
    assert_eq!(model.networks.len(), experiment.members.len());
    for (network, member) in model.networks.iter().zip(experiment.members) {
        let recipe = member.recipe;
        assert_eq!(network.weight, member.weight);
        // What it was fitted with stands in the model; the protocol it is measured by does not matter.
        assert_eq!(network.recipe.features, recipe.features);
        assert_eq!(network.recipe.augmentation, recipe.augmentation);
        assert_eq!(network.recipe.network, recipe.network);
        assert_eq!(network.recipe.training, recipe.training);
    }
}

/// How loud a recording is changes nothing at all.
#[test]
fn it_says_the_same_at_every_level() {
    let clip = synthetic().join("Actor_01/03-01-05-02-01-01-01.wav");
    let clip = ser_audio::Waveform::read(clip).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let answer = |db: i32| -> Vec<f64> {
        let path = folder.path().join(format!("{db}.wav"));
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: clip.sample_rate,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for sample in &clip.samples {
            let louder = sample * 10f32.powf(db as f32 / 20.0);
            writer.write_sample(louder).unwrap();
        }
        writer.finalize().unwrap();
        let line = output(0, &[&"predict", &"--json", &"--model", &MODEL, &path]);
        let answer: Value = serde_json::from_str(&line).unwrap();
        let probabilities = answer["probabilities"].as_object().unwrap();
        probabilities
            .values()
            .map(|p| p.as_f64().unwrap())
            .collect()
    };
    let as_it_is = answer(0);
    for db in [-40, -20, 20] {
        for (p, expected) in answer(db).into_iter().zip(&as_it_is) {
            assert!((p - expected).abs() < 1e-3, "{db} dB: {p} {expected}");
        }
    }
}
