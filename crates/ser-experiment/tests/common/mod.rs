//! A small corpus and small experiments on it.
#![allow(dead_code, clippy::unwrap_used)] // every test file uses its own part

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ser_data::synth::{SynthConfig, generate};
use ser_experiment::{Finished, Folders, OnEvent, cross_validate, train_one};
use ser_recipe::{Experiment, Member};

mod small;

pub use small::*;

/// Ignores all events.
pub const SILENT: OnEvent = &|_| {};

/// Returns the folder of a synthetic corpus of four actors, which is written once for all tests of a file.
pub fn synthetic() -> &'static Path {
    static CORPUS: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, corpus) = CORPUS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let corpus = folder.path().join("corpus");
        let config = SynthConfig {
            actors: 4,
            ..SynthConfig::default()
        };
        generate(&corpus, &config, |_| {}).unwrap();
        (folder, corpus)
    });
    corpus
}

pub fn folders<'a>(data: &'a Path, out: &'a Path) -> Folders<'a> {
    Folders {
        data: vec![data.into()],
        store: None,
        out,
    }
}

/// Returns an experiment that trains in seconds.
pub fn quick(name: &str, protocol: &str, epochs: u32) -> Experiment {
    Experiment::parse(&quick_recipe_text(name, protocol, epochs), name).unwrap()
}

/// Returns an experiment that is measured on an inner split, and may support enrolment.
pub fn inner(name: &str, enrols: bool) -> Experiment {
    Experiment::parse(&inner_recipe_text(name, enrols), name).unwrap()
}

/// Returns the ensemble of some experiments, with equal weights.
pub fn ensemble(name: &str, of: &[&Experiment]) -> Experiment {
    let members = of.iter().map(|experiment| Member {
        weight: 1.0,
        recipe: experiment.members[0].recipe.clone(),
    });
    Experiment {
        name: name.to_owned(),
        members: members.collect(),
        ..of[0].clone()
    }
}

pub fn crossval(experiment: &Experiment, data: &Path, out: &Path) -> Finished {
    cross_validate(experiment, &folders(data, out), None, SILENT).unwrap()
}

/// Trains on the first split.
pub fn train(experiment: &Experiment, out: &Path) -> Finished {
    let recipe = experiment.clone().into_recipe().unwrap();
    train_one(&recipe, 1, &folders(synthetic(), out), SILENT).unwrap()
}

/// Returns the text of the error.
pub fn refusal<T: std::fmt::Debug>(result: ser_experiment::Result<T>) -> String {
    result.unwrap_err().to_string()
}
