//! Checks that the values of a recipe are in their ranges.

use std::collections::BTreeSet;

use ser_data::LabelMap;
use ser_features::Output;
use ser_predict::{MOST_ACTIVATIONS, MOST_COPIES, MOST_FRAMES, MOST_NETWORKS, is_weight};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::recipe::{Balance, ClassWeights, Monitor, Recipe, Task};

/// Upper limits, beside those that a model file has. A recipe can come from an untrusted file; a larger value is a mistake
/// or an attack.
const MOST_MASKS: usize = 64;
const MOST_THREADS: i32 = 1024;
/// Largest number for which single precision, with which libtorch computes, is far from its end.
const MOST_VALUE: f64 = 1e6;
const ABOVE_0: &str = "above 0 and at most 1000000";
const AT_LEAST_0: &str = "from 0 to 1000000";
/// 256 MiB of weights.
const MOST_PARAMETERS: u64 = 1 << 26;

/// Creates the error for a value out of range. [`with_line`](crate::text::with_line) adds the line where the text is
/// known.
pub(crate) fn wrong(origin: &str, key: &str, expected: &str, actual: String) -> Error {
    Error::Value {
        origin: origin.to_owned(),
        line: None,
        key: key.to_owned(),
        expected: expected.to_owned(),
        actual,
    }
}

/// Returns true if the name can be that of a folder and names exactly this folder.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\'])
}

const NAME: &str = "a name for a folder: not empty, without slashes, not beginning with a dot";

const LABELS: &str = "task.labels";
const MAP: &str =
    "a list of old labels for each new one, where no old label occurs twice or is itself a new one";

/// Returns true if no label is renamed to two others, or renamed twice in a row.
fn is_map(labels: &LabelMap) -> bool {
    let mut seen = BTreeSet::new();
    let mut from = labels.values().flatten();
    from.all(|from| !labels.contains_key(from) && seen.insert(from))
}

const COUNTED_AS: &str = "task.counted_as";
const COUNTED: &str = "pairs of labels, all of them in task.emotions if that is given, where no label is on both sides";

/// Returns true if each label counts as one that is not itself counted as another.
fn are_counted(task: &Task) -> bool {
    let known = |label: &String| task.emotions.is_empty() || task.emotions.contains(label);
    let mut pairs = task.counted_as.iter();
    pairs.all(|(from, to)| known(from) && known(to) && !task.counted_as.contains_key(to))
}

/// Returns the checks of a task.
fn task(task: &Task) -> [Check; 3] {
    let (labels, counted_as) = (&task.labels, &task.counted_as);
    let emotions: BTreeSet<&String> = task.emotions.iter().collect();
    [
        check(
            emotions.len() == task.emotions.len() && emotions.len() != 1,
            "task.emotions",
            "two labels or more, each once, or none for all labels of the corpus",
            as_toml(&task.emotions),
        ),
        check(is_map(labels), LABELS, MAP, as_toml(labels)),
        check(are_counted(task), COUNTED_AS, COUNTED, as_toml(counted_as)),
    ]
}

