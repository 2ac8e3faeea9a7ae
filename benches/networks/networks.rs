//! Benchmarks of an epoch of training and of one prediction, for the networks of built-in recipes, on one thread.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ser_benches::voice;
use ser_features::{FeatureExtractor, Features};
use ser_model::{Example, TrainingData, keep_freed_memory, train};
use ser_predict::Provenance;
use ser_recipe::Experiment;

/// Number of training clips: ten batches.
const CLIPS: usize = 320;

fn networks(c: &mut Criterion) {
    keep_freed_memory();
    for name in ["seed5-cnn", "seed5-lstm"] {
        let mut recipe = Experiment::load(name).unwrap().into_recipe().unwrap();
        recipe.training.epochs = 1;
        let extractor = FeatureExtractor::new(&recipe.features).unwrap();
        let clip = [extractor.extract(&voice(48_000)).unwrap()];
        let data = || {
            let example = |i| Example {
                corpus: 0,
                copies: &clip,
                target: i % 5,
                speaker: 0,
            };
            TrainingData {
                labels: recipe.task.emotions.clone(),
                train: (0..CLIPS).map(example).collect(),
                validation: vec![example(0)],
                provenance: Provenance::default(),
            }
        };
        c.bench_with_input(
            BenchmarkId::new("epoch of 320 clips", name),
            &(),
            |b, ()| {
                b.iter(|| black_box(train(&recipe, data(), 0, &mut |_| ()).unwrap()));
            },
        );
        let model = train(&recipe, data(), 0, &mut |_| ()).unwrap().model;
        let clips: [&[Features]; 1] = [&clip];
        c.bench_with_input(BenchmarkId::new("predict one clip", name), &(), |b, ()| {
            b.iter(|| black_box(model.predict(&clips).unwrap()));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(5));
    targets = networks
}
criterion_main!(benches);
