//! Inner cross-validation: measures recipes on splits of the training part alone, so that neither the choice of a recipe
//! nor a temperature depends on a test part. The predictions are kept in a folder, and finished ones are not computed
//! again.

use std::fs;
use std::path::{Path, PathBuf};

use ser_audio::conditions::{self, Condition};
use ser_data::{Corpus, Split};
use ser_features::ALGORITHM_VERSION;
use ser_files::write_file;
use ser_model::LIBTORCH_VERSION;
use ser_recipe::{Experiment, Monitor, Recipe};

use crate::answers::Answers;
use crate::corpus::{Prepared, tell};
use crate::error::{Context, Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::folder::{self, refuse_foreign, remove};
use crate::parallel::side_by_side;
use crate::split_run::RECIPE;
use crate::training::Trainer;

/// An inner cross-validation: where the predictions are kept, and which ones are needed.
pub(crate) struct Inner<'a> {
    /// The folder of results. Each recipe has a folder of its own in it.
    pub(crate) out: &'a Path,
    /// Feature store.
    pub(crate) store: Option<&'a Path>,
    /// Number of parallel trainings.
    pub(crate) jobs: Option<usize>,
    /// Whether the clips are predicted under every condition as well.
    pub(crate) conditions: bool,
    pub(crate) on_event: OnEvent<'a>,
}

/// Returns an error if a recipe of the experiment would choose its best epoch on the same clips that it is then measured
/// on.
pub(crate) fn refuse_best_epoch(experiment: &Experiment) -> Result<()> {
    let mut recipes = experiment.members.iter().map(|member| &member.recipe);
    match recipes.find(|recipe| recipe.training.monitor != Monitor::LastEpoch) {
        None => Ok(()),
        Some(recipe) => Err(Error::KeepsBestEpoch {
            recipe: recipe.name.clone(),
        }),
    }
}

