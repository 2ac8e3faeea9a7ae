//! Benchmarks of indexing and splits, on a synthetic corpus of six actors.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ser_data::synth::{SynthConfig, generate};
use ser_data::{Corpus, Protocol};

fn splits(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corpus");
    let config = SynthConfig {
        actors: 6,
        ..SynthConfig::default()
    };
    let corpus = generate(&path, &config, |_| ()).unwrap();
    c.bench_function("index 360 clips", |b| {
        b.iter(|| black_box(Corpus::load(&path).unwrap()))
    });
    for protocol in [Protocol::Seed5, Protocol::Speakers5] {
        c.bench_function(&format!("splits of {protocol}"), |b| {
            b.iter(|| black_box(protocol.splits(&corpus, 0).unwrap()));
        });
    }
}

criterion_group!(benches, splits);
criterion_main!(benches);
