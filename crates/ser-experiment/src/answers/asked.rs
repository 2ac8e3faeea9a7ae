//! Asks a model for its predictions in every setting but the conditions.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_eval::{Prediction, Predictions, draw_name};
use ser_features::{FeatureConfig, Features};
use ser_predict::{Enrolment, LabelledClip, Model};

use super::{Answers, Rows, target};
use crate::corpus::Prepared;
use crate::error::{Error, Result};
use crate::pieces::{ClipFeatures, all_pieces, predict};
use crate::setting::Setting;
use crate::view::View;

/// Number of random draws of enrolment clips or labelled clips, for each number of clips.
const DRAWS: u64 = 3;

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
        let asked = Asked {
            rows: Rows::new(model, &data.corpus),
            features: features_of_part(model, data, part)?,
            part,
            split,
        };
        let plain = asked
            .rows
            .of(part, asked.predict(model, part, None)?, split)?;
        let plain = Predictions::new(model.labels.clone(), plain)?;
        let mut by_setting = vec![(Setting::Plain, plain)];
        for &setting in settings {
            let found = match setting {
                Setting::Plain | Setting::Condition(_) => continue,
                Setting::Labelled(n) => asked.fine_tuned(n)?,
                _ if !model.enrols() => continue,
                Setting::Collection => asked.with_collection()?,
                Setting::Enrolled(_) | Setting::EnrolledAll => asked.with_enrolment(setting)?,
            };
            if !found.is_empty() {
                let found = Predictions::new(model.labels.clone(), found)?;
                by_setting.push((setting, found));
            }
        }
        Ok(Self { by_setting })
    }
}

/// The clips that a model is asked about.
struct Asked<'a> {
    rows: Rows<'a>,
    /// The features of the clips that the model takes, by the index of the clip in its corpus.
    features: BTreeMap<usize, ClipFeatures>,
    /// The clips, as indices into their corpus.
    part: &'a [usize],
    /// The name of the split.
    split: &'a str,
}

impl Asked<'_> {
    /// Predicts clips when some other clips of each speaker, or all clips, are enrolled. A speaker with too few clips gets no
    /// predictions.
    fn with_enrolment(&self, setting: Setting) -> Result<Vec<Prediction>> {
        let (model, corpus) = (self.rows.model, self.rows.corpus);
        let (known, draws) = match setting {
            Setting::Enrolled(n) => (Some(n), DRAWS),
            _ => (None, 1),
        };
        let mut found = Vec::new();
        for draw in 1..=draws {
            let mut rng = ChaCha8Rng::seed_from_u64(draw);
            for speaker in corpus.speakers() {
                let own = |&&i: &&usize| corpus.clips()[i].speaker == speaker;
                let mut clips: Vec<usize> = self.part.iter().filter(own).copied().collect();
                let (enrolled, asked) = match known {
                    None => (&clips[..], &clips[..]),
                    Some(n) if n < clips.len() => {
                        clips.shuffle(&mut rng);
                        clips.split_at(n)
                    }
                    Some(_) => continue,
                };
                let speaker = model.enrol(&all_pieces(&self.of(enrolled)))?;
                let answers = self.predict(model, asked, Some(&speaker))?;
                let split = draw_name(self.split, draw);
                found.extend(self.rows.of(asked, answers, &split)?);
            }
        }
        Ok(found)
    }

    /// Predicts clips when all clips of the part that are of the same corpus are known, without labels or speakers.
    fn with_collection(&self) -> Result<Vec<Prediction>> {
        let (model, corpus) = (self.rows.model, self.rows.corpus);
        let mut collections: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for &i in self.part {
            collections
                .entry(corpus.clips()[i].corpus())
                .or_default()
                .push(i);
        }
        let mut found = Vec::new();
        for clips in collections.into_values() {
            let collection = model.enrol(&all_pieces(&self.of(&clips)))?;
            let answers = self.predict(model, &clips, Some(&collection))?;
            found.extend(self.rows.of(&clips, answers, self.split)?);
        }
        Ok(found)
    }

    /// Predicts clips after fine-tuning on labelled clips of other speakers.
    ///
    /// In each draw the model is fine-tuned on clips of half of the speakers and tested on the other half; then the halves are
    /// swapped. If a half has fewer than `labelled` clips in a draw, there are no predictions at all: those of the other half
    /// alone would be of other speakers than those of the other settings.
    fn fine_tuned(&self, labelled: usize) -> Result<Vec<Prediction>> {
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
                    let pieces = self.features[&i].iter();
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
                let tuned = model.fine_tune(&clips)?.model()?;
                let answers = self.predict(&tuned, &asked, None)?;
                let split = draw_name(self.split, draw);
                found.extend(self.rows.of(&asked, answers, &split)?);
            }
        }
        Ok(found)
    }

    /// Returns the probabilities that a model gives for some clips, `[clips][labels]`.
    fn predict(
        &self,
        model: &Model,
        clips: &[usize],
        speaker: Option<&Enrolment>,
    ) -> Result<Vec<Vec<f32>>> {
        predict(model, &self.of(clips), speaker)
    }

    /// Returns the features of some clips.
    fn of(&self, clips: &[usize]) -> Vec<&ClipFeatures> {
        clips.iter().map(|i| &self.features[i]).collect()
    }
}

/// Returns the features that a model takes, for the clips of `part`.
fn features_of_part(
    model: &Model,
    data: &Prepared,
    part: &[usize],
) -> Result<BTreeMap<usize, ClipFeatures>> {
    let place = |config: &FeatureConfig| {
        let wanted = View::clean(config.clone());
        let place = data.views.iter().position(|view| *view == wanted);
        place.ok_or_else(|| Error::NoView {
            model: model.name.clone(),
        })
    };
    let places = model.views().into_iter().map(place);
    let places = places.collect::<Result<Vec<usize>>>()?;
    let of_piece = |(views, seconds): &(Vec<Features>, f64)| {
        let taken = places.iter().map(|&at| views[at].clone());
        (taken.collect(), *seconds)
    };
    let of = |&i: &usize| (i, data.features[i].iter().map(of_piece).collect());
    Ok(part.iter().map(of).collect())
}
