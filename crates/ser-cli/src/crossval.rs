//! `ser train` and `ser crossval`

use anyhow::Result;
use ser_experiment::{Finished, Folders, cross_validate, train_one};
use ser_recipe::{Experiment, Task};

use crate::args::{CrossvalArgs, ExperimentArgs, TrainArgs};
use crate::events::Show;
use crate::{Outcome, report};

/// `ser train`: one split, its files directly in `--out`.
pub fn train(args: &TrainArgs, json: bool) -> Result<Outcome> {
    ser_experiment::keep_freed_memory();
    let recipe = Experiment::load(&args.experiment.recipe)?.into_recipe()?;
    let (folders, show) = (args.experiment.folders(), Show::default());
    let on_event = |event: ser_experiment::Event| show.event(event);
    print(&train_one(&recipe, args.split, &folders, &on_event)?, json)
}

/// `ser crossval`: every split in a folder of its own below `--out`.
pub fn run(args: &CrossvalArgs, json: bool) -> Result<Outcome> {
    ser_experiment::keep_freed_memory();
    let mut experiment = Experiment::load(&args.experiment.recipe)?;
    if let Some(protocol) = args.protocol {
        let task = Task {
            protocol,
            ..experiment.task.clone()
        };
        experiment = experiment.with_task(task)?;
    }
    let (folders, show) = (args.experiment.folders(), Show::default());
    let on_event = |event: ser_experiment::Event| show.event(event);
    print(
        &cross_validate(&experiment, &folders, args.jobs, &on_event)?,
        json,
    )
}

fn print(finished: &Finished, json: bool) -> Result<Outcome> {
    report::print(&finished.run, &finished.evaluation, json)?;
    Ok(Outcome::of(&finished.skipped))
}

impl ExperimentArgs {
    /// Where clips come from and results go.
    pub fn folders(&self) -> Folders<'_> {
        Folders {
            data: &self.data,
            store: self.store.as_deref(),
            out: &self.out,
        }
    }
}
