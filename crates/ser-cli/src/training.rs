//! One split: rehearsed on its inner splits, trained, measured on its test part.

use std::time::Instant;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_data::{Corpus, Split};
use ser_eval::{Epoch, History, NamedHistory, Prediction, Predictions, fit_temperature};
use ser_features::Features;
use ser_model::{
    Ensemble, Example, Experiment, Model, Monitor, Provenance, Recipe, Trained, TrainingData,
};

use crate::corpus::Prepared;
use crate::run::{Cost, Enrolled, RunInfo, SplitRun};

/// Draws of enrolment clips for each number of them.
const DRAWS: u64 = 3;

/// Trains a recipe on a split and measures it.
///
/// A recipe that keeps the best epoch learns from the training part and chooses on the validation
/// part. One that keeps the last epoch is rehearsed on the inner splits, which say how good it is and
/// how sure it may be, and then learns from both parts.
pub fn train_split(
    recipe: &Recipe,
    data: &Prepared,
    split: &Split,
    seed: u64,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<(SplitRun, Model)> {
    let start = Instant::now();
    let mut histories = Vec::new();
    let mut validation = Vec::new();
    let mut model = if recipe.training.monitor == Monitor::LastEpoch {
        for inner in split.inner(&data.corpus, recipe.task.inner, recipe.task.seed)? {
            let (history, answers) = rehearse(recipe, data, &inner, seed, on_epoch)?;
            histories.push(history);
            validation.push(answers);
        }
        let pool = [split.train(), split.validation()].concat();
        train(recipe, data, split, &pool, &[], seed, on_epoch)?.model
    } else {
        let (train_part, part) = (split.train(), split.validation());
        let trained = train(recipe, data, split, train_part, part, seed, on_epoch)?;
        histories.push(named(split, trained.history));
        validation.push(predict(&trained.model, data, part, split.name())?);
        trained.model
    };
    let validation = match validation.is_empty() {
        true => None,
        false => Some(Predictions::pool(validation)?),
    };
    let seconds = start.elapsed().as_secs_f64();
    let info = RunInfo::new(&recipe.name, recipe.training.threads, data, split);
    let experiment = Experiment::Recipe(Box::new(recipe.clone()));
    let run = finish(&mut model, experiment, info, data, split, validation, seconds)?;
    Ok((SplitRun { histories, ..run }, model))
}

/// Trains a recipe on an inner split, and answers the clips it holds out.
pub fn rehearse(
    recipe: &Recipe,
    data: &Prepared,
    inner: &Split,
    seed: u64,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<(NamedHistory, Predictions)> {
    let (part, held) = (inner.train(), inner.test());
    let trained = train(recipe, data, inner, part, held, seed, on_epoch)?;
    let answers = predict(&trained.model, data, held, inner.name())?;
    Ok((named(inner, trained.history), answers))
}

fn named(split: &Split, history: History) -> NamedHistory {
    NamedHistory {
        name: split.name().to_owned(),
        history,
    }
}

/// Joins the models that the members of an ensemble trained on a split, and measures the whole.
pub fn join_split(
    ensemble: &Ensemble,
    members: Vec<(SplitRun, Model)>,
    data: &Prepared,
    split: &Split,
) -> Result<(SplitRun, Model)> {
    let weights: Vec<f64> = ensemble.members.iter().map(|m| m.weight).collect();
    let (runs, models): (Vec<SplitRun>, Vec<Model>) = members.into_iter().unzip();
    let seconds = runs.iter().map(|run| run.cost.seconds).sum();
    let threads = runs.iter().map(|run| run.info.threads).max().unwrap_or(1);
    let validation = runs.iter().map(|run| run.validation.as_ref()).collect::<Option<Vec<_>>>();
    let validation = validation
        .map(|parts| Predictions::average(&parts, &weights))
        .transpose()?;
    let mut model = Model::ensemble(&ensemble.name, models.into_iter().zip(weights).collect())?;
    let info = RunInfo::new(&ensemble.name, threads, data, split);
    let experiment = Experiment::Ensemble(ensemble.clone());
    let run = finish(&mut model, experiment, info, data, split, validation, seconds)?;
    Ok((run, model))
}

/// Gives the model its temperature and measures it.
fn finish(
    model: &mut Model,
    experiment: Experiment,
    info: RunInfo,
    data: &Prepared,
    split: &Split,
    validation: Option<Predictions>,
    seconds: f64,
) -> Result<SplitRun> {
    if let Some(validation) = &validation {
        model.temperature = fit_temperature(validation);
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
        predictions: predict(model, data, split.test(), split.name())?,
        enrolled: enrolled(model, data, split)?,
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
    Ok(ser_model::train(recipe, data, seed, on_epoch)?)
}

/// A model's answers on some clips of a corpus, all of emotions the model knows.
pub fn predict(model: &Model, data: &Prepared, part: &[usize], split: &str) -> Result<Predictions> {
    let answers = model.predict(&views(model, data, part))?;
    let rows = rows(model, &data.corpus, part, answers, split)?;
    Ok(Predictions::new(model.labels.clone(), rows)?)
}

/// The features that a model takes of some clips.
fn views<'a>(model: &Model, data: &'a Prepared, part: &[usize]) -> Vec<&'a [Features]> {
    let count = model.views().len();
    part.iter().map(|&i| &data.features[i][..count]).collect()
}

fn rows(
    model: &Model,
    corpus: &Corpus,
    part: &[usize],
    answers: Vec<Vec<f32>>,
    split: &str,
) -> Result<Vec<Prediction>> {
    let rows = answers.into_iter().zip(part);
    let rows = rows.map(|(probabilities, &i)| {
        let clip = &corpus.clips()[i];
        let truth = model.labels.iter().position(|label| *label == clip.emotion);
        Ok(Prediction {
            clip: clip.name(),
            speaker: clip.speaker.clone(),
            truth: truth.with_context(|| format!("the model does not know `{}`", clip.emotion))?,
            probabilities,
            split: split.to_owned(),
            gender: clip.gender.clone(),
            intensity: clip.intensity.clone(),
            statement: clip.statement.clone(),
        })
    });
    rows.collect()
}

/// Answers on the test part when some clips of each speaker are known without their labels. The clips
/// known are drawn at random, three times; each draw is a split of its own.
fn enrolled(
    model: &Model,
    data: &Prepared,
    split: &Split,
) -> Result<Vec<(Enrolled, Predictions)>> {
    if !model.enrols() {
        return Ok(Vec::new());
    }
    let mut curve = Vec::new();
    for known in Enrolled::CURVE {
        let draws = match known {
            Enrolled::Clips(_) => DRAWS,
            Enrolled::All => 1,
        };
        let mut found = Vec::new();
        for draw in 1..=draws {
            let mut rng = ChaCha8Rng::seed_from_u64(draw);
            for speaker in data.corpus.speakers() {
                let of = |&&i: &&usize| data.corpus.clips()[i].speaker == speaker;
                let mut clips: Vec<usize> = split.test().iter().filter(of).copied().collect();
                let (enrolled, asked) = match known {
                    Enrolled::All => (&clips[..], &clips[..]),
                    Enrolled::Clips(n) if n < clips.len() => {
                        clips.shuffle(&mut rng);
                        clips.split_at(n)
                    }
                    // A speaker with too few clips answers none.
                    Enrolled::Clips(_) => continue,
                };
                let speaker = model.enrol(&views(model, data, enrolled))?;
                let answers = model.predict_enrolled(&views(model, data, asked), &speaker)?;
                let name = format!("{}-draw-{draw}", split.name());
                found.extend(rows(model, &data.corpus, asked, answers, &name)?);
            }
        }
        if !found.is_empty() {
            curve.push((known, Predictions::new(model.labels.clone(), found)?));
        }
    }
    Ok(curve)
}
