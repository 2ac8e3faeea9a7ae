//! Asks the models of a run about their test and validation clips.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_eval::{Prediction, Predictions, draw_name};
use ser_features::FeatureConfig;
use ser_predict::{LabelledClip, Model};

use super::asked::{Asked, DRAWS};
use super::{Answers, Rows, target};
use crate::corpus::Prepared;
use crate::error::{Error, Result};
use crate::pieces::{ClipFeatures, embed};
use crate::setting::Setting;
use crate::view::View;

impl Answers {
    /// Predicts the clips of `part` with a model, each clip alone and in each of the given settings.
    ///
    /// [`Setting::Condition`] is skipped here; see [`Answers::add_conditions`].
    pub(crate) fn of(
        model: &Model,
        data: &Prepared,
        part: &[usize],
        split: &str,
        settings: &[Setting],
    ) -> Result<Self> {
        let features = features_of_part(model, data, part)?;
        let embedded = embed(model, &features.iter().collect::<Vec<_>>())?;
        let asked = Asked {
            rows: Rows::new(model, &data.corpus),
            embedded: part.iter().copied().zip(embedded).collect(),
            part,
            split,
        };
        let plain = asked.classify(part, &|clip| model.classify(clip, None))?;
        let plain = Predictions::new(model.labels.clone(), asked.rows.of(part, plain, split)?)?;
        let mut answers = Self::plain_only(plain);
        answers.add_known(&asked, settings, &|clip, speaker| {
            model.classify(clip, speaker)
        })?;
        let features: BTreeMap<usize, ClipFeatures> = part.iter().copied().zip(features).collect();
        for &setting in settings {
            if let Setting::Labelled(n) = setting {
                let found = asked.fine_tuned(&features, n)?;
                if !found.is_empty() {
                    let found = Predictions::new(model.labels.clone(), found)?;
                    answers.by_setting.push((setting, found));
                }
            }
        }
        Ok(answers)
    }
}

impl Asked<'_> {
    /// Predicts clips after fine-tuning on labelled clips of other speakers. `features` are those of all clips.
    ///
    /// In each draw the model is fine-tuned on clips of half of the speakers and tested on the other half; then the halves are
    /// swapped. If a half has fewer than `labelled` clips in a draw, there are no predictions at all: those of the other half
    /// alone would be of other speakers than those of the other settings.
    fn fine_tuned(
        &self,
        features: &BTreeMap<usize, ClipFeatures>,
        labelled: usize,
    ) -> Result<Vec<Prediction>> {
        let (model, corpus) = (self.rows.model, self.rows.corpus);
        let numbers = corpus.speaker_numbers();
        let speaker = |i: usize| corpus.clips()[i].speaker.as_str();
        let mut speakers: Vec<&str> = self.part.iter().map(|&i| speaker(i)).collect();
        speakers.sort_unstable();
        speakers.dedup();
        let mut found = Vec::new();
        for draw in 1..=DRAWS {
            let mut rng = ChaCha8Rng::seed_from_u64(draw);
            speakers.shuffle(&mut rng);
            let (first, second) = speakers.split_at(speakers.len() / 2);
            for (others, asked) in [(first, second), (second, first)] {
                let own = |speakers: &[&str]| -> Vec<usize> {
                    let clips = self.part.iter().copied();
                    clips.filter(|&i| speakers.contains(&speaker(i))).collect()
                };
                let (mut train, asked) = (own(others), own(asked));
                train.shuffle(&mut rng);
                if train.len() < labelled {
                    return Ok(Vec::new());
                }
                train.truncate(labelled);
                let clips = train.iter().map(|&i| {
                    let pieces = features[&i].iter();
                    Ok(LabelledClip {
                        pieces: pieces
                            .map(|(piece, seconds)| (&piece[..], *seconds))
                            .collect(),
                        target: target(model, &corpus.clips()[i])?,
                        speaker: numbers[i],
                        recording: i,
                    })
                });
                let clips = clips.collect::<Result<Vec<_>>>()?;
                // Fine-tuning changes only what follows the embedding.
                let tuned = model.fine_tune(&clips)?.model()?;
                let answers = self.classify(&asked, &|clip| tuned.classify(clip, None))?;
                let split = draw_name(self.split, draw);
                found.extend(self.rows.of(&asked, answers, &split)?);
            }
        }
        Ok(found)
    }
}

/// Returns the features that a model takes, for the clips of `part`.
fn features_of_part(model: &Model, data: &Prepared, part: &[usize]) -> Result<Vec<ClipFeatures>> {
    let place = |config: &FeatureConfig| {
        let wanted = View::clean(config.clone());
        let place = data.views.iter().position(|view| *view == wanted);
        place.ok_or_else(|| Error::NoView {
            model: model.name.clone(),
        })
    };
    let places = model.views().into_iter().map(place);
    let places = places.collect::<Result<Vec<usize>>>()?;
    let of_clip = |&i: &usize| -> ClipFeatures {
        let pieces = data.features[i].iter();
        let pieces = pieces.map(|(views, seconds)| {
            let taken = places.iter().map(|&at| views[at].clone());
            (taken.collect(), *seconds)
        });
        pieces.collect()
    };
    Ok(part.iter().map(of_clip).collect())
}
