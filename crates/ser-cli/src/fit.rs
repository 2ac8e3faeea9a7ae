//! The command `ser fit --recipe`: trains a model for use on all clips.

use std::num::NonZeroUsize;

use anyhow::Result;
use ser_experiment::{Folders, fit};
use ser_recipe::{Experiment, Task};

use crate::args::FitArgs;
use crate::output::{SYNTHETIC, mean_std};
use crate::{Outcome, events};

/// Evaluates a recipe, or the recipes of an ensemble, on inner splits of all clips, trains on all clips, and writes the
/// model.
pub fn run(args: &FitArgs, json: bool) -> Result<Outcome> {
    ser_experiment::keep_freed_memory();
    // The command line requires a recipe if there is no `--from`.
    let recipe = args.recipe.as_deref().unwrap_or_default();
    let experiment = Experiment::load(recipe)?;
    let task = Task {
        inner: args.inner.get(),
        ..experiment.task.clone()
    };
    let experiment = experiment.with_task(task)?;
    let folders = Folders {
        data: args.data.origins(),
        store: args.store.as_deref(),
        out: &args.out,
    };
    let fitted = fit(
        &experiment,
        &folders,
        args.jobs.map(NonZeroUsize::get),
        &events::show(),
    )?;
    let (path, plain) = (fitted.model.display(), &fitted.validation);
    if json {
        let line = serde_json::json!({ "model": path.to_string(), "validation": plain, "synthetic": fitted.synthetic });
        println!("{line}");
        return Ok(Outcome::of(&fitted.skipped));
    }
    println!(
        "on {} inner splits: accuracy {}, UAR {}",
        plain.folds.len(),
        mean_std(plain.accuracy),
        mean_std(plain.uar)
    );
    println!(
        "No clips are left to evaluate this model itself: `ser crossval` evaluates models like it."
    );
    if fitted.synthetic {
        println!("{SYNTHETIC}");
    }
    println!("model: {path} (try `ser predict --model`)");
    Ok(Outcome::of(&fitted.skipped))
}
