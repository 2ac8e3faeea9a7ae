//! Selection: compares recipes on inner splits, without using a test part.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

use ser_data::{LabelMap, SplitName};
use ser_eval::{FoldSummary, MeanStd};
use ser_recipe::{Experiment, Recipe};

use crate::answers::{Answers, Figures};
use crate::corpus::{Prepared, Skipped};
use crate::error::Result;
use crate::event::OnEvent;
use crate::inner::{Inner, refuse_best_epoch};
use crate::lock::Lock;
use crate::setting::Setting;
use crate::source::{Folders, Source, splits};
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
/// Clips of which a feature of one of the recipes cannot be extracted are left out for all experiments with the same emotions, which
/// are compared on the same clips.
/// The task of an experiment says how many inner splits there are. With `conditions` the clips are predicted under every
/// recording condition as well.
///
/// # Errors
/// - [`Error::KeepsBestEpoch`](crate::Error::KeepsBestEpoch), before anything is trained, if a recipe chooses its best epoch
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
    let inner = Inner {
        out: folders.out,
        store: folders.store,
        jobs,
        conditions,
        on_event,
    };
    // Experiments with the same clips share them, so that they are read, and their skipped files reported, once.
    let (mut sources, mut candidates) = (BTreeMap::new(), Vec::new());
    for experiment in experiments {
        let start = Instant::now();
        let source = match sources.entry(clips_of(experiment)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let same = experiments.iter();
                let same = same.filter(|other| clips_of(other) == clips_of(experiment));
                let recipes = same.flat_map(|other| &other.members);
                let source = Source::read(folders, &experiment.task, on_event)?;
                new.insert(
                    source.common_to(recipes.map(|member| &member.recipe), |recipe, clips| {
                        Ok(finished(recipe, clips, &inner)?.is_some())
                    })?,
                )
            }
        };
        let (answers, skipped) = answers(experiment, source, &inner)?;
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

/// Returns what decides which clips an experiment is trained on.
fn clips_of(experiment: &Experiment) -> (&LabelMap, &[String], bool) {
    let task = &experiment.task;
    (&task.labels, &task.emotions, task.shared_sentences)
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
