//! Measures a finished model on a corpus.

use std::collections::BTreeMap;
use std::path::Path;

use ser_audio::Channels;
use ser_data::{Corpus, Origin};
use ser_eval::{Evaluation, Predictions};
use ser_predict::{Answer, Model, Predictor};
use ser_report::{Report, SplitKind};
use serde::Serialize;

use crate::answers::{Answers, Asked, Rows};
use crate::corpus::{Prepared, Skipped, named, tell};
use crate::error::{Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::folder::{self, refuse_foreign, write_json};
use crate::labels::Labels;
use crate::lock::Lock;
use crate::page::{PAGE, map, sounds, write_page};
use crate::run::{architectures, enrolled};
use crate::setting::Setting;
use crate::split_run::{TEST, is_split, split_folders};
use crate::unseen::Unseen;
use crate::view::of_each;

/// Name of the file with the summary of an evaluation, by which `ser compare` knows its folder.
pub(crate) const EVALUATION: &str = "evaluation.json";

/// The figures of a model on clips that it was not made from.
#[derive(Debug)]
pub struct Evaluated {
    /// All clips, including those left out.
    pub corpus: Corpus,
    /// The clips that were measured, as indices into the corpus.
    pub part: Vec<usize>,
    /// The predictions for these clips: each alone, and with other clips of its speaker or of its corpus known.
    pub answers: Answers,
    /// The figures for each clip alone.
    pub evaluation: Evaluation,
    /// The labels that are possible answers.
    pub labels: Vec<String>,
    /// Share and accuracy of the answers that are not marked as uncertain.
    pub certain: Certain,
    /// Share of the clips that are out of distribution.
    pub out_of_distribution: f64,
    /// Number of clips left out because the model was made from them or, if its protocol is speaker-disjoint, from other clips
    /// of their speakers.
    pub left_out: usize,
    /// Whether the model's protocol is speaker-disjoint.
    pub speaker_disjoint: bool,
    /// Number of clips left out because their emotions are not among the labels.
    pub unknown: usize,
    /// Those emotions.
    pub unknown_emotions: Vec<String>,
    /// Whether the model was made from any clip of the corpus.
    heard: bool,
    /// Names of speakers of the measured clips that speakers of the training clips had as well. They need not be the same
    /// people.
    pub namesakes: Vec<String>,
    /// Whether the clips or the model are synthetic.
    pub synthetic: bool,
    /// Files that could not be used.
    pub skipped: Vec<Skipped>,
}

/// The answers that are not marked as uncertain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Certain {
    /// The share of these answers among all answers.
    pub share: f64,
    /// The accuracy of these answers; `None` if there are none.
    pub accuracy: Option<f64>,
}

impl Certain {
    fn of(answers: &[Answer], predictions: &Predictions) -> Self {
        let certain = answers.iter().zip(predictions.rows());
        let certain = certain.filter(|(answer, _)| !answer.uncertain);
        let right: Vec<bool> = certain
            .map(|(_, row)| row.predicted() == row.truth)
            .collect();
        let n = right.len() as f64;
        let hits = right.iter().filter(|right| **right).count() as f64;
        Self {
            share: n / answers.len() as f64,
            accuracy: (n > 0.0).then(|| hits / n),
        }
    }
}

