//! Fit: trains a model for use on all clips.

use std::path::PathBuf;
use std::slice;

use ser_data::{Disjoint, Split};
use ser_eval::{Epoch, FoldSummary};
use ser_predict::Model;
use ser_recipe::{Experiment, Recipe};

use crate::answers::Answers;
use crate::corpus::Skipped;
use crate::error::{Context, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::inner::{Inner, refuse_best_epoch};
use crate::lock::Lock;
use crate::source::{Folders, Source};
use crate::split_run::MODEL;
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
/// The errors of [`select`](crate::select()).
pub fn fit(
    experiment: &Experiment,
    folders: &Folders,
    jobs: Option<usize>,
    on_event: OnEvent,
) -> Result<Fitted> {
    let _lock = Lock::take(folders.out)?;
    refuse_best_epoch(experiment)?;
    let inner = Inner {
        out: folders.out,
        store: folders.store,
        jobs,
        conditions: false,
        on_event,
    };
    let source = Source::read(folders, &experiment.task, on_event)?;
    let disjoint = experiment.task.protocol.disjoint();
    let (mut models, mut answers, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for member in &experiment.members {
        let (model, own, left_out) = fit_recipe(&member.recipe, &source, &inner, disjoint)?;
        models.push((model, member.weight));
        answers.push((member.weight, own));
        Skipped::add(&mut skipped, left_out);
    }
    let answers = Answers::average(&answers)?;
    let mut model = Model::ensemble(&experiment.name, experiment.to_toml()?, models)?;
    fit_temperatures(&mut model, &answers, &source.clips.corpus);
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

/// Returns the model of a recipe trained on all clips, its predictions on the inner splits, and the files left out.
fn fit_recipe(
    recipe: &Recipe,
    source: &Source,
    inner: &Inner,
    disjoint: Disjoint,
) -> Result<(Model, Answers, Vec<Skipped>)> {
    let path = inner.folder(recipe).join(MODEL);
    let clips = &source.clips;
    let split = Split::untested(&clips.corpus, disjoint)?;
    // If an earlier call finished this recipe, no features need to be extracted.
    let finished = inner.finished(recipe, &clips.corpus, &[split])?;
    if path.is_file()
        && let Some(answers) = finished
    {
        return Ok((Model::load(&path)?, answers, clips.skipped.clone()));
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
    Ok((Model::load(&path)?, answers, data.skipped))
}
