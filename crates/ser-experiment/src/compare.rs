//! Compares runs on the same clips.

use std::path::Path;

use ser_data::Protocol;
use ser_eval::{Over, Pair, Predictions, compare as compare_answers};
use ser_files::write_file;
use ser_report::{RunSummary, render_comparison};

use crate::error::{Error, Result};
use crate::page::{link, summaries};
use crate::run::Run;

/// A comparison of several runs.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The runs, as [`summaries`] names them.
    pub runs: Vec<RunSummary>,
    /// The differences of every two runs.
    pub pairs: Vec<Pair>,
    /// The clips that the figures of `pairs` are computed over: those of each corpus if the runs test corpora.
    pub over: Over,
}

/// Compares runs on the same clips.
///
/// # Errors
/// [`Error::SplitKinds`] if only some of the runs have a random split, [`ser_eval::Error::RunsDiffer`] if the runs have different
/// clips or emotions.
pub fn compare(runs: &[Run]) -> Result<Comparison> {
    let protocol = |run: &Run| run.experiment.task.protocol;
    let is_disjoint = |run: &&Run| protocol(run).is_speaker_disjoint();
    let random = runs.iter().find(|run| !is_disjoint(run));
    if let (Some(random), Some(disjoint)) = (random, runs.iter().find(is_disjoint)) {
        return Err(Error::SplitKinds {
            random: random.dir.clone(),
            disjoint: disjoint.dir.clone(),
        });
    }
    let over = if runs.iter().all(|run| protocol(run) == Protocol::Corpora) {
        Over::Splits
    } else {
        Over::AllClips
    };
    let rows = summaries(runs)?;
    let answers: Vec<(&str, &Predictions)> = rows
        .iter()
        .map(|row| row.recipe.as_str())
        .zip(runs.iter().map(|run| run.test.plain()))
        .collect();
    let pairs = compare_answers(&answers, over)?;
    Ok(Comparison {
        runs: rows,
        pairs,
        over,
    })
}

impl Comparison {
    /// Adds links to the pages of the runs that have one. `page` is the file that the comparison will be written to.
    pub fn link(&mut self, page: &Path, runs: &[Run]) {
        for (row, run) in self.runs.iter_mut().zip(runs) {
            row.page = link(page, &run.page());
        }
    }

    /// Writes the comparison as an HTML page.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if the file cannot be written, [`Error::Report`](crate::Error::Report) if a picture
    /// cannot be drawn.
    pub fn write_page(&self, page: &Path) -> Result<()> {
        Ok(write_file(
            page,
            render_comparison(&self.runs, &self.pairs, self.over)?,
        )?)
    }
}
