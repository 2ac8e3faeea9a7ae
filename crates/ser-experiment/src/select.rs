//! Selection: compares recipes on inner splits, without using a test part.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use ser_data::SplitName;
use ser_eval::{FoldSummary, MeanStd};
use ser_recipe::{Experiment, Recipe, Task};

use crate::answers::{Answers, Figures};
use crate::corpus::{Prepared, Skipped};
use crate::error::{Error, Result};
use crate::event::OnEvent;
use crate::inner::{Inner, refuse_best_epoch};
use crate::lock::Lock;
use crate::setting::Setting;
use crate::source::{Folders, Source, splits};
use crate::split_run::MODEL;
use crate::view::each_once;

/// The figures of an experiment on the inner splits of all splits.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Name of the experiment.
    pub name: String,
    /// Its figures in every measured setting.
    pub figures: Figures,
    /// Duration in seconds; short if an earlier call had left the predictions.
    pub seconds: f64,
    /// The files that could not be used.
    pub skipped: Vec<Skipped>,
    /// Whether the audio is synthetic.
    pub synthetic: bool,
}

/// Measures every experiment on the inner splits of every split of its protocol. No test part is used.
///
/// All experiments are measured on the same clips: those of which the features of all recipes can be extracted.
/// The task of an experiment says how many inner splits there are. With `conditions` the clips are predicted under every
/// recording condition as well.
///
/// # Errors
/// - before anything is trained: [`Error::KeepsBestEpoch`](crate::Error::KeepsBestEpoch) if a recipe chooses its best epoch,
///   [`Error::SameName`] if two recipes have the same name, and [`Error::OtherTask`] if the experiments have different
///   protocols, seeds or emotions
/// - [`Error::HoldsOther`] if the folder of results is that of a `fit`
/// - [`Error::Locked`](crate::Error::Locked) if another run writes into the folder of results
/// - [`Error::Foreign`](crate::Error::Foreign) if the folder of a recipe holds other files
/// - any error of reading the clips, of training and of writing
pub fn select(
    experiments: &[Experiment],
    folders: &Folders,
    jobs: Option<usize>,
    conditions: bool,
    on_event: OnEvent,
) -> Result<Vec<Candidate>> {
    let _lock = Lock::take(folders.out)?;
    // All experiments are checked before the first training, so that an error in the last one is reported at once.
    experiments.iter().try_for_each(refuse_best_epoch)?;
    let Some(first) = experiments.first() else {
        return Ok(Vec::new());
    };
    check(first, experiments, folders.out)?;
    let inner = Inner {
        out: folders.out,
        store: folders.store,
        jobs,
        conditions,
        on_event,
    };
    let recipes = experiments.iter().flat_map(|other| &other.members);
    let source = Source::read(folders, &first.task, on_event)?;
    let source = source.common_to(recipes.map(|member| &member.recipe), |recipe, clips| {
        Ok(finished(recipe, clips, &inner)?.is_some())
    })?;
    let mut candidates = Vec::new();
    for experiment in experiments {
        let start = Instant::now();
        let (answers, skipped) = answers(experiment, &source, &inner)?;
        candidates.push(Candidate {
            name: experiment.name.clone(),
            figures: answers.figures()?,
            seconds: start.elapsed().as_secs_f64(),
            skipped,
            synthetic: source.clips.corpus.is_synthetic(),
        });
    }
    Ok(candidates)
}

/// Returns an error for experiments whose figures could not be compared, or whose results would replace each other or a model.
fn check(first: &Experiment, experiments: &[Experiment], out: &Path) -> Result<()> {
    let mut recipes: BTreeMap<&str, &Recipe> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for experiment in experiments {
        if task_of(experiment) != task_of(first) {
            return Err(Error::OtherTask {
                first: first.name.clone(),
                second: experiment.name.clone(),
            });
        }
        let name = experiment.name.as_str();
        let is_new = names.insert(name);
        let members = experiment.members.iter().map(|member| &member.recipe);
        let other = members.clone().find(|recipe| {
            let known = *recipes.entry(&recipe.name).or_insert(recipe);
            known != *recipe
        });
        let twice = other.map(|recipe| recipe.name.as_str());
        if let Some(name) = twice.or((!is_new).then_some(name)) {
            return Err(Error::SameName {
                name: name.to_owned(),
            });
        }
        for recipe in members {
            let folder = out.join(&recipe.name);
            if folder.join(MODEL).is_file() {
                return Err(Error::HoldsOther {
                    path: folder,
                    what: "a model, written by `ser fit`".to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Returns what decides which clips an experiment is measured on.
fn task_of(experiment: &Experiment) -> Task {
    Task {
        inner: 0,
        counted_as: BTreeMap::new(),
        ..experiment.task.clone()
    }
}

/// Returns the predictions of a recipe on the inner splits, if an earlier call finished them.
fn finished(recipe: &Recipe, clips: &Prepared, inner: &Inner) -> Result<Option<Answers>> {
    inner.finished(recipe, clips, &splits(&recipe.task, clips)?)
}

/// Returns the predictions of an experiment on the inner splits, averaged over its members, and the files left out.
fn answers(
    experiment: &Experiment,
    source: &Source,
    inner: &Inner,
) -> Result<(Answers, Vec<Skipped>)> {
    let clips = &source.clips;
    let (mut members, mut skipped) = (Vec::new(), clips.skipped.clone());
    for member in &experiment.members {
        let recipe = &member.recipe;
        let answers = match finished(recipe, clips, inner)? {
            Some(answers) => answers,
            None => {
                let data = source.extract(recipe)?;
                Skipped::add(&mut skipped, data.skipped.iter().cloned());
                inner.answers(recipe, &data, &splits(&recipe.task, &data)?)?
            }
        };
        members.push((member.weight, answers));
    }
    Ok((Answers::average(&members)?, skipped))
}

impl Candidate {
    /// Returns the figures for each clip alone, as it was recorded.
    #[must_use]
    pub fn plain(&self) -> &FoldSummary {
        &self.figures[0].1
    }

    /// Returns the figures in a setting, if it was measured.
    #[must_use]
    pub fn in_setting(&self, setting: Setting) -> Option<&FoldSummary> {
        let found = self.figures.iter().find(|(at, _)| *at == setting);
        found.map(|(_, figures)| figures)
    }

    /// Returns the mean UAR over the inner splits of one split.
    fn uar_of(&self, split: &str) -> Option<f64> {
        let folds = self.plain().folds.iter();
        let own = folds.filter(|fold| SplitName::from(fold.split.as_str()).outer == split);
        MeanStd::of(&own.map(|fold| fold.uar).collect::<Vec<_>>()).map(|uar| uar.mean)
    }

    /// Returns the number of splits in which no other candidate has a higher mean UAR over the inner splits.
    #[must_use]
    pub fn times_best(&self, among: &[Self]) -> usize {
        let best = |split: &&String| {
            let others = among.iter().filter_map(|other| other.uar_of(split));
            self.uar_of(split)
                .is_some_and(|own| others.fold(own, f64::max) <= own)
        };
        outer_splits(among).iter().filter(best).count()
    }
}

/// Returns the names of the splits whose inner splits the candidates were measured on, each once.
#[must_use]
pub fn outer_splits(candidates: &[Candidate]) -> Vec<String> {
    let folds = candidates.iter().flat_map(|row| &row.plain().folds);
    each_once(folds.map(|fold| SplitName::from(fold.split.as_str()).outer))
}
