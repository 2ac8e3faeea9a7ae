//! Writes the folder of a split: all files into `<name>.ser-unfinished`, which is then renamed.

use std::fs;
use std::path::Path;

use ser_data::{Corpus, Split};
use ser_eval::NamedHistory;
use ser_files::write_file;
use ser_model::LIBTORCH_VERSION;
use ser_predict::Model;
use ser_recipe::{Experiment, Monitor};

use super::{
    COST, HISTORY, INFO, MODEL, RECIPE, RunInfo, SPLIT, SplitRun, TEST, VALIDATION, is_split,
};
use crate::corpus::Prepared;
use crate::error::{Error, Result};
use crate::folder::{self, UNFINISHED, read_json, refuse_foreign, write_json};

/// One of the splits of a protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbered<'a> {
    pub(crate) split: &'a Split,
    /// Its number, counted from 1.
    pub(crate) number: usize,
    /// Number of splits of the protocol.
    pub(crate) of: usize,
}

impl<'a> Numbered<'a> {
    /// Numbers all splits of a protocol.
    pub(crate) fn all(splits: &'a [Split]) -> Vec<Self> {
        let of = splits.len();
        let numbered = |(split, number)| Self { split, number, of };
        splits.iter().zip(1..).map(numbered).collect()
    }
}

impl RunInfo {
    /// Describes the run of an experiment on a split.
    pub(crate) fn of(experiment: &Experiment, data: &Prepared, numbered: Numbered) -> Self {
        let split = as_trained(experiment, numbered.split);
        let members = experiment.members.iter();
        let threads = members.map(|member| member.recipe.training.threads);
        Self {
            recipe: experiment.name.clone(),
            split: split.name().to_owned(),
            number: numbered.number,
            splits: numbered.of,
            corpus: data.corpus.name().to_owned(),
            checksum: data.corpus.checksum(),
            synthetic: data.corpus.is_synthetic(),
            train: split.train().len(),
            validation: split.validation().len(),
            test: split.test().len(),
            divided: data.divided(),
            skipped: data.skipped.clone(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            features: ser_features::ALGORITHM_VERSION,
            conditions: ser_audio::conditions::VERSION,
            libtorch: LIBTORCH_VERSION.to_owned(),
            threads: threads.max().unwrap_or(1),
        }
    }
}

/// Returns the split as an experiment uses it: with a fixed schedule, the validation clips are training clips as well.
fn as_trained(experiment: &Experiment, split: &Split) -> Split {
    let mut members = experiment.members.iter();
    if members.all(|member| member.recipe.training.monitor == Monitor::LastEpoch) {
        split.without_validation()
    } else {
        split.clone()
    }
}

impl SplitRun {
    /// Returns whether a folder holds the finished run of an experiment on this split of these clips.
    pub(crate) fn is_finished(
        dir: &Path,
        experiment: &Experiment,
        data: &Prepared,
        numbered: Numbered,
    ) -> bool {
        // The paths of files that were left out change with the spelling of the folder; the clips have their checksum.
        // Older runs lack the number, which follows from the name.
        let of_clips = |info: RunInfo| RunInfo {
            skipped: Vec::new(),
            number: 0,
            ..info
        };
        let Ok(Some(found)) = Self::read(dir) else {
            return false;
        };
        let wanted = RunInfo::of(experiment, data, numbered);
        of_clips(found.info) == of_clips(wanted) && found.experiment == *experiment
    }

    /// Writes the folder under a temporary name, then renames it to `dir`. The folder of another run there is replaced.
    ///
    /// Returns [`Error::Foreign`] if `dir` holds anything but a run.
    pub(crate) fn write(
        &self,
        dir: &Path,
        corpus: &Corpus,
        split: &Split,
        model: &Model,
    ) -> Result<()> {
        refuse_foreign(dir, is_split)?;
        let unfinished = dir.with_added_extension(UNFINISHED);
        folder::remove(&unfinished)?;
        folder::create(&unfinished)?;
        write_file(unfinished.join(RECIPE), self.experiment.to_toml()?)?;
        as_trained(&self.experiment, split).write_csv(corpus, unfinished.join(SPLIT))?;
        for NamedHistory { name, history } in &self.histories {
            history.write_csv(unfinished.join(format!("{HISTORY}-{name}.csv")))?;
        }
        model.save(&unfinished.join(MODEL))?;
        if let Some(validation) = &self.validation {
            validation.write(&unfinished, VALIDATION)?;
        }
        self.test.write(&unfinished, TEST)?;
        write_json(&unfinished.join(COST), &self.cost)?;
        write_json(&unfinished.join(INFO), &self.info)?;
        folder::remove(dir)?;
        Ok(fs::rename(&unfinished, dir).map_err(ser_files::Error::at(dir))?)
    }
}

/// Returns whether a folder holds a split and has the name that a cross-validation gives it.
pub(crate) fn is_of_cross_validation(dir: &Path) -> bool {
    let info = read_json::<RunInfo>(&dir.join(INFO));
    info.is_ok_and(|info| dir.ends_with(info.split))
}

/// Returns an error if a folder for other results holds a single split.
pub(crate) fn refuse_one_split(dir: &Path) -> Result<()> {
    if is_split(dir) {
        let path = dir.to_owned();
        let what = "one split, written by `ser train`".to_owned();
        return Err(Error::HoldsOther { path, what });
    }
    Ok(())
}

/// Returns an error if a folder holds a finished split of a recipe with another name. A split of an edited recipe may be
/// replaced, but hours of training of another one are not lost to a wrong `--out`.
pub(crate) fn refuse_other_recipe(dir: &Path, name: &str) -> Result<()> {
    match read_json::<RunInfo>(&dir.join(INFO)) {
        Ok(info) if info.recipe != name => {
            let path = dir.to_owned();
            let what = format!("a finished split of the recipe `{}`", info.recipe);
            Err(Error::HoldsOther { path, what })
        }
        _ => Ok(()),
    }
}
