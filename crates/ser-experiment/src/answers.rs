//! The predictions of a model for some clips, in every [`Setting`] that was measured.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_audio::conditions::Condition;
use ser_data::{Clip, Corpus};
use ser_eval::{FoldSummary, Prediction, Predictions, draw_name, without_draw};
use ser_features::{FeatureConfig, Features};
use ser_files::remove_file;
use ser_predict::{LabelledClip, Model};

use crate::corpus::Prepared;
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::setting::Setting;
use crate::view::{View, features_under};

/// Number of random draws of enrolment clips or labelled clips, for each number of clips.
const DRAWS: u64 = 3;

/// Predictions for the same clips, by setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// The predictions with [`Setting::Plain`] come first. A model without enrolment has none with enrolment.
    by_setting: Vec<(Setting, Predictions)>,
}

impl Answers {
    /// Predicts the clips of `part` with a model, each clip alone and in each of the given settings.
    ///
    /// [`Setting::Condition`] is skipped here; see [`Answers::add_conditions`].
    ///
    /// # Errors
    /// - [`Error::NoView`] if the data lack features that the model needs
    /// - [`Error::UnknownEmotion`] if a clip has an emotion that is not a label of the model
    /// - [`Error::Predict`] if the model cannot answer
    pub fn of(
        model: &Model,
        data: &Prepared,
        part: &[usize],
        split: &str,
        settings: &[Setting],
    ) -> Result<Self> {
        let (corpus, features) = (&data.corpus, features_of_part(model, data, part)?);
        let answers = model.predict(&of(&features, part))?;
        let plain = rows(model, corpus, part, answers, split)?;
        let plain = Predictions::new(model.labels.clone(), plain)?;
        let mut by_setting = vec![(Setting::Plain, plain)];
        for &setting in settings {
            let found = match setting {
                Setting::Plain | Setting::Condition(_) => continue,
                Setting::Labelled(n) => fine_tuned(model, corpus, &features, part, split, n)?,
                _ if !model.enrols() => continue,
                Setting::Collection => with_collection(model, corpus, &features, part, split)?,
                Setting::Enrolled(_) | Setting::EnrolledAll => {
                    with_enrolment(model, corpus, &features, part, split, setting)?
                }
            };
            if !found.is_empty() {
                let found = Predictions::new(model.labels.clone(), found)?;
                by_setting.push((setting, found));
            }
        }
        Ok(Self { by_setting })
    }

    /// Adds the predictions under each condition of [`Condition::STANDARD`] that has none yet; calls `done` after each
    /// condition.
    ///
    /// # Errors
    /// An error if a clip cannot be read or changed; [`Error::Predict`] if the model cannot answer.
    pub fn add_conditions(
        &mut self,
        model: &Model,
        corpus: &Corpus,
        part: &[usize],
        split: &str,
        store: Option<&Path>,
        done: &dyn Fn(),
    ) -> Result<()> {
        let configs = model.views();
        let clips = part.iter().map(|&i| corpus.clips()[i].recording());
        let recordings: Vec<_> = clips.collect();
        for condition in Condition::STANDARD {
            let setting = Setting::Condition(condition);
            if self.get(setting).is_none() {
                let clips = features_under(condition, &configs, &recordings, store)?;
                let views: Vec<&[Features]> = clips.iter().map(Vec::as_slice).collect();
                let answers = model.predict(&views)?;
                let rows = rows(model, corpus, part, answers, split)?;
                let answers = Predictions::new(model.labels.clone(), rows)?;
                self.by_setting.push((setting, answers));
            }
            done();
        }
        Ok(())
    }

