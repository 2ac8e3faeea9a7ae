//! Tests of the model in `data/models`.

use std::path::Path;

use ser_predict::Model;
use ser_recipe::Experiment;
use serde_json::Value;

use crate::common::{MODEL, output, synthetic};

#[test]
fn it_is_what_its_recipe_makes_of_all_24_actors() {
    let model = Model::load(Path::new(MODEL)).unwrap();
    let experiment = Experiment::load("robust").unwrap();
    assert_eq!(model.labels, experiment.task.emotions);
    assert_eq!(model.provenance.speakers.len(), 24);
    assert!(!model.provenance.synthetic && model.provenance.speaker_disjoint);
    // The model file contains the recipe that it was trained with. The protocol in it does not matter here.
    let fitted = Experiment::parse(&model.recipe, "robust.safetensors").unwrap();
    assert_eq!(model.networks.len(), experiment.members.len());
    assert_eq!(fitted.members.len(), experiment.members.len());
    let members = experiment.members.iter().zip(&fitted.members);
    for (network, (member, fitted)) in model.networks.iter().zip(members) {
        let (recipe, fitted) = (&member.recipe, &fitted.recipe);
        assert_eq!(network.info.weight, member.weight);
        assert_eq!(network.info.features, recipe.features);
        assert_eq!(network.info.network, recipe.network.architecture());
        assert_eq!(fitted.features, recipe.features);
        assert_eq!(fitted.augmentation, recipe.augmentation);
        assert_eq!(fitted.network, recipe.network);
        assert_eq!(fitted.training, recipe.training);
    }
}

/// The level of a recording does not change the answer.
#[test]
fn it_says_the_same_at_every_level() {
    let clip = synthetic().join("Actor_01/03-01-05-02-01-01-01.wav");
    let clip = ser_audio::read(clip).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let answer = |db: i32| -> Vec<f64> {
        let path = folder.path().join(format!("{db}.wav"));
        let samples = clip.samples.iter();
        let louder = samples.map(|sample| sample * 10f32.powf(db as f32 / 20.0));
        ser_fixtures::write_wav_f32(&path, clip.sample_rate, louder);
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
