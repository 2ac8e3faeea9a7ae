//! The content of pages, as the caller provides it.

use std::fmt;

use ser_eval::bootstrap::Interval;
use ser_eval::{Evaluation, MeanStd, NamedHistory, Plane, Predictions};
use serde::{Deserialize, Serialize};

/// Whether test speakers are also in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitKind {
    /// No test speaker is in training: the figure holds for new speakers.
    SpeakerDisjoint,
    /// Clips are drawn at random, and test speakers are also in training: the figure is optimistic.
    Random,
}

impl SplitKind {
    /// Returns the kind of a split that is, or is not, speaker-disjoint.
    #[must_use]
    pub fn of(speaker_disjoint: bool) -> Self {
        if speaker_disjoint {
            Self::SpeakerDisjoint
        } else {
            Self::Random
        }
    }
}

/// One run in a comparison table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Name of the recipe.
    pub recipe: String,
    /// The trained model, for example `CNN`. Runs of the same model stand next to each other.
    pub model: String,
    /// The protocol in a few words.
    pub protocol: String,
    /// Whether test speakers are also in training.
    pub split: SplitKind,
    /// Whether the audio is synthetic.
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
    /// UAR of all predictions pooled.
    pub pooled_uar: f64,
    /// UAR that guessing reaches: one divided by the number of classes that have test clips.
    pub chance_uar: f64,
    /// Interval of the pooled accuracy, from resampling speakers.
    pub accuracy_interval: Option<Interval>,
    /// Interval of the pooled UAR, from resampling speakers.
    pub uar_interval: Option<Interval>,
    /// Relative path of the run's own page.
    pub page: Option<String>,
    /// UAR by corpus, if the run tests corpora.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corpora: Option<CorpusTable>,
}

/// UAR on corpora, each tested with a model that was trained on the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusTable {
    /// The columns: what the model knows about the tested corpus. Neighbouring columns with the same [`Known::what`] share a
    /// heading.
    pub known: Vec<Known>,
    /// One row for each tested corpus.
    pub rows: Vec<CorpusRow>,
}

/// A column of a [`CorpusTable`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What the model knows, for example `enrolled`.
    pub what: String,
    /// How much of it, for example `15`.
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
    /// The tested corpus.
    pub tested: String,
    /// The training corpora.
    pub trained: Vec<String>,
    /// Number of tested clips.
    pub clips: usize,
    /// UAR for each column; `None` if the corpus has too few clips.
    pub uar: Vec<Option<f64>>,
}

impl CorpusTable {
    /// Returns the mean over the corpora for each column; `None` if a corpus has no figure.
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

/// Test predictions when other clips of each speaker are enrolled, without their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolled {
    /// The number of clips, as an axis shows it.
    pub label: String,
    /// The number of clips, in words.
    pub description: String,
    /// The predictions. Each random draw of the enrolled clips counts as a split of its own.
    pub predictions: Predictions,
}

/// Clips as points in the plane, by the embeddings that the networks of one model compute.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// The split of the model. The models of other splits have spaces of their own.
    pub split: String,
    /// Number of test clips of the split. If there are many, only some of them are shown.
    pub clips: usize,
    /// The true class of each clip that is shown.
    pub truth: Vec<usize>,
    /// The position of each clip that is shown.
    pub plane: Plane,
}

/// The sound of a clip, to be played on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// The name of the clip in the predictions.
    pub clip: String,
    /// A complete WAV file.
    pub wav: Vec<u8>,
}

/// The content of the page of a run. Every text may come from a user; the page escapes it.
#[derive(Debug, Clone)]
pub struct Report {
    /// Name of the recipe, the title of the page.
    pub recipe: String,
    /// The trained model, for example `CNN`.
    pub model: String,
    /// Description of the protocol, in one phrase.
    pub protocol: String,
    /// Whether test speakers are also in training.
    pub split: SplitKind,
    /// Whether the audio is synthetic. If so, the page says it in large letters.
    pub synthetic: bool,
    /// The test predictions of every split.
    pub predictions: Predictions,
    /// The test predictions with enrolment, for each number of enrolled clips; may be empty.
    pub enrolled: Vec<Enrolled>,
    /// UAR by corpus, if corpora are tested.
    pub corpora: Option<CorpusTable>,
    /// The training histories, one per split; may be empty.
    pub histories: Vec<NamedHistory>,
    /// The map of some test clips, if there is one.
    pub map: Option<Map>,
    /// Sounds of [`worst_mistakes`](crate::worst_mistakes). A mistake without a sound is listed without a player.
    pub sounds: Vec<Sound>,
    /// The recipe as TOML.
    pub recipe_text: String,
    /// Names and values: versions, threads, checksums, times.
    pub environment: Vec<(String, String)>,
    /// The command that reproduces the run.
    pub command: String,
    /// Other runs to show beside this one, which [`render`](crate::render) adds. The page of a random split needs the
    /// speaker-disjoint run of the same model here.
    pub comparison: Vec<RunSummary>,
}

impl Report {
    /// Returns the row of this run in a comparison table.
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
            pooled_uar: evaluation.metrics.uar,
            chance_uar: evaluation.metrics.chance_uar,
            accuracy_interval: evaluation.accuracy_interval,
            uar_interval: evaluation.uar_interval,
            page,
            corpora: self.corpora.clone(),
        }
    }
}
