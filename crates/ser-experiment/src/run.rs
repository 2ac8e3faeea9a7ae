//! Reads a run folder, which holds one split, or one folder per split.

use std::path::{Path, PathBuf};

use ser_data::Protocol;
use ser_eval::{Evaluation, NamedHistory};
use ser_recipe::Experiment;
use ser_report::{CorpusTable, Report, RunSummary, SplitKind};

use crate::answers::Answers;
use crate::corpora::corpus_table;
use crate::error::{Error, Result};
use crate::setting::Setting;
use crate::split_run::{Cost, MODEL, RECIPE, RunInfo, SplitRun, is_split, split_folders};
use crate::view::each_once;

/// A finished run.
#[derive(Debug)]
pub struct Run {
    /// The folder.
    pub dir: PathBuf,
    /// The experiment, the same for all splits.
    pub experiment: Experiment,
    /// What each split was made from. There is at least one.
    pub infos: Vec<RunInfo>,
    /// The model file of the first split.
    pub model: PathBuf,
    /// Size and training time of each split's model.
    pub costs: Vec<Cost>,
    /// Predictions on the test parts.
    pub test: Answers,
    /// Predictions on validation clips; `None` if there were none.
    pub validation: Option<Answers>,
    /// Histories of the trainings that had validation clips, by the name of their split.
    pub histories: Vec<NamedHistory>,
}

impl Run {
    /// Reads a folder that a training or a cross-validation wrote.
    ///
    /// # Errors
    /// - [`Error::NoRun`] if the folder holds no finished run
    /// - [`Error::Incomplete`] if splits are missing
    /// - [`Error::Mixed`] if the splits come from different recipes or data
    /// - the errors of [`SplitRun::read`]
    pub fn read(dir: &Path) -> Result<Self> {
        let folders = if is_split(dir) {
            vec![dir.to_owned()]
        } else {
            split_folders(dir)?
        };
        let mut splits = Vec::new();
        for folder in folders {
            if let Some(split) = SplitRun::read(&folder)? {
                splits.push((folder, split));
            }
        }
        let Some((first_dir, first)) = splits.first() else {
            return Err(Error::NoRun {
                path: dir.to_owned(),
            });
        };
        let (found, expected) = (splits.len(), first.info.splits);
        if !is_split(dir) && found != expected {
            return Err(Error::Incomplete {
                path: dir.to_owned(),
                found,
                expected,
            });
        }
        let (experiment, model) = (first.experiment.clone(), first_dir.join(MODEL));
        for (folder, split) in &splits {
            if split.experiment != experiment || split.info.checksum != first.info.checksum {
                return Err(Error::Mixed {
                    first: first_dir.clone(),
                    second: folder.clone(),
                });
            }
        }
        let (mut infos, mut costs, mut histories) = (Vec::new(), Vec::new(), Vec::new());
        let (mut test, mut validation) = (Vec::new(), Vec::new());
        for (_, split) in splits {
            histories.extend(split.histories);
            infos.push(split.info);
            costs.push(split.cost);
            test.push(split.test);
            validation.extend(split.validation);
        }
        Ok(Self {
            dir: dir.to_owned(),
            experiment,
            infos,
            model,
            costs,
            test: Answers::pool(&test)?,
            validation: if validation.is_empty() {
                None
            } else {
                Some(Answers::pool(&validation)?)
            },
            histories,
        })
    }

    /// Reads several folders.
    ///
    /// # Errors
    /// The errors of [`Run::read`].
    pub fn read_all(folders: &[PathBuf]) -> Result<Vec<Self>> {
        folders.iter().map(|dir| Self::read(dir)).collect()
    }

    /// Returns the labels, in the order of the probabilities.
    #[must_use]
    pub fn emotions(&self) -> &[String] {
        self.test.plain().labels()
    }

    /// Returns whether the audio is synthetic.
    #[must_use]
    pub fn synthetic(&self) -> bool {
        self.infos.iter().any(|info| info.synthetic)
    }

