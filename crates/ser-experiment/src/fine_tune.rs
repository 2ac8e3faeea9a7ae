//! Fine-tunes a finished model on a user's labelled clips.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use ser_audio::Channels;
use ser_data::{Clip, Corpus, Origin};
use ser_eval::{
    ConfidenceThreshold, Difference, Evaluation, Over, Predictions, compare, fit_temperature,
};
use ser_predict::{LabelledClip, Model, Predictor};

use crate::answers::{Rows, target};
use crate::corpus::{Prepared, Skipped, named, tell};
use crate::error::{Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::folder::{self, refuse_foreign};
use crate::labels::Labels;
use crate::pieces::ClipFeatures;
use crate::split_run::MODEL;
use crate::unseen::Unseen;
use crate::view::of_each;

/// Number of clips that a model can be fine-tuned on. With fewer clips, a gain cannot be told from chance; with more, training
/// a recipe gains more than fine-tuning the last layer.
const CLIPS: RangeInclusive<usize> = 10..=2000;
/// Name of the split in the predictions.
const SPLIT: &str = "fine-tuning";

/// A fine-tuned model, and its figures on the clips that it was fine-tuned on.
#[derive(Debug)]
pub struct FineTuned {
    /// The fine-tuned model. It is not written yet; [`FineTuned::write`] writes it.
    pub model: Model,
    /// The figures before fine-tuning.
    pub before: Evaluation,
    /// The figures after fine-tuning, by cross-validation: each clip is answered by a model that was not fine-tuned on clips of
    /// its speaker or, if all clips are of one speaker, not on clips of its recording.
    pub after: Evaluation,
    /// The UAR after fine-tuning minus the UAR before.
    pub gain: Difference,
    /// Number of clips used for fine-tuning.
    pub clips: usize,
    /// Number of speakers of these clips.
    pub speakers: usize,
    /// Labels of the model that no clip has. Their weights stay as they were.
    pub absent: Vec<String>,
    /// Number of clips left out because the model was made from them or, if its protocol is speaker-disjoint, from other clips
    /// of their speakers.
    pub left_out: usize,
    /// Number of clips left out because their emotions are not labels of the model.
    pub unknown: usize,
    /// Those emotions.
    pub unknown_emotions: Vec<String>,
    /// Whether the clips or the model are synthetic.
    pub synthetic: bool,
    /// Files that could not be used.
    pub skipped: Vec<Skipped>,
    /// The folder that the model will be written to.
    out: PathBuf,
}

/// Fine-tunes a model ([`Model::fine_tune`]) on the clips of folders and manifests, leaving out the clips that it was made from.
///
/// If `labels` are given, the model is first restricted to them ([`Model::of_labels`]). The channels of the clips are
/// [compared](Channels::Compared), and longer clips are divided into their [pieces](Predictor::pieces) of speech, as when the model
/// answers.
///
/// The temperature of the new model is fitted to the answers of the cross-validation, but is not lower than before: a few clips
/// are no reason for higher confidence. Its confidence threshold is fitted to the same answers. It is also used for enrolled
/// speakers, for whom none was measured.
///
/// # Errors
/// - [`Error::Foreign`] if `out`, the folder for the model, holds anything
/// - [`Error::FineTuning`] if the clips are too few or too many, have too few emotions, or are all of one speaker and one
///   recording
/// - [`Error::NothingToMeasure`] if no clip is left
/// - [`Error::Predict`] if `labels` are not labels of the model
/// - the errors of [`Prepared::read`]
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
    let labels = Labels::map_onto(model);
    let Prepared {
        corpus,
        mut skipped,
        ..
    } = Prepared::read(data, &labels, &[], on_event)?;
    let unseen = Unseen::of(model, &model.labels, &corpus, data)?;
    check(&corpus, &unseen.part, data)?;
    let (part, pieces) = pieces(&predictor, &corpus, unseen.part, &mut skipped, on_event);
    check(&corpus, &part, data)?;

    let speakers = corpus.speaker_numbers();
    let keys: BTreeSet<String> = corpus.clips().iter().map(recording).collect();
    let recordings: BTreeMap<String, usize> = keys.into_iter().zip(0..).collect();
    let clips = part.iter().zip(&pieces).map(|(&i, pieces)| {
        let clip = &corpus.clips()[i];
        let pieces = pieces.iter();
        Ok(LabelledClip {
            pieces: pieces
                .map(|(features, seconds)| (&features[..], *seconds))
                .collect(),
            target: target(model, clip)?,
            speaker: speakers[i],
            recording: recordings[&recording(clip)],
        })
    });
    let clips = clips.collect::<Result<Vec<_>>>()?;
    let tuning = model.fine_tune(&clips)?;
    let rows = Rows::new(model, &corpus);
    let answers = |answers| {
        let rows = rows.of(&part, answers, SPLIT)?;
        Ok::<_, Error>(Predictions::new(model.labels.clone(), rows)?)
    };
    let (before, after) = (answers(tuning.before())?, answers(tuning.after())?);
    let learned: Vec<&Clip> = part.iter().map(|&i| &corpus.clips()[i]).collect();
    let there: BTreeSet<&str> = learned.iter().map(|clip| clip.emotion.as_str()).collect();
    let absent = model
        .labels
        .iter()
        .filter(|label| !there.contains(label.as_str()));
    Ok(FineTuned {
        gain: difference(&before, &after)?,
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
        model: described(tuning.model()?, &corpus, &learned, &after),
    })
}

