//! Small predictions for the tests.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

use ser_eval::{Prediction, Predictions};

pub fn labels(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Returns a prediction with only the required fields.
pub fn row(clip: &str, speaker: &str, truth: usize, probabilities: &[f32]) -> Prediction {
    Prediction {
        clip: clip.to_owned(),
        speaker: speaker.to_owned(),
        truth,
        probabilities: probabilities.to_vec(),
        split: "test".to_owned(),
        gender: None,
        intensity: None,
        statement: None,
        attributes: Default::default(),
    }
}

/// Returns all of the probability on one class.
pub fn certain(classes: usize, class: usize) -> Vec<f32> {
    (0..classes)
        .map(|index| if index == class { 1.0 } else { 0.0 })
        .collect()
}

/// Returns predictions of two classes from `(speaker, truth, predicted)` per clip.
pub fn two_classes(clips: &[(&str, usize, usize)]) -> Predictions {
    let row = |(index, &(speaker, truth, predicted)): (usize, &(&str, usize, usize))| {
        row(
            &format!("{index}.wav"),
            speaker,
            truth,
            &certain(2, predicted),
        )
    };
    let rows = clips.iter().enumerate().map(row).collect();
    Predictions::new(labels(&["calm", "angry"]), rows).unwrap()
}
