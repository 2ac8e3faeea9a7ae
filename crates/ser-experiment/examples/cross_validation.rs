//! Measures a recipe on held-out speakers: every speaker of a small corpus in turn.
//!
//! `cargo run --release -p ser-experiment --features train --example cross_validation`

#![allow(clippy::print_stdout)]

use ser_data::Protocol;
use ser_data::synth::{SynthConfig, generate};
use ser_experiment::{Event, Folders, cross_validate};
use ser_recipe::Experiment;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, out) = (folder.path().join("corpus"), folder.path().join("run"));
    let small = SynthConfig {
        actors: 4,
        clips_per_actor: 24,
        ..SynthConfig::default()
    };
    generate(&data, &small, |_| {})?;

    let mut recipe = Experiment::load("folds-a-cnn")?.into_recipe()?;
    recipe.task.protocol = Protocol::Loso;
    recipe.training.epochs = 5;
    let folders = Folders {
        data: vec![data.as_path().into()],
        store: None,
        out: &out,
    };
    let on_event = |event: Event| {
        if let Event::Written { name, .. } = event {
            println!("{name} is done");
        }
    };
    let finished = cross_validate(&recipe.into(), &folders, None, &on_event)?;
    let uar = finished.evaluation.folds.uar;
    println!(
        "UAR {:.3} over {} speakers",
        uar.mean,
        finished.run.infos.len()
    );
    Ok(())
}
