//! One split: rehearsed on its inner splits, trained, measured on its test part.

use std::time::Instant;

use anyhow::Result;
use ser_data::Split;
use ser_eval::{Doubt, Epoch, History, NamedHistory, fit_temperature};
use ser_model::{Example, Model, Provenance, Trained, TrainingData};
use ser_recipe::{Experiment, Monitor, Recipe};

use crate::answers::{Answers, Enrolled};
use crate::corpus::Prepared;
use crate::run::{Cost, Numbered, RunInfo, SplitRun};

/// Trains a recipe on a split and measures it.
///
/// A recipe that keeps the best epoch learns from the training part and chooses on the validation
/// part. One that keeps the last epoch is rehearsed on the inner splits, which say how good it is and
/// how sure it may be, and then learns from both parts.
pub fn train_split(
    recipe: &Recipe,
    data: &Prepared,
    numbered: Numbered,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<(SplitRun, Model)> {
    let (split, seed) = (numbered.split, numbered.number as u64);
    let start = Instant::now();
    let mut histories = Vec::new();
    let mut validation = Vec::new();
    let mut model = if recipe.training.monitor == Monitor::LastEpoch {
        for inner in split.inner(&data.corpus, recipe.task.inner, recipe.task.seed)? {
            let (trained, answers) = rehearse(recipe, data, &inner, seed, on_epoch)?;
            histories.push(named(&inner, trained.history));
            validation.push(answers);
        }
        train_on_all(recipe, data, split, seed, on_epoch)?
    } else {
        let (train_part, part) = (split.train(), split.validation());
        let trained = train(recipe, data, split, train_part, part, seed, on_epoch)?;
        histories.push(named(split, trained.history));
        let curve = &Enrolled::REHEARSED;
        validation.push(Answers::of(
            &trained.model,
            data,
            part,
            split.name(),
            curve,
        )?);
        trained.model
    };
    let validation = match validation.is_empty() {
        true => None,
        false => Some(Answers::pool(validation)?),
    };
    let seconds = start.elapsed().as_secs_f64();
    let experiment = Experiment::from(recipe.clone());
    let info = RunInfo::new(&experiment, recipe.training.threads, data, numbered)?;
    let run = finish(
        &mut model, experiment, info, data, split, validation, seconds,
    )?;
    Ok((SplitRun { histories, ..run }, model))
}

/// Trains a recipe on an inner split, and answers the clips it holds out.
pub fn rehearse(
    recipe: &Recipe,
    data: &Prepared,
    inner: &Split,
    seed: u64,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<(Trained, Answers)> {
    let (part, held) = (inner.train(), inner.test());
    let trained = train(recipe, data, inner, part, held, seed, on_epoch)?;
    let curve = &Enrolled::REHEARSED;
    let answers = Answers::of(&trained.model, data, held, inner.name(), curve)?;
    Ok((trained, answers))
}

/// Trains a recipe with a fixed schedule on all clips of a split but the tested ones.
pub fn train_on_all(
    recipe: &Recipe,
    data: &Prepared,
    split: &Split,
    seed: u64,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<Model> {
    let pool = [split.train(), split.validation()].concat();
    Ok(train(recipe, data, split, &pool, &[], seed, on_epoch)?.model)
}

fn named(split: &Split, history: History) -> NamedHistory {
    NamedHistory {
        name: split.name().to_owned(),
        history,
    }
}

/// Joins the models that the members of an ensemble trained on a split, and measures the whole.
pub fn join_split(
    ensemble: &Experiment,
    members: Vec<(SplitRun, Model, f64)>,
    data: &Prepared,
    numbered: Numbered,
) -> Result<(SplitRun, Model)> {
    let split = numbered.split;
    let seconds = members.iter().map(|(run, ..)| run.cost.seconds).sum();
    let threads = members.iter().map(|(run, ..)| run.info.threads);
    let threads = threads.max().unwrap_or(1);
    let rehearsed = members
        .iter()
        .map(|(run, _, weight)| Some((*weight, run.validation.as_ref()?)));
    let rehearsed: Option<Vec<_>> = rehearsed.collect();
    let validation = rehearsed.map(|r| Answers::average(&r)).transpose()?;
    let models = members
        .into_iter()
        .map(|(_, model, weight)| (model, weight));
    let mut model = Model::ensemble(&ensemble.name, models.collect())?;
    let experiment = ensemble.clone();
    let info = RunInfo::new(&experiment, threads, data, numbered)?;
    let run = finish(
        &mut model, experiment, info, data, split, validation, seconds,
    )?;
    Ok((run, model))
}

/// Fits how sure a model may be to answers of models like it on clips that they did not learn from.
pub fn fit_temperatures(model: &mut Model, validation: &Answers) {
    model.temperature = fit_temperature(&validation.plain);
    model.doubt = Doubt::of(&validation.plain, model.temperature);
    if let Some((_, enrolled)) = validation.enrolled().next() {
        model.enrolled_temperature = fit_temperature(enrolled);
        model.enrolled_doubt = Doubt::of(enrolled, model.enrolled_temperature);
    }
}

/// Gives the model its temperature and measures it.
fn finish(
    model: &mut Model,
    experiment: Experiment,
    info: RunInfo,
    data: &Prepared,
    split: &Split,
    validation: Option<Answers>,
    seconds: f64,
) -> Result<SplitRun> {
    if let Some(validation) = &validation {
        fit_temperatures(model, validation);
    }
    Ok(SplitRun {
        info,
        experiment,
        cost: Cost {
            parameters: model.parameters(),
            seconds,
            temperature: model.temperature,
        },
        histories: Vec::new(),
        validation,
        test: Answers::of(model, data, split.test(), split.name(), &Enrolled::CURVE)?,
    })
}

fn train(
    recipe: &Recipe,
    data: &Prepared,
    split: &Split,
    train: &[usize],
    validation: &[usize],
    seed: u64,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<Trained> {
    let (corpus, targets) = (&data.corpus, data.corpus.targets());
    let known = corpus.speakers();
    let examples = |part: &[usize]| -> Vec<Example> {
        let example = |&i: &usize| Example {
            copies: &data.features[i],
            target: targets[i],
            speaker: known
                .binary_search(&corpus.clips()[i].speaker)
                .unwrap_or(known.len()),
        };
        part.iter().map(example).collect()
    };
    let seen = || train.iter().chain(validation).map(|&i| &corpus.clips()[i]);
    let mut speakers: Vec<String> = seen().map(|clip| clip.speaker.clone()).collect();
    speakers.sort_unstable();
    speakers.dedup();
    let mut content: Vec<String> = seen().map(|clip| clip.content.clone()).collect();
    content.sort_unstable();
    let provenance = Provenance {
        split: split.name().to_owned(),
        corpus: corpus.checksum(),
        synthetic: corpus.is_synthetic(),
        speakers,
        content,
    };
    let data = TrainingData {
        labels: corpus.labels().to_vec(),
        train: examples(train),
        validation: examples(validation),
        provenance,
    };
    let trained = ser_model::train(recipe, data, seed, on_epoch)?;
    if let Some(epoch) = trained.diverged {
        eprintln!(
            "{}: the values of epoch {epoch} are not finite; an epoch before it is kept. Lower \
             `training.learning_rate` or set `training.gradient_clip`",
            split.name()
        );
    }
    Ok(trained)
}
