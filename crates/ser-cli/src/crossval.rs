//! `ser train` and `ser crossval`

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use indicatif::MultiProgress;
use ser_data::Split;
use ser_eval::Epoch;
use ser_model::Model;
use ser_recipe::{Experiment, Member, Monitor, Recipe, Task};

use crate::Outcome;
use crate::args::{CrossvalArgs, ExperimentArgs, TrainArgs};
use crate::corpus::{self, Prepared, View};
use crate::lock::Lock;
use crate::output::{percent, progress_in};
use crate::report::{self, Run};
use crate::run::{
    MODEL, Numbered, RunInfo, SplitRun, is_of_crossval, is_split, refuse_foreign, remove,
    split_folders,
};
use crate::training::{join_split, train_split};

/// Folder of an ensemble's members, below that of the ensemble.
const MEMBERS: &str = "members";

/// `ser train`: one split, its files directly in `--out`.
pub fn train_one(args: &TrainArgs, json: bool) -> Result<Outcome> {
    ser_model::keep_freed_memory();
    let recipe = Experiment::load(&args.experiment.recipe)?.into_recipe()?;
    let dir = &args.experiment.out;
    let _lock = Lock::take(dir)?;
    let ExperimentArgs { data, store, .. } = &args.experiment;
    let data = Source::read(data, store.as_deref(), &recipe.task)?.extract(&recipe)?;
    let splits = splits(&recipe, &data)?;
    let numbered = Numbered::all(&splits);
    let Some(&numbered) = numbered.iter().find(|split| split.number == args.split) else {
        let (protocol, n) = (recipe.task.protocol, splits.len());
        bail!("{protocol} has the splits 1 to {n}, not {}", args.split);
    };
    let all = MultiProgress::new();
    run_split(dir, &recipe, &data, numbered, &all)?;
    finish(dir, &data, json)
}

/// `ser crossval`: every split in a folder of its own below `--out`.
pub fn run(args: &CrossvalArgs, json: bool) -> Result<Outcome> {
    ser_model::keep_freed_memory();
    let mut experiment = Experiment::load(&args.experiment.recipe)?;
    if let Some(protocol) = args.protocol {
        let task = Task {
            protocol,
            ..experiment.task.clone()
        };
        experiment = experiment.with_task(task)?;
    }
    let ExperimentArgs {
        data, store, out, ..
    } = &args.experiment;
    let _lock = Lock::take(out)?;
    let source = Source::read(data, store.as_deref(), &experiment.task)?;
    let data = match &experiment.members[..] {
        [member] => cross(out, &member.recipe, &source, args.jobs)?,
        _ => join(out, &experiment, &source, args.jobs)?,
    };
    finish(out, &data, json)
}

/// The clips of a task, the same for all members of an ensemble, and where their features are kept.
pub struct Source<'a> {
    /// The clips, without features.
    pub clips: Prepared,
    /// Feature store.
    pub store: Option<&'a Path>,
}

impl<'a> Source<'a> {
    /// Reads the clips of a task in a folder or manifest.
    pub fn read(data: &Path, store: Option<&'a Path>, task: &Task) -> Result<Self> {
        let clips = corpus::read(data, &task.emotions)?;
        Ok(Self { clips, store })
    }

    /// The same clips with all features that a recipe trains on.
    pub fn extract(&self, recipe: &Recipe) -> Result<Prepared> {
        let views = View::of_training(recipe);
        let clips = self.clips.clone();
        clips.extract(&recipe.task.emotions, &views, self.store)
    }
}

/// The splits of a recipe's protocol.
pub fn splits(recipe: &Recipe, data: &Prepared) -> Result<Vec<Split>> {
    let task = &recipe.task;
    Ok(task.protocol.splits(&data.corpus, task.seed)?)
}

/// Trains and measures a recipe on every split.
fn cross(out: &Path, recipe: &Recipe, source: &Source, jobs: Option<usize>) -> Result<Prepared> {
    // Nothing needs to be extracted for what is there.
    if are_finished(out, recipe, &source.clips)? {
        eprintln!("{}: already there, kept ({})", recipe.name, out.display());
        return Ok(source.clips.clone());
    }
    let data = source.extract(recipe)?;
    let splits = splits(recipe, &data)?;
    clear(out, &splits)?;
    let all = MultiProgress::new();
    side_by_side(&Numbered::all(&splits), recipe, jobs, |&numbered| {
        let dir = out.join(numbered.split.name());
        run_split(&dir, recipe, &data, numbered, &all)
    })?;
    Ok(data)
}

/// Whether a folder holds every split of a recipe, and nothing else.
fn are_finished(out: &Path, recipe: &Recipe, data: &Prepared) -> Result<bool> {
    if !out.is_dir() {
        return Ok(false);
    }
    let splits = splits(recipe, data)?;
    let mut numbered = Numbered::all(&splits).into_iter();
    let there = |at: Numbered| is_finished(&out.join(at.split.name()), recipe, data, at);
    Ok(split_folders(out)?.len() == splits.len() && numbered.all(there))
}

