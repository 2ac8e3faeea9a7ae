//! Asks a model for its predictions in every setting but the conditions.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_eval::{Prediction, Predictions, draw_name};
use ser_features::{FeatureConfig, Features};
use ser_predict::{LabelledClip, Model};

use super::{Answers, Rows, target};
use crate::corpus::Prepared;
use crate::error::{Error, Result};
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
        let features = features_of_part(model, data, part)?;
        let rows = Rows::new(model, &data.corpus);
        let answers = model.predict(&of(&features, part))?;
        let plain = rows.of(part, answers, split)?;
        let plain = Predictions::new(model.labels.clone(), plain)?;
        let mut by_setting = vec![(Setting::Plain, plain)];
        for &setting in settings {
            let found = match setting {
                Setting::Plain | Setting::Condition(_) => continue,
                Setting::Labelled(n) => fine_tuned(&rows, &features, part, split, n)?,
                _ if !model.enrols() => continue,
                Setting::Collection => with_collection(&rows, &features, part, split)?,
                Setting::Enrolled(_) | Setting::EnrolledAll => {
                    with_enrolment(&rows, &features, part, split, setting)?
                }
            };
            if !found.is_empty() {
                let found = Predictions::new(model.labels.clone(), found)?;
                by_setting.push((setting, found));
            }
        }
        Ok(Self { by_setting })
    }
}

/// Predicts clips when some other clips of each speaker, or all clips, are enrolled. A speaker with too few clips gets no
/// predictions.
fn with_enrolment(
    rows: &Rows,
    features: &ClipFeatures,
    part: &[usize],
    split: &str,
    setting: Setting,
) -> Result<Vec<Prediction>> {
    let (model, corpus) = (rows.model, rows.corpus);
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
            found.extend(rows.of(asked, answers, &draw_name(split, draw))?);
        }
    }
    Ok(found)
}

/// Predicts clips when all clips of `part` of the same corpus are known, without labels or speakers.
fn with_collection(
    rows: &Rows,
    features: &ClipFeatures,
    part: &[usize],
    split: &str,
) -> Result<Vec<Prediction>> {
    let (model, corpus) = (rows.model, rows.corpus);
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
        found.extend(rows.of(&clips, answers, split)?);
    }
    Ok(found)
}

/// Predicts clips after fine-tuning on labelled clips of other speakers.
///
/// In each draw the model is fine-tuned on clips of half of the speakers and tested on the other half; then the halves are
/// swapped. If a half has fewer than `labelled` clips in a draw, there are no predictions at all: those of the other half alone
/// would be of other speakers than those of the other settings.
fn fine_tuned(
    rows: &Rows,
    features: &ClipFeatures,
    part: &[usize],
    split: &str,
    labelled: usize,
) -> Result<Vec<Prediction>> {
    let (model, corpus) = (rows.model, rows.corpus);
    let numbers = corpus.speaker_numbers();
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
                    // Clips are tested as a whole here, so they are also learned as a whole.
                    pieces: vec![(&features[&i][..], 1.0)],
                    target: target(model, &corpus.clips()[i])?,
                    speaker: numbers[i],
                    recording: i,
                })
            });
            let clips = clips.collect::<Result<Vec<_>>>()?;
            let tuned = model.fine_tune(&clips)?.model()?;
            let answers = tuned.predict(&of(features, &asked))?;
            found.extend(rows.of(&asked, answers, &draw_name(split, draw))?);
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
