//! Fit: trains a model for use on all clips.

use std::path::{Path, PathBuf};
use std::slice;

use ser_data::{Corpus, Disjoint, Split};
use ser_eval::{Epoch, FoldSummary};
use ser_predict::Model;
use ser_recipe::{Experiment, Recipe};

use crate::answers::Answers;
use crate::corpus::{Prepared, Skipped};
use crate::error::{Context, Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::folder::files;
use crate::inner::{Inner, is_inner, refuse_best_epoch};
use crate::lock::Lock;
use crate::source::{Folders, Source};
use crate::split_run::{MODEL, refuse_one_split, split_folders};
use crate::training::{Trainer, fit_temperatures};

/// A model that was trained on all clips.
#[derive(Debug)]
pub struct Fitted {
    /// The model file.
    pub model: PathBuf,
    /// The figures of models like it on the inner splits. No clip is left to measure the model itself.
    pub validation: FoldSummary,
    /// Whether the clips are synthetic.
    pub synthetic: bool,
    /// Files that could not be used.
    pub skipped: Vec<Skipped>,
}

/// Measures the recipes of an experiment on inner splits of all clips, trains them on all clips, and writes the model, in
/// half precision, into the folder of results. The task of the experiment says how many inner splits there are.
///
/// # Errors
/// - [`Error::HoldsOther`] or [`Error::Foreign`] if the folder of results holds a model that no fit wrote, or a cross-validation
/// - the errors of [`select`](crate::select())
pub fn fit(
    experiment: &Experiment,
    folders: &Folders,
    jobs: Option<usize>,
    on_event: OnEvent,
) -> Result<Fitted> {
    let _lock = Lock::take(folders.out)?;
    refuse_best_epoch(experiment)?;
    refuse_others(folders.out)?;
    let inner = Inner {
        out: folders.out,
        store: folders.store,
        jobs,
        conditions: false,
        on_event,
    };
    let disjoint = experiment.task.protocol.disjoint();
    let source = Source::read(folders, &experiment.task, on_event)?;
    let recipes = experiment.members.iter().map(|member| &member.recipe);
    let source = source.common_to(recipes, |recipe, clips| {
        Ok(finished(recipe, clips, &inner, disjoint)?.is_some())
    })?;
    let (mut models, mut answers, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let mut corpus = source.clips.corpus.clone();
    for member in &experiment.members {
        let fitted = fit_recipe(&member.recipe, &source, &inner, disjoint)?;
        models.push((fitted.model, member.weight));
        answers.push((member.weight, fitted.answers));
        Skipped::add(&mut skipped, fitted.skipped);
        // The same for all members.
        corpus = fitted.corpus;
    }
    let answers = Answers::average(&answers)?;
    let mut model = Model::ensemble(&experiment.name, experiment.to_toml()?, models)?;
    fit_temperatures(&mut model, &answers, &corpus);
    let path = folders.out.join(MODEL);
    let model = model.in_half_precision()?;
    model.save(&path)?;
    Ok(Fitted {
        model: path,
        validation: FoldSummary::compute(answers.plain())?,
        synthetic: model.provenance.synthetic,
        skipped,
    })
}

/// Returns an error if the folder holds a cross-validation, or a model that no fit wrote. The model would be replaced by one that was
/// trained on all clips, and the figures beside it were measured on other models.
fn refuse_others(out: &Path) -> Result<()> {
    if !out.is_dir() {
        return Ok(());
    }
    refuse_one_split(out)?;
    if !split_folders(out)?.is_empty() {
        let (path, what) = (
            out.to_owned(),
            "a cross-validation, written by `ser crossval`".to_owned(),
        );
        return Err(Error::HoldsOther { path, what });
    }
    // A fit leaves the predictions of its recipes beside the model.
    if out.join(MODEL).exists() && !files(out)?.iter().any(|folder| is_inner(folder)) {
        let path = out.to_owned();
        return Err(Error::Foreign { path });
    }
    Ok(())
}

/// A recipe that was trained on all clips.
struct FittedRecipe {
    model: Model,
    /// The predictions on the inner splits.
    answers: Answers,
    /// The clips that it was trained on.
    corpus: Corpus,
    skipped: Vec<Skipped>,
}

/// Returns the predictions of a recipe on the inner splits, if an earlier call finished it and its model.
fn finished(
    recipe: &Recipe,
    clips: &Prepared,
    inner: &Inner,
    disjoint: Disjoint,
) -> Result<Option<Answers>> {
    let split = Split::untested(&clips.corpus, disjoint)?;
    let answers = inner.finished(recipe, clips, &[split])?;
    Ok(answers.filter(|_| inner.folder(recipe).join(MODEL).is_file()))
}

/// Measures a recipe on inner splits of all clips, and trains it on all clips.
fn fit_recipe(
    recipe: &Recipe,
    source: &Source,
    inner: &Inner,
    disjoint: Disjoint,
) -> Result<FittedRecipe> {
    let path = inner.folder(recipe).join(MODEL);
    let clips = &source.clips;
    // If an earlier call finished this recipe, no features need to be extracted.
    if let Some(answers) = finished(recipe, clips, inner, disjoint)? {
        return Ok(FittedRecipe {
            model: Model::load(&path)?,
            answers,
            corpus: clips.corpus.clone(),
            skipped: clips.skipped.clone(),
        });
    }
    let data = source.extract(recipe)?;
    let split = Split::untested(&data.corpus, disjoint)?;
    let answers = inner.answers(recipe, &data, slice::from_ref(&split))?;
    if !path.is_file() {
        let (training, on_event) = (&recipe.training, inner.on_event);
        let steps = training.epochs as usize * training.networks;
        let stage = Stage::AllClips(&recipe.name);
        on_event(Event::Started { stage, steps });
        let trainer = Trainer {
            recipe,
            data: &data,
            on_epoch: &|epoch: &Epoch| on_event(Event::Epoch { stage, epoch }),
            on_event,
        };
        let model = trainer.all_but_test(&split, 0);
        let model = model.context_of(|| recipe.name.clone())?;
        on_event(Event::Finished { stage });
        model.save(&path)?;
    }
    Ok(FittedRecipe {
        model: Model::load(&path)?,
        answers,
        corpus: data.corpus,
        skipped: data.skipped,
    })
}
