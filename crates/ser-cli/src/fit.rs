//! `ser fit`: a model to be used, from all clips there are.

use anyhow::{Context, Result};
use ser_data::{Disjoint, Split};
use ser_eval::FoldSummary;
use ser_model::Model;
use ser_recipe::{Experiment, Member, Recipe, Task};

use crate::Outcome;
use crate::answers::Answers;
use crate::args::{ExperimentArgs, FitArgs};
use crate::corpus::Skipped;
use crate::crossval::Source;
use crate::lock::Lock;
use crate::output::{SYNTHETIC, mean_std, progress};
use crate::rehearsals::Rehearsals;
use crate::run::MODEL;
use crate::training::{fit_temperatures, train_on_all};

/// Rehearses a recipe, or those of an ensemble, on inner splits of all clips, trains on all of them, and
/// writes the model.
pub fn run(args: &FitArgs, json: bool) -> Result<Outcome> {
    ser_model::keep_freed_memory();
    let experiment = Experiment::load(&args.experiment.recipe)?;
    let task = Task {
        inner: args.inner.get(),
        ..experiment.task.clone()
    };
    let experiment = experiment.with_task(task)?;
    let disjoint = experiment.task.protocol.disjoint();
    let ExperimentArgs {
        data, store, out, ..
    } = &args.experiment;
    let _lock = Lock::take(out)?;
    let rehearsals = Rehearsals {
        out,
        store: store.as_deref(),
        jobs: args.jobs,
        conditions: false,
    };
    let source = Source::read(data, store.as_deref(), &experiment.task)?;
    let (mut models, mut members, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let name = experiment.name.clone();
    for Member { recipe, weight } in Rehearsals::members(experiment)? {
        let (model, answers, left_out) = member(&recipe, &source, &rehearsals, disjoint)?;
        models.push((model, weight));
        members.push((weight, answers));
        skipped = left_out;
    }
    let answers = Answers::average(&members)?;
    let mut model = Model::ensemble(&name, models)?;
    fit_temperatures(&mut model, &answers);
    let path = out.join(MODEL);
    model.save(&path)?;

    let plain = FoldSummary::compute(&answers.plain)?;
    if json {
        let line = serde_json::json!({ "model": path.display().to_string(), "validation": plain });
        println!("{line}");
        return Ok(Outcome::of(&skipped));
    }
    println!(
        "rehearsed on {} inner splits: accuracy {}, UAR {}",
        plain.folds.len(),
        mean_std(plain.accuracy),
        mean_std(plain.uar)
    );
    println!(
        "Nothing is left to measure the model itself: `ser crossval` measures others like it."
    );
    if model.provenance.synthetic {
        println!("{SYNTHETIC}");
    }
    println!("model: {} (try `ser predict --model`)", path.display());
    Ok(Outcome::of(&skipped))
}

/// A recipe's model of all clips, its answers when it was rehearsed, and the files left out.
fn member(
    recipe: &Recipe,
    source: &Source,
    rehearsals: &Rehearsals,
    disjoint: Disjoint,
) -> Result<(Model, Answers, Vec<Skipped>)> {
    let path = rehearsals.folder(recipe).join(MODEL);
    let clips = &source.clips;
    let split = Split::untested(&clips.corpus, disjoint)?;
    // Nothing needs to be extracted for what an earlier call finished.
    let finished = rehearsals.finished(recipe, &clips.corpus, &[split])?;
    if path.is_file()
        && let Some(answers) = finished
    {
        return Ok((Model::load(&path)?, answers, clips.skipped.clone()));
    }
    let data = source.extract(recipe)?;
    let split = Split::untested(&data.corpus, disjoint)?;
    let answers = rehearsals.answers(recipe, &data, std::slice::from_ref(&split))?;
    if !path.is_file() {
        let training = &recipe.training;
        let epochs = training.epochs as usize * training.networks;
        let bar = progress(epochs, "all clips");
        bar.set_message(recipe.name.clone());
        let model = train_on_all(recipe, &data, &split, 0, &mut |_| bar.inc(1))
            .with_context(|| recipe.name.clone())?;
        bar.finish_and_clear();
        model.save(&path)?;
    }
    Ok((Model::load(&path)?, answers, data.skipped))
}
