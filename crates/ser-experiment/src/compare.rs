//! Compares runs on the same clips.

use std::path::Path;

use ser_eval::{Pair, Predictions, compare as compare_answers};
use ser_files::write_file;
use ser_report::{RunSummary, render_comparison};

use crate::error::Result;
use crate::page::{link, summaries};
use crate::run::Run;

/// A comparison of several runs.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The runs, named after their recipe, or after their folder if several have the same recipe.
    pub runs: Vec<RunSummary>,
    /// The differences of every two runs.
    pub pairs: Vec<Pair>,
}

/// Compares runs on the same clips.
///
/// # Errors
/// [`ser_eval::Error::RunsDiffer`] if the runs have different clips or emotions.
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
    /// Adds links to the pages of the runs that have one. `page` is the file that the comparison will be written to.
    pub fn link(&mut self, page: &Path, runs: &[Run]) {
        for (row, run) in self.runs.iter_mut().zip(runs) {
            let own = run.page();
            row.page = own.is_file().then(|| link(page, &own));
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