/// Whether a folder holds a recipe's finished run on a split of these clips.
fn is_finished(dir: &Path, recipe: &Recipe, data: &Prepared, numbered: Numbered) -> bool {
    let experiment = Experiment::from(recipe.clone());
    RunInfo::new(&experiment, recipe.training.threads, data, numbered)
        .is_ok_and(|info| SplitRun::is_finished(dir, &info, &experiment))
}

/// Does the trainings of a recipe that `work` stands for, as many at a time as fit the cores.
pub fn side_by_side<T: Sync>(
    items: &[T],
    recipe: &Recipe,
    jobs: Option<usize>,
    work: impl Fn(&T) -> Result<()> + Sync,
) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = usize::try_from(recipe.training.threads).unwrap_or(1);
    // Small networks gain little from a second thread: one training a core beats one training
    // on all of them.
    let jobs = jobs.unwrap_or(cores / threads).clamp(1, items.len().max(1));
    let queue = Mutex::new(items.iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || -> Result<()> {
        while let Some(item) = next() {
            work(item)?;
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
    })
}

/// Trains every member of an ensemble on every split, as runs of their own, and joins them.
fn join(
    out: &Path,
    ensemble: &Experiment,
    source: &Source,
    jobs: Option<usize>,
) -> Result<Prepared> {
    let folder = |recipe: &Recipe| out.join(MEMBERS).join(&recipe.name);
    let mut views: Vec<View> = Vec::new();
    for Member { recipe, .. } in &ensemble.members {
        eprintln!("{}: {}", ensemble.name, recipe.name);
        cross(&folder(recipe), recipe, source, jobs)?;
        for view in recipe.views().into_iter().map(View::clean) {
            if !views.contains(&view) {
                views.push(view);
            }
        }
    }
    let task = &ensemble.task;
    let clips = source.clips.clone();
    let data = clips.extract(&task.emotions, &views, source.store)?;
    let splits = task.protocol.splits(&data.corpus, task.seed)?;
    clear(out, &splits)?;
    for numbered in Numbered::all(&splits) {
        let split = numbered.split;
        let dir = out.join(split.name());
        let read = |Member { recipe, weight }: &Member| -> Result<_> {
            let dir = folder(recipe).join(split.name());
            let run = SplitRun::read(&dir)?.with_context(|| dir.display().to_string())?;
            Ok((run, Model::load(&dir.join(MODEL))?, *weight))
        };
        let members = ensemble.members.iter().map(read).collect::<Result<_>>()?;
        let (run, model) = join_split(ensemble, members, &data, numbered)
            .with_context(|| format!("split {}", split.name()))?;
        run.write(&dir, &data.corpus, split, &model)?;
    }
    Ok(data)
}

/// Makes ready the folder of a cross-validation.
fn clear(out: &Path, splits: &[Split]) -> Result<()> {
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
            refuse_foreign(&folder, is_of_crossval)?;
            remove(&folder)?;
        }
    }
    report::remove_page(out)
}

fn run_split(
    dir: &Path,
    recipe: &Recipe,
    data: &Prepared,
    numbered: Numbered,
    all: &MultiProgress,
) -> Result<()> {
    let name = numbered.split.name();
    if is_finished(dir, recipe, data, numbered) {
        all.suspend(|| eprintln!("{name}: already there, kept ({})", dir.display()));
        return Ok(());
    }
    refuse_foreign(dir, is_split)?;
    let training = &recipe.training;
    let trainings = match training.monitor {
        Monitor::LastEpoch => 1 + recipe.task.inner,
        _ => 1,
    };
    let epochs = training.epochs as usize * training.networks * trainings;
    let bar = progress_in(all, epochs, name.to_owned());
    let mut on_epoch = |epoch: &Epoch| {
        bar.inc(1);
        let watched = if epoch.validation_loss.is_finite() {
            let uar = percent(epoch.validation_uar);
            format!(", validation {:.3}, UAR {uar}", epoch.validation_loss)
        } else {
            String::new()
        };
        bar.set_message(format!("loss {:.3}{watched}", epoch.train_loss));
    };
    let (run, model) = train_split(recipe, data, numbered, &mut on_epoch)
        .with_context(|| format!("split {name}"))?;
    run.write(dir, &data.corpus, numbered.split, &model)?;
    bar.finish_and_clear();
    all.suspend(|| eprintln!("{name}: done ({})", dir.display()));
    Ok(())
}

fn finish(dir: &Path, data: &Prepared, json: bool) -> Result<Outcome> {
    let run = Run::read(dir)?;
    let evaluation = report::write(&run, &[], &data.corpus)?;
    report::print(&run, &evaluation, json)?;
    Ok(Outcome::of(&data.skipped))
}
