//! Times epochs of training, two folds of a cross-validation, the networks of an answer in Rust and in libtorch, and
//! `ser predict` from start to end.
//!
//! `ser-benches-networks [--ser PROGRAM]` prints one JSON line per figure; without `--ser`, `ser predict` is left
//! out. The clips are synthetic: noise in the shape of the features that the recipes are trained on.
//! `benches/peers/networks.py` does the same in PyTorch.

// Printing the figures is the purpose of this program.
#![allow(clippy::print_stdout)]

mod against_libtorch;

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ser_benches::{json_line, median, voice, write_wav};
use ser_features::Features;
use ser_model::{Example, TrainingData, keep_freed_memory, train};
use ser_predict::Provenance;
use ser_recipe::{Experiment, Recipe};

/// The recipes, and the number of weights of their networks, here and in PyTorch.
const NETWORKS: [(&str, usize); 2] = [("seed5-cnn", 129_973), ("seed5-lstm", 199_941)];
/// Number of training clips of `seed5`: five emotions of RAVDESS without the test part.
const TRAINING: usize = 622;
/// Number of validation clips of `seed5`.
const VALIDATION: usize = 69;
/// Number of timed epochs, after one that warms up.
const EPOCHS: u32 = 5;
/// Number of epochs of a fold.
const EPOCHS_OF_FOLD: u32 = 5;
/// Number of timed starts of `ser predict`, after one that fills the page cache.
const STARTS: usize = 9;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let ser = match &args[..] {
        [] => None,
        [flag, program] if flag == "--ser" => Some(Path::new(program)),
        _ => return Err("usage: ser-benches-networks [--ser PROGRAM]".into()),
    };
    // The same setting as in the program.
    keep_freed_memory();
    for (name, weights) in NETWORKS {
        let mut recipe = Experiment::load(name)?.into_recipe()?;
        recipe.training.patience = None;
        let clips = noise(recipe.features.coefficients())?;
        for threads in [1, 2] {
            recipe.training.threads = threads;
            recipe.training.epochs = 1 + EPOCHS;
            let job = format!("epoch of {name}, {} clips", clips.len());
            print(
                &job,
                "ser",
                threads as usize,
                "s",
                epoch(&recipe, &clips, weights)?,
            );
        }
        recipe.training.epochs = EPOCHS_OF_FOLD;
        let job = format!("two folds of {name}, {EPOCHS_OF_FOLD} epochs each");
        let both = side_by_side(&mut recipe, &clips)?;
        print(&job, "ser", 2, "s", both);
        let in_turn = in_turn_on_two_threads(&mut recipe, &clips)?;
        print(&job, "ser, one fold after the other", 2, "s", in_turn);
    }
    against_libtorch::compare()?;
    ser.map_or(Ok(()), start_to_end)
}

fn print(job: &str, who: &str, threads: usize, unit: &str, value: f64) {
    let value = (value * 1e4).round() / 1e4;
    println!("{}", json_line(job, who, threads, unit, value));
}

/// Returns clips of 1.2 to 2.6 s in 10 ms frames, 1.9 s on average.
fn noise(coefficients: usize) -> Result<Vec<Features>> {
    let clip = |i: usize| noise_clip(120 + i * 37 % 141, coefficients);
    (0..TRAINING + VALIDATION).map(clip).collect()
}

/// Returns uniform noise from −1 to 1.
fn noise_clip(frames: usize, coefficients: usize) -> Result<Features> {
    let mut state = frames as u32;
    let value = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as f32 / 32_768.0 - 1.0
    };
    let values = std::iter::repeat_with(value).take(frames * coefficients);
    Ok(Features::from_parts(
        values.collect(),
        frames,
        coefficients,
    )?)
}

fn data<'a>(recipe: &Recipe, clips: &'a [Features]) -> TrainingData<'a> {
    let labels = recipe.task.emotions.clone();
    let example = |(i, clip)| Example {
        corpus: 0,
        copies: std::slice::from_ref(clip),
        target: i % labels.len(),
        speaker: 0,
    };
    let mut examples: Vec<Example> = clips.iter().enumerate().map(example).collect();
    let validation = examples.split_off(TRAINING);
    TrainingData {
        labels,
        train: examples,
        validation,
        provenance: Provenance::default(),
    }
}

/// Measures the median time from the end of one epoch to the end of the next, in seconds.
fn epoch(recipe: &Recipe, clips: &[Features], weights: usize) -> Result<f64> {
    let mut ends = Vec::new();
    let trained = train(recipe, data(recipe, clips), 0, &mut |_| {
        ends.push(Instant::now());
    })?;
    if trained.model.parameters() != weights {
        return Err(format!("{} has other weights than PyTorch's", recipe.name).into());
    }
    let seconds = ends
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64());
    Ok(median(seconds.collect()))
}

/// Measures two trainings as `ser crossval` runs them: at the same time, on one thread each. Returns seconds.
fn side_by_side(recipe: &mut Recipe, clips: &[Features]) -> Result<f64> {
    recipe.training.threads = 1;
    let recipe = &*recipe;
    let fold = |seed| train(recipe, data(recipe, clips), seed, &mut |_| {});
    let start = Instant::now();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| fold(1));
        fold(2)?;
        other.join().map_err(|_| "a training panicked")??;
        Ok(start.elapsed().as_secs_f64())
    })
}

/// Measures the same two trainings one after the other, on two threads each. Returns seconds.
fn in_turn_on_two_threads(recipe: &mut Recipe, clips: &[Features]) -> Result<f64> {
    recipe.training.threads = 2;
    let start = Instant::now();
    for seed in [1, 2] {
        train(recipe, data(recipe, clips), seed, &mut |_| {})?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Measures `ser predict` with a model of one network on one clip, from start to end, on one thread like the peer. Its memory is not
/// measured, because Linux counts the memory of this process, which holds libtorch, as the initial memory of a process that it starts.
fn start_to_end(ser: &Path) -> Result<()> {
    let mut recipe = Experiment::load("seed5-cnn")?.into_recipe()?;
    recipe.training.epochs = 1;
    let clips = noise(recipe.features.coefficients())?;
    let folder = tempfile::tempdir()?;
    let model_file = folder.path().join("model.safetensors");
    let clip = folder.path().join("clip.wav");
    let model = train(&recipe, data(&recipe, &clips), 0, &mut |_| {})?.model;
    model.save(&model_file)?;
    write_wav(&clip, &voice(48_000));
    let mut seconds = Vec::new();
    for _ in 0..=STARTS {
        let start = Instant::now();
        let mut predict = Command::new(ser);
        predict.env("RAYON_NUM_THREADS", "1");
        predict.arg("predict").arg("--model").arg(&model_file);
        let output = predict.arg(&clip).output()?;
        seconds.push(start.elapsed().as_secs_f64());
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
    }
    let job = "predict with seed5-cnn, process start to end";
    print(job, "ser", 1, "s", median(seconds.split_off(1)));
    Ok(())
}
