//! Trains a model for use on all clips, and prints its prediction for one. Models like it are measured on inner splits.
//!
//! `cargo run --release -p ser-experiment --features train --example fit`

#![allow(clippy::print_stdout)]

use ser_data::Protocol;
use ser_data::synth::{SynthConfig, generate};
use ser_experiment::{Folders, fit};
use ser_predict::Model;
use ser_recipe::Experiment;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, out) = (folder.path().join("corpus"), folder.path().join("model"));
    let small = SynthConfig {
        actors: 4,
        clips_per_actor: 24,
        ..SynthConfig::default()
    };
    generate(&data, &small, |_| {})?;

    let mut recipe = Experiment::load("cnn")?.into_recipe()?;
    recipe.task.protocol = Protocol::Speakers5;
    recipe.task.inner = 2;
    recipe.training.epochs = 2;
    let folders = Folders {
        data: vec![data.as_path().into()],
        store: None,
        out: &out,
    };
    let fitted = fit(&recipe.into(), &folders, None, &|_| {})?;
    println!("UAR {:.3} on inner splits", fitted.validation.uar.mean);
    let model = Model::load(&fitted.model)?;
    println!("{} tells {} apart", model.name, model.labels.join(", "));
    Ok(())
}
