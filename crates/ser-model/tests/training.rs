//! Tests of what the documentation of training promises.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use common::{CNN, COEFFICIENTS, LSTM, MLP, Task, recipe, task};
use ser_features::Features;
use ser_model::{Error, train};
use ser_predict::{Model, argmax};
use ser_recipe::Recipe;

/// Returns the number of clips that a model classifies correctly.
fn right(model: &Model, task: &Task) -> usize {
    let answers = model.predict(&task.views()).unwrap();
    answers
        .iter()
        .zip(&task.targets)
        .filter(|(p, t)| argmax(p) == **t)
        .count()
}

fn test_accuracy(recipe: &Recipe) -> f64 {
    let (seen, unseen) = (task(160, 1), task(90, 2));
    let trained = train(recipe, seen.data(130), 0, &mut |_| {}).unwrap();
    right(&trained.model, &unseen) as f64 / unseen.targets.len() as f64
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

/// Returns the mean cross-entropy of a model's predictions for the clips from index `first` on.
fn loss(model: &Model, task: &Task, first: usize) -> f64 {
    let answers = model.predict(&task.views()[first..]).unwrap();
    let answers = answers.iter().zip(&task.targets[first..]);
    let losses: Vec<f64> = answers
        .map(|(p, &target)| -f64::from(p[target]).ln())
        .collect();
    losses.iter().sum::<f64>() / losses.len() as f64
}

#[test]
fn the_mlp_learns_a_task() {
    let accuracy = test_accuracy(&recipe(MLP, "schedule = \"one-cycle\""));
    assert!(accuracy > 0.8, "{accuracy}");
}

#[test]
fn the_lstm_learns_a_task_behind_convolutions() {
    let network = LSTM.to_owned() + "blocks = [{ channels = 4, kernel = 3, pool = [2, 1] }]";
    let accuracy = test_accuracy(&recipe(&network, "optimizer = \"adam\""));
    assert!(accuracy > 0.8, "{accuracy}");
}

/// Trains on the task with wrong targets, as the control of the tests above.
#[test]
fn nothing_is_learned_from_shuffled_targets() {
    let (mut seen, unseen) = (task(160, 1), task(90, 2));
    let shift: Vec<usize> = (0..160).map(|i| (i / 3 + i / 7) % 3).collect();
    seen.targets = shift;
    let trained = train(&recipe(CNN, ""), seen.data(130), 0, &mut |_| {}).unwrap();
    let right = right(&trained.model, &unseen);
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

/// Without a weight of zero, smoothed labels would give the class a third of 0.3 on every clip.
#[test]
fn a_class_without_clips_is_not_learned_from_smoothed_labels() {
    let recipe = recipe(MLP, "label_smoothing = 0.3\nclass_weights = \"balanced\"");
    let mut seen = task(80, 1);
    for target in &mut seen.targets {
        *target %= 2;
    }
    let trained = train(&recipe, seen.data(64), 0, &mut |_| {}).unwrap();
    let answers = trained.model.predict(&seen.views()).unwrap();
    let mean = answers.iter().map(|p| p[2]).sum::<f32>() / answers.len() as f32;
    assert!(mean < 0.05, "{mean}");
}

#[test]
fn another_seed_gives_other_weights() {
    let recipe = recipe(LSTM, "");
    let seen = task(80, 1);
    let answer = |seed| {
        let trained = train(&recipe, seen.data(64), seed, &mut |_| {}).unwrap();
        trained.model.predict(&seen.views()[..1]).unwrap()
    };
    assert_ne!(answer(1), answer(2));
}

#[test]
fn the_best_epoch_is_kept_and_patience_ends_training() {
    // At such a high learning rate, later epochs are worse.
    let text = common::recipe_text(
        LSTM,
        "patience = 2\nmonitor = \"validation-loss\"\nlabel_smoothing = 0.2",
    );
    let text = text.replace("learning_rate = 0.01", "learning_rate = 0.3");
    let recipe = Recipe::parse(&text, "test").unwrap();
    assert_eq!(
        (recipe.training.learning_rate, recipe.training.epochs),
        (0.3, 12)
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
    assert_eq!(history.epochs.len(), best as usize + 2);
    assert!(history.epochs.len() < 12, "{}", history.epochs.len());
    // The kept weights give the loss of the best epoch, not of the last one.
    let again = loss(&trained.model, &seen, 50);
    assert!((again - lowest).abs() < 1e-4, "{again} {lowest}");
    assert_eq!(trained.model.networks[0].info.epoch, best);
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
            .networks
            .swap_remove(0)
            .info
            .standardiser
    };
    assert_eq!(statistics(&seen), statistics(&other));
}

#[test]
fn clips_unlike_those_of_training_stand_out() {
    let (seen, unseen) = (task(80, 1), task(40, 2));
    let changed = |change: fn(&mut Features)| {
        let mut clips = task(40, 2);
        clips.clips.iter_mut().for_each(change);
        clips
    };
    let louder = changed(|clip| {
        let values = clip.as_mut_slice().iter_mut();
        values.for_each(|x| *x = 3.0 * *x + 2.0);
    });
    let slower = changed(|clip| {
        let rows = clip.as_slice().chunks_exact(COEFFICIENTS);
        let values = rows.flat_map(|row| row.repeat(4)).collect();
        *clip = Features::from_parts(values, 4 * clip.frames(), COEFFICIENTS).unwrap();
    });
    for network in [CNN, MLP] {
        let recipe = recipe(network, "");
        let model = train(&recipe, seen.data(64), 0, &mut |_| {}).unwrap().model;
        let beyond = |clips: &Task| {
            let clips = clips.views().into_iter();
            let beyond = clips.filter(|clip| model.is_out_of_distribution(clip).unwrap());
            beyond.count()
        };
        assert!(beyond(&unseen) <= 4, "{network}: {}", beyond(&unseen));
        assert_eq!(beyond(&louder), 40, "{network}");
        // The density does not depend on the network, so one check of the tempo is enough.
        if network == CNN {
            assert_eq!(beyond(&slower), 40);
        }
    }
}

/// Different voices lie farther apart than different clips of one voice.
#[test]
fn the_limit_is_that_of_speakers_who_are_left_out() {
    let limit = |speaker: fn(usize) -> usize, corpus: fn(usize) -> usize| {
        let mut seen = task(80, 1);
        for (clip, i) in seen.clips.iter_mut().zip(0..) {
            let values = clip.as_mut_slice().iter_mut();
            values.for_each(|x| *x += (i % 4) as f32);
        }
        let mut data = seen.data(80);
        data.validation = data.train[60..].to_vec();
        for (example, i) in data.train.iter_mut().zip(0..) {
            (example.speaker, example.corpus) = (speaker(i), corpus(i));
        }
        let trained = train(&recipe(MLP, ""), data, 0, &mut |_| {}).unwrap();
        trained.model.density.unwrap().info.limit
    };
    let mixed = limit(|i| i / 20, |_| 0);
    let apart = limit(|i| i % 4, |_| 0);
    assert!(apart > 1.1 * mixed, "{apart} {mixed}");
    // With several corpora, each corpus is left out in turn, whoever speaks in it.
    assert!(limit(|i| i / 20, |i| i % 4) > 1.1 * mixed);
    assert!(limit(|_| 0, |_| 0) <= mixed);
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

#[test]
fn the_last_epoch_is_kept_without_a_look_at_validation_clips() {
    let recipe = recipe(CNN, "monitor = \"last-epoch\"");
    let seen = task(80, 1);
    let answers = |validation: bool| {
        let mut data = seen.data(64);
        if !validation {
            data.validation.clear();
        }
        let trained = train(&recipe, data, 0, &mut |_| {}).unwrap();
        assert_eq!(trained.history.best, Some(recipe.training.epochs));
        let watched = trained.history.epochs[0].validation_loss.is_finite();
        assert_eq!(watched, validation);
        trained.model.predict(&seen.views()).unwrap()
    };
    assert_eq!(answers(true), answers(false));
}

#[test]
fn networks_of_one_recipe_differ_and_are_averaged() {
    let seen = task(80, 1);
    let trained = |networks: usize| {
        let recipe = recipe(MLP, &format!("networks = {networks}"));
        train(&recipe, seen.data(64), 0, &mut |_| {}).unwrap().model
    };
    let (one, two) = (trained(1), trained(2));
    assert_eq!(two.networks.len(), 2);
    assert_eq!(two.parameters(), 2 * one.parameters());
    let both = two.predict(&seen.views()).unwrap();
    let alone = |network: usize| {
        let mut model = trained(2);
        model.networks = vec![model.networks.swap_remove(network)];
        model.predict(&seen.views()).unwrap()
    };
    let (first, second) = (alone(0), alone(1));
    assert_ne!(first, second);
    for ((a, b), mean) in first.iter().zip(&second).zip(&both) {
        for ((a, b), mean) in a.iter().zip(b).zip(mean) {
            assert!(((a + b) / 2.0 - mean).abs() < 1e-5, "{a} {b} {mean}");
        }
    }
}

/// A network that was trained with mirrored copies also recognises mirrored clips.
#[test]
fn copies_are_learned_from_and_mixup_leaves_the_task_learnable() {
    let (seen, unseen) = (task(160, 1), task(90, 2));
    let copies: Vec<Vec<ser_features::Features>> = seen
        .clips
        .iter()
        .map(|clip| {
            let mut copy = clip.clone();
            copy.as_mut_slice().iter_mut().for_each(|x| *x *= -1.0);
            vec![clip.clone(), copy]
        })
        .collect();
    let text = common::recipe_text(MLP, "schedule = \"one-cycle\"");
    let text = text.replace("masks = 1", "mixup = 0.4\nmasks = 1");
    let recipe = Recipe::parse(&text, "test").unwrap();
    let mut data = seen.data(130);
    for (example, copies) in data.train.iter_mut().zip(&copies) {
        example.copies = copies;
    }
    let model = train(&recipe, data, 0, &mut |_| {}).unwrap().model;
    let mut mirrored = task(90, 2);
    for clip in &mut mirrored.clips {
        clip.as_mut_slice().iter_mut().for_each(|x| *x *= -1.0);
    }
    for task in [&unseen, &mirrored] {
        let right = right(&model, task);
        assert!(right > 65, "{right} of 90");
    }
}
