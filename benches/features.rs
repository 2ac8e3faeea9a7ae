//! Benchmarks of features: each stage, whole clips from file to MFCC, and the store. On one thread, with librosa's defaults.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ser_audio::{Resampler, Waveform};
use ser_benches::{native, read_into, voice, wait_until_old, write_wav};
use ser_features::{
    FeatureConfig, FeatureExtractor, FeatureStore, Features, MelFilterbank, delta, mfcc,
    power_to_db, trim,
};

fn stages(c: &mut Criterion) {
    let mut group = c.benchmark_group("stage, 48 kHz");
    let config = native();
    let extractor = FeatureExtractor::new(&config).unwrap();
    let clip = voice(48_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.wav");
    write_wav(&path, &clip);

    let mut decoded = Waveform::default();
    group.bench_function("read and decode", |b| {
        b.iter(|| read_into(&path, &mut decoded).unwrap());
    });
    let mut resampled = Vec::new();
    let mut resampler = Resampler::new(48_000, 22_050).unwrap();
    group.bench_function("resample to 22 050 Hz", |b| {
        b.iter(|| resampler.process_into(&clip.samples, &mut resampled));
    });
    group.bench_function("trim", |b| {
        b.iter(|| black_box(trim(&clip.samples, 30.0, 2048, 512)));
    });
    let power = extractor.spectrogram(&clip.samples).unwrap();
    group.bench_function("power spectrogram", |b| {
        b.iter(|| black_box(extractor.spectrogram(&clip.samples).unwrap()));
    });
    let bank = MelFilterbank::new(&config).unwrap();
    let mut mel = bank.apply(&power).unwrap();
    group.bench_function("mel bands", |b| {
        b.iter(|| black_box(bank.apply(&power).unwrap()))
    });
    group.bench_function("decibels", |b| {
        b.iter(|| power_to_db(&config, black_box(&mut mel.clone())).unwrap());
    });
    power_to_db(&config, &mut mel).unwrap();
    let cepstrum = mfcc(&config, &mel).unwrap();
    group.bench_function("cosine transform", |b| {
        b.iter(|| black_box(mfcc(&config, &mel).unwrap()));
    });
    group.bench_function("derivatives", |b| {
        b.iter(|| black_box(delta(&cepstrum, 9, 1).unwrap()))
    });
}

fn clips(c: &mut Criterion) {
    let mut group = c.benchmark_group("clip, file to 40 MFCC");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.wav");
    write_wav(&path, &voice(48_000));
    for (name, config) in [
        ("48 kHz", native()),
        ("22 050 Hz", FeatureConfig::default()),
    ] {
        let extractor = FeatureExtractor::new(&config).unwrap();
        let (mut scratch, mut features) = (extractor.scratch(), Features::default());
        group.bench_function(name, |b| {
            b.iter(|| {
                extractor
                    .extract_file_into(&path, &mut scratch, &mut features)
                    .unwrap()
            });
        });
    }
}

fn store(c: &mut Criterion) {
    let mut group = c.benchmark_group("store, 64 clips");
    let folder = tempfile::tempdir().unwrap();
    let clip = voice(48_000);
    let paths: Vec<_> = (0..64)
        .map(|i| folder.path().join(format!("{i}.wav")))
        .collect();
    for path in &paths {
        write_wav(path, &clip);
    }
    wait_until_old();
    let extractor = FeatureExtractor::new(&native()).unwrap();
    group.bench_function("all computed", |b| {
        b.iter(|| {
            let fresh = tempfile::tempdir().unwrap();
            FeatureStore::open(fresh.path(), &extractor)
                .unwrap()
                .extract(&paths, |_, _| ())
                .unwrap()
        });
    });
    let kept = folder.path().join("store");
    FeatureStore::open(&kept, &extractor)
        .unwrap()
        .extract(&paths, |_, _| ())
        .unwrap();
    group.bench_function("all there", |b| {
        b.iter(|| {
            let store = FeatureStore::open(&kept, &extractor).unwrap();
            let counts = store.extract(&paths, |_, _| ()).unwrap();
            assert_eq!(counts.hits, 64);
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = stages, clips, store
}
criterion_main!(benches);
