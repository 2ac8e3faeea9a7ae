//! Tests of the embeddings that a network computes before it classifies.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use common::{CNN, MLP, recipe, task};
use ser_features::Features;
use ser_model::train;
use ser_predict::Model;

fn trained(network: &str, networks: usize) -> Model {
    let recipe = recipe(network, &format!("networks = {networks}"));
    let seen = task(160, 1);
    train(&recipe, seen.data(144), 0, &mut |_| {})
        .unwrap()
        .model
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).powi(2))
        .sum::<f32>()
        .sqrt()
}

#[test]
fn every_network_gives_every_clip_a_vector_that_does_not_depend_on_the_others() {
    let unseen = task(9, 2);
    let views = unseen.views();
    let model = trained(CNN, 2);
    let all = model.embeddings(&views).unwrap();
    assert_eq!(all.len(), 2);
    for (network, clips) in all.iter().enumerate() {
        assert_eq!(clips.len(), 9);
        let alone = model.embeddings(&views[4..5]).unwrap();
        assert!(distance(&clips[4], &alone[network][0]) < 1e-4);
        // Mean and standard deviation of 16 values per frame.
        assert!(clips.iter().all(|clip| clip.len() == 32));
    }
    assert!(model.embeddings(&[]).unwrap().iter().all(Vec::is_empty));
}

#[test]
fn clips_of_a_class_lie_closer_together_than_clips_of_two() {
    let unseen = task(60, 2);
    let embeddings = trained(CNN, 1).embeddings(&unseen.views()).unwrap();
    let (mut same, mut other) = (Vec::new(), Vec::new());
    for i in 0..60 {
        for j in 0..i {
            let found = distance(&embeddings[0][i], &embeddings[0][j]);
            if unseen.targets[i] == unseen.targets[j] {
                same.push(found);
            } else {
                other.push(found);
            }
        }
    }
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (same, other) = (mean(&same), mean(&other));
    assert!(other > 1.3 * same, "{same} {other}");
}

#[test]
fn a_long_clip_has_the_mean_of_its_windows() {
    // The recipe's input has 30 frames, so a clip of 60 frames is cut into two halves.
    let model = trained(MLP, 1);
    let long: Vec<f32> = (0..60 * 12).map(|i| (i % 17) as f32 / 8.0).collect();
    let clip =
        |values: &[f32]| Features::from_parts(values.to_vec(), values.len() / 12, 12).unwrap();
    let (whole, halves) = (clip(&long), [clip(&long[..360]), clip(&long[360..])]);
    let of = |clip: &Features| {
        let embeddings = model.embeddings(&[std::slice::from_ref(clip)]).unwrap();
        embeddings[0][0].clone()
    };
    let halves = halves.each_ref().map(of);
    for (i, x) in of(&whole).into_iter().enumerate() {
        let mean = (halves[0][i] + halves[1][i]) / 2.0;
        assert!((x - mean).abs() < 1e-4, "{x} {mean}");
    }
}
