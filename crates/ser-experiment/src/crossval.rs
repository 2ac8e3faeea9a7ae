//! Cross-validation: an experiment trained and measured on every split of its protocol, or on one.

use std::path::{Path, PathBuf};

use ser_data::Split;
use ser_eval::{Epoch, Evaluation};
use ser_files::remove_file;
use ser_predict::Model;
use ser_recipe::{Experiment, Member, Monitor, Recipe};

use crate::answers::Answers;
use crate::corpus::{Prepared, Skipped};
use crate::error::{Context, Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::folder::{self, refuse_foreign, remove};
use crate::lock::Lock;
use crate::page::{METRICS, PAGE};
use crate::parallel::side_by_side;
use crate::run::Run;
use crate::source::{Folders, Source, splits};
use crate::split_run::{
    MODEL, Numbered, SplitRun, TEST, is_of_cross_validation, is_split, split_folders,
};
use crate::training::{Trainer, join_split, run_info};
use crate::view::{View, each_once};

/// Folder of an ensemble's members, below that of the ensemble.
const MEMBERS: &str = "members";

/// A run that was made, and written up in its folder.
#[derive(Debug)]
pub struct Finished {
    /// What lies in the folder.
    pub run: Run,
    /// Its figures.
    pub evaluation: Evaluation,
    /// Files that could not be used.
    pub skipped: Vec<Skipped>,
}

/// Trains and measures an experiment on every split of its protocol, each in a folder of its own, `jobs` at
/// a time: as many as fit the cores, if that is not given.
///
/// The members of an ensemble are cross-validated in folders of their own, and then joined. An ensemble of
/// one is its recipe.
///
/// # Errors
/// [`Error::Locked`], [`Error::Foreign`] and [`Error::HoldsOneSplit`] for the folder of results; whatever
/// fails in reading clips, in training and in writing.
pub fn cross_validate(
    experiment: &Experiment,
    folders: &Folders,
    jobs: Option<usize>,
    on_event: OnEvent,
) -> Result<Finished> {
    let _lock = Lock::take(folders.out)?;
    let validation = CrossValidation {
        source: Source::read(folders, &experiment.task, on_event)?,
        jobs,
        on_event,
    };
    let data = match &experiment.members[..] {
        [member] => validation.recipe(folders.out, &member.recipe)?,
        _ => validation.ensemble(folders.out, experiment)?,
    };
    finish(folders.out, data)
}

/// Trains and measures a recipe on one split of its protocol, counted from 1; the files lie directly in the
/// folder of results.
///
/// # Errors
/// [`Error::NoSplit`], and those of [`cross_validate`].
pub fn train_one(
    recipe: &Recipe,
    number: usize,
    folders: &Folders,
    on_event: OnEvent,
) -> Result<Finished> {
    let _lock = Lock::take(folders.out)?;
    let source = Source::read(folders, &recipe.task, on_event)?;
    let data = source.extract(recipe)?;
    let splits = splits(&recipe.task, &data)?;
    let numbered = Numbered::all(&splits).into_iter();
    let Some(numbered) = numbered.clone().find(|split| split.number == number) else {
        return Err(Error::NoSplit {
            protocol: recipe.task.protocol,
            splits: splits.len(),
            number,
        });
    };
    run_split(folders.out, recipe, &data, numbered, on_event)?;
    finish(folders.out, data)
}

fn finish(out: &Path, data: Prepared) -> Result<Finished> {
    let run = Run::read(out)?;
    Ok(Finished {
        evaluation: run.write_page(&[], &data.corpus, &[])?,
        run,
        skipped: data.skipped,
    })
}

struct CrossValidation<'a> {
    source: Source<'a>,
    jobs: Option<usize>,
    on_event: OnEvent<'a>,
}

