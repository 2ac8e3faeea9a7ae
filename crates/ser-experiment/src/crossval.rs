//! Cross-validation: trains and measures an experiment on every split of its protocol, or on one split.

use std::path::{Path, PathBuf};

use ser_data::Split;
use ser_eval::{Epoch, Evaluation};
use ser_files::remove_file;
use ser_predict::Model;
use ser_recipe::{Experiment, Monitor, Recipe};

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
    MODEL, Numbered, SplitRun, TEST, is_of_cross_validation, is_split, refuse_one_split,
    refuse_other_recipe, split_folders,
};
use crate::training::{Trainer, join_split};
use crate::view::{View, each_once};

/// Name of the folder of the members, in the folder of an ensemble.
const MEMBERS: &str = "members";

/// A finished run, whose results and page are written into its folder.
#[derive(Debug)]
pub struct Finished {
    /// The run, as read from the folder.
    pub run: Run,
    /// The figures of the run.
    pub evaluation: Evaluation,
    /// Files that could not be used.
    pub skipped: Vec<Skipped>,
}

/// Trains and measures an experiment on every split of its protocol. Each split has its own folder.
///
/// `jobs` trainings run in parallel; without it, as many as there are cores for. The members of an ensemble are
/// cross-validated in folders of their own, and then joined. An experiment with one member is treated as its recipe.
///
/// # Errors
/// - [`Error::Locked`] if another run writes into the folder of results
/// - [`Error::Foreign`] if the folder holds other files
/// - [`Error::HoldsOther`] if the folder holds a single split, the model of a fit, or splits of a recipe with another name
/// - any error of reading the clips, of training and of writing
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
        _ => validation.ensemble(experiment, folders.out)?,
    };
    finish(folders.out, data)
}

/// Trains and measures a recipe on one split of its protocol, counted from 1. The files are written directly into the
/// folder of results.
///
/// # Errors
/// [`Error::NoSplit`] if the protocol has no split of this number, and the errors of [`cross_validate`].
pub fn train_one(
    recipe: &Recipe,
    number: usize,
    folders: &Folders,
    on_event: OnEvent,
) -> Result<Finished> {
    let _lock = Lock::take(folders.out)?;
    refuse_other_recipe(folders.out, &recipe.name)?;
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
        let experiment = Experiment::from(recipe.clone());
        if is_finished(out, &experiment, &self.source.clips)? {
            return Ok(self.kept(out, &experiment));
        }
        let data = self.source.extract(recipe)?;
        let splits = splits(&recipe.task, &data)?;
        clear(out, &recipe.name, &splits)?;
        side_by_side(&Numbered::all(&splits), recipe, self.jobs, |&numbered| {
            let dir = out.join(numbered.split.name());
            run_split(&dir, recipe, &data, numbered, self.on_event)
        })?;
        Ok(data)
    }

    /// Cross-validates every member of an ensemble as a run of its own, and joins the models of each split.
    fn ensemble(mut self, ensemble: &Experiment, out: &Path) -> Result<Prepared> {
        if is_finished(out, ensemble, &self.source.clips)? {
            return Ok(self.kept(out, ensemble));
        }
        let folder = |recipe: &Recipe| -> PathBuf { out.join(MEMBERS).join(&recipe.name) };
        let recipes = ensemble.members.iter().map(|member| &member.recipe);
        // A folder that cannot be used is refused before the first training.
        let planned = splits(&ensemble.task, &self.source.clips)?;
        refuse_others(out, &ensemble.name, &planned)?;
        for recipe in recipes.clone() {
            refuse_others(&folder(recipe), &recipe.name, &planned)?;
        }
        self.source = self.source.common_to(recipes.clone(), |recipe, clips| {
            is_finished(&folder(recipe), &Experiment::from(recipe.clone()), clips)
        })?;
        for recipe in recipes.clone() {
            (self.on_event)(Event::Member {
                experiment: &ensemble.name,
                recipe: &recipe.name,
            });
            self.recipe(&folder(recipe), recipe)?;
        }
        let views = recipes.clone().flat_map(Recipe::views).map(View::clean);
        let data = self.source.views(&ensemble.task, &each_once(views))?;
        let splits = splits(&ensemble.task, &data)?;
        let checksum = data.corpus.checksum();
        clear(out, &ensemble.name, &splits)?;
        for numbered in Numbered::all(&splits) {
            let (split, name) = (numbered.split, numbered.split.name());
            let dir = out.join(name);
            if SplitRun::is_finished(&dir, ensemble, &data, numbered) {
                (self.on_event)(Event::Kept { name, folder: &dir });
                continue;
            }
            let read = |recipe: &Recipe| -> Result<_> {
                let dir = folder(recipe).join(name);
                let run = SplitRun::read(&dir)?;
                let run = run.ok_or_else(|| Error::NoRun { path: dir.clone() })?;
                // Files may have changed during the trainings. On other clips the splits are others, and clips that the member was
                // trained on would be tested.
                if run.info.checksum != checksum {
                    let (first, second) = (out.to_owned(), dir);
                    return Err(Error::Mixed { first, second });
                }
                Ok((run, Model::load(&dir.join(MODEL))?))
            };
            let members = recipes.clone().map(read).collect::<Result<_>>()?;
            let (run, model) = join_split(ensemble, members, &data, numbered)
                .context_of(|| format!("split {name}"))?;
            run.write(&dir, &data.corpus, split, &model)?;
        }
        Ok(data)
    }

    /// Reports that the finished splits of an experiment are kept, and returns the clips that it was trained on.
    fn kept(&self, out: &Path, experiment: &Experiment) -> Prepared {
        (self.on_event)(Event::Kept {
            name: &experiment.name,
            folder: out,
        });
        self.source.clips.clone()
    }
}

