//! The ranges of a recipe's values.

use super::{Ensemble, Recipe};
use crate::error::{Error, Result};

/// A value may come from a stranger's file; more of anything than this is a mistake or an attack.
const MOST_COPIES: usize = 64;
const MOST_NETWORKS: usize = 64;
const MOST_FRAMES: usize = 1 << 16;

/// Whether it holds, the key, what it must be, what it is.
type Check = (bool, &'static str, &'static str, String);

impl Recipe {
    pub(crate) fn check(&self, origin: &str) -> Result<()> {
        let wrong = |key: String, expected: String, actual: String| Error::RecipeValue {
            origin: origin.to_owned(),
            line: None,
            key,
            expected,
            actual,
        };
        self.features.validate().map_err(|error| match error {
            ser_features::Error::Config {
                key,
                expected,
                actual,
            } => wrong(format!("features.{key}"), expected, actual),
            error => error.into(),
        })?;
        let failed = self.checks().into_iter().find(|(holds, ..)| !holds);
        let failed = failed.map(|(_, key, expected, actual)| (key, expected, actual));
        match failed.or_else(|| self.network.invalid()) {
            None => Ok(()),
            Some((key, expected, actual)) => {
                Err(wrong(key.to_owned(), expected.to_owned(), actual))
            }
        }
    }

    fn checks(&self) -> Vec<Check> {
        let (t, input, a) = (&self.training, &self.input, &self.augmentation);
        let e = self.enrolment.as_ref();
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        vec![
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
                a.conditions.len() <= MOST_COPIES,
                "augmentation.conditions",
                "at most 64",
                a.conditions.len().to_string(),
            ),
            (
                (0.0..=1.0).contains(&a.stretch),
                "augmentation.stretch",
                "from 0 to 1",
                a.stretch.to_string(),
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
                t.threads > 0,
                "training.threads",
                "at least 1",
                t.threads.to_string(),
            ),
        ]
    }
}

impl Ensemble {
    pub(crate) fn check(&self, origin: &str) -> Result<()> {
        let weights: Vec<f64> = self.members.iter().map(|m| m.weight).collect();
        if !weights.is_empty() && weights.iter().all(|w| w.is_finite() && *w > 0.0) {
            return Ok(());
        }
        Err(Error::RecipeValue {
            origin: origin.to_owned(),
            line: None,
            key: "members".to_owned(),
            expected: "at least one recipe, with weights above 0".to_owned(),
            actual: format!("weights {weights:?}"),
        })
    }
}
