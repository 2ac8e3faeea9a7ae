//! Measures a run under recording conditions.

use std::path::Path;

use ser_audio::conditions::Condition;
use ser_data::Origin;
use ser_eval::{FoldSummary, Predictions};
use ser_predict::Model;
use ser_recipe::Task;
use serde::Serialize;

use crate::answers::Answers;
use crate::corpus::{Prepared, Skipped, tell};
use crate::error::{Context, Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::lock::Lock;
use crate::run::Run;
use crate::setting::Setting;
use crate::split_run::{MODEL, TEST, read_split, split_folders, test_answers};

/// What [`measure_conditions()`] has measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The figures of the clean clips, and under each condition.
    pub figures: Vec<UnderCondition>,
    /// The files that could not be used.
    pub skipped: Vec<Skipped>,
    /// Whether the audio is synthetic.
    pub synthetic: bool,
}

/// The figures under a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnderCondition {
    /// The name of the condition; `plain` for the clean clips.
    pub condition: String,
    /// Number of predictions. A condition may leave too little of a clip.
    pub clips: usize,
    /// The figures over the splits.
    pub figures: FoldSummary,
    /// The mean UAR minus that of the same clips when they are clean.
    pub change: f64,
}

impl UnderCondition {
    fn of(setting: Setting, found: &Predictions, clean: &Predictions) -> Result<Self> {
        let figures = FoldSummary::compute(found)?;
        let clean = FoldSummary::compute(&clean.of_clips_in(found))?;
        Ok(Self {
            condition: setting.to_string(),
            clips: found.rows().len(),
            change: figures.uar.mean - clean.uar.mean,
            figures,
        })
    }
}

/// Predicts the test clips of every split of a cross-validation under each recording condition.
///
/// The answers are kept in the folder of the run. Returns the figures including those of earlier calls.
///
/// # Errors
/// - [`Error::NoCrossValidation`] if the folder holds no cross-validation
/// - [`Error::Locked`] if another run writes into the folder
/// - [`Error::In`] if the clips are not the clips that the run was made from
/// - [`Error::Data`] or [`Error::NoClips`] if the clips cannot be read
/// - the errors of [`Run::read`], and [`Error::Predict`] if a model cannot be read or cannot answer
pub fn measure_conditions(
    run: &Path,
    data: &[Origin<'_>],
    store: Option<&Path>,
    on_event: OnEvent,
) -> Result<Measured> {
    let _lock = Lock::take(run)?;
    let Run {
        dir,
        experiment,
        infos,
        test,
        ..
    } = Run::read(run)?;
    // Only the clips that the run was made from say which labels count as another one.
    let task = Task {
        emotions: test.plain().labels().to_vec(),
        ..experiment.task.clone()
    };
    let data = Prepared::of_task(data, &task, on_event)?;
    let folders = split_folders(&dir)?;
    if folders.is_empty() {
        return Err(Error::NoCrossValidation { path: dir });
    }
    let (stage, steps) = (Stage::Conditions, folders.len() * Condition::STANDARD.len());
    on_event(Event::Started { stage, steps });
    let (mut parts, mut skipped) = (Vec::new(), data.skipped.clone());
    for (folder, info) in folders.iter().zip(&infos) {
        let name = &info.split;
        let split = read_split(folder, &data.corpus, name, &experiment)
            .context_of(|| "the run was made from other clips".to_owned())?;
        // Clips that the run lost are in no part.
        let clips = [split.train(), split.validation(), split.test()].concat();
        let now = clips
            .iter()
            .filter(|&&i| !data.pieces[i].is_empty())
            .count();
        if info.divided != now {
            let then = info.divided;
            let reason = format!("{then} clips were learned by their pieces, expected {now}");
            return Err(Error::other_version(folder, reason));
        }
        let model = Model::load(&folder.join(MODEL))?;
        let mut answers = test_answers(folder)?;
        let done = || on_event(Event::Advanced { stage, steps: 1 });
        let failed = answers.add_conditions(&model, &data, split.test(), name, store, &done)?;
        tell(&failed, on_event);
        skipped.extend(failed);
        answers.write(folder, TEST)?;
        parts.push(answers);
    }
    on_event(Event::Finished { stage });
    let answers = Answers::pool(&parts)?;
    let clean = answers.plain();
    let settings = std::iter::once((Setting::Plain, clean)).chain(answers.conditions());
    let figures = settings.map(|(setting, found)| UnderCondition::of(setting, found, clean));
    Ok(Measured {
        figures: figures.collect::<Result<_>>()?,
        synthetic: data.corpus.is_synthetic(),
        skipped,
    })
}