/// Measures a model on the clips of folders and manifests, leaving out the clips that it was made from.
///
/// The labels of the clips are renamed as in the model's recipe, and other words for the model's labels, such as `anger` and
/// `Happy`, onto these. Each clip is answered by [`Predictor::answer`], after its
/// channels are [compared](Channels::Compared). `by` names columns by which the figures are computed as well.
///
/// The clips are also answered with 2, 4, 8, 15, 30 or all clips of the speaker enrolled, and with all clips of the corpus known,
/// if the model enrols. For that, about 20 KB per clip stay in memory with the built-in model.
///
/// # Errors
/// - [`Error::NothingToMeasure`] if no clip is left
/// - [`Error::NoClips`] if no clip can be answered
/// - [`ser_eval::Error::NoColumn`] if `by` names a column that no clip has
/// - the errors of [`Prepared::read`]
pub fn evaluate(
    predictor: &Predictor,
    data: &[Origin<'_>],
    by: &[String],
    on_event: OnEvent,
) -> Result<Evaluated> {
    let model = predictor.model();
    let allowed: Vec<String> = predictor.allowed().map(str::to_owned).collect();
    let Prepared {
        corpus,
        mut skipped,
        ..
    } = Prepared::read(data, &Labels::map_onto(model), &[], on_event)?;
    let clips = corpus.clips();
    let Unseen {
        part,
        left_out,
        unknown,
        unknown_emotions,
        heard,
        namesakes,
    } = Unseen::of(model, &allowed, &corpus, data)?;
    let speaker_disjoint = model.provenance.speaker_disjoint;
    // A missing column is reported before any clip is answered.
    let split = corpus.name();
    let guess = |label| f32::from(u8::from(allowed.contains(label))) / allowed.len() as f32;
    let none = vec![model.labels.iter().map(guess).collect(); part.len()];
    let rows = Rows::new(model, &corpus).with_labels(&allowed);
    let unanswered = rows.of(&part, none, split)?;
    Predictions::new(allowed.clone(), unanswered)?.must_have(by)?;
    let (stage, steps) = (Stage::Answers, part.len());
    on_event(Event::Started { stage, steps });
    let recordings: Vec<_> = part.iter().map(|&i| clips[i].recording()).collect();
    let found = of_each(&recordings, Channels::Compared, |_, sound| {
        let answer = predictor.answer_and_embed(sound);
        on_event(Event::Advanced { stage, steps: 1 });
        Ok(answer?)
    });
    on_event(Event::Finished { stage });
    let (mut answered, mut answers, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    let mut embedded = BTreeMap::new();
    for (i, answer) in part.into_iter().zip(found) {
        match answer {
            Ok((answer, pieces)) => {
                answered.push(i);
                answers.push(answer);
                embedded.insert(i, pieces);
            }
            Err(error) => failed.push(Skipped::new(&clips[i].path, &error.to_string())),
        }
    }
    tell(&failed, on_event);
    skipped.extend(failed);
    if answered.is_empty() {
        return Err(Error::NoClips { data: named(data) });
    }
    let probabilities = answers.iter().map(|answer| answer.probabilities.clone());
    let plain = rows.of(&answered, probabilities.collect(), split)?;
    let predictions = Predictions::new(allowed.clone(), plain)?;
    let asked = Asked {
        rows,
        embedded,
        part: &answered,
        split,
    };
    let mut known = Answers::plain_only(predictions.clone());
    let settings = [&Setting::ENROLLED[..], &[Setting::Collection]].concat();
    known.add_known(&asked, &settings, &|clip, speaker| {
        predictor.classify(clip, speaker)
    })?;
    drop(asked);
    let unlike = answers
        .iter()
        .filter(|answer| answer.out_of_distribution)
        .count();
    Ok(Evaluated {
        certain: Certain::of(&answers, &predictions),
        out_of_distribution: unlike as f64 / answers.len() as f64,
        evaluation: Evaluation::compute_by(&predictions, by)?,
        part: answered,
        answers: known,
        labels: allowed,
        left_out,
        speaker_disjoint,
        unknown,
        unknown_emotions,
        heard,
        namesakes,
        synthetic: corpus.is_synthetic() || model.provenance.synthetic,
        skipped,
        corpus,
    })
}

/// Locks a folder for an evaluation. Call it before the evaluation, so that no work is lost if the folder cannot be used. The
/// folder must be new or empty, or hold another evaluation.
///
/// # Errors
/// - [`Error::Foreign`] if the folder holds anything else
/// - [`Error::NoName`] for `.` and `..`
/// - [`Error::Locked`] if another run writes into the folder
/// - [`Error::Io`] if the folder cannot be written to
pub fn take_folder(out: &Path) -> Result<Lock> {
    refuse_foreign(out, |folder| {
        let answers = Predictions::read_csv(folder.join(format!("{TEST}.csv")));
        let is_run = is_split(folder) || split_folders(folder).map_or(true, |all| !all.is_empty());
        answers.is_ok() && !is_run
    })?;
    if out.is_dir() {
        ser_files::may_write(&out.join(PAGE), &[])?;
    }
    Lock::take(out)
}

impl Evaluated {
    /// Writes predictions, figures, pictures and the page into a folder that [`take_folder`] locked.
    ///
    /// # Errors
    /// An error if a clip cannot be read or a file cannot be written; [`Error::Predict`] if the model cannot compute the
    /// embeddings of the clips.
    pub fn write(&self, model: &Model, out: &Path) -> Result<()> {
        folder::create(out)?;
        ser_files::remove_file(out.join(EVALUATION))?;
        self.answers.write(out, TEST)?;
        let (n, all) = (self.part.len(), self.corpus.len());
        let corpus = self.corpus.name();
        let labels = if self.labels == model.labels {
            String::new()
        } else {
            format!(" --labels {}", self.labels.join(","))
        };
        let namesakes = match self.namesakes.len() {
            0 => String::new(),
            n => format!(
                "; {n} of its speakers have names that speakers of the training clips have as well: if they are the same people, \
                 these figures are too optimistic"
            ),
        };
        let report = Report {
            recipe: model.name.clone(),
            model: architectures(model.networks.iter().map(|n| n.info.network.name())),
            protocol: format!(
                "a finished model, measured on {n} of the {all} clips of {corpus}{namesakes}"
            ),
            // The clips of a random split have speakers of the training clips, also if none of those is in the corpus.
            split: SplitKind::of(self.speaker_disjoint || !self.heard && self.namesakes.is_empty()),
            synthetic: self.synthetic,
            predictions: self.answers.plain().clone(),
            enrolled: enrolled(&self.answers),
            corpora: None,
            histories: Vec::new(),
            map: map(model, &self.labels, &self.corpus, &self.part, corpus)?,
            sounds: sounds(&self.corpus, self.answers.plain())?,
            recipe_text: model.recipe.clone(),
            environment: vec![
                (
                    "program".to_owned(),
                    format!("ser {}", env!("CARGO_PKG_VERSION")),
                ),
                ("corpus checksum".to_owned(), self.corpus.checksum()),
                ("files left out".to_owned(), self.skipped.len().to_string()),
            ],
            command: format!("ser evaluate --model MODEL --data DATA{labels} --out DIR"),
            comparison: Vec::new(),
        };
        write_page(out, &report, &self.evaluation)?;
        // Written last: where this file exists, the others are complete.
        write_json(
            &out.join(EVALUATION),
            &report.summary(&self.evaluation, None),
        )
    }
}
