//! Recipes tried on inner splits. The answers are kept in a folder, and none is asked for twice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use ser_audio::conditions::Condition;
use ser_data::{Corpus, Split};
use ser_eval::write_file;
use ser_model::{Experiment, Monitor, Recipe};

use crate::answers::Answers;
use crate::corpus::Prepared;
use crate::crossval::side_by_side;
use crate::output::progress;
use crate::run::{refuse_foreign, remove};
use crate::training::rehearse;

/// The recipe that the answers beside it are of.
const RECIPE: &str = "recipe.toml";

/// Where answers are kept, and what is asked.
pub struct Rehearsals<'a> {
    /// The folder; each recipe has one of its own in it.
    pub out: &'a Path,
    /// Feature store.
    pub store: Option<&'a Path>,
    /// Trainings side by side.
    pub jobs: Option<usize>,
    /// Whether the clips are answered under every condition as well.
    pub conditions: bool,
}

impl Rehearsals<'_> {
    /// The folder of a recipe.
    pub fn folder(&self, recipe: &Recipe) -> PathBuf {
        self.out.join(&recipe.name)
    }

    /// The recipes of an experiment, with their weights. Refuses one that would choose its best epoch by
    /// the very clips it is then judged by.
    pub fn recipes(experiment: &Experiment) -> Result<Vec<(Recipe, f64)>> {
        let recipes = experiment.recipes()?;
        let early = |(recipe, _): &&(Recipe, f64)| recipe.training.monitor != Monitor::LastEpoch;
        if let Some((recipe, _)) = recipes.iter().find(early) {
            bail!(
                "{}: keeps its best epoch on clips that are held out, and here those are what it is judged \
                 by; take a recipe with training.monitor = \"last-epoch\", such as cnn",
                recipe.name
            );
        }
        Ok(recipes)
    }

    /// A recipe's answers on the inner splits of some splits, if an earlier call left them all. Refuses a
    /// folder that holds something else; [`Rehearsals::answers`] would replace it.
    pub fn finished(
        &self,
        recipe: &Recipe,
        corpus: &Corpus,
        splits: &[Split],
    ) -> Result<Option<Answers>> {
        if !self.are_of(recipe, corpus)? {
            refuse_foreign(&self.folder(recipe), is_rehearsed)?;
            return Ok(None);
        }
        self.all_kept(recipe, &inner(recipe, corpus, splits)?)
    }

    /// A recipe's answers on the inner splits of some splits.
    pub fn answers(&self, recipe: &Recipe, data: &Prepared, splits: &[Split]) -> Result<Answers> {
        let folder = self.folder(recipe);
        if !self.are_of(recipe, &data.corpus)? {
            remove(&folder)?;
            fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
            write_file(folder.join(RECIPE), identity(recipe, &data.corpus)?)?;
        }
        let inner = inner(recipe, &data.corpus, splits)?;
        let steps = 1 + usize::from(self.conditions) * Condition::STANDARD.len();
        let bar = progress(inner.len() * steps, "rehearsals");
        bar.set_message(recipe.name.clone());
        side_by_side(&inner, recipe, self.jobs, |(number, inner)| {
            if self.kept(&folder, inner)?.is_some() {
                bar.inc(steps as u64);
                return Ok(());
            }
            self.rehearse(&folder, recipe, data, inner, *number, &bar)
                .with_context(|| inner.name().to_owned())
        })?;
        bar.finish_and_clear();
        let answers = self.all_kept(recipe, &inner)?;
        answers.with_context(|| folder.display().to_string())
    }

    /// Whether a recipe's folder holds answers of this very recipe; another of that name would be mixed
    /// with it.
    fn are_of(&self, recipe: &Recipe, corpus: &Corpus) -> Result<bool> {
        let found = fs::read_to_string(self.folder(recipe).join(RECIPE));
        Ok(found.ok() == Some(identity(recipe, corpus)?))
    }

    /// The answers of all inner splits, if all that are wanted are there.
    fn all_kept(&self, recipe: &Recipe, inner: &[(usize, Split)]) -> Result<Option<Answers>> {
        let folder = self.folder(recipe);
        let kept = inner.iter().map(|(_, inner)| self.kept(&folder, inner));
        let kept = kept.collect::<Result<Option<Vec<_>>>>()?;
        kept.map(Answers::pool).transpose()
    }

    /// The answers of an inner split, if all that are wanted are there.
    fn kept(&self, folder: &Path, inner: &Split) -> Result<Option<Answers>> {
        let answers = Answers::read(folder, inner.name())?;
        let wanted = match self.conditions {
            true => Condition::STANDARD.len(),
            false => 0,
        };
        Ok(answers.filter(|answers| answers.conditions().count() >= wanted))
    }

    fn rehearse(
        &self,
        folder: &Path,
        recipe: &Recipe,
        data: &Prepared,
        inner: &Split,
        number: usize,
        bar: &ProgressBar,
    ) -> Result<()> {
        let (trained, mut answers) = rehearse(recipe, data, inner, number as u64, &mut |_| {})?;
        bar.inc(1);
        if self.conditions {
            let (corpus, name) = (&data.corpus, inner.name());
            let part = inner.test();
            answers.add_conditions(&trained.model, corpus, part, name, self.store, bar)?;
        }
        answers.write(folder, inner.name())
    }
}

/// How the last line of a folder's recipe begins.
const REHEARSED: &str = "# rehearsed on clips with the checksum";

/// What a folder of answers is known by.
fn identity(recipe: &Recipe, corpus: &Corpus) -> Result<String> {
    let (recipe, checksum) = (recipe.to_toml()?, corpus.checksum());
    let (program, libtorch) = (env!("CARGO_PKG_VERSION"), ser_model::LIBTORCH_VERSION);
    Ok(format!(
        "{recipe}\n{REHEARSED} {checksum}, by ser {program}, libtorch {libtorch}\n"
    ))
}

/// Whether a folder holds answers of some recipe.
fn is_rehearsed(folder: &Path) -> bool {
    let found = fs::read_to_string(folder.join(RECIPE)).unwrap_or_default();
    found.lines().any(|line| line.starts_with(REHEARSED))
}

/// The inner splits, each with the number of the split that it is of.
fn inner(recipe: &Recipe, corpus: &Corpus, splits: &[Split]) -> Result<Vec<(usize, Split)>> {
    let mut inner = Vec::new();
    for (split, number) in splits.iter().zip(1..) {
        let of = split.inner(corpus, recipe.task.inner, recipe.task.seed)?;
        inner.extend(of.into_iter().map(|inner| (number, inner)));
    }
    Ok(inner)
}
