//! Runs on the same clips against each other.

use std::path::Path;

use ser_eval::{Pair, Predictions, compare as compare_answers};
use ser_files::write_file;
use ser_report::{RunSummary, render_comparison};

use crate::error::Result;
use crate::page::{link, summaries};
use crate::run::Run;

/// Which of some runs are better than others.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Each run, called by its recipe, or by its folder where two have the same.
    pub runs: Vec<RunSummary>,
    /// Every two of them.
    pub pairs: Vec<Pair>,
}

/// Compares runs.
///
/// # Errors
/// [`ser_eval::Error::RunsDiffer`] for runs on other clips or emotions.
pub fn compare(runs: &[Run]) -> Result<Comparison> {
    let names = names(runs);
    let answers: Vec<(&str, &Predictions)> = names
        .iter()
        .map(String::as_str)
        .zip(runs.iter().map(|run| run.test.plain()))
        .collect();
    let pairs = compare_answers(&answers)?;
    let mut rows = summaries(runs)?;
    for (row, name) in rows.iter_mut().zip(names) {
        row.recipe = name;
    }
    Ok(Comparison { runs: rows, pairs })
}

impl Comparison {
    /// Makes the rows link to the pages of their runs, those that are there, from a page that is written
    /// there.
    pub fn link(&mut self, page: &Path, runs: &[Run]) {
        for (row, run) in self.runs.iter_mut().zip(runs) {
            let own = run.page();
            row.page = own.is_file().then(|| link(page, &own));
        }
    }

    /// Writes it as a page.
    ///
    /// # Errors
    /// [`ser_eval::Error`] for a file that cannot be written.
    pub fn write_page(&self, page: &Path) -> Result<()> {
        Ok(write_file(
            page,
            render_comparison(&self.runs, &self.pairs)?,
        )?)
    }
}

fn names(runs: &[Run]) -> Vec<String> {
    let recipe = |run: &Run| run.experiment.name.clone();
    let shared = |name: &str| runs.iter().filter(|run| recipe(run) == name).count() > 1;
    runs.iter()
        .map(|run| match recipe(run) {
            name if shared(&name) => run.dir.display().to_string(),
            name => name,
        })
        .collect()
}
