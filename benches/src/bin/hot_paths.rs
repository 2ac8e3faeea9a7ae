//! The hot paths of sound, features and networks, whose instructions `cargo xtask bench --check` counts.
//!
//! `hot_paths NAME COUNT` runs one of them COUNT times on the synthetic voice; without arguments the program prints
//! their names.
#![allow(clippy::print_stdout, reason = "the names of the paths are its output")]

use std::env;
use std::hint::black_box;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use ser_audio::{Quality, Resampler, Waveform, restored};
use ser_benches::{native, read_into, voice, wait_until_old, write_wav};
use ser_features::{Extra, FeatureConfig, FeatureExtractor, FeatureStore, Features, Views, Yin};
use ser_predict::Model;
use tempfile::TempDir;

/// Runs a path a number of times.
type Walk = fn(usize) -> Result<()>;

const PATHS: [(&str, Walk); 13] = [
    ("read and decode", read_and_decode),
    ("resample 48 kHz to 22 050 Hz", resample),
    ("40 MFCC, 48 kHz", mfcc),
    ("file to 40 MFCC, 22 050 Hz", file_to_mfcc),
    ("file to the log-mel of seed5-cnn", file_to_log_mel),
    ("file to the functionals of mlp", file_to_functionals),
    ("clip to the views of robust", clip_to_views),
    ("networks of robust", networks),
    ("quality of a clip", quality),
    ("restoration of a clean clip", restoration),
    ("MFCC, derivatives and rows, 48 kHz", derivatives_and_rows),
    ("F0, 16 kHz", f0),
    ("store, second run over 16 clips", store),
];

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [name, count] = args.as_slice() else {
        for (name, _) in PATHS {
            println!("{name}");
        }
        return Ok(());
    };
    let (_, walk) = PATHS
        .iter()
        .find(|(path, _)| path == name)
        .with_context(|| format!("there is no path `{name}`"))?;
    walk(count.parse()?)
}

/// Writes a clip like those of RAVDESS into a temporary folder, which is removed when the handle is dropped.
fn clip_on_disk() -> Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("clip.wav");
    write_wav(&path, &voice(48_000));
    Ok((folder, path))
}

fn read_and_decode(count: usize) -> Result<()> {
    let (_folder, path) = clip_on_disk()?;
    let mut waveform = Waveform::default();
    for _ in 0..count {
        read_into(&path, &mut waveform)?;
        black_box(&waveform);
    }
    Ok(())
}

fn resample(count: usize) -> Result<()> {
    let clip = voice(48_000);
    let mut resampler = Resampler::new(48_000, 22_050)?;
    let mut output = Vec::new();
    for _ in 0..count {
        resampler.process_into(&clip.samples, &mut output);
        black_box(&output);
    }
    Ok(())
}

/// Runs the chain after the decoder, on samples in memory.
fn chain(config: &FeatureConfig, count: usize) -> Result<()> {
    let clip = voice(config.sample_rate);
    let extractor = FeatureExtractor::new(config)?;
    let (mut scratch, mut features) = (extractor.scratch(), Features::default());
    for _ in 0..count {
        extractor.extract_into(&clip.samples, &mut scratch, &mut features)?;
        black_box(&features);
    }
    Ok(())
}

fn mfcc(count: usize) -> Result<()> {
    chain(&native(), count)
}

fn derivatives_and_rows(count: usize) -> Result<()> {
    let config = FeatureConfig {
        deltas: 2,
        extras: vec![
            Extra::Rms,
            Extra::ZeroCrossingRate,
            Extra::SpectralCentroid,
            Extra::SpectralRolloff,
            Extra::SpectralFlatness,
        ],
        ..native()
    };
    chain(&config, count)
}

fn whole_file(config: &FeatureConfig, count: usize) -> Result<()> {
    let (_folder, path) = clip_on_disk()?;
    let extractor = FeatureExtractor::new(config)?;
    let (mut scratch, mut features) = (extractor.scratch(), Features::default());
    for _ in 0..count {
        extractor.extract_file_into(&path, &mut scratch, &mut features)?;
        black_box(&features);
    }
    Ok(())
}

fn file_to_mfcc(count: usize) -> Result<()> {
    whole_file(&FeatureConfig::default(), count)
}

/// Returns the feature configuration of a recipe.
fn of_recipe(text: &str) -> Result<FeatureConfig> {
    let recipe: toml::Table = toml::from_str(text)?;
    Ok(recipe["features"].clone().try_into()?)
}

fn file_to_log_mel(count: usize) -> Result<()> {
    let recipe = include_str!("../../../data/recipes/seed5-cnn.toml");
    whole_file(&of_recipe(recipe)?, count)
}

/// Extracts functionals with F0, harmonics and formants, which the recipe robust-mlp uses too.
fn file_to_functionals(count: usize) -> Result<()> {
    let recipe = include_str!("../../../data/recipes/mlp.toml");
    whole_file(&of_recipe(recipe)?, count)
}

/// Extracts all views of the built-in model: functionals, and two kinds of levels at three pitches.
fn clip_to_views(count: usize) -> Result<()> {
    let model = Model::built_in()?;
    let views = Views::new(model.views())?;
    let clip = voice(48_000);
    for _ in 0..count {
        black_box(views.extract(&clip)?);
    }
    Ok(())
}

/// Runs the networks of the built-in model, from the features of a clip to probabilities.
fn networks(count: usize) -> Result<()> {
    on_one_thread()?;
    let model = Model::built_in()?;
    let clip = Views::new(model.views())?.extract(&voice(48_000))?;
    for _ in 0..count {
        black_box(model.predict(&[&clip])?);
    }
    Ok(())
}

/// Sets rayon to one thread, because a second thread would wait for a different number of instructions each time.
fn on_one_thread() -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new();
    Ok(pool.num_threads(1).use_current_thread().build_global()?)
}

fn f0(count: usize) -> Result<()> {
    let clip = voice(16_000);
    let yin = Yin::new(16_000, 60.0, 600.0, 800, 0.1)?;
    for _ in 0..count {
        black_box(yin.track(&clip.samples, 160));
    }
    Ok(())
}

/// Searches a clean clip for offset, hum and clicks.
fn restoration(count: usize) -> Result<()> {
    let clip = voice(48_000);
    for _ in 0..count {
        black_box(restored(&clip));
    }
    Ok(())
}

fn quality(count: usize) -> Result<()> {
    let clip = voice(48_000);
    for _ in 0..count {
        black_box(Quality::of(&clip));
    }
    Ok(())
}

fn store(count: usize) -> Result<()> {
    let (folder, first) = clip_on_disk()?;
    let mut paths = vec![first];
    for copy in 10..25 {
        let path = folder.path().join(format!("{copy}.wav"));
        std::fs::copy(&paths[0], &path)?;
        paths.push(path);
    }
    wait_until_old();
    on_one_thread()?;
    let extractor = FeatureExtractor::new(&native())?;
    let kept = folder.path().join("store");
    FeatureStore::open(&kept, &extractor)?.extract(&paths, |_, _| ())?;
    for _ in 0..count {
        let store = FeatureStore::open(&kept, &extractor)?;
        let counts = store.extract(&paths, |_, features| {
            black_box(features.is_ok());
        })?;
        ensure!(
            counts.hits == paths.len(),
            "not all are in the store: {counts:?}"
        );
    }
    Ok(())
}
