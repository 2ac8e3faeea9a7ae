//! An experiment as one TOML file: either one kind of network with everything it needs, or an
//! ensemble of such recipes.

pub(crate) mod check;

use std::path::Path;

use ser_audio::conditions::Condition;
use ser_data::Protocol;
use ser_features::FeatureConfig;
use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use crate::error::{Error, Result};
use crate::network::NetworkConfig;

/// A file of `data/recipes` as it was when this crate was built.
macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../data/recipes/", $name, ".toml")))),*]
    };
}

/// The recipes that travel with the crate, by name.
const BUILT_IN: [(&str, &str); 21] = built_in![
    "seed5-cnn",
    "seed5-lstm",
    "folds-a-cnn",
    "folds-a-lstm",
    "cnn",
    "cnn-pitch",
    "lstm",
    "mlp",
    "mlp-level",
    "best",
    "robust-cnn",
    "robust-cnn-pitch",
    "robust-cnn-pitch-wide",
    "robust-mlp",
    "robust",
    "seed5-best-cnn",
    "seed5-best-mlp",
    "seed5-best",
    "random10-best-cnn",
    "random10-best-mlp",
    "random10-best",
];

/// What one TOML file can ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Experiment {
    /// One kind of network.
    Recipe(Box<Recipe>),
    /// Several recipes whose answers are averaged.
    Ensemble(Ensemble),
}

/// A recipe of recipes: the weighted mean of their networks' probabilities. For a clip of an enrolled
/// speaker it is taken over the recipes with enrolment, if there are any.
///
/// ```
/// let text = r#"
///     name = "both"
///     description = "two views of a clip"
///     task = { protocol = "folds-a" }
///     members = [{ recipe = "folds-a-cnn" }, { recipe = "folds-a-lstm", weight = 0.5 }]
/// "#;
/// let ser_model::Experiment::Ensemble(both) = ser_model::Experiment::parse(text, "both")? else {
///     panic!("`members` make an ensemble");
/// };
/// assert_eq!(both.members[0].weight, 1.0);
/// # Ok::<(), ser_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ensemble {
    /// Name of the experiment; of its run folder too.
    pub name: String,
    /// One sentence for reports.
    pub description: String,
    /// What is told apart, on which split. It takes the place of the members' own.
    pub task: Task,
    /// The recipes averaged.
    pub members: Vec<Member>,
}

/// One recipe of an ensemble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// A built-in name, or a file, as [`Recipe::load`] takes it.
    pub recipe: String,
    /// What its probabilities count in the mean.
    #[serde(default = "weight_1")]
    pub weight: f64,
}

fn weight_1() -> f64 {
    1.0
}

/// A recipe: everything that decides a result but the data.
///
/// ```
/// let recipe = ser_model::Recipe::load("seed5-cnn")?;
/// assert_eq!(recipe.task.emotions.len(), 5);
/// assert_eq!(recipe.task.protocol.to_string(), "seed5");
/// # Ok::<(), ser_model::Error>(())
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
    /// [`Monitor::LastEpoch`] is rehearsed on.
    #[serde(default)]
    pub inner: usize,
}

/// The table `[input]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Frames of a batch. Of a longer clip training takes a part anywhere, and an answer is the mean over
    /// parts that cover it; a shorter one is padded with the training mean and masked.
    pub frames: usize,
    /// Neighbouring frames averaged into one, before all else.
    #[serde(default = "one")]
    pub average: usize,
    /// Whether a clip's mean over all frames and coefficients is taken from every value. Of log-mel
    /// levels that is the recording's level, which says nothing outside the corpus.
    #[serde(default)]
    pub relative_level: bool,
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
/// the average is taken from the embedding of each clip (see [`Model::enrol`](crate::Model::enrol)).
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
    /// Reads a built-in recipe by name, or a TOML file by path, and checks it.
    ///
    /// # Errors
    /// [`Error::RecipeUnknown`], [`Error::Io`], [`Error::RecipeSyntax`], [`Error::RecipeValue`],
    /// and the feature configuration's own. An ensemble is a value out of range here.
    pub fn load(name_or_path: &str) -> Result<Self> {
        match Experiment::load(name_or_path)? {
            Experiment::Recipe(recipe) => Ok(*recipe),
            Experiment::Ensemble(ensemble) => {
                let expected = "absent, as one single recipe is asked for";
                let actual = ensemble.member_names().join(", ");
                Err(check::wrong(name_or_path, "members", expected, actual))
            }
        }
    }

    /// Reads and checks a recipe; `origin` is named in errors.
    ///
    /// # Errors
    /// As [`Recipe::load`].
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let recipe: Self = from_toml(text, origin)?;
        recipe.check(origin).map_err(|e| with_line(e, text))?;
        Ok(recipe)
    }

    /// The recipe as TOML.
    ///
    /// # Errors
    /// [`Error::RecipeSyntax`] for a value TOML cannot hold.
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