    /// Writes `NAME.csv`, and a file beside it for each other setting. Files that earlier answers left for other settings are
    /// removed.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> Result<()> {
        for setting in Setting::all().skip(1) {
            let file = setting.file(folder, name);
            match self.get(setting) {
                Some(answers) => answers.write_csv(file)?,
                None => remove_file(file)?,
            }
        }
        // Written last: where this file exists, the others are complete.
        Ok(self.plain().write_csv(Setting::Plain.file(folder, name))?)
    }

    /// Removes the files that [`Answers::write`] wrote.
    #[cfg(feature = "train")]
    pub(crate) fn remove(folder: &Path, name: &str) -> Result<()> {
        for setting in Setting::all() {
            remove_file(setting.file(folder, name))?;
        }
        Ok(())
    }

    /// Reads the files that [`Answers::write`] wrote, or returns `None` if there are none.
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Option<Self>> {
        if !Setting::Plain.file(folder, name).is_file() {
            return Ok(None);
        }
        let mut by_setting = Vec::new();
        for setting in Setting::all() {
            let file = setting.file(folder, name);
            if file.is_file() {
                by_setting.push((setting, Predictions::read_csv(file)?));
            }
        }
        Ok(Some(Self { by_setting }))
    }

    /// Pools the answers of several splits.
    ///
    /// # Errors
    /// [`Error::Eval`] if the parts have different labels, or if there is no part.
    pub fn pool(parts: &[Self]) -> Result<Self> {
        let mut by_setting = Vec::new();
        for setting in Setting::all() {
            let found: Vec<&Predictions> = parts.iter().filter_map(|p| p.get(setting)).collect();
            if setting.is_enough(found.len(), parts.len()) {
                let found = found.into_iter().cloned();
                by_setting.push((setting, Predictions::pool(found)?));
            }
        }
        Ok(Self { by_setting })
    }

    /// Returns the weighted mean of the answers of several recipes, as their ensemble gives it: with enrolment, only the
    /// members that support it contribute.
    ///
    /// # Errors
    /// [`Error::Eval`] if the answers are for different clips or have different labels, or if there is no member.
    pub fn average(members: &[(f64, impl Borrow<Self>)]) -> Result<Self> {
        let mut by_setting = Vec::new();
        for setting in Setting::all() {
            let found = members
                .iter()
                .filter_map(|(weight, answers)| Some((*weight, answers.borrow().get(setting)?)));
            let found: Vec<_> = found.collect();
            if setting.is_enough(found.len(), members.len()) {
                by_setting.push((setting, Predictions::average(found)?));
            }
        }
        Ok(Self { by_setting })
    }

    /// Returns the predictions for each clip alone, as it was recorded.
    #[must_use]
    pub fn plain(&self) -> &Predictions {
        &self.by_setting[0].1
    }

    /// Returns the predictions in a setting, if it was measured.
    #[must_use]
    pub fn get(&self, setting: Setting) -> Option<&Predictions> {
        let found = self.by_setting.iter().find(|(other, _)| *other == setting);
        found.map(|(_, answers)| answers)
    }

    /// Iterates over the settings with their predictions: first each clip alone, then with more and more clips of the
    /// speaker enrolled, with other knowledge of the corpus, and under conditions.
    pub fn iter(&self) -> impl Iterator<Item = (Setting, &Predictions)> {
        self.by_setting.iter().map(|(at, answers)| (*at, answers))
    }

    /// Iterates over the predictions with enrolment, from few to all clips enrolled. A setting for which some speakers have
    /// too few clips is left out: its figures are not comparable with those of the others, which are of all speakers.
    pub fn enrolled(&self) -> impl Iterator<Item = (Setting, &Predictions)> {
        self.comparable().filter(|(at, _)| at.is_enrolled())
    }

    /// Iterates over the predictions under conditions.
    pub fn conditions(&self) -> impl Iterator<Item = (Setting, &Predictions)> {
        self.iter()
            .filter(|(setting, _)| matches!(setting, Setting::Condition(_)))
    }

    /// Computes the figures in every setting, with those of enrolment as in [`Answers::enrolled`].
    ///
    /// # Errors
    /// [`Error::Eval`] if there are no predictions.
    pub fn figures(&self) -> Result<Figures> {
        let figures = self
            .comparable()
            .map(|(setting, answers)| Ok((setting, FoldSummary::compute(answers)?)));
        figures.collect()
    }

    /// Iterates over the predictions but those that lack some speakers in some split.
    fn comparable(&self) -> impl Iterator<Item = (Setting, &Predictions)> {
        let all = speakers(self.plain());
        self.iter().filter(move |(_, found)| speakers(found) == all)
    }
}

