//! Trains a recipe on one split, on its inner splits first if it has a fixed schedule, and measures the model on the test
//! part.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ser_data::{Clip, Corpus, Split};
use ser_eval::{ConfidenceThreshold, Epoch, History, NamedHistory, Predictions, fit_temperature};
use ser_model::{Example, Trained, TrainingData};
use ser_predict::{Model, Provenance};
use ser_recipe::{Experiment, Member, Monitor, Recipe};

use crate::answers::Answers;
use crate::corpora::clips_by_corpus;
use crate::corpus::Prepared;
use crate::error::Result;
use crate::event::{Event, OnEvent};
use crate::setting::Setting;
use crate::split_run::{Cost, Numbered, RunInfo, SplitRun};

/// Trains a recipe on clips.
pub(crate) struct Trainer<'a> {
    pub(crate) recipe: &'a Recipe,
    /// The clips with the features of all views that the recipe is trained on.
    pub(crate) data: &'a Prepared,
    /// Called after each epoch of each training, one training after the other.
    pub(crate) on_epoch: &'a dyn Fn(&Epoch),
    pub(crate) on_event: OnEvent<'a>,
}

impl Trainer<'_> {
    /// Trains on a split and measures the model.
    ///
    /// A recipe that keeps the best epoch is trained on the training part and chooses the epoch on the validation part. A recipe
    /// that keeps the last epoch is first measured on the inner splits, which give its figures and its temperature, and then
    /// trained on both parts.
    pub(crate) fn split(&self, numbered: Numbered) -> Result<(SplitRun, Model)> {
        let (recipe, data) = (self.recipe, self.data);
        let (split, seed) = (numbered.split, numbered.number as u64);
        let start = Instant::now();
        let mut histories = Vec::new();
        let mut validation = Vec::new();
        let mut model = if recipe.training.monitor == Monitor::LastEpoch {
            for inner in split.inner(&data.corpus, recipe.task.inner, recipe.task.seed)? {
                let (trained, answers) = self.inner_split(&inner, seed)?;
                histories.push(named(&inner, trained.history));
                validation.push(answers);
            }
            self.all_but_test(split, seed)?
        } else {
            let trained = self.train(split, split.train(), split.validation(), seed)?;
            histories.push(named(split, trained.history));
            let held = split.validation();
            validation.push(self.answers(&trained.model, held, split)?);
            trained.model
        };
        let validation = if validation.is_empty() {
            None
        } else {
            Some(Answers::pool(&validation)?)
        };
        let seconds = start.elapsed().as_secs_f64();
        let experiment = Experiment::from(recipe.clone());
        let run = measured(&mut model, experiment, data, numbered, validation, seconds)?;
        Ok((SplitRun { histories, ..run }, model))
    }

    /// Trains on an inner split, and predicts its held-out clips.
    pub(crate) fn inner_split(&self, inner: &Split, seed: u64) -> Result<(Trained, Answers)> {
        let trained = self.train(inner, inner.train(), inner.test(), seed)?;
        let answers = self.answers(&trained.model, inner.test(), inner)?;
        Ok((trained, answers))
    }

    /// Trains with a fixed schedule on all clips of a split except the test part.
    pub(crate) fn all_but_test(&self, split: &Split, seed: u64) -> Result<Model> {
        let pool = [split.train(), split.validation()].concat();
        Ok(self.train(split, &pool, &[], seed)?.model)
    }

    /// Returns the predictions of a model for held-out clips.
    fn answers(&self, model: &Model, held: &[usize], split: &Split) -> Result<Answers> {
        let enrolled = &Setting::ENROLLED_VALIDATION;
        Answers::of(model, self.data, held, split.name(), enrolled)
    }

    fn train(
        &self,
        split: &Split,
        train: &[usize],
        validation: &[usize],
        seed: u64,
    ) -> Result<Trained> {
        let corpus = &self.data.corpus;
        let (targets, speakers) = (corpus.targets(), corpus.speaker_numbers());
        let corpora: BTreeSet<Option<&str>> = corpus.clips().iter().map(Clip::corpus).collect();
        let corpora = Vec::from_iter(corpora);
        let examples = |part: &[usize]| -> Vec<Example> {
            let mut examples = Vec::new();
            for &i in part {
                let corpus = corpora.binary_search(&corpus.clips()[i].corpus());
                let pieces = self.data.features[i].iter();
                examples.extend(pieces.map(|(copies, _)| Example {
                    copies,
                    target: targets[i],
                    speaker: speakers[i],
                    corpus: corpus.unwrap_or_default(),
                }));
            }
            examples
        };
        let seen = || train.iter().chain(validation).map(|&i| &corpus.clips()[i]);
        let voices: BTreeSet<&String> = seen().map(|clip| &clip.speaker).collect();
        let mut content: Vec<String> = seen().map(|clip| clip.content.clone()).collect();
        content.sort_unstable();
        let data = TrainingData {
            labels: corpus.labels().to_vec(),
            train: examples(train),
            validation: examples(validation),
            provenance: Provenance {
                split: split.name().to_owned(),
                corpus: corpus.checksum(),
                synthetic: corpus.is_synthetic(),
                speaker_disjoint: self.recipe.task.protocol.is_speaker_disjoint(),
                speakers: voices.into_iter().cloned().collect(),
                content,
                validated_on: None,
            },
        };
        let mut on_epoch = |epoch: &Epoch| (self.on_epoch)(epoch);
        let trained = ser_model::train(self.recipe, data, seed, &mut on_epoch)?;
        if let Some(epoch) = trained.diverged {
            let split = split.name();
            (self.on_event)(Event::Diverged { split, epoch });
        }
        Ok(trained)
    }
}

