//! `ser train` and `ser crossval`

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use indicatif::MultiProgress;
use ser_data::Split;
use ser_eval::Epoch;
use ser_model::Recipe;

use crate::Outcome;
use crate::args::{CrossvalArgs, ExperimentArgs, TrainArgs};
use crate::corpus::{Prepared, prepare};
use crate::output::{percent, progress_in};
use crate::report::{self, Run};
use crate::run::{RunInfo, SplitRun, is_split, remove, split_folders, train_split};

/// `ser train`: one split, its files directly in `--out`.
pub fn train_one(args: &TrainArgs, json: bool) -> Result<Outcome> {
    let (recipe, data, splits) = open(&args.experiment)?;
    let Some(split) = args.split.checked_sub(1).and_then(|i| splits.get(i)) else {
        let (protocol, n) = (recipe.task.protocol, splits.len());
        bail!("{protocol} has the splits 1 to {n}, not {}", args.split);
    };
    let dir = &args.experiment.out;
    let all = MultiProgress::new();
    run_split(dir, &recipe, &data, split, args.split, &all)?;
    finish(dir, &data, json)
}

/// `ser crossval`: every split in a folder of its own below `--out`.
pub fn run(args: &CrossvalArgs, json: bool) -> Result<Outcome> {
    let (recipe, data, splits) = open(&args.experiment)?;
    let out = &args.experiment.out;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    if is_split(out) {
        bail!(
            "{} holds one split, written by `ser train`: choose another --out",
            out.display()
        );
    }
    // Splits of a recipe that ran here before would be pooled with those of this one.
    for folder in split_folders(out)? {
        if !splits.iter().any(|split| folder.ends_with(split.name())) {
            remove(&folder)?;
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = usize::try_from(recipe.training.threads).unwrap_or(1);
    // Small networks gain little from a second thread: one training a core beats one training
    // on all of them.
    let jobs = args.jobs.unwrap_or(cores / threads).clamp(1, splits.len());
    let all = MultiProgress::new();
    let queue = Mutex::new(splits.iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || -> Result<()> {
        while let Some((i, split)) = next() {
            run_split(&out.join(split.name()), &recipe, &data, split, i + 1, &all)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(_) => bail!("a training thread ended abnormally"),
            })
    })?;
    finish(out, &data, json)
}

fn open(args: &ExperimentArgs) -> Result<(Recipe, Prepared, Vec<Split>)> {
    ser_model::keep_freed_memory();
    let recipe = Recipe::load(&args.recipe)?;
    let task = &recipe.task;
    let data = prepare(
        &args.data,
        &task.emotions,
        &recipe.features,
        args.store.as_deref(),
    )?;
    let splits = task.protocol.splits(&data.corpus, task.seed)?;
    Ok((recipe, data, splits))
}

fn run_split(
    dir: &Path,
    recipe: &Recipe,
    data: &Prepared,
    split: &Split,
    number: usize,
    all: &MultiProgress,
) -> Result<()> {
    let name = split.name();
    if SplitRun::is_finished(dir, &RunInfo::new(recipe, data, split), recipe) {
        all.suspend(|| eprintln!("{name}: already there, kept ({})", dir.display()));
        return Ok(());
    }
    let bar = progress_in(all, recipe.training.epochs as usize, name.to_owned());
    let mut on_epoch = |epoch: &Epoch| {
        bar.set_position(u64::from(epoch.epoch));
        bar.set_message(format!(
            "loss {:.3}, validation {:.3}, UAR {}",
            epoch.train_loss,
            epoch.validation_loss,
            percent(epoch.validation_uar)
        ));
    };
    train_split(dir, recipe, data, split, number as u64, &mut on_epoch)
        .with_context(|| format!("split {name}"))?;
    bar.finish_and_clear();
    all.suspend(|| eprintln!("{name}: done ({})", dir.display()));
    Ok(())
}

fn finish(dir: &Path, data: &Prepared, json: bool) -> Result<Outcome> {
    let run = Run::read(dir)?;
    let evaluation = report::write(&run, &[])?;
    report::print(&run, &evaluation, json)?;
    Ok(Outcome::of(&data.skipped))
}
