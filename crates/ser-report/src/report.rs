//! What a page shows, as its caller gives it.

use std::fmt;

use ser_eval::bootstrap::Interval;
use ser_eval::{Evaluation, MeanStd, NamedHistory, Plane, Predictions};
use serde::{Deserialize, Serialize};

/// Whose voices are on both sides of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitKind {
    /// No test speaker was heard in training: the figure holds for new people.
    SpeakerDisjoint,
    /// Clips were drawn at random: test speakers were heard in training, which flatters.
    Random,
}

impl SplitKind {
    /// The kind of a split that keeps speakers on one side, or does not.
    #[must_use]
    pub fn of(speaker_disjoint: bool) -> Self {
        match speaker_disjoint {
            true => Self::SpeakerDisjoint,
            false => Self::Random,
        }
    }
}

/// One run in a comparison table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Name of the recipe.
    pub recipe: String,
    /// What was trained, for example `CNN`. Runs of the same model stand next to each other.
    pub model: String,
    /// The protocol in a few words.
    pub protocol: String,
    /// Whose voices are on both sides.
    pub split: SplitKind,
    /// True when the audio is synthetic.
    pub synthetic: bool,
    /// Number of classes.
    pub classes: usize,
    /// Number of splits.
    pub splits: usize,
    /// Number of test predictions over all splits.
    pub n: usize,
    /// Accuracy over the splits.
    pub accuracy: MeanStd,
    /// UAR over the splits.
    pub uar: MeanStd,
    /// Interval of the pooled accuracy by resampling speakers.
    pub accuracy_interval: Option<Interval>,
    /// Interval of the pooled UAR by resampling speakers.
    pub uar_interval: Option<Interval>,
    /// Relative path of the run's own page.
    pub page: Option<String>,
    /// UAR by corpus, of a run that tests corpora.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corpora: Option<CorpusTable>,
}

/// UAR on corpora that were each tested by a model trained on other ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusTable {
    /// What was known of the corpus tested; neighbours that have the same stand below one heading.
    pub known: Vec<Known>,
    /// One for each corpus tested.
    pub rows: Vec<CorpusRow>,
}

/// A column of a [`CorpusTable`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What of.
    pub what: String,
    /// How much of it.
    pub amount: String,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(format!("{} {}", self.amount, self.what).trim())
    }
}

/// A row of a [`CorpusTable`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusRow {
    /// The corpus tested.
    pub tested: String,
    /// The corpora trained on.
    pub trained: Vec<String>,
    /// Clips tested.
    pub clips: usize,
    /// UAR for each column; nothing where the corpus has too few clips for it.
    pub uar: Vec<Option<f64>>,
}

impl CorpusTable {
    /// The mean over the corpora of each column; nothing where one of them has no figure.
    #[must_use]
    pub fn means(&self) -> Vec<Option<f64>> {
        let mean = |column: usize| {
            let figures = self.rows.iter().map(|row| row.uar.get(column).copied()?);
            let figures: Vec<f64> = figures.collect::<Option<_>>()?;
            MeanStd::of(&figures).map(|over| over.mean)
        };
        (0..self.known.len()).map(mean).collect()
    }
}

/// Test predictions when other clips of each speaker are known, without their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolled {
    /// How many, in as few words as an axis needs.
    pub label: String,
    /// How many, in words.
    pub description: String,
    /// The predictions; draws of the clips known are splits of their own.
    pub predictions: Predictions,
}

/// Clips as points in the plane, by what the networks of one model make of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// The split whose model it was. Those of other splits have spaces of their own.
    pub split: String,
    /// The true class of each clip.
    pub truth: Vec<usize>,
    /// Where each clip lies.
    pub plane: Plane,
}

/// The sound of a clip, to be played on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// The clip, as the predictions name it.
    pub clip: String,
    /// A whole WAV file.
    pub wav: Vec<u8>,
}

/// All that one page shows. Every text may come from a user; the page escapes it.
#[derive(Debug, Clone)]
pub struct Report {
    /// Name of the recipe; the title of the page.
    pub recipe: String,
    /// What was trained, for example `CNN`.
    pub model: String,
    /// The protocol in one sentence.
    pub protocol: String,
    /// Whose voices are on both sides of the split.
    pub split: SplitKind,
    /// True when the audio is synthetic: the page says so in large letters.
    pub synthetic: bool,
    /// The test predictions of every split.
    pub predictions: Predictions,
    /// The same after enrolment, for each number of clips known; may be empty.
    pub enrolled: Vec<Enrolled>,
    /// UAR by corpus, where corpora are tested.
    pub corpora: Option<CorpusTable>,
    /// The training histories, one per split; may be empty.
    pub histories: Vec<NamedHistory>,
    /// The map of some test clips, where it is known.
    pub map: Option<Map>,
    /// Sounds of [`worst_mistakes`](crate::worst_mistakes); a mistake without one is listed without a player.
    pub sounds: Vec<Sound>,
    /// The recipe as used (TOML).
    pub recipe_text: String,
    /// Name and value: versions, threads, checksums, times.
    pub environment: Vec<(String, String)>,
    /// The command that reproduces the run.
    pub command: String,
    /// Other runs to show beside this one; [`render`](crate::render) adds this run itself and leaves out rows of
    /// the same recipe. The page of a random split needs the speaker-disjoint run of the same model
    /// here.
    pub comparison: Vec<RunSummary>,
    /// Columns of a manifest that the figures are also given by.
    pub by: Vec<String>,
}

impl Report {
    /// This run as a row of a comparison table.
    #[must_use]
    pub fn summary(&self, evaluation: &Evaluation, page: Option<String>) -> RunSummary {
        RunSummary {
            recipe: self.recipe.clone(),
            model: self.model.clone(),
            protocol: self.protocol.clone(),
            split: self.split,
            synthetic: self.synthetic,
            classes: evaluation.metrics.labels.len(),
            splits: evaluation.folds.folds.len(),
            n: evaluation.metrics.n,
            accuracy: evaluation.folds.accuracy,
            uar: evaluation.folds.uar,
            accuracy_interval: evaluation.accuracy_interval,
            uar_interval: evaluation.uar_interval,
            page,
            corpora: self.corpora.clone(),
        }
    }
}