/// Returns the splits and the speakers of the predicted clips.
fn speakers(predictions: &Predictions) -> BTreeSet<(&str, &str)> {
    let rows = predictions.rows().iter();
    rows.map(|row| (without_draw(&row.split), row.speaker.as_str()))
        .collect()
}

/// Figures over the splits, by setting. Those with [`Setting::Plain`] come first.
pub type Figures = Vec<(Setting, FoldSummary)>;

/// Predicts clips when some other clips of each speaker, or all clips, are enrolled. A speaker with too few clips gets no
/// predictions.
fn with_enrolment(
    model: &Model,
    corpus: &Corpus,
    features: &ClipFeatures,
    part: &[usize],
    split: &str,
    setting: Setting,
) -> Result<Vec<Prediction>> {
    let (known, draws) = match setting {
        Setting::Enrolled(n) => (Some(n), DRAWS),
        _ => (None, 1),
    };
    let mut found = Vec::new();
    for draw in 1..=draws {
        let mut rng = ChaCha8Rng::seed_from_u64(draw);
        for speaker in corpus.speakers() {
            let own = |&&i: &&usize| corpus.clips()[i].speaker == speaker;
            let mut clips: Vec<usize> = part.iter().filter(own).copied().collect();
            let (enrolled, asked) = match known {
                None => (&clips[..], &clips[..]),
                Some(n) if n < clips.len() => {
                    clips.shuffle(&mut rng);
                    clips.split_at(n)
                }
                Some(_) => continue,
            };
            let speaker = model.enrol(&of(features, enrolled))?;
            let answers = model.predict_enrolled(&of(features, asked), &speaker)?;
            found.extend(rows(
                model,
                corpus,
                asked,
                answers,
                &draw_name(split, draw),
            )?);
        }
    }
    Ok(found)
}

/// Predicts clips when all clips of `part` of the same corpus are known, without labels or speakers.
fn with_collection(
    model: &Model,
    corpus: &Corpus,
    features: &ClipFeatures,
    part: &[usize],
    split: &str,
) -> Result<Vec<Prediction>> {
    let mut collections: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for &i in part {
        collections
            .entry(corpus.clips()[i].corpus())
            .or_default()
            .push(i);
    }
    let mut found = Vec::new();
    for clips in collections.into_values() {
        let collection = model.enrol(&of(features, &clips))?;
        let answers = model.predict_enrolled(&of(features, &clips), &collection)?;
        found.extend(rows(model, corpus, &clips, answers, split)?);
    }
    Ok(found)
}

