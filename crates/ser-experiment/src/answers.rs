//! The predictions of a model for some clips, in every [`Setting`] that was measured.

mod asked;
#[cfg(feature = "train")]
mod trained;

#[cfg(feature = "train")]
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::path::Path;

use ser_audio::conditions::Condition;
use ser_data::{Clip, Corpus};
use ser_eval::{FoldSummary, Prediction, Predictions, without_draw};
use ser_files::remove_file;
use ser_predict::Model;

use crate::corpus::{Prepared, Skipped};
use crate::error::{Error, Result};
use crate::labels::{Counted, Labels};
use crate::pieces::{classify, embed, with_features};
use crate::setting::Setting;
use crate::view::features_under;

pub(crate) use asked::Asked;

/// Predictions for the same clips, by setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// The predictions with [`Setting::Plain`] come first. A model without enrolment has none with enrolment.
    by_setting: Vec<(Setting, Predictions)>,
}

impl Answers {
    /// Creates answers with the predictions for each clip alone, to which others are added.
    pub(crate) fn plain_only(plain: Predictions) -> Self {
        Self {
            by_setting: vec![(Setting::Plain, plain)],
        }
    }

    /// Adds the predictions under each condition of [`Condition::STANDARD`] that has none yet; calls `done` after each
    /// condition. Returns the clips that are left out under a condition, because their features cannot be extracted there.
    pub(crate) fn add_conditions(
        &mut self,
        model: &Model,
        data: &Prepared,
        part: &[usize],
        split: &str,
        store: Option<&Path>,
        done: &dyn Fn(),
    ) -> Result<Vec<Skipped>> {
        let configs = model.views();
        let of_clips: Vec<_> = part.iter().map(|&i| data.recordings(i)).collect();
        let recordings = of_clips.iter().flatten();
        let recordings: Vec<_> = recordings.map(|(recording, _)| *recording).collect();
        let rows = Rows::new(model, &data.corpus);
        let mut failed = Vec::new();
        for condition in Condition::STANDARD {
            let setting = Setting::Condition(condition);
            if self.get(setting).is_none() {
                let found = features_under(condition, &configs, &recordings, store)?;
                let mut found = found.into_iter();
                let (mut answered, mut clips) = (Vec::new(), Vec::new());
                for (&i, of_clip) in part.iter().zip(&of_clips) {
                    let found = found.by_ref().take(of_clip.len()).collect();
                    match with_features(of_clip, found) {
                        Ok(clip) => {
                            answered.push(i);
                            clips.push(clip);
                        }
                        Err(reason) => {
                            let path = &data.corpus.clips()[i].path;
                            let Skipped { path, reason } = Skipped::new(path, &reason);
                            let reason = format!("under `{condition}`: {reason}");
                            failed.push(Skipped { path, reason });
                        }
                    }
                }
                let embedded = embed(model, &Vec::from_iter(&clips))?;
                let embedded = Vec::from_iter(&embedded);
                let answers = classify(&embedded, &|clip| model.classify(clip, None))?;
                let rows = rows.of(&answered, answers, split)?;
                let answers = Predictions::new(model.labels.clone(), rows)?;
                self.by_setting.push((setting, answers));
            }
            done();
        }
        Ok(failed)
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
    pub(crate) fn pool(parts: &[Self]) -> Result<Self> {
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
    #[cfg(feature = "train")]
    pub(crate) fn average(members: &[(f64, impl Borrow<Self>)]) -> Result<Self> {
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

/// Returns the index of a clip's emotion among the labels of a model.
pub(crate) fn target(model: &Model, clip: &Clip) -> Result<usize> {
    let target = model.labels.iter().position(|label| *label == clip.emotion);
    target.ok_or_else(|| unknown(clip))
}

fn unknown(clip: &Clip) -> Error {
    Error::UnknownEmotion {
        emotion: clip.emotion.clone(),
    }
}

/// Joins the probabilities that a model gives for clips of a corpus with the labels and attributes of the clips.
///
/// On a corpus without clips of a label, the probability of this label is added to the label that it counts as
/// ([`Task::counted_as`](ser_recipe::Task)).
pub(crate) struct Rows<'a> {
    model: &'a Model,
    corpus: &'a Corpus,
    counted: Counted<'a>,
    /// The labels that predictions have, as indices among those of the model.
    kept: Vec<usize>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(model: &'a Model, corpus: &'a Corpus) -> Self {
        Self {
            model,
            corpus,
            counted: Labels::of(model).counted(&model.labels, corpus),
            kept: (0..model.labels.len()).collect(),
        }
    }

    /// Keeps only some labels of the model. The probabilities of the others must be 0.
    pub(crate) fn with_labels(mut self, labels: &[String]) -> Self {
        let known = &self.model.labels;
        self.kept.retain(|&label| labels.contains(&known[label]));
        self
    }

    /// Returns the labels that predictions have.
    pub(crate) fn labels(&self) -> Vec<String> {
        let kept = self.kept.iter();
        kept.map(|&label| self.model.labels[label].clone())
            .collect()
    }

    /// Returns the predictions for the clips of `part`, whose probabilities are `[clips][labels]`.
    pub(crate) fn of(
        &self,
        part: &[usize],
        answers: Vec<Vec<f32>>,
        split: &str,
    ) -> Result<Vec<Prediction>> {
        let rows = answers.into_iter().zip(part);
        let rows = rows.map(|(mut probabilities, &i)| {
            let clip = &self.corpus.clips()[i];
            for &(from, to) in self.counted.get(&clip.corpus()).into_iter().flatten() {
                probabilities[to] += std::mem::take(&mut probabilities[from]);
            }
            let target = target(self.model, clip)?;
            let truth = self.kept.iter().position(|&label| label == target);
            Ok(Prediction {
                clip: clip.name.clone(),
                speaker: clip.speaker.clone(),
                truth: truth.ok_or_else(|| unknown(clip))?,
                probabilities: self
                    .kept
                    .iter()
                    .map(|&label| probabilities[label])
                    .collect(),
                split: split.to_owned(),
                gender: clip.gender.clone(),
                intensity: clip.intensity.clone(),
                statement: clip.statement.clone(),
                attributes: clip.attributes.clone(),
            })
        });
        rows.collect()
    }
}
