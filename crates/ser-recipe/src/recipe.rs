//! A recipe: one kind of network with everything it needs.

use std::collections::BTreeMap;

use ser_audio::conditions::Condition;
use ser_data::{LabelMap, Protocol};
use ser_features::FeatureConfig;
use ser_predict::Input;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::network::NetworkConfig;
use crate::text::{from_toml, to_toml, with_line};

/// A recipe: everything that decides a result but the data.
///
/// ```
/// let recipe = ser_recipe::Experiment::load("seed5-cnn")?.into_recipe()?;
/// assert_eq!(recipe.task.emotions.len(), 5);
/// assert_eq!(recipe.task.protocol.to_string(), "seed5");
/// # Ok::<(), ser_recipe::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the experiment; of its run folder too.
    pub name: String,
    /// One sentence for reports.
    pub description: String,
    /// What is told apart, on which split.
    pub task: Task,
    /// How a clip becomes frames of coefficients.
    pub features: FeatureConfig,
    /// How frames become a batch.
    pub input: Input,
    /// How clips are varied in training.
    #[serde(default)]
    pub augmentation: Augmentation,
    /// Architecture and sizes.
    pub network: NetworkConfig,
    /// Optimisation.
    pub training: Training,
    /// How the network learns to use other clips of a speaker; absent: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolment: Option<EnrolmentConfig>,
}

/// The table `[task]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Split protocol by name, such as `seed5` or `folds-a`.
    pub protocol: Protocol,
    /// Seed of the splits.
    #[serde(default)]
    pub seed: u64,
    /// The emotions told apart, in label order; empty: every label of the corpus.
    #[serde(default)]
    pub emotions: Vec<String>,
    /// Inner splits (see [`ser_data::Split::inner`]) that a training with
    /// [`Monitor::LastEpoch`] is tried on.
    #[serde(default)]
    pub inner: usize,
    /// Labels of the corpus that become one before anything else, by the one that they become:
    /// `labels = { happy = ["Happy", "joy", "jl:excited"] }`.
    #[serde(default, skip_serializing_if = "LabelMap::is_empty")]
    pub labels: LabelMap,
    /// Whether clips are left out whose sentence is said in one emotion alone
    /// ([`ser_data::Corpus::sentence_bound`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared_sentences: bool,
    /// What an answer counts as where it is measured on a corpus that has no clip of its label:
    /// `counted_as = { calm = "neutral" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted_as: BTreeMap<String, String>,
}

fn one() -> usize {
    1
}

/// The table `[augmentation]`: what varies in training. Without it, nothing does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Copies of every clip, played faster by so many semitones: pitch, formants and tempo move
    /// together, as those of another speaker would. A training draws the clip or one of its copies.
    #[serde(default)]
    pub semitones: Vec<f64>,
    /// Test-time augmentation: those of `semitones` that are heard beside the clip when the network
    /// answers. Its answer is the mean of the answers on each.
    #[serde(default)]
    pub test_semitones: Vec<f64>,
    /// Further copies, as they would sound away from the studio. A condition named several times makes
    /// as many, each with a noise or a room of its own: the first of the clip as it is, the next played
    /// faster by the first of `semitones`, and so on.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Probability of a room, of noise and of a narrow band, each drawn anew whenever a batch is built
    /// and applied to the log-mel levels.
    #[serde(default)]
    pub distortion: f64,
    /// Frames are stretched in time by a factor `exp(U(−stretch, stretch))`, interpolating.
    #[serde(default)]
    pub stretch: f64,
    /// SpecAugment (Park et al. 2019): number of masks along each axis.
    #[serde(default)]
    pub masks: usize,
    /// Widest mask along time, in frames.
    #[serde(default)]
    pub time_mask: usize,
    /// Widest mask along the coefficients.
    #[serde(default)]
    pub coefficient_mask: usize,
    /// Mixup (Zhang et al. 2018) of embeddings and targets: a batch is mixed with itself in another
    /// order, with a share drawn from Beta(mixup, mixup); 0 is none.
    #[serde(default)]
    pub mixup: f64,
}

/// The table `[enrolment]`: unlabelled clips of a speaker tell how that voice sounds on average, and
/// the average is taken from the embedding of each clip.
/// In training the clips of a batch come in groups of one speaker and one copy, some of a group are
/// taken as known, and the group is moved in the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentConfig {
    /// Clips of a group. What a speaker has beyond whole groups waits for another epoch's order; a
    /// speaker with fewer clips than this is not learned from.
    pub group: usize,
    /// How many clips the average voice counts for beside the enrolled ones.
    pub shrinkage: f64,
}