impl CrossValidation<'_> {
    /// Trains and measures a recipe on every split.
    fn recipe(&self, out: &Path, recipe: &Recipe) -> Result<Prepared> {
        let clips = &self.source.clips;
        // Nothing needs to be extracted for what is there.
        if are_finished(out, recipe, clips)? {
            (self.on_event)(Event::Kept {
                name: &recipe.name,
                folder: out,
            });
            return Ok(clips.clone());
        }
        let data = self.source.extract(recipe)?;
        let splits = splits(&recipe.task, &data)?;
        clear(out, &splits)?;
        side_by_side(&Numbered::all(&splits), recipe, self.jobs, |&numbered| {
            let dir = out.join(numbered.split.name());
            run_split(&dir, recipe, &data, numbered, self.on_event)
        })?;
        Ok(data)
    }

    /// Trains every member of an ensemble on every split, as runs of their own, and joins them.
    fn ensemble(&self, out: &Path, ensemble: &Experiment) -> Result<Prepared> {
        let folder = |recipe: &Recipe| -> PathBuf { out.join(MEMBERS).join(&recipe.name) };
        let (mut learned, mut skipped) = (Vec::new(), Vec::new());
        for Member { recipe, .. } in &ensemble.members {
            (self.on_event)(Event::Member {
                experiment: &ensemble.name,
                recipe: &recipe.name,
            });
            let member = self.recipe(&folder(recipe), recipe)?;
            learned.push(member.corpus);
            Skipped::add(&mut skipped, member.skipped);
        }
        let recipes = ensemble.members.iter().map(|member| &member.recipe);
        let views = recipes.clone().flat_map(Recipe::views).map(View::clean);
        let mut data = self.source.views(&ensemble.task, &each_once(views))?;
        Skipped::add(&mut data.skipped, skipped);
        // Members also leave out a clip of which an augmented copy has no features. With another corpus the splits would be
        // others, and clips that members learned from might be tested.
        let data = data.common_with(&learned);
        let splits = splits(&ensemble.task, &data)?;
        clear(out, &splits)?;
        for numbered in Numbered::all(&splits) {
            let split = numbered.split;
            let read = |recipe: &Recipe| -> Result<_> {
                let dir = folder(recipe).join(split.name());
                let run = SplitRun::read(&dir)?;
                let run = run.ok_or_else(|| Error::NoRun { path: dir.clone() })?;
                Ok((run, Model::load(&dir.join(MODEL))?))
            };
            let members = recipes.clone().map(read).collect::<Result<_>>()?;
            let (run, model) = join_split(ensemble, members, &data, numbered)
                .context_of(|| format!("split {}", split.name()))?;
            run.write(&out.join(split.name()), &data.corpus, split, &model)?;
        }
        Ok(data)
    }
}

/// Whether a folder holds every split of a recipe, and nothing else.
fn are_finished(out: &Path, recipe: &Recipe, data: &Prepared) -> Result<bool> {
    if !out.is_dir() {
        return Ok(false);
    }
    let splits = splits(&recipe.task, data)?;
    let mut numbered = Numbered::all(&splits).into_iter();
    let there = |at: Numbered| is_finished(&out.join(at.split.name()), recipe, data, at);
    Ok(split_folders(out)?.len() == splits.len() && numbered.all(there))
}

/// Whether a folder holds a recipe's finished run on a split of these clips.
fn is_finished(dir: &Path, recipe: &Recipe, data: &Prepared, numbered: Numbered) -> bool {
    let experiment = Experiment::from(recipe.clone());
    let info = run_info(&experiment, recipe.training.threads, data, numbered);
    SplitRun::is_finished(dir, &info, &experiment)
}

/// Makes ready the folder of a cross-validation.
fn clear(out: &Path, splits: &[Split]) -> Result<()> {
    folder::create(out)?;
    if is_split(out) {
        return Err(Error::HoldsOneSplit {
            path: out.to_owned(),
        });
    }
    // Splits of a recipe that ran here before would be pooled with those of this one.
    for folder in split_folders(out)? {
        if !splits.iter().any(|split| folder.ends_with(split.name())) {
            refuse_foreign(&folder, is_of_cross_validation)?;
            remove(&folder)?;
        }
    }
    // Nor do its page, its metrics and the answers they are made of belong to this run. Pictures go when
    // the next page is written.
    Answers::remove(out, TEST)?;
    remove_file(out.join(METRICS))?;
    Ok(remove_file(out.join(PAGE))?)
}

fn run_split(
    dir: &Path,
    recipe: &Recipe,
    data: &Prepared,
    numbered: Numbered,
    on_event: OnEvent,
) -> Result<()> {
    let name = numbered.split.name();
    if is_finished(dir, recipe, data, numbered) {
        on_event(Event::Kept { name, folder: dir });
        return Ok(());
    }
    refuse_foreign(dir, is_split)?;
    let training = &recipe.training;
    let trainings = match training.monitor {
        Monitor::LastEpoch => 1 + recipe.task.inner,
        _ => 1,
    };
    let steps = training.epochs as usize * training.networks * trainings;
    let stage = Stage::Split(name);
    on_event(Event::Started { stage, steps });
    let trainer = Trainer {
        recipe,
        data,
        on_epoch: &|epoch: &Epoch| on_event(Event::Epoch { stage, epoch }),
        on_event,
    };
    let (run, model) = trainer
        .split(numbered)
        .context_of(|| format!("split {name}"))?;
    run.write(dir, &data.corpus, numbered.split, &model)?;
    on_event(Event::Finished { stage });
    on_event(Event::Written { name, folder: dir });
    Ok(())
}
