//! A recipe: one kind of network with everything that it needs.

use std::collections::BTreeMap;

use ser_audio::conditions::Condition;
use ser_data::{LabelMap, Protocol};
use ser_features::FeatureConfig;
use ser_predict::Input;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::network::NetworkConfig;
use crate::text::{from_toml, to_toml, with_line};

/// A recipe: everything that determines a result except the data.
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
    /// Name of the experiment and of its run folder.
    pub name: String,
    /// One sentence for reports.
    pub description: String,
    /// The labels to distinguish, and the splits.
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
    /// How the network learns to use other clips of a speaker; if absent, it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolment: Option<EnrolmentConfig>,
}

/// The table `[task]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Name of the protocol, such as `seed5` or `folds-a`.
    pub protocol: Protocol,
    /// Seed of the splits.
    #[serde(default)]
    pub seed: u64,
    /// The emotions to distinguish, in label order; if empty, every label of the corpus. Emotions of RAVDESS that no clip of
    /// another corpus has are left out; any other emotion must have clips.
    #[serde(default)]
    pub emotions: Vec<String>,
    /// Number of inner splits (see [`ser_data::Split::inner`]) on which a training with [`Monitor::LastEpoch`] is
    /// evaluated.
    #[serde(default)]
    pub inner: usize,
    /// Labels of the corpus that are renamed before any other step, by their new label:
    /// `labels = { happy = ["Happy", "joy", "jl:excited"] }`.
    #[serde(default, skip_serializing_if = "LabelMap::is_empty")]
    pub labels: LabelMap,
    /// Whether to leave out clips whose sentence is spoken in only one emotion ([`ser_data::Corpus::sentence_bound`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared_sentences: bool,
    /// What a prediction counts as when it is scored on a corpus that has no clip of the predicted label:
    /// `counted_as = { calm = "neutral" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted_as: BTreeMap<String, String>,
}

fn one() -> usize {
    1
}

/// The table `[augmentation]`: what varies in training. Without it, nothing varies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Copies of every clip, played faster by this many semitones: pitch, formants and tempo change together, as they
    /// would for another speaker. Training draws the clip or one of its copies.
    #[serde(default)]
    pub semitones: Vec<f64>,
    /// Test-time augmentation: the values of `semitones` whose copies the network uses in addition to the clip when it
    /// predicts. The prediction is the mean over the clip and these copies.
    #[serde(default)]
    pub test_semitones: Vec<f64>,
    /// Further copies, as the clip would sound away from the studio. A condition that is named several times makes
    /// several copies, each with its own noise or room: the first copy is of the clip itself, the next of the clip
    /// played faster by the first of `semitones`, and so on.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Probability of a room, of noise and of a narrow band. Each is drawn anew whenever a batch is built, and applied
    /// to the log-mel levels. Features with other rows beside the levels, which are deltas or extras, cannot be distorted.
    #[serde(default)]
    pub distortion: f64,
    /// Frames are stretched in time by a factor of `exp(U(−stretch, stretch))`, with interpolation.
    #[serde(default)]
    pub stretch: f64,
    /// SpecAugment (Park et al. 2019): number of masks along each axis.
    #[serde(default)]
    pub masks: usize,
    /// Maximum width of a mask along time, in frames.
    #[serde(default)]
    pub time_mask: usize,
    /// Maximum width of a mask along the coefficients.
    #[serde(default)]
    pub coefficient_mask: usize,
    /// Mixup (Zhang et al. 2018) of embeddings and targets: a batch is mixed with itself in a different order, with a
    /// share drawn from Beta(mixup, mixup); 0 means none.
    #[serde(default)]
    pub mixup: f64,
}

/// The table `[enrolment]`: unlabelled clips of a speaker show how that voice sounds on average, and this average is
/// subtracted from the embedding of each clip. In training, the clips of a batch come in groups of one speaker and one
/// copy; some clips of each group are treated as enrolled, and the embeddings of the group are shifted in the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentConfig {
    /// Number of clips in a group. The clips of a speaker that do not fill a group are left for other epochs, in which
    /// the order differs; the clips of a speaker who has fewer than a group are repeated.
    pub group: usize,
    /// How many clips the average voice counts as, beside the enrolled ones.
    pub shrinkage: f64,
}

/// The table `[training]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Maximum number of passes over the training part.
    pub epochs: u32,
    /// Number of clips in a batch.
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
    /// Maximum L2 norm of a step's gradient; if absent, there is no limit.
    #[serde(default)]
    pub gradient_clip: Option<f64>,
    /// Share of the target probability that is spread evenly over all classes.
    #[serde(default)]
    pub label_smoothing: f64,
    /// Weight of each class in the loss.
    #[serde(default)]
    pub class_weights: ClassWeights,
    /// What is drawn equally often, from the widest level to the narrowest: with `["corpus", "class"]`, each corpus,
    /// and each class within a corpus. An epoch draws as many clips as there are, so it draws each clip of a small
    /// corpus several times, each time in another copy, and not every clip of a large corpus. If empty, it draws each
    /// clip once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balance: Vec<Balance>,
    /// Which epoch is kept. If an epoch is chosen, it is chosen on the validation part.
    #[serde(default)]
    pub monitor: Monitor,
    /// Number of epochs without improvement after which training stops; if absent, all epochs run.
    #[serde(default)]
    pub patience: Option<u32>,
    /// Number of networks, which differ only in their seed; their probabilities are averaged.
    #[serde(default = "one")]
    pub networks: usize,
    /// Seed of weights, order, crops, masks and dropout; the number of the split is added to it.
    #[serde(default)]
    pub seed: u64,
    /// Number of libtorch threads for one training.
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

/// Learning-rate schedules. Here `u` ∈ [0, 1) is the share of all steps that are done, and `peak` is the learning rate
/// of the recipe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// `peak` throughout.
    #[default]
    Constant,
    /// `peak · (1 + cos πu) / 2`.
    Cosine,
    /// Cosine from peak/10 up to peak over the first fifth of the steps, then down to peak/1000 (Smith & Topin 2018).
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

/// The property by which clips are drawn equally often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// The corpus.
    Corpus,
    /// The emotion.
    Class,
    /// The speaker.
    Speaker,
}

/// Which epoch is kept: the best one by a figure of the validation part, or the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Monitor {
    /// Lowest cross-entropy.
    #[default]
    ValidationLoss,
    /// Highest accuracy; if equal, the lower loss.
    ValidationAccuracy,
    /// Highest mean recall; if equal, the lower loss.
    ValidationUar,
    /// The last epoch. Only the schedule decides, so a final training may use the validation part as well.
    LastEpoch,
}

impl Recipe {
    /// Reads and checks a recipe. Errors name `origin`.
    ///
    /// # Errors
    /// [`Error::Syntax`](crate::Error::Syntax) or [`Error::Value`](crate::Error::Value).
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let recipe: Self = from_toml(text, origin)?;
        recipe.check(origin).map_err(|e| with_line(e, text))?;
        Ok(recipe)
    }

    /// Returns the recipe as TOML.
    ///
    /// # Errors
    /// [`Error::Syntax`](crate::Error::Syntax) for a value that TOML cannot represent.
    pub fn to_toml(&self) -> Result<String> {
        to_toml(self, &self.name)
    }

    /// Returns the feature configurations that a network of this recipe needs to predict: that of the clip, then those
    /// of the copies in [`Augmentation::test_semitones`].
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
    /// Returns the learning rate of a step, counted from 0, out of `steps` steps.
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