    /// Returns the number of trained parameters of the first split's model.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.costs.first().map_or(0, |cost| cost.parameters)
    }

    /// Returns the duration of all trainings in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.costs.iter().map(|cost| cost.seconds).sum()
    }

    /// Returns a summary of the run, for a table with one row per run.
    ///
    /// # Errors
    /// [`Error::Recipe`] if the recipe cannot be written as TOML.
    pub fn summary(&self, evaluation: &Evaluation) -> Result<RunSummary> {
        Ok(self.report(&[])?.summary(evaluation, None))
    }

    /// Returns the command that repeats the run on the clips of `data` and writes it into the folder `out`. The one for a
    /// single split takes the recipe from the folder of the run, where it has the protocol that was used.
    #[must_use]
    pub fn command(&self, data: &str, out: &str) -> String {
        if let [RunInfo { number, splits, .. }] = self.infos[..]
            && splits > 1
            && number > 0
        {
            return format!(
                "ser train --recipe {RECIPE} --split {number} --data {data} --out {out}"
            );
        }
        let (name, protocol) = (&self.experiment.name, self.experiment.task.protocol);
        // A recipe that is not built in was read from a file.
        let file = if Experiment::built_in_names().any(|built_in| built_in == name) {
            ""
        } else {
            ".toml"
        };
        format!(
            "ser crossval --recipe {name}{file} --protocol {protocol} --data {data} --out {out}"
        )
    }

    /// Returns the UAR by corpus, if the protocol tests corpora.
    ///
    /// # Errors
    /// [`Error::Eval`] if there are no predictions.
    pub fn corpora(&self) -> Result<Option<CorpusTable>> {
        match self.experiment.task.protocol {
            Protocol::Corpora => corpus_table(&self.test).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns the content of the page, without sounds and map, which are made from the clips.
    pub(crate) fn report(&self, comparison: &[RunSummary]) -> Result<Report> {
        let protocol = self.experiment.task.protocol;
        let info = &self.infos[0];
        let trained = [info.train, info.validation, info.test];
        let [train, validation, test] = trained.map(|n| n.to_string());
        Ok(Report {
            recipe: self.experiment.name.clone(),
            model: architectures(
                self.experiment
                    .members
                    .iter()
                    .map(|m| m.recipe.network.architecture().name()),
            ),
            protocol: describe(protocol).to_owned(),
            split: SplitKind::of(protocol.is_speaker_disjoint()),
            synthetic: self.synthetic(),
            predictions: self.test.plain().clone(),
            enrolled: enrolled(&self.test),
            corpora: self.corpora()?,
            histories: self.histories.clone(),
            map: None,
            sounds: Vec::new(),
            recipe_text: self.experiment.to_toml()?,
            environment: vec![
                ("program".to_owned(), format!("ser {}", info.program)),
                ("libtorch".to_owned(), info.libtorch.clone()),
                ("threads per training".to_owned(), info.threads.to_string()),
                ("corpus".to_owned(), info.corpus.clone()),
                ("corpus checksum".to_owned(), info.checksum.clone()),
                (
                    "clips of the first split".to_owned(),
                    format!("{train} training, {validation} validation, {test} test"),
                ),
                ("files left out".to_owned(), info.skipped.len().to_string()),
            ],
            command: self.command("DATA", "DIR"),
            comparison: comparison.to_vec(),
        })
    }
}

/// Returns the predictions with enrolment in the form that reports take.
pub(crate) fn enrolled(answers: &Answers) -> Vec<ser_report::Enrolled> {
    let described = answers
        .enrolled()
        .map(|(setting, answers)| ser_report::Enrolled {
            label: match setting {
                Setting::Enrolled(n) => n.to_string(),
                _ => "all (transductive)".to_owned(),
            },
            description: setting.to_string(),
            predictions: answers.clone(),
        });
    described.collect()
}

/// Joins the names of architectures, each once.
pub(crate) fn architectures(networks: impl IntoIterator<Item = &'static str>) -> String {
    each_once(networks).join(" + ")
}

/// Describes a protocol in one phrase.
pub(crate) fn describe(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Seed5 => "stratified random 80/20 splits, five seeds",
        Protocol::Random10 => "stratified random 10-fold",
        Protocol::FoldsA => "five fixed folds of RAVDESS actors (folds A)",
        Protocol::FoldsB => "six fixed folds of RAVDESS actors (folds B, EmoBox)",
        Protocol::Loso => "leave one speaker out",
        Protocol::Statement => "trained on one sentence, tested on the other, by other actors",
        Protocol::Speakers5 => "five folds of speakers",
        Protocol::Corpora => "trained on all corpora but one, tested on that",
        Protocol::Given => "the split that came with the clips",
    }
}
