//! The ranges of a recipe's values.

use std::collections::BTreeSet;

use ser_data::LabelMap;
use ser_features::Output;
use ser_predict::is_weight;

use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::recipe::{Monitor, Recipe, Task};

/// A value may come from a stranger's file; more of anything than this is a mistake or an attack.
const MOST_COPIES: usize = 64;
const MOST_NETWORKS: usize = 64;
const MOST_FRAMES: usize = 1 << 16;
const MOST_MASKS: usize = 64;
const MOST_THREADS: i32 = 1024;
/// 256 MiB of weights.
const MOST_PARAMETERS: u64 = 1 << 26;
/// 1 GiB in a batch and all that a network makes of it.
const MOST_ACTIVATIONS: u64 = 1 << 28;

/// A value out of range; the line is found by who has the text.
pub(crate) fn wrong(origin: &str, key: &str, expected: &str, actual: String) -> Error {
    Error::Value {
        origin: origin.to_owned(),
        line: None,
        key: key.to_owned(),
        expected: expected.to_owned(),
        actual,
    }
}

/// Whether it can be the name of a folder, and of no other one than is meant.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\'])
}

const NAME: &str = "a name for a folder: not empty, without slashes, not beginning with a dot";

const LABELS: &str = "task.labels";
const MAP: &str = "a list of labels for each new one, no label in two lists or itself a new one";

/// Whether no label is renamed in two ways, or one after the other.
fn is_map(labels: &LabelMap) -> bool {
    let mut seen = BTreeSet::new();
    let mut from = labels.values().flatten();
    from.all(|from| !labels.contains_key(from) && seen.insert(from))
}

const COUNTED_AS: &str = "task.counted_as";
const COUNTED: &str = "a label for another one, both of task.emotions where that is there, none of them on both sides";

/// Whether each label counts as one that stays what it is.
fn are_counted(task: &Task) -> bool {
    let known = |label: &String| task.emotions.is_empty() || task.emotions.contains(label);
    let mut pairs = task.counted_as.iter();
    pairs.all(|(from, to)| known(from) && known(to) && !task.counted_as.contains_key(to))
}

/// What is wrong with a task alone.
fn task(task: &Task) -> [Check; 2] {
    let (labels, counted_as) = (&task.labels, &task.counted_as);
    [
        (is_map(labels), LABELS, MAP, format!("{labels:?}")),
        (
            are_counted(task),
            COUNTED_AS,
            COUNTED,
            format!("{counted_as:?}"),
        ),
    ]
}

/// Whether it holds, the key, what it must be, what it is.
type Check = (bool, &'static str, &'static str, String);

impl Recipe {
    /// Whether every value is in its range, alone and together with the others; `origin` is named in errors.
    ///
    /// # Errors
    /// [`Error::Value`] for the first that is not, [`Error::Features`].
    pub fn check(&self, origin: &str) -> Result<()> {
        self.features.validate().map_err(|error| match error {
            ser_features::Error::Config {
                key,
                expected,
                actual,
            } => wrong(origin, &format!("features.{key}"), &expected, actual),
            error => error.into(),
        })?;
        let checks = task(&self.task).into_iter().chain(self.checks());
        let failed = checks.into_iter().find(|(holds, ..)| !holds);
        let failed = failed.map(|(_, key, expected, actual)| (key, expected, actual));
        let failed = failed.or_else(|| self.network.invalid());
        match failed.or_else(|| self.too_large()) {
            None => Ok(()),
            Some((key, expected, actual)) => Err(wrong(origin, key, expected, actual)),
        }
    }

    /// The size that is in its range, as all are, but not together with the others.
    fn too_large(&self) -> Option<(&'static str, &'static str, String)> {
        let coefficients = self.features.coefficients();
        let network = self.network.architecture();
        let parameters = network.parameters(coefficients, self.task.emotions.len());
        if parameters > MOST_PARAMETERS {
            let expected = "of at most 67108864 trained values";
            return Some(("network", expected, format!("of {parameters}")));
        }
        let clip = network.activations(self.input.frames, coefficients);
        let clips = self.training.batch_size as u64;
        let batch = clip.saturating_mul(clips);
        (batch > MOST_ACTIVATIONS).then(|| {
            let expected = "so small that a batch has at most 268435456 values in all layers";
            ("input.frames", expected, format!("{batch} values"))
        })
    }

