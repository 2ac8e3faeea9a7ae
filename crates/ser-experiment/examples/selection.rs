//! Chooses between two recipes on inner splits alone, without using a test part.
//!
//! `cargo run --release -p ser-experiment --features train --example selection`

#![allow(clippy::print_stdout)]

use ser_data::Protocol;
use ser_data::synth::{SynthConfig, generate};
use ser_experiment::{Folders, select};
use ser_recipe::Experiment;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, out) = (folder.path().join("corpus"), folder.path().join("tried"));
    let small = SynthConfig {
        actors: 4,
        ..SynthConfig::default()
    };
    generate(&data, &small, |_| {})?;

    let mut experiments = Vec::new();
    for name in ["cnn", "lstm"] {
        let mut recipe = Experiment::load(name)?.into_recipe()?;
        recipe.task.protocol = Protocol::Loso;
        recipe.task.inner = 1;
        recipe.training.epochs = 2;
        experiments.push(recipe.into());
    }
    let folders = Folders {
        data: vec![data.as_path().into()],
        store: None,
        out: &out,
    };
    for tried in select(&experiments, &folders, None, false, &|_| {})? {
        println!("{}: UAR {:.3}", tried.name, tried.plain().uar.mean);
    }
    Ok(())
}