/// Returns whether a folder holds the finished splits of an experiment, all of them and no others. They are kept then, and no
/// features need to be extracted.
fn is_finished(out: &Path, experiment: &Experiment, clips: &Prepared) -> Result<bool> {
    if !out.is_dir() {
        return Ok(false);
    }
    let splits = splits(&experiment.task, clips)?;
    let is_finished = |at: Numbered| {
        let dir = out.join(at.split.name());
        SplitRun::is_finished(&dir, experiment, clips, at)
    };
    Ok(split_folders(out)?.len() == splits.len()
        && Numbered::all(&splits).into_iter().all(is_finished))
}

/// Returns an error if a folder holds anything that a cross-validation of this recipe with these splits may not replace.
fn refuse_others(out: &Path, recipe: &str, splits: &[Split]) -> Result<()> {
    if !out.is_dir() {
        return Ok(());
    }
    refuse_one_split(out)?;
    // A cross-validation has its models in the folders of the splits.
    if out.join(MODEL).exists() {
        let (path, what) = (out.to_owned(), "a model, written by `ser fit`".to_owned());
        return Err(Error::HoldsOther { path, what });
    }
    for split in splits {
        refuse_foreign(&out.join(split.name()), is_split)?;
    }
    for folder in split_folders(out)? {
        refuse_other_recipe(&folder, recipe)?;
    }
    for folder in other_splits(out, splits)? {
        refuse_foreign(&folder, is_of_cross_validation)?;
    }
    Ok(())
}

/// Returns the folders of splits that are none of the given ones.
fn other_splits(out: &Path, splits: &[Split]) -> Result<Vec<PathBuf>> {
    let mut folders = split_folders(out)?;
    folders.retain(|folder| !splits.iter().any(|split| folder.ends_with(split.name())));
    Ok(folders)
}

/// Prepares the folder of a cross-validation: creates it, and removes what does not belong to this run.
fn clear(out: &Path, recipe: &str, splits: &[Split]) -> Result<()> {
    refuse_others(out, recipe, splits)?;
    folder::create(out)?;
    // Splits of a recipe that ran here earlier would be pooled with the splits of this one.
    for folder in other_splits(out, splits)? {
        remove(&folder)?;
    }
    // Its page, its metrics and the answers they were computed from do not belong to this run either. Its pictures are
    // removed when the next page is written.
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
    let experiment = Experiment::from(recipe.clone());
    if SplitRun::is_finished(dir, &experiment, data, numbered) {
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
