//! Trains a recipe on the first split of its protocol, saves the model, and measures it on the test part, which
//! was not used in training.
//!
//! `cargo run --release -p ser-model --example train -- folds-a-cnn ravdess/ model.safetensors`. The
//! data may be a manifest of any corpus, and the recipe a TOML file. The augmented copies of clips that some
//! recipes ask for, in training or when they predict, are left out.

#![allow(clippy::print_stdout)]

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use ser_data::{Corpus, Scan};
use ser_features::{FeatureExtractor, Features};
use ser_model::{Example, TrainingData, train};
use ser_predict::{Provenance, argmax};
use ser_recipe::Experiment;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [recipe, data, out] = &args[..] else {
        bail!("usage: train RECIPE FOLDER|MANIFEST.csv MODEL.safetensors");
    };
    let mut recipe = Experiment::load(recipe)?.into_recipe()?;
    recipe.augmentation.semitones.clear();
    recipe.augmentation.test_semitones.clear();
    recipe.augmentation.conditions.clear();

    let Scan { mut corpus, .. } = Corpus::load(data)?;
    let emotions: Vec<&str> = recipe.task.emotions.iter().map(String::as_str).collect();
    if !emotions.is_empty() {
        corpus = corpus.select(&emotions)?;
    }
    let splits = recipe.task.protocol.splits(&corpus, recipe.task.seed)?;
    let split = splits.first().context("the protocol has no split")?;

    let extractor = FeatureExtractor::new(&recipe.features)?;
    let (clips, targets) = (corpus.clips(), corpus.targets());
    let speakers = corpus.speaker_numbers();
    let features = clips
        .par_iter()
        .map(|clip| extractor.extract_file(&clip.path));
    let features: Vec<Features> = features.collect::<Result<_, _>>()?;

    let examples = |part: &[usize]| -> Vec<Example> {
        let example = |&clip: &usize| Example {
            copies: &features[clip..=clip],
            target: targets[clip],
            corpus: 0,
            speaker: speakers[clip],
        };
        part.iter().map(example).collect()
    };
    let seen = || split.train().iter().chain(split.validation());
    let voices: BTreeSet<String> = seen().map(|&clip| clips[clip].speaker.clone()).collect();
    let data = TrainingData {
        labels: corpus.labels().to_vec(),
        train: examples(split.train()),
        validation: examples(split.validation()),
        provenance: Provenance {
            split: split.name().to_owned(),
            corpus: corpus.checksum(),
            synthetic: corpus.is_synthetic(),
            speaker_disjoint: recipe.task.protocol.is_speaker_disjoint(),
            speakers: voices.into_iter().collect(),
            content: seen().map(|&clip| clips[clip].content.clone()).collect(),
            validated_on: None,
        },
    };
    let trained = train(&recipe, data, 0, &mut |epoch| {
        let (number, loss, uar) = (epoch.epoch, epoch.train_loss, 100.0 * epoch.validation_uar);
        println!("epoch {number:>3}: loss {loss:.3}, UAR {uar:.1} % on the validation part");
    })?;
    trained.model.save(out.as_ref())?;

    let tested: Vec<&[Features]> = split
        .test()
        .iter()
        .map(|&clip| &features[clip..=clip])
        .collect();
    let answers = trained.model.predict(&tested)?;
    let predicted: Vec<usize> = answers.iter().map(|p| argmax(p)).collect();
    let truth: Vec<usize> = split.test().iter().map(|&clip| targets[clip]).collect();
    let (uar, n) = (100.0 * ser_eval::uar(&truth, &predicted)?, truth.len());
    println!(
        "{out}: UAR {uar:.1} % on the {n} test clips of {}",
        split.name()
    );
    Ok(())
}