    fn checks(&self) -> Vec<Check> {
        let (t, input, a) = (&self.training, &self.input, &self.augmentation);
        let e = self.enrolment.as_ref();
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        vec![
            (is_name(&self.name), "name", NAME, self.name.clone()),
            (
                (1..=MOST_FRAMES).contains(&input.frames),
                "input.frames",
                "from 1 to 65536",
                input.frames.to_string(),
            ),
            (
                (1..=MOST_FRAMES).contains(&input.average),
                "input.average",
                "from 1 to 65536",
                input.average.to_string(),
            ),
            (
                a.semitones.len() <= MOST_COPIES && a.semitones.iter().all(|s| s.abs() <= 12.0),
                "augmentation.semitones",
                "at most 64 numbers from -12 to 12",
                format!("{:?}", a.semitones),
            ),
            (
                a.test_semitones.iter().all(|s| a.semitones.contains(s)),
                "augmentation.test_semitones",
                "some of augmentation.semitones",
                format!("{:?}", a.test_semitones),
            ),
            (
                a.conditions.len() <= MOST_COPIES,
                "augmentation.conditions",
                "at most 64",
                a.conditions.len().to_string(),
            ),
            (
                a.distortion == 0.0
                    || (0.0..=1.0).contains(&a.distortion)
                        && self.features.output == Output::LogMel,
                "augmentation.distortion",
                "from 0 to 1, and 0 unless features.output is log_mel",
                a.distortion.to_string(),
            ),
            (
                (0.0..=1.0).contains(&a.stretch),
                "augmentation.stretch",
                "from 0 to 1",
                a.stretch.to_string(),
            ),
            (
                a.masks <= MOST_MASKS,
                "augmentation.masks",
                "at most 64",
                a.masks.to_string(),
            ),
            (
                a.time_mask <= input.frames,
                "augmentation.time_mask",
                "at most input.frames",
                a.time_mask.to_string(),
            ),
            (
                a.coefficient_mask <= self.features.coefficients(),
                "augmentation.coefficient_mask",
                "at most the coefficients of a frame",
                a.coefficient_mask.to_string(),
            ),
            (
                not_negative(a.mixup),
                "augmentation.mixup",
                "at least 0",
                a.mixup.to_string(),
            ),
            (
                e.is_none_or(|e| e.group > 1 && t.batch_size.is_multiple_of(e.group)),
                "enrolment.group",
                "at least 2, and a divisor of training.batch_size",
                e.map_or(0, |e| e.group).to_string(),
            ),
            (
                e.is_none_or(|e| not_negative(e.shrinkage)),
                "enrolment.shrinkage",
                "at least 0",
                e.map_or(0.0, |e| e.shrinkage).to_string(),
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
                not_negative(t.weight_decay),
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
                (1..t.balance.len()).all(|i| !t.balance[..i].contains(&t.balance[i])),
                "training.balance",
                "each of corpus, class and speaker at most once",
                format!("{:?}", t.balance),
            ),
            (
                t.patience != Some(0),
                "training.patience",
                "at least 1",
                "0".to_owned(),
            ),
            (
                (1..=MOST_NETWORKS).contains(&t.networks),
                "training.networks",
                "from 1 to 64",
                t.networks.to_string(),
            ),
            (
                (1..=MOST_THREADS).contains(&t.threads),
                "training.threads",
                "from 1 to 1024",
                t.threads.to_string(),
            ),
        ]
    }
}

/// What an ensemble's own file shows.
pub(crate) fn ensemble(name: &str, weights: &[f64], origin: &str) -> Result<()> {
    if !is_name(name) {
        return Err(wrong(origin, "name", NAME, name.to_owned()));
    }
    let count = (1..=MOST_NETWORKS).contains(&weights.len());
    if count && weights.iter().all(|&w| is_weight(w)) {
        return Ok(());
    }
    let expected = "1 to 64 recipes, with weights above 0 and at most 1000000";
    let actual = format!("weights {weights:?}");
    Err(wrong(origin, "members", expected, actual))
}

impl Experiment {
    /// What only the members' own recipes show.
    pub(crate) fn check_members(&self, origin: &str) -> Result<()> {
        if let Some((_, key, expected, actual)) =
            task(&self.task).into_iter().find(|(holds, ..)| !holds)
        {
            return Err(wrong(origin, key, expected, actual));
        }
        let recipes = || self.members.iter().map(|member| &member.recipe);
        let names = || recipes().map(|recipe| recipe.name.as_str());
        let last = |recipe: &&Recipe| recipe.training.monitor == Monitor::LastEpoch;
        let tried = recipes().filter(last).count();
        let expected = if names().collect::<BTreeSet<_>>().len() < self.members.len() {
            "recipes of different names"
        } else if self.task.inner > 0 && tried != 0 && tried != self.members.len() {
            "training.monitor = \"last-epoch\" in all or in none, as task.inner is above 0"
        } else {
            return Ok(());
        };
        let actual = names().collect::<Vec<_>>().join(", ");
        Err(wrong(origin, "members", expected, actual))
    }
}