/// Predicts clips after fine-tuning on labelled clips of other speakers.
///
/// In each draw the model is fine-tuned on clips of half of the speakers and tested on the other half; then the halves are
/// swapped. If a half has fewer than `labelled` clips in a draw, there are no predictions at all: those of the other half alone
/// would be of other speakers than those of the other settings.
fn fine_tuned(
    model: &Model,
    corpus: &Corpus,
    features: &ClipFeatures,
    part: &[usize],
    split: &str,
    labelled: usize,
) -> Result<Vec<Prediction>> {
    let speaker = |i: usize| corpus.clips()[i].speaker.as_str();
    let mut speakers: Vec<&str> = part.iter().map(|&i| speaker(i)).collect();
    speakers.sort_unstable();
    speakers.dedup();
    let mut found = Vec::new();
    for draw in 1..=DRAWS {
        let mut rng = ChaCha8Rng::seed_from_u64(draw);
        speakers.shuffle(&mut rng);
        let (first, second) = speakers.split_at(speakers.len() / 2);
        for (others, asked) in [(first, second), (second, first)] {
            let own = |speakers: &[&str]| -> Vec<usize> {
                let clips = part.iter().copied();
                clips.filter(|&i| speakers.contains(&speaker(i))).collect()
            };
            let (mut train, asked) = (own(others), own(asked));
            train.shuffle(&mut rng);
            if train.len() < labelled {
                return Ok(Vec::new());
            }
            train.truncate(labelled);
            let clips = train.iter().map(|&i| {
                Ok(LabelledClip {
                    features: &features[&i],
                    target: target(model, &corpus.clips()[i])?,
                    speaker: speakers.iter().position(|s| *s == speaker(i)).unwrap_or(0),
                    recording: i,
                })
            });
            let clips = clips.collect::<Result<Vec<_>>>()?;
            let tuned = model.fine_tune(&clips)?.model()?;
            let answers = tuned.predict(&of(features, &asked))?;
            found.extend(rows(
                model,
                corpus,
                &asked,
                answers,
                &draw_name(split, draw),
            )?);
        }
    }
    Ok(found)
}

/// The features of clips that a model takes, by the index of the clip in its corpus.
type ClipFeatures = BTreeMap<usize, Vec<Features>>;

/// Returns the features of some clips.
fn of<'a>(features: &'a ClipFeatures, clips: &[usize]) -> Vec<&'a [Features]> {
    clips.iter().map(|i| &features[i][..]).collect()
}

/// Returns the features that a model takes, for the clips of `part`.
fn features_of_part(model: &Model, data: &Prepared, part: &[usize]) -> Result<ClipFeatures> {
    let place = |config: &FeatureConfig| {
        let wanted = View::clean(config.clone());
        let place = data.views.iter().position(|view| *view == wanted);
        place.ok_or_else(|| Error::NoView {
            model: model.name.clone(),
        })
    };
    let places = model.views().into_iter().map(place);
    let places = places.collect::<Result<Vec<usize>>>()?;
    let of = |&i: &usize| {
        let features = places.iter().map(|&at| data.features[i][at].clone());
        (i, features.collect())
    };
    Ok(part.iter().map(of).collect())
}

/// Returns the index of a clip's emotion among the labels of a model.
pub(crate) fn target(model: &Model, clip: &Clip) -> Result<usize> {
    let target = model.labels.iter().position(|label| *label == clip.emotion);
    target.ok_or_else(|| Error::UnknownEmotion {
        emotion: clip.emotion.clone(),
    })
}

/// Joins the probabilities that a model gives with the labels and attributes of their clips.
///
/// On a corpus without clips of a label, the probability of this label is added to the label that it counts as
/// ([`Task::counted_as`](ser_recipe::Task)).
pub(crate) fn rows(
    model: &Model,
    corpus: &Corpus,
    part: &[usize],
    answers: Vec<Vec<f32>>,
    split: &str,
) -> Result<Vec<Prediction>> {
    let counted = Labels::of(model).counted(&model.labels, corpus);
    let rows = answers.into_iter().zip(part);
    let rows = rows.map(|(mut probabilities, &i)| {
        let clip = &corpus.clips()[i];
        for &(from, to) in counted.get(&clip.corpus()).into_iter().flatten() {
            probabilities[to] += std::mem::take(&mut probabilities[from]);
        }
        Ok(Prediction {
            clip: clip.name.clone(),
            speaker: clip.speaker.clone(),
            truth: target(model, clip)?,
            probabilities,
            split: split.to_owned(),
            gender: clip.gender.clone(),
            intensity: clip.intensity.clone(),
            statement: clip.statement.clone(),
            attributes: clip.attributes.clone(),
        })
    });
    rows.collect()
}
