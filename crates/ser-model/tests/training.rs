//! What training promises.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use common::{CNN, LSTM, recipe, task};
use ser_features::Features;
use ser_model::{Error, Recipe, argmax, train};

fn test_accuracy(recipe: &Recipe) -> f64 {
    let (seen, unseen) = (task(160, 1), task(90, 2));
    let trained = train(recipe, seen.data(130), 0, &mut |_| {}).unwrap();
    let clips: Vec<&Features> = unseen.clips.iter().collect();
    let answers = trained.model.predict(&clips).unwrap();
    let right = answers
        .iter()
        .zip(&unseen.targets)
        .filter(|(p, t)| argmax(p) == **t)
        .count();
    right as f64 / clips.len() as f64
}

#[test]
fn the_cnn_learns_a_task() {
    let accuracy = test_accuracy(&recipe(CNN, "schedule = \"one-cycle\""));
    assert!(accuracy > 0.8, "{accuracy}");
}

#[test]
fn the_lstm_learns_a_task() {
    let accuracy = test_accuracy(&recipe(LSTM, "optimizer = \"adam\"\ngradient_clip = 1.0"));
    assert!(accuracy > 0.8, "{accuracy}");
}

/// Trains on the task with wrong targets; the control of the two tests above.
#[test]
fn nothing_is_learned_from_shuffled_targets() {
    let (mut seen, unseen) = (task(160, 1), task(90, 2));
    let shift: Vec<usize> = (0..160).map(|i| (i / 3 + i / 7) % 3).collect();
    seen.targets = shift;
    let trained = train(&recipe(CNN, ""), seen.data(130), 0, &mut |_| {}).unwrap();
    let clips: Vec<&Features> = unseen.clips.iter().collect();
    let answers = trained.model.predict(&clips).unwrap();
    let right = answers
        .iter()
        .zip(&unseen.targets)
        .filter(|(p, t)| argmax(p) == **t)
        .count();
    assert!(right < 60, "{right} of 90 right where 30 are expected");
}

#[test]
fn the_same_seed_gives_the_same_bytes_also_side_by_side() {
    let recipe = recipe(CNN, "label_smoothing = 0.1\nclass_weights = \"balanced\"");
    let bytes = || {
        let seen = task(80, 1);
        let trained = train(&recipe, seen.data(64), 5, &mut |_| {}).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        trained.model.save(&path).unwrap();
        std::fs::read(path).unwrap()
    };
    let alone = bytes();
    let (a, b) = std::thread::scope(|s| {
        let (a, b) = (s.spawn(bytes), s.spawn(bytes));
        (a.join().unwrap(), b.join().unwrap())
    });
    assert!(alone == a && alone == b);
}

#[test]
fn another_seed_gives_other_weights() {
    let recipe = recipe(LSTM, "");
    let seen = task(80, 1);
    let answer = |seed| {
        let trained = train(&recipe, seen.data(64), seed, &mut |_| {}).unwrap();
        trained.model.predict(&[&seen.clips[0]]).unwrap()
    };
    assert_ne!(answer(1), answer(2));
}

#[test]
fn the_best_epoch_is_kept_and_patience_ends_training() {
    // A rate this high makes later epochs worse.
    let recipe = recipe(
        LSTM,
        "patience = 2\nmonitor = \"validation-loss\"\nlabel_smoothing = 0.2",
    );
    let seen = task(80, 1);
    let mut calls = 0;
    let trained = train(&recipe, seen.data(50), 1, &mut |_| calls += 1).unwrap();
    let history = trained.history;
    assert_eq!(calls, history.epochs.len());
    let lowest = history
        .epochs
        .iter()
        .map(|e| e.validation_loss)
        .fold(f64::INFINITY, f64::min);
    let best = history.best.unwrap();
    assert_eq!(history.epochs[best as usize - 1].validation_loss, lowest);
    assert!(history.epochs.len() == 12 || history.epochs.len() == best as usize + 2);
    // The kept weights give the best epoch's loss again, not the last one's.
    let validation: Vec<&Features> = seen.clips[50..].iter().collect();
    let answers = trained.model.predict(&validation).unwrap();
    let loss: f64 = answers
        .iter()
        .zip(&seen.targets[50..])
        .map(|(p, &t)| -f64::from(p[t]).ln() / validation.len() as f64)
        .sum();
    assert!((loss - lowest).abs() < 1e-4, "{loss} {lowest}");
    assert_eq!(trained.model.provenance.best_epoch, best);
}

#[test]
fn the_history_is_the_same_at_every_run_but_for_the_time() {
    let recipe = recipe(CNN, "monitor = \"validation-uar\"");
    let seen = task(80, 1);
    let run = || {
        let mut history = train(&recipe, seen.data(64), 3, &mut |_| {})
            .unwrap()
            .history;
        history.epochs.iter_mut().for_each(|e| e.seconds = 0.0);
        history
    };
    assert_eq!(run(), run());
}

#[test]
fn statistics_come_from_the_training_part_alone() {
    let recipe = recipe(CNN, "");
    let seen = task(80, 1);
    let mut other = task(80, 1);
    for clip in &mut other.clips[64..] {
        clip.as_mut_slice().iter_mut().for_each(|x| *x = 100.0 - *x);
    }
    let statistics = |t: &common::Task| {
        train(&recipe, t.data(64), 0, &mut |_| {})
            .unwrap()
            .model
            .standardiser
    };
    assert_eq!(statistics(&seen), statistics(&other));
}

#[test]
fn an_answer_does_not_depend_on_its_neighbours_or_on_padding() {
    let seen = task(80, 1);
    for network in [CNN, LSTM] {
        let trained = train(&recipe(network, ""), seen.data(64), 0, &mut |_| {}).unwrap();
        let alone = trained.model.predict(&[&seen.clips[7]]).unwrap();
        let clips: Vec<&Features> = seen.clips.iter().collect();
        let together = trained.model.predict(&clips).unwrap();
        for (a, b) in alone[0].iter().zip(&together[7]) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        let sum: f32 = alone[0].iter().sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
}

#[test]
fn bad_data_are_refused_with_the_reason() {
    let recipe = recipe(CNN, "");
    let message = |change: &dyn Fn(&mut ser_model::TrainingData)| {
        let seen = task(80, 1);
        let mut data = seen.data(64);
        change(&mut data);
        match train(&recipe, data, 0, &mut |_| {}) {
            Err(Error::Data(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(message(&|d| d.validation.clear()).contains("validation"));
    assert!(message(&|d| d.train.truncate(3)).contains("batch of 16"));
    assert!(message(&|d| d.train[0].target = 3).contains("target 3 of 3"));
    assert!(message(&|d| d.labels.truncate(1)).contains("two classes"));

    let mut seen = task(80, 1);
    seen.clips[2].as_mut_slice()[5] = f32::NAN;
    let error = train(&recipe, seen.data(64), 0, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("not finite"), "{error}");
}
