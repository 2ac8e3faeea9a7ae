//! A finished model that learns on from labelled clips of somebody's own.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use ser_audio::{Channels, restored};
use ser_data::{Clip, Corpus, Origin};
use ser_eval::{ConfidenceThreshold, Evaluation, Predictions, fit_temperature};
use ser_features::Features;
use ser_predict::{LabelledClip, Model, Predictor};

use crate::answers::rows;
use crate::corpus::{Prepared, Skipped, named, tell};
use crate::error::{Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::folder::{self, refuse_foreign};
use crate::labels::Labels;
use crate::split_run::MODEL;
use crate::unseen::Unseen;
use crate::view::of_each;

/// Fewer clips teach nothing that could be told from chance; with more a recipe learns more than a last layer does.
const CLIPS: RangeInclusive<usize> = 10..=2000;
/// The split's name in the answers.
const SPLIT: &str = "fine-tuning";

/// A model that was fine-tuned, and its figures on the clips that it learned from.
#[derive(Debug)]
pub struct FineTuned {
    /// The model, which nothing has been written of yet.
    pub model: Model,
    /// Figures of the model before.
    pub before: Evaluation,
    /// Figures by cross-validation: each clip is answered by a model that has not learned from its speaker, or from the
    /// clip where all are of one speaker.
    pub after: Evaluation,
    /// Clips learned from.
    pub clips: usize,
    /// Their speakers.
    pub speakers: usize,
    /// Labels of the model that no clip has. What the model knew of them stays.
    pub absent: Vec<String>,
    /// Clips left out, as the model had learned from them or from others of their speakers.
    pub left_out: usize,
    /// Clips left out for their emotions, which the model does not tell apart.
    pub unknown: usize,
    /// Those emotions.
    pub unknown_emotions: Vec<String>,
    /// Whether clips or model are synthetic.
    pub synthetic: bool,
    /// Files that could not be used.
    pub skipped: Vec<Skipped>,
    /// Where the model is to be written.
    out: PathBuf,
}

/// Fine-tunes a model ([`Model::fine_tune`]) or, where labels are given, what it knows of these ([`Model::of_labels`]), on the clips of folders and manifests, leaving out those that it has learned from.
/// Their sound is [`restored`] and its channels are [compared](Channels::Compared), as when the model answers.
///
/// The temperature of the new model is fitted to the answers of the cross-validation and is not lower than before: a few
/// clips make no model surer of itself. Its confidence threshold is theirs as well; of enrolled speakers there is
/// none, as none were measured.
///
/// # Errors
/// [`Error::Foreign`] where `out`, a folder for the model, holds anything; [`Error::FineTuning`] for too few or too many clips,
/// [`Error::NothingToMeasure`] for none; those of [`Prepared::read`].
pub fn fine_tune(
    model: Model,
    labels: &[String],
    data: &[Origin<'_>],
    out: &Path,
    on_event: OnEvent,
) -> Result<FineTuned> {
    refuse_foreign(out, |_| false)?;
    let model = match labels {
        [] => model,
        labels => model.of_labels(labels)?,
    };
    let predictor = Predictor::new(model)?;
    let model = predictor.model();
    let labels = Labels::of(model).labels;
    let Prepared {
        corpus,
        mut skipped,
        ..
    } = Prepared::read(data, &labels, &[], on_event)?;
    let unseen = Unseen::of(model, &corpus, data)?;
    check(&corpus, &unseen.part, data)?;
    let (part, features) = features(&predictor, &corpus, unseen.part, &mut skipped, on_event);
    check(&corpus, &part, data)?;

    let (targets, speakers) = (corpus.targets(), corpus.speakers());
    let names = corpus.labels();
    let clips = part.iter().zip(&features).map(|(&i, features)| {
        let target = model
            .labels
            .iter()
            .position(|label| *label == names[targets[i]]);
        let speaker = speakers.binary_search(&corpus.clips()[i].speaker);
        Ok(LabelledClip {
            features,
            target: target.ok_or_else(|| Error::UnknownEmotion {
                emotion: names[targets[i]].clone(),
            })?,
            speaker: speaker.unwrap_or(speakers.len()),
        })
    });
    let tuned = model.fine_tune(&clips.collect::<Result<Vec<_>>>()?)?;
    let answers = |answers| {
        let rows = rows(model, &corpus, &part, answers, SPLIT)?;
        Ok::<_, Error>(Predictions::new(model.labels.clone(), rows)?)
    };
    let (before, after) = (answers(tuned.before)?, answers(tuned.after)?);
    let learned: Vec<&Clip> = part.iter().map(|&i| &corpus.clips()[i]).collect();
    let there: BTreeSet<&str> = learned.iter().map(|clip| clip.emotion.as_str()).collect();
    let absent = model
        .labels
        .iter()
        .filter(|label| !there.contains(label.as_str()));
    Ok(FineTuned {
        before: Evaluation::compute(&before)?,
        after: Evaluation::compute(&after)?,
        clips: part.len(),
        speakers: speakers_of(&learned).len(),
        absent: absent.cloned().collect(),
        left_out: unseen.left_out,
        unknown: unseen.unknown,
        unknown_emotions: unseen.unknown_emotions,
        synthetic: corpus.is_synthetic() || model.provenance.synthetic,
        skipped,
        out: out.to_owned(),
        model: described(tuned.model, &corpus, &learned, &after),
    })
}

fn check(corpus: &Corpus, part: &[usize], data: &[Origin<'_>]) -> Result<()> {
    let emotions: BTreeSet<&str> = part
        .iter()
        .map(|&i| corpus.clips()[i].emotion.as_str())
        .collect();
    if CLIPS.contains(&part.len()) && emotions.len() > 1 {
        return Ok(());
    }
    Err(Error::FineTuning {
        data: named(data),
        expected: format!(
            "{} to {} clips of two emotions or more",
            CLIPS.start(),
            CLIPS.end()
        ),
        clips: part.len(),
        emotions: emotions.len(),
    })
}

/// The clips whose features could be extracted, with these.
fn features(
    predictor: &Predictor,
    corpus: &Corpus,
    part: Vec<usize>,
    skipped: &mut Vec<Skipped>,
    on_event: OnEvent,
) -> (Vec<usize>, Vec<Vec<Features>>) {
    let (stage, steps) = (Stage::Features, part.len());
    on_event(Event::Started { stage, steps });
    let recordings: Vec<_> = part
        .iter()
        .map(|&i| corpus.clips()[i].recording())
        .collect();
    let found = of_each(&recordings, Channels::Compared, |_, sound| {
        let features = predictor.features(&restored(sound));
        on_event(Event::Advanced { stage, steps: 1 });
        Ok(features?)
    });
    on_event(Event::Finished { stage });
    let (mut taken, mut features, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (i, found) in part.into_iter().zip(found) {
        match found {
            Ok(found) => {
                taken.push(i);
                features.push(found);
            }
            Err(error) => {
                failed.push(Skipped::new(&corpus.clips()[i].path, &error.to_string()));
            }
        }
    }
    tell(&failed, on_event);
    skipped.extend(failed);
    (taken, features)
}

fn speakers_of(clips: &[&Clip]) -> BTreeSet<String> {
    clips.iter().map(|clip| clip.speaker.clone()).collect()
}

/// The model with what it has become.
fn described(mut model: Model, corpus: &Corpus, learned: &[&Clip], after: &Predictions) -> Model {
    model.name = format!("{}, fine-tuned on {}", model.name, corpus.name());
    model.temperature = model.temperature.max(fit_temperature(after));
    model.enrolled_temperature = model.enrolled_temperature.max(model.temperature);
    model.confidence_threshold = ConfidenceThreshold::fit(after, model.temperature);
    model.enrolled_confidence_threshold = None;
    let origin = &mut model.provenance;
    origin.validated_on = Some(format!("{}, by cross-validation", corpus.name()));
    origin.synthetic |= corpus.is_synthetic();
    origin.speakers.extend(speakers_of(learned));
    origin
        .content
        .extend(learned.iter().map(|clip| clip.content.clone()));
    origin.content.sort_unstable();
    origin.content.dedup();
    model
}

impl FineTuned {
    /// Emotions that the model before recognised better, with the recalls before and after.
    #[must_use]
    pub fn worse(&self) -> Vec<(String, f64, f64)> {
        let classes = self
            .before
            .metrics
            .classes
            .iter()
            .zip(&self.after.metrics.classes);
        let worse = classes.filter(|(before, after)| after.recall < before.recall);
        worse
            .map(|(before, after)| (before.label.clone(), before.recall, after.recall))
            .collect()
    }

    /// Writes the model in half precision into its folder, and returns the path of the file.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(self) -> Result<PathBuf> {
        folder::create(&self.out)?;
        let path = self.out.join(MODEL);
        self.model.in_half_precision()?.save(&path)?;
        Ok(path)
    }
}
