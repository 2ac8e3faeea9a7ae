//! A task that can be learned in a second: three classes of bumps in time × coefficient.
#![allow(dead_code, clippy::unwrap_used)] // every test file uses its own part

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ser_features::Features;
use ser_model::{Example, TrainingData};
use ser_predict::Provenance;

#[path = "../../../ser-recipe/tests/common/mod.rs"]
mod recipes;

pub use recipes::*;

/// Number of speakers: clip `i` is of speaker `i % SPEAKERS`.
pub const SPEAKERS: usize = 4;

pub struct Task {
    pub clips: Vec<Features>,
    pub targets: Vec<usize>,
}

/// Makes clips of 20 to 40 frames of noise, with a bump in the coefficients of their class.
pub fn task(clips: usize, seed: u64) -> Task {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let targets: Vec<usize> = (0..clips).map(|i| i % 3).collect();
    let clips = targets
        .iter()
        .map(|target| {
            let frames = rng.random_range(20..=40);
            let data = (0..frames * COEFFICIENTS)
                .map(|i| {
                    let bump = if i % COEFFICIENTS / 4 == *target {
                        1.5
                    } else {
                        0.0
                    };
                    bump + rng.random_range(-2.0..2.0_f32)
                })
                .collect();
            Features::from_parts(data, frames, COEFFICIENTS).unwrap()
        })
        .collect();
    Task { clips, targets }
}

impl Task {
    /// Returns the clips in the form that a model with one view takes.
    pub fn views(&self) -> Vec<&[Features]> {
        self.clips.iter().map(std::slice::from_ref).collect()
    }

    pub fn data(&self, train: usize) -> TrainingData<'_> {
        let examples = self.clips.iter().zip(&self.targets);
        let examples: Vec<Example> = examples
            .zip(0..)
            .map(|((features, &target), i)| Example {
                copies: std::slice::from_ref(features),
                target,
                corpus: 0,
                speaker: i % SPEAKERS,
            })
            .collect();
        TrainingData {
            labels: ["low", "middle", "high"].map(String::from).to_vec(),
            train: examples[..train].to_vec(),
            validation: examples[train..].to_vec(),
            provenance: Provenance {
                split: "fold-1".into(),
                corpus: "checksum".into(),
                synthetic: true,
                speaker_disjoint: true,
                speakers: vec!["01".into()],
                content: vec!["abc".into()],
                validated_on: None,
            },
        }
    }
}