/// The table `[training]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Passes over the training part at the most.
    pub epochs: u32,
    /// Clips of a batch.
    pub batch_size: usize,
    /// Update rule.
    #[serde(default)]
    pub optimizer: OptimizerKind,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Weight decay, on matrices and kernels only.
    #[serde(default)]
    pub weight_decay: f64,
    /// Learning rate over the steps of the whole training.
    #[serde(default)]
    pub schedule: Schedule,
    /// Largest L2 norm of a step's gradient; absent: no limit.
    #[serde(default)]
    pub gradient_clip: Option<f64>,
    /// Share of the target probability spread evenly over all classes.
    #[serde(default)]
    pub label_smoothing: f64,
    /// Weight of each class in the loss.
    #[serde(default)]
    pub class_weights: ClassWeights,
    /// What is drawn equally often, the widest first: with `["corpus", "class"]` each corpus, and of each
    /// corpus each class. An epoch draws as many clips as there are, so that of a small corpus each comes
    /// several times, each time in a copy of its own, and of a large one not each. Empty: each clip once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balance: Vec<Balance>,
    /// Which epoch is kept; if one is chosen, always on the validation part.
    #[serde(default)]
    pub monitor: Monitor,
    /// Epochs without a better one after which training stops; absent: runs all epochs.
    #[serde(default)]
    pub patience: Option<u32>,
    /// Networks that differ in their seed only; their probabilities are averaged.
    #[serde(default = "one")]
    pub networks: usize,
    /// Seed of weights, order, crops, masks and dropout; the split's number is added.
    #[serde(default)]
    pub seed: u64,
    /// libtorch threads of one training.
    #[serde(default = "one_thread")]
    pub threads: i32,
}

fn one_thread() -> i32 {
    1
}

/// Update rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam with L2 regularisation (Kingma & Ba 2015).
    Adam,
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    #[default]
    Adamw,
}

/// Learning-rate schedules. With `u` ∈ [0, 1) the share of all steps done and `peak` the
/// recipe's learning rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// `peak` throughout.
    #[default]
    Constant,
    /// `peak · (1 + cos πu) / 2`.
    Cosine,
    /// Cosine from peak/10 up to peak over the first fifth, then down to peak/1000
    /// (Smith & Topin 2018).
    OneCycle,
}

/// Class weights in the loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every clip counts the same.
    #[default]
    None,
    /// `clips / (classes · clips of the class)`: every class counts the same.
    Balanced,
}

/// What clips have in common that are drawn equally often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// The corpus that they come from.
    Corpus,
    /// The emotion.
    Class,
    /// The speaker.
    Speaker,
}

/// Which epoch is kept: the best by a figure of the validation part, or the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Monitor {
    /// Lowest cross-entropy.
    #[default]
    ValidationLoss,
    /// Highest accuracy; of equal ones the lower loss.
    ValidationAccuracy,
    /// Highest mean recall; of equal ones the lower loss.
    ValidationUar,
    /// The last one: the schedule alone decides, so a final training may learn from the validation
    /// part as well.
    LastEpoch,
}

impl Recipe {
    /// Reads and checks a recipe; `origin` is named in errors.
    ///
    /// # Errors
    /// [`Error::Syntax`](crate::Error::Syntax), [`Error::Value`](crate::Error::Value).
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let recipe: Self = from_toml(text, origin)?;
        recipe.check(origin).map_err(|e| with_line(e, text))?;
        Ok(recipe)
    }

    /// The recipe as TOML.
    ///
    /// # Errors
    /// [`Error::Syntax`](crate::Error::Syntax) for a value TOML cannot hold.
    pub fn to_toml(&self) -> Result<String> {
        to_toml(self, &self.name)
    }

    /// What a network of this recipe hears of a clip to answer: its features, then those of the copies
    /// of [`Augmentation::test_semitones`].
    #[must_use]
    pub fn views(&self) -> Vec<FeatureConfig> {
        let copies = self.augmentation.test_semitones.iter();
        let copies = copies.map(|&semitones| self.features.faster(semitones));
        std::iter::once(self.features.clone())
            .chain(copies)
            .collect()
    }
}

impl Schedule {
    /// Learning rate of a step, counted from 0, of `steps` in all.
    #[must_use]
    pub fn learning_rate(self, peak: f64, step: usize, steps: usize) -> f64 {
        let u = (step as f64 / steps.max(1) as f64).min(1.0);
        let cosine = |from: f64, to: f64, u: f64| {
            to + (from - to) * (1.0 + (std::f64::consts::PI * u).cos()) / 2.0
        };
        match self {
            Self::Constant => peak,
            Self::Cosine => cosine(peak, 0.0, u),
            Self::OneCycle if u < 0.2 => cosine(peak / 10.0, peak, u / 0.2),
            Self::OneCycle => cosine(peak, peak / 1000.0, (u - 0.2) / 0.8),
        }
    }
}