/// Returns what identifies the recording that a clip is from: parts of the same file are of one recording, and so are files with
/// the same sound.
fn recording(clip: &Clip) -> String {
    match clip.excerpt {
        Some(_) => clip.path.to_string_lossy().into_owned(),
        None => clip.content.clone(),
    }
}

/// Returns an error if the clips of `part` are not enough for fine-tuning and for the cross-validation on them.
fn check(corpus: &Corpus, part: &[usize], data: &[Origin<'_>]) -> Result<()> {
    let clips: Vec<&Clip> = part.iter().map(|&i| &corpus.clips()[i]).collect();
    let mut emotions: BTreeMap<&str, usize> = BTreeMap::new();
    for clip in &clips {
        *emotions.entry(&clip.emotion).or_default() += 1;
    }
    // If an emotion had one clip only, no clip of it would be left to train on when that clip is held out.
    let single = emotions.iter().find(|(_, clips)| **clips == 1);
    // If all clips are of one recording, no clip would be left.
    let recordings: BTreeSet<String> = clips.iter().map(|clip| recording(clip)).collect();
    let is_one = speakers_of(&clips).len() == 1 && recordings.len() == 1;
    if CLIPS.contains(&clips.len()) && emotions.len() > 1 && single.is_none() && !is_one {
        return Ok(());
    }
    let mut found = format!(
        "{} clips of {} emotions that the model knows and was not trained on",
        clips.len(),
        emotions.len()
    );
    if let Some((emotion, _)) = single {
        found += &format!(", a single one of {emotion}");
    }
    if is_one {
        found += ", all of one speaker and one recording";
    }
    Err(Error::FineTuning {
        data: named(data),
        expected: format!(
            "{} to {} clips of at least two emotions, at least two clips of each, and of at least two speakers or two recordings",
            CLIPS.start(),
            CLIPS.end()
        ),
        found,
    })
}

/// Returns the UAR after fine-tuning minus the UAR before.
fn difference(before: &Predictions, after: &Predictions) -> Result<Difference> {
    let pairs = compare(&[("after", after), ("before", before)], Over::AllClips)?;
    let pair = pairs.into_iter().next();
    Ok(pair
        .map(|pair| pair.uar)
        .ok_or(ser_eval::Error::Empty { what: "runs" })?)
}

/// Returns the clips whose features could be extracted, and the features of their pieces.
fn pieces(
    predictor: &Predictor,
    corpus: &Corpus,
    part: Vec<usize>,
    skipped: &mut Vec<Skipped>,
    on_event: OnEvent,
) -> (Vec<usize>, Vec<ClipFeatures>) {
    let (stage, steps) = (Stage::Features, part.len());
    on_event(Event::Started { stage, steps });
    let recordings: Vec<_> = part
        .iter()
        .map(|&i| corpus.clips()[i].recording())
        .collect();
    let found = of_each(&recordings, Channels::Compared, |_, sound| {
        let pieces = predictor.pieces(sound);
        on_event(Event::Advanced { stage, steps: 1 });
        Ok(pieces?)
    });
    on_event(Event::Finished { stage });
    let (mut taken, mut pieces, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (i, found) in part.into_iter().zip(found) {
        match found {
            Ok(found) => {
                taken.push(i);
                pieces.push(found);
            }
            Err(error) => {
                failed.push(Skipped::new(&corpus.clips()[i].path, &error.to_string()));
            }
        }
    }
    tell(&failed, on_event);
    skipped.extend(failed);
    (taken, pieces)
}

fn speakers_of(clips: &[&Clip]) -> BTreeSet<String> {
    clips.iter().map(|clip| clip.speaker.clone()).collect()
}

/// Gives the fine-tuned model its name, temperatures, confidence thresholds and provenance.
fn described(mut model: Model, corpus: &Corpus, learned: &[&Clip], after: &Predictions) -> Model {
    model.name = format!("{}, fine-tuned on {}", model.name, corpus.name());
    model.temperature = model.temperature.max(fit_temperature(after));
    model.enrolled_temperature = model.enrolled_temperature.max(model.temperature);
    model.confidence_threshold = ConfidenceThreshold::fit(after, model.temperature);
    // The threshold for enrolled speakers was not measured; this is the closest estimate.
    model.enrolled_confidence_threshold = model.confidence_threshold;
    let origin = &mut model.provenance;
    origin.validated_on = Some(format!("{}, by cross-validation", corpus.name()));
    origin.synthetic |= corpus.is_synthetic();
    origin.speakers.extend(speakers_of(learned));
    origin.speakers.sort_unstable();
    origin.speakers.dedup();
    origin
        .content
        .extend(learned.iter().map(|clip| clip.content.clone()));
    origin.content.sort_unstable();
    origin.content.dedup();
    model
}

impl FineTuned {
    /// Returns whether fine-tuning made the model worse: the 95 % interval of the gain over speakers lies below zero or, with
    /// too few speakers for an interval, the gain itself.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let highest = self.gain.interval.map_or(self.gain.value, |gain| gain.high);
        highest < 0.0
    }

    /// Returns the emotions whose recall fell, with the recalls before and after.
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
    /// [`Error::Io`] or [`Error::Predict`] if the file cannot be written.
    pub fn write(self) -> Result<PathBuf> {
        folder::create(&self.out)?;
        let path = self.out.join(MODEL);
        self.model.in_half_precision()?.save(&path)?;
        Ok(path)
    }
}
