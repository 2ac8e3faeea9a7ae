//! An experiment as one TOML file: task, features, input, network, training.

use std::path::Path;

use ser_data::Protocol;
use ser_features::FeatureConfig;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::network::NetworkConfig;

/// The recipes that travel with the crate, by name.
const BUILT_IN: [(&str, &str); 4] = [
    (
        "seed5-cnn",
        include_str!("../../../data/recipes/seed5-cnn.toml"),
    ),
    (
        "seed5-lstm",
        include_str!("../../../data/recipes/seed5-lstm.toml"),
    ),
    (
        "folds-a-cnn",
        include_str!("../../../data/recipes/folds-a-cnn.toml"),
    ),
    (
        "folds-a-lstm",
        include_str!("../../../data/recipes/folds-a-lstm.toml"),
    ),
];

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
    /// Architecture and sizes.
    pub network: NetworkConfig,
    /// Optimisation.
    pub training: Training,
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
}

/// The table `[input]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Frames of a batch. Longer clips are cropped (anywhere in training, in the middle
    /// otherwise), shorter ones padded with the training mean and masked.
    pub frames: usize,
    /// SpecAugment in training (Park et al. 2019): number of masks along each axis.
    #[serde(default)]
    pub masks: usize,
    /// Widest mask along time, in frames.
    #[serde(default)]
    pub time_mask: usize,
    /// Widest mask along the coefficients.
    #[serde(default)]
    pub coefficient_mask: usize,
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
    /// What the best epoch is chosen by; always on the validation part.
    #[serde(default)]
    pub monitor: Monitor,
    /// Epochs without a better one after which training stops; absent: runs all epochs.
    #[serde(default)]
    pub patience: Option<u32>,
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

/// Validation figures an epoch can be chosen by.
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
}

impl Recipe {
    /// Reads a built-in recipe by name, or a TOML file by path, and checks it.
    ///
    /// # Errors
    /// [`Error::RecipeUnknown`], [`Error::Io`], [`Error::RecipeSyntax`], [`Error::RecipeValue`],
    /// and the feature configuration's own.
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
        let recipe: Self = toml::from_str(text).map_err(|e| Error::RecipeSyntax {
            origin: origin.to_owned(),
            message: e.to_string(),
        })?;
        recipe.check(origin)?;
        Ok(recipe)
    }

    /// The recipe as TOML.
    ///
    /// # Errors
    /// [`Error::RecipeSyntax`] for a value TOML cannot hold.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::RecipeSyntax {
            origin: self.name.clone(),
            message: e.to_string(),
        })
    }

    pub(crate) fn check(&self, origin: &str) -> Result<()> {
        self.features.validate()?;
        let t = &self.training;
        let input = &self.input;
        let coefficients = self.features.coefficients();
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let checks = [
            (
                input.frames > 0,
                "input.frames",
                "at least 1",
                input.frames.to_string(),
            ),
            (
                input.time_mask <= input.frames,
                "input.time_mask",
                "at most input.frames",
                input.time_mask.to_string(),
            ),
            (
                input.coefficient_mask <= coefficients,
                "input.coefficient_mask",
                "at most the coefficients of a frame",
                input.coefficient_mask.to_string(),
            ),
            (
                t.epochs > 0,
                "training.epochs",
                "at least 1",
                t.epochs.to_string(),
            ),
            // Batch norm has no variance over a single clip.
            (
                t.batch_size > 1,
                "training.batch_size",
                "at least 2",
                t.batch_size.to_string(),
            ),
            (
                positive(t.learning_rate),
                "training.learning_rate",
                "above 0",
                t.learning_rate.to_string(),
            ),
            (
                t.weight_decay.is_finite() && t.weight_decay >= 0.0,
                "training.weight_decay",
                "at least 0",
                t.weight_decay.to_string(),
            ),
            (
                t.gradient_clip.is_none_or(positive),
                "training.gradient_clip",
                "above 0",
                format!("{:?}", t.gradient_clip),
            ),
            (
                (0.0..1.0).contains(&t.label_smoothing),
                "training.label_smoothing",
                "at least 0 and below 1",
                t.label_smoothing.to_string(),
            ),
            (
                t.patience != Some(0),
                "training.patience",
                "at least 1",
                "0".to_owned(),
            ),
            (
                t.threads > 0,
                "training.threads",
                "at least 1",
                t.threads.to_string(),
            ),
        ];
        let failed = checks.into_iter().find(|(holds, ..)| !holds);
        let failed = failed.map(|(_, key, expected, actual)| (key, expected, actual));
        match failed.or_else(|| self.network.invalid()) {
            None => Ok(()),
            Some((key, expected, actual)) => Err(Error::RecipeValue {
                origin: origin.to_owned(),
                key,
                expected: expected.to_owned(),
                actual,
            }),
        }
    }
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