/// Whether the value is valid, its key, what it must be, and what it is.
type Check = (bool, &'static str, String, String);

fn check(
    valid: bool,
    key: &'static str,
    expected: impl Into<String>,
    actual: impl ToString,
) -> Check {
    (valid, key, expected.into(), actual.to_string())
}

/// Formats a list or a table as in a recipe.
fn as_toml(value: &impl Serialize) -> String {
    let value = toml::Value::try_from(value);
    value.map_or_else(|error| error.to_string(), |value| value.to_string())
}

impl Recipe {
    /// Checks that every value is in its range, by itself and together with the others. Errors name `origin`.
    ///
    /// # Errors
    /// [`Error::Value`] for the first value out of range.
    pub(crate) fn check(&self, origin: &str) -> Result<()> {
        self.features.validate().map_err(|error| match error {
            ser_features::Error::Config {
                key,
                expected,
                actual,
            } => wrong(origin, &format!("features.{key}"), &expected, actual),
            error => wrong(origin, "features", "valid", error.to_string()),
        })?;
        let network = || {
            let (key, expected, actual) = self.network.invalid()?;
            Some(check(false, key, expected, actual))
        };
        let mut checks = task(&self.task).into_iter().chain(self.checks());
        let failed = checks.find(|(valid, ..)| !valid).or_else(network);
        match failed.or_else(|| self.too_large()) {
            None => Ok(()),
            Some((_, key, expected, actual)) => Err(wrong(origin, key, &expected, actual)),
        }
    }

    /// Returns the failed check of a size that is in its range but too large together with the others.
    fn too_large(&self) -> Option<Check> {
        let coefficients = self.features.coefficients();
        let network = self.network.architecture();
        let parameters = network.parameters(coefficients, self.task.emotions.len());
        if parameters > MOST_PARAMETERS {
            let expected = format!("of at most {MOST_PARAMETERS} trained parameters");
            let actual = format!("of {parameters}");
            return Some(check(false, "network", expected, actual));
        }
        let clip = network.activations(self.input.frames, coefficients);
        let clips = self.training.batch_size as u64;
        let batch = clip.saturating_mul(clips);
        // In training, a batch may take as much memory as a window of a finished network.
        (batch > MOST_ACTIVATIONS).then(|| {
            let expected = format!(
                "so small that a batch has at most {MOST_ACTIVATIONS} values in all layers"
            );
            check(false, "input.frames", expected, format!("{batch} values"))
        })
    }

    fn checks(&self) -> Vec<Check> {
        let (t, input, a) = (&self.training, &self.input, &self.augmentation);
        let e = self.enrolment.as_ref();
        let up_to = |most: usize| format!("from 1 to {most}");
        let positive = |x: f64| x > 0.0 && x <= MOST_VALUE;
        let not_negative = |x: f64| (0.0..=MOST_VALUE).contains(&x);
        let is_log_mel_alone = self.features.output == Output::LogMel
            && self.features.deltas == 0
            && self.features.extras.is_empty();
        let is_one_frame = self.features.output == Output::Functionals;
        vec![
            check(is_name(&self.name), "name", NAME, &self.name),
            check(
                (1..=MOST_FRAMES).contains(&input.frames),
                "input.frames",
                up_to(MOST_FRAMES),
                input.frames,
            ),
            check(
                (1..=MOST_FRAMES).contains(&input.average),
                "input.average",
                up_to(MOST_FRAMES),
                input.average,
            ),
            check(
                !is_one_frame || input.frames == 1 && input.average == 1,
                "input.frames",
                "1, like input.average, if features.output is functionals: a clip is one frame",
                input.frames.max(input.average),
            ),
            // Otherwise the mean would be one of values in different units.
            check(
                !input.relative_level || is_log_mel_alone,
                "input.relative_level",
                "false unless features.output is log_mel, without deltas and extras",
                input.relative_level,
            ),
            check(
                a.semitones.len() <= MOST_COPIES && a.semitones.iter().all(|s| s.abs() <= 12.0),
                "augmentation.semitones",
                format!("at most {MOST_COPIES} numbers from -12 to 12"),
                as_toml(&a.semitones),
            ),
            check(
                a.test_semitones.iter().all(|s| a.semitones.contains(s)),
                "augmentation.test_semitones",
                "some of augmentation.semitones",
                as_toml(&a.test_semitones),
            ),
            check(
                a.conditions.len() <= MOST_COPIES,
                "augmentation.conditions",
                format!("at most {MOST_COPIES}"),
                a.conditions.len(),
            ),
            check(
                a.distortion == 0.0 || (0.0..=1.0).contains(&a.distortion) && is_log_mel_alone,
                "augmentation.distortion",
                "from 0 to 1, and 0 unless features.output is log_mel, without deltas and extras",
                a.distortion,
            ),
            check(
                (0.0..=1.0).contains(&a.stretch) && !(is_one_frame && a.stretch > 0.0),
                "augmentation.stretch",
                "from 0 to 1, and 0 if features.output is functionals",
                a.stretch,
            ),
            check(
                a.masks <= MOST_MASKS,
                "augmentation.masks",
                format!("at most {MOST_MASKS}"),
                a.masks,
            ),
            check(
                a.masks > 0 || a.time_mask == 0 && a.coefficient_mask == 0,
                "augmentation.masks",
                "at least 1 with augmentation.time_mask or coefficient_mask",
                0,
            ),
            check(
                a.masks == 0 || a.time_mask > 0 || a.coefficient_mask > 0,
                "augmentation.masks",
                "0 without augmentation.time_mask and coefficient_mask",
                a.masks,
            ),
            check(
                a.time_mask <= input.frames,
                "augmentation.time_mask",
                "at most input.frames",
                a.time_mask,
            ),
            check(
                a.coefficient_mask <= self.features.coefficients(),
                "augmentation.coefficient_mask",
                "at most the coefficients of a frame",
                a.coefficient_mask,
            ),
            check(
                not_negative(a.mixup),
                "augmentation.mixup",
                AT_LEAST_0,
                a.mixup,
            ),
            check(
                e.is_none_or(|e| e.group > 1 && t.batch_size.is_multiple_of(e.group)),
                "enrolment.group",
                "at least 2, and a divisor of training.batch_size",
                e.map_or(0, |e| e.group),
            ),
            check(
                e.is_none_or(|e| not_negative(e.shrinkage)),
                "enrolment.shrinkage",
                AT_LEAST_0,
                e.map_or(0.0, |e| e.shrinkage),
            ),
            check(t.epochs > 0, "training.epochs", "at least 1", t.epochs),
            // Batch norm cannot compute a variance over a single clip.
            check(
                t.batch_size > 1,
                "training.batch_size",
                "at least 2",
                t.batch_size,
            ),
            check(
                positive(t.learning_rate),
                "training.learning_rate",
                ABOVE_0,
                t.learning_rate,
            ),
            check(
                not_negative(t.weight_decay),
                "training.weight_decay",
                AT_LEAST_0,
                t.weight_decay,
            ),
            check(
                t.gradient_clip.is_none_or(positive),
                "training.gradient_clip",
                ABOVE_0,
                t.gradient_clip.unwrap_or_default(),
            ),
            check(
                (0.0..1.0).contains(&t.label_smoothing),
                "training.label_smoothing",
                "at least 0 and below 1",
                t.label_smoothing,
            ),
            check(
                (1..t.balance.len()).all(|i| !t.balance[..i].contains(&t.balance[i])),
                "training.balance",
                "each of corpus, class and speaker at most once",
                as_toml(&t.balance),
            ),
            // Both together would correct for the numbers of clips twice.
            check(
                t.class_weights == ClassWeights::None || !t.balance.contains(&Balance::Class),
                "training.class_weights",
                "none if training.balance draws the classes equally often",
                "balanced",
            ),
            check(t.patience != Some(0), "training.patience", "at least 1", 0),
            check(
                t.patience.is_none() || t.monitor != Monitor::LastEpoch,
                "training.patience",
                "none with training.monitor = \"last-epoch\", which never stops early",
                t.patience.unwrap_or_default(),
            ),
            check(
                self.task.inner == 0 || t.monitor == Monitor::LastEpoch,
                "task.inner",
                "0 unless training.monitor is last-epoch: the validation part chooses the epoch, and the temperature is fitted to it",
                self.task.inner,
            ),
            check(
                (1..=MOST_NETWORKS).contains(&t.networks),
                "training.networks",
                up_to(MOST_NETWORKS),
                t.networks,
            ),
            check(
                (1..=MOST_THREADS).contains(&t.threads),
                "training.threads",
                format!("from 1 to {MOST_THREADS}"),
                t.threads,
            ),
        ]
    }
}

/// Checks the values in the file of an ensemble.
pub(crate) fn ensemble(name: &str, weights: &[f64], origin: &str) -> Result<()> {
    if !is_name(name) {
        return Err(wrong(origin, "name", NAME, name.to_owned()));
    }
    let count = (1..=MOST_NETWORKS).contains(&weights.len());
    if count && weights.iter().all(|&w| is_weight(w)) {
        return Ok(());
    }
    let expected =
        format!("1 to {MOST_NETWORKS} recipes, with weights above 0 and at most 1000000");
    let actual = format!("weights {}", as_toml(&weights));
    Err(wrong(origin, "members", &expected, actual))
}

impl Experiment {
    /// Checks the values that are known only after the members' recipes are read.
    pub(crate) fn check_members(&self, origin: &str) -> Result<()> {
        if let Some((_, key, expected, actual)) =
            task(&self.task).into_iter().find(|(valid, ..)| !valid)
        {
            return Err(wrong(origin, key, &expected, actual));
        }
        let recipes = || self.members.iter().map(|member| &member.recipe);
        let names = || recipes().map(|recipe| recipe.name.as_str());
        let last = |recipe: &&Recipe| recipe.training.monitor == Monitor::LastEpoch;
        let keep_last = recipes().filter(last).count();
        let networks: usize = recipes().map(|recipe| recipe.training.networks).sum();
        if networks > MOST_NETWORKS {
            let expected = format!("recipes with at most {MOST_NETWORKS} networks in all");
            return Err(wrong(origin, "members", &expected, networks.to_string()));
        }
        let expected = if names().collect::<BTreeSet<_>>().len() < self.members.len() {
            "recipes with different names"
        } else if self.task.inner > 0 && keep_last != 0 && keep_last != self.members.len() {
            "recipes with training.monitor = \"last-epoch\" in all or in none of them, since task.inner is above 0"
        } else {
            return Ok(());
        };
        let actual = names().collect::<Vec<_>>().join(", ");
        Err(wrong(origin, "members", expected, actual))
    }
}