impl Inner<'_> {
    /// Returns the folder of a recipe.
    pub(crate) fn folder(&self, recipe: &Recipe) -> PathBuf {
        self.out.join(&recipe.name)
    }

    /// Returns the predictions of a recipe on the inner splits of `splits`, if earlier calls finished all of them.
    ///
    /// Returns [`Error::Foreign`] if the folder of the recipe holds anything else, which [`Inner::answers`] would replace.
    pub(crate) fn finished(
        &self,
        recipe: &Recipe,
        clips: &Prepared,
        splits: &[Split],
    ) -> Result<Option<Answers>> {
        if !self.are_of(recipe, clips)? {
            refuse_foreign(&self.folder(recipe), is_inner)?;
            return Ok(None);
        }
        self.all_kept(recipe, &inner(recipe, &clips.corpus, splits)?)
    }

    /// Trains a recipe on the inner splits of `splits` where earlier calls did not, and returns its predictions.
    pub(crate) fn answers(
        &self,
        recipe: &Recipe,
        data: &Prepared,
        splits: &[Split],
    ) -> Result<Answers> {
        let folder = self.folder(recipe);
        if !self.are_of(recipe, data)? {
            remove(&folder)?;
            folder::create(&folder)?;
            write_file(folder.join(RECIPE), identity(recipe, data)?)?;
        }
        let inner = inner(recipe, &data.corpus, splits)?;
        let each = 1 + usize::from(self.conditions) * Condition::STANDARD.len();
        let stage = Stage::InnerSplits(&recipe.name);
        let advanced = |steps| (self.on_event)(Event::Advanced { stage, steps });
        (self.on_event)(Event::Started {
            stage,
            steps: inner.len() * each,
        });
        side_by_side(&inner, recipe, self.jobs, |(number, inner)| {
            if self.kept(&folder, inner)?.is_some() {
                advanced(each);
                return Ok(());
            }
            let answers = self.ask(recipe, data, inner, *number, &advanced);
            let answers = answers.context_of(|| inner.name().to_owned())?;
            answers.write(&folder, inner.name())
        })?;
        (self.on_event)(Event::Finished { stage });
        let answers = self.all_kept(recipe, &inner)?;
        answers.ok_or_else(|| Error::other_version(&folder, "some of its answers are missing"))
    }

    /// Returns whether the folder of a recipe holds predictions of exactly this recipe on these clips. Those of another recipe
    /// with the same name must not be mixed with them.
    fn are_of(&self, recipe: &Recipe, clips: &Prepared) -> Result<bool> {
        let found = fs::read_to_string(self.folder(recipe).join(RECIPE));
        Ok(found.ok() == Some(identity(recipe, clips)?))
    }

    /// Returns the predictions on all inner splits, if all that are needed exist.
    fn all_kept(&self, recipe: &Recipe, inner: &[(usize, Split)]) -> Result<Option<Answers>> {
        let folder = self.folder(recipe);
        let kept = inner.iter().map(|(_, inner)| self.kept(&folder, inner));
        let kept = kept.collect::<Result<Option<Vec<_>>>>()?;
        kept.map(|kept| Answers::pool(&kept)).transpose()
    }

    /// Returns the predictions on an inner split, if all that are needed exist.
    fn kept(&self, folder: &Path, inner: &Split) -> Result<Option<Answers>> {
        let answers = Answers::read(folder, inner.name())?;
        let wanted = if self.conditions {
            Condition::STANDARD.len()
        } else {
            0
        };
        Ok(answers.filter(|answers| answers.conditions().count() >= wanted))
    }

    fn ask(
        &self,
        recipe: &Recipe,
        data: &Prepared,
        inner: &Split,
        number: usize,
        advanced: &dyn Fn(usize),
    ) -> Result<Answers> {
        let trainer = Trainer {
            recipe,
            data,
            on_epoch: &|_| {},
            on_event: self.on_event,
        };
        let (trained, mut answers) = trainer.inner_split(inner, number as u64)?;
        advanced(1);
        if self.conditions {
            let (model, part, name) = (&trained.model, inner.test(), inner.name());
            let done = || advanced(1);
            let failed = answers.add_conditions(model, data, part, name, self.store, &done)?;
            tell(&failed, self.on_event);
        }
        Ok(answers)
    }
}

/// Beginning of the last line of the recipe file in a folder of predictions.
const MARK: &str = "# inner splits of the clips with the checksum";

/// Returns the text of the recipe file, which identifies a folder of predictions.
fn identity(recipe: &Recipe, clips: &Prepared) -> Result<String> {
    // The number of inner splits changes neither the model nor the predictions on one of them.
    let mut recipe = recipe.clone();
    recipe.task.inner = 0;
    let (recipe, checksum) = (recipe.to_toml()?, clips.corpus.checksum());
    let (program, libtorch) = (env!("CARGO_PKG_VERSION"), LIBTORCH_VERSION);
    let (features, conditions) = (ALGORITHM_VERSION, conditions::VERSION);
    let divided = clips.divided();
    Ok(format!(
        "{recipe}\n{MARK} {checksum}, {divided} of them by pieces, by ser {program}, features {features}, conditions {conditions}, \
         libtorch {libtorch}\n"
    ))
}

/// Returns whether a folder holds predictions on inner splits, of any recipe.
pub(crate) fn is_inner(folder: &Path) -> bool {
    let found = fs::read_to_string(folder.join(RECIPE)).unwrap_or_default();
    found.lines().any(|line| line.starts_with(MARK))
}

/// Returns the inner splits, each with the number of the split that it belongs to.
fn inner(recipe: &Recipe, corpus: &Corpus, splits: &[Split]) -> Result<Vec<(usize, Split)>> {
    let mut inner = Vec::new();
    for (split, number) in splits.iter().zip(1..) {
        let of = split.inner(corpus, recipe.task.inner, recipe.task.seed)?;
        inner.extend(of.into_iter().map(|inner| (number, inner)));
    }
    Ok(inner)
}