impl Ensemble {
    /// The names of its members' recipes.
    fn member_names(&self) -> Vec<&str> {
        self.members.iter().map(|m| m.recipe.as_str()).collect()
    }

    /// The members' recipes, with this ensemble's task, and the weight of each.
    ///
    /// # Errors
    /// As [`Recipe::load`], and [`Error::RecipeValue`] for two members of one name, whose runs would lie in
    /// the same folder, or rehearsed on different clips.
    pub fn recipes(&self) -> Result<Vec<(Recipe, f64)>> {
        let member = |member: &Member| {
            let mut recipe = Recipe::load(&member.recipe)?;
            recipe.task = self.task.clone();
            Ok((recipe, member.weight))
        };
        let recipes = self
            .members
            .iter()
            .map(member)
            .collect::<Result<Vec<_>>>()?;
        self.check_together(&recipes)?;
        Ok(recipes)
    }
}

impl Experiment {
    /// Reads a built-in recipe by name, or a TOML file by path, and checks it.
    ///
    /// # Errors
    /// As [`Recipe::load`].
    pub fn load(name_or_path: &str) -> Result<Self> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text, name);
        }
        let path = Path::new(name_or_path);
        if path.extension().is_none() {
            let known = Self::built_in_names().collect::<Vec<_>>().join(", ");
            return Err(Error::RecipeUnknown {
                name: name_or_path.to_owned(),
                known,
            });
        }
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        Self::parse(&text, name_or_path)
    }

    /// The built-in recipes.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Reads and checks a recipe; `origin` is named in errors.
    ///
    /// # Errors
    /// As [`Recipe::load`].
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let table: toml::Table = from_toml(text, origin)?;
        if !table.contains_key("members") {
            return Ok(Self::Recipe(Box::new(Recipe::parse(text, origin)?)));
        }
        let ensemble: Ensemble = from_toml(text, origin)?;
        ensemble.check(origin).map_err(|e| with_line(e, text))?;
        Ok(Self::Ensemble(ensemble))
    }

    /// Its recipes, one or those of an ensemble, and the weight of each.
    ///
    /// # Errors
    /// As [`Ensemble::recipes`].
    pub fn recipes(&self) -> Result<Vec<(Recipe, f64)>> {
        match self {
            Self::Recipe(recipe) => Ok(vec![((**recipe).clone(), 1.0)]),
            Self::Ensemble(ensemble) => ensemble.recipes(),
        }
    }

    /// The experiment as TOML.
    ///
    /// # Errors
    /// As [`Recipe::to_toml`].
    pub fn to_toml(&self) -> Result<String> {
        match self {
            Self::Recipe(recipe) => recipe.to_toml(),
            Self::Ensemble(ensemble) => to_toml(ensemble, &ensemble.name),
        }
    }

    /// Name of the experiment.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Recipe(recipe) => &recipe.name,
            Self::Ensemble(ensemble) => &ensemble.name,
        }
    }

    /// What is told apart, on which split.
    #[must_use]
    pub fn task(&self) -> &Task {
        match self {
            Self::Recipe(recipe) => &recipe.task,
            Self::Ensemble(ensemble) => &ensemble.task,
        }
    }

    /// The task, to be changed.
    pub fn task_mut(&mut self) -> &mut Task {
        match self {
            Self::Recipe(recipe) => &mut recipe.task,
            Self::Ensemble(ensemble) => &mut ensemble.task,
        }
    }
}

fn from_toml<T: serde::de::DeserializeOwned>(text: &str, origin: &str) -> Result<T> {
    toml::from_str(text).map_err(|e| Error::RecipeSyntax {
        origin: origin.to_owned(),
        message: e.to_string(),
    })
}

/// Says on which line of a recipe's text the value stands.
fn with_line(error: Error, text: &str) -> Error {
    match error {
        Error::RecipeValue {
            origin,
            key,
            expected,
            actual,
            ..
        } => Error::RecipeValue {
            line: line_of(text, &key),
            origin,
            key,
            expected,
            actual,
        },
        error => error,
    }
}

/// The line of a dotted key, or of the table that it would stand in.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = Some(document.get_ref());
    let mut start = None;
    for part in key.split('.') {
        let Some((name, value)) = table.and_then(|t| t.get_key_value(part)) else {
            break;
        };
        start = Some(name.span().start);
        table = value.get_ref().as_table();
    }
    Some(1 + text.get(..start?)?.matches('\n').count())
}

fn to_toml(value: &impl Serialize, name: &str) -> Result<String> {
    toml::to_string(value).map_err(|e| Error::RecipeSyntax {
        origin: name.to_owned(),
        message: e.to_string(),
    })
}

impl Schedule {
    /// Learning rate of a step, counted from 0, of `steps` in all.
    #[must_use]
    pub fn learning_rate(self, peak: f64, step: usize, steps: usize) -> f64 {
        let u = step as f64 / steps.max(1) as f64;
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
