//! Compares runs, or evaluations of finished models, on the same clips.

use std::path::{Path, PathBuf};

use ser_data::Protocol;
use ser_eval::{Over, Pair, Predictions, compare as compare_answers};
use ser_files::write_file;
use ser_report::{RunSummary, SplitKind, render_comparison};

use crate::error::{Error, Result};
use crate::evaluate::EVALUATION;
use crate::folder::read_json;
use crate::page::{PAGE, link, name_apart, summary};
use crate::run::Run;
use crate::split_run::TEST;

/// A comparison of several runs.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The runs, named like their recipes or models or, where several have the same name, like their folders.
    pub runs: Vec<RunSummary>,
    /// The differences of every two runs.
    pub pairs: Vec<Pair>,
    /// The clips that the figures of `pairs` are computed over: those of each corpus if the runs test corpora.
    pub over: Over,
}

/// The predictions in the folder of a run or of an evaluation.
struct Compared {
    summary: RunSummary,
    plain: Predictions,
    tests_corpora: bool,
}

impl Compared {
    fn read(folder: &Path) -> Result<Self> {
        let evaluation = folder.join(EVALUATION);
        if evaluation.is_file() {
            return Ok(Self {
                summary: read_json(&evaluation)?,
                plain: Predictions::read_csv(folder.join(format!("{TEST}.csv")))?,
                tests_corpora: false,
            });
        }
        let run = Run::read(folder)?;
        Ok(Self {
            summary: summary(&run)?,
            plain: run.test.plain().clone(),
            tests_corpora: run.experiment.task.protocol == Protocol::Corpora,
        })
    }
}

/// Compares runs, or evaluations of finished models, on the same clips. `folders` are theirs.
///
/// # Errors
/// - [`Error::SplitKinds`] if only some of the runs have a random split
/// - [`ser_eval::Error::RunsDiffer`] if the runs have different clips or emotions
/// - the errors of [`Run::read`], and [`Error::Io`] or [`Error::OtherVersion`] if an evaluation cannot be read
pub fn compare(folders: &[PathBuf]) -> Result<Comparison> {
    let compared = folders.iter().map(|folder| Compared::read(folder));
    let compared: Vec<Compared> = compared.collect::<Result<_>>()?;
    let of_kind = |kind: SplitKind| {
        let mut pairs = compared.iter().zip(folders);
        pairs.find(|(compared, _)| compared.summary.split == kind)
    };
    if let (Some((_, random)), Some((_, disjoint))) = (
        of_kind(SplitKind::Random),
        of_kind(SplitKind::SpeakerDisjoint),
    ) {
        return Err(Error::SplitKinds {
            random: random.clone(),
            disjoint: disjoint.clone(),
        });
    }
    let over = if compared.iter().all(|compared| compared.tests_corpora) {
        Over::Splits
    } else {
        Over::AllClips
    };
    let rows = compared.iter().map(|compared| compared.summary.clone());
    let mut rows: Vec<RunSummary> = rows.collect();
    name_apart(&mut rows, folders);
    let answers = rows.iter().zip(&compared);
    let answers = answers.map(|(row, compared)| (row.recipe.as_str(), &compared.plain));
    let pairs = compare_answers(&answers.collect::<Vec<_>>(), over)?;
    Ok(Comparison {
        runs: rows,
        pairs,
        over,
    })
}

impl Comparison {
    /// Adds links to the pages in `folders`, if there are any. `page` is the file that the comparison will be written to.
    pub fn link(&mut self, page: &Path, folders: &[PathBuf]) {
        for (row, folder) in self.runs.iter_mut().zip(folders) {
            row.page = link(page, &folder.join(PAGE));
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
