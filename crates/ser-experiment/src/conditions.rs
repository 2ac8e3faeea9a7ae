//! Measures a run under recording conditions.

use std::path::Path;

use ser_audio::conditions::Condition;
use ser_data::{Corpus, Origin, Scan};
use ser_predict::Model;

use crate::answers::{Answers, Figures};
use crate::error::{Context, Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::lock::Lock;
use crate::run::Run;
use crate::split_run::{MODEL, TEST, read_split, split_folders, test_answers};

/// Predicts the test clips of every split of a cross-validation under each recording condition.
///
/// The answers are kept in the folder of the run. Returns the figures for each clip alone and under each condition, including
/// those of earlier calls.
///
/// # Errors
/// - [`Error::NoCrossValidation`] if the folder holds no cross-validation
/// - [`Error::Locked`] if another run writes into the folder
/// - [`Error::In`] if the clips are not the clips that the run was made from
/// - [`Error::Data`] if the clips cannot be read
/// - the errors of [`Run::read`], and [`Error::Predict`] if a model cannot be read or cannot answer
pub fn measure_conditions(
    run: &Path,
    data: &[Origin<'_>],
    store: Option<&Path>,
    on_event: OnEvent,
) -> Result<Figures> {
    let _lock = Lock::take(run)?;
    let Run {
        dir,
        experiment,
        test,
        ..
    } = Run::read(run)?;
    let Scan { corpus, .. } = Corpus::load_all(data, &experiment.task.labels)?;
    let emotions: Vec<&str> = test.plain().labels().iter().map(String::as_str).collect();
    let corpus = corpus.select(&emotions)?;
    let folders = split_folders(&dir)?;
    if folders.is_empty() {
        return Err(Error::NoCrossValidation { path: dir });
    }
    let (stage, steps) = (Stage::Conditions, folders.len() * Condition::STANDARD.len());
    on_event(Event::Started { stage, steps });
    let mut parts = Vec::new();
    for folder in &folders {
        let split = read_split(folder, &corpus, &experiment)
            .context_of(|| "the run was made from other clips".to_owned())?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let model = Model::load(&folder.join(MODEL))?;
        let mut answers = test_answers(folder)?;
        let done = || on_event(Event::Advanced { stage, steps: 1 });
        answers.add_conditions(&model, &corpus, split.test(), &name, store, &done)?;
        answers.write(folder, TEST)?;
        parts.push(answers);
    }
    on_event(Event::Finished { stage });
    let figures = Answers::pool(&parts)?.figures()?.into_iter();
    Ok(figures.filter(|(at, _)| !at.is_enrolled()).collect())
}