fn named(split: &Split, history: History) -> NamedHistory {
    NamedHistory {
        name: split.name().to_owned(),
        history,
    }
}

/// Joins the models of the members of an ensemble on a split, in the order of the members, and measures the ensemble.
pub(crate) fn join_split(
    ensemble: &Experiment,
    members: Vec<(SplitRun, Model)>,
    data: &Prepared,
    numbered: Numbered,
) -> Result<(SplitRun, Model)> {
    let weights = || ensemble.members.iter().map(|member: &Member| member.weight);
    let seconds = members.iter().map(|(run, _)| run.cost.seconds).sum();
    let validation = members.iter().map(|(run, _)| run.validation.as_ref());
    let validation: Option<Vec<&Answers>> = validation.collect();
    let validation = validation.map(|answers| {
        let weighted: Vec<(f64, &Answers)> = weights().zip(answers).collect();
        Answers::average(&weighted)
    });
    let models = members.into_iter().map(|(_, model)| model).zip(weights());
    let mut model = Model::ensemble(&ensemble.name, ensemble.to_toml()?, models.collect())?;
    let run = measured(
        &mut model,
        ensemble.clone(),
        data,
        numbered,
        validation.transpose()?,
        seconds,
    )?;
    Ok((run, model))
}

/// Fits the temperatures and confidence thresholds of a model to predictions of models like it for held-out clips of a corpus.
pub(crate) fn fit_temperatures(model: &mut Model, validation: &Answers, corpus: &Corpus) {
    let plain = validation.plain();
    model.provenance.validated_on = Some(validated_on(corpus, plain));
    model.temperature = fit_temperature(plain);
    model.confidence_threshold = ConfidenceThreshold::fit(plain, model.temperature);
    if let Some((_, enrolled)) = validation.enrolled().next() {
        model.enrolled_temperature = fit_temperature(enrolled);
        model.enrolled_confidence_threshold =
            ConfidenceThreshold::fit(enrolled, model.enrolled_temperature);
    }
}

/// Describes the held-out clips of a corpus, for people. If several corpora were read, only those are named that the clips are of,
/// and whether each was left out of training as a whole.
fn validated_on(corpus: &Corpus, held_out: &Predictions) -> String {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for name in corpus.clips().iter().filter_map(Clip::corpus) {
        *sizes.entry(name).or_default() += 1;
    }
    if sizes.len() < 2 {
        return corpus.name().to_owned();
    }
    let tested = clips_by_corpus(held_out);
    let names: BTreeSet<&str> = tested.keys().map(|(_, name)| *name).collect();
    let each = if names.len() == 1 { "" } else { "each " };
    let names = names.into_iter().collect::<Vec<_>>().join("+");
    let whole = |((_, name), clips): (&(&str, &str), &usize)| sizes.get(name) == Some(clips);
    if tested.iter().all(whole) {
        format!("{names}, {each}left out of training")
    } else {
        names
    }
}

/// Fits the temperature of the model and measures it on the test part.
fn measured(
    model: &mut Model,
    experiment: Experiment,
    data: &Prepared,
    numbered: Numbered,
    validation: Option<Answers>,
    seconds: f64,
) -> Result<SplitRun> {
    if let Some(validation) = &validation {
        fit_temperatures(model, validation, &data.corpus);
    }
    let split = numbered.split;
    let settings = Setting::asked(experiment.task.protocol);
    Ok(SplitRun {
        info: RunInfo::of(&experiment, data, numbered),
        experiment,
        cost: Cost {
            parameters: model.parameters(),
            seconds,
            temperature: model.temperature,
        },
        histories: Vec::new(),
        validation,
        test: Answers::of(model, data, split.test(), split.name(), &settings)?,
    })
}

#[cfg(test)]
mod tests {
    use ser_data::CORPUS;
    use ser_eval::Prediction;

    use super::*;

    #[test]
    fn the_held_out_corpora_are_named_and_whether_they_were_left_out() {
        let clip = |name: &&str| Clip {
            path: format!("{name}.wav").into(),
            emotion: "sad".into(),
            attributes: [(CORPUS.to_owned(), name[..1].to_owned())].into(),
            ..Clip::default()
        };
        let all = ["a1", "a2", "b1", "b2", "c1"];
        let corpus = Corpus::new("a+b+c", false, all.iter().map(clip).collect());
        let said = |held_out: &[(&str, &str)]| {
            let rows = held_out.iter().map(|(split, name)| Prediction {
                clip: (*name).to_owned(),
                speaker: (*name).to_owned(),
                truth: 0,
                probabilities: vec![1.0, 0.0],
                split: (*split).to_owned(),
                gender: None,
                intensity: None,
                statement: None,
                attributes: clip(name).attributes,
            });
            let labels = ["sad", "calm"].map(str::to_owned).to_vec();
            let predictions = Predictions::new(labels, rows.collect()).unwrap();
            validated_on(&corpus, &predictions)
        };
        let (first, second) = ("inner-1", "inner-2");
        assert_eq!(said(&[(first, "c1")]), "c, left out of training");
        assert_eq!(
            said(&[(first, "a1"), (first, "a2"), (second, "b1"), (second, "b2")]),
            "a+b, each left out of training"
        );
        // Speakers of both corpora were held out, and others of them trained on.
        assert_eq!(said(&[(first, "a1"), (first, "b1")]), "a+b");
        assert_eq!(said(&[(first, "a1"), (second, "a2")]), "a");
    }
}
