//! Tests of data without information and of trainings that diverge: the result is an error or a finite model.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{CNN, LSTM, MLP, Task, recipe, task};
use ser_features::Features;
use ser_model::{Error, Trained, train};
use ser_predict::Model;
use ser_recipe::Recipe;

/// Returns clips in which every value is the same.
fn constant(value: f32) -> Task {
    let mut task = task(80, 1);
    for clip in &mut task.clips {
        clip.as_mut_slice().fill(value);
    }
    task
}

fn assert_answers(model: &Model, clips: &Task) {
    for probabilities in model.predict(&clips.views()).unwrap() {
        let sum: f32 = probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-4, "{probabilities:?}");
    }
}

#[test]
fn constant_features_give_a_finite_model() {
    for network in [CNN, LSTM, MLP] {
        for value in [0.0, -80.0, 1e30] {
            let clips = constant(value);
            let trained = train(&recipe(network, ""), clips.data(64), 0, &mut |_| {}).unwrap();
            assert_eq!(trained.diverged, None);
            assert_answers(&trained.model, &clips);
            // It also answers for clips unlike those of training.
            assert_answers(&trained.model, &task(20, 2));
        }
    }
}

#[test]
fn one_class_in_training_is_what_every_clip_is_taken_for() {
    let mut clips = task(80, 1);
    clips.targets.fill(2);
    let Trained { model, history, .. } =
        train(&recipe(CNN, ""), clips.data(64), 0, &mut |_| {}).unwrap();
    assert!(history.epochs.iter().all(|e| e.validation_loss.is_finite()));
    let answers = model.predict(&task(20, 2).views()).unwrap();
    assert!(answers.iter().all(|p| ser_predict::argmax(p) == 2));
}

#[test]
fn a_class_that_validation_lacks_and_one_that_training_lacks_are_no_obstacle() {
    for weights in ["", "class_weights = \"balanced\""] {
        let mut clips = task(80, 1);
        for (target, number) in clips.targets.iter_mut().zip(0..) {
            *target = if number < 64 { *target % 2 } else { 2 };
        }
        let trained = train(&recipe(MLP, weights), clips.data(64), 0, &mut |_| {}).unwrap();
        assert!(
            trained
                .history
                .epochs
                .iter()
                .all(|e| e.validation_uar.is_finite() && e.validation_loss.is_finite())
        );
        assert_answers(&trained.model, &clips);
    }
}

#[test]
fn two_clips_are_too_few_for_a_batch_and_enough_for_one_of_two() {
    let clips = task(4, 1);
    let error = train(&recipe(CNN, ""), clips.data(2), 0, &mut |_| {}).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("2 training clips do not fill a batch of 16"),
        "{error}"
    );
    let text = common::recipe_text(CNN, "").replace("batch_size = 16", "batch_size = 2");
    let small = Recipe::parse(&text, "test").unwrap();
    let trained = train(&small, clips.data(2), 0, &mut |_| {}).unwrap();
    assert_answers(&trained.model, &clips);
}

#[test]
fn clips_of_one_frame_are_learned_from() {
    let mut clips = task(80, 1);
    for clip in &mut clips.clips {
        *clip = Features::from_parts(clip.row(0).to_vec(), 1, common::COEFFICIENTS).unwrap();
    }
    for network in [CNN, LSTM, MLP] {
        let trained = train(&recipe(network, ""), clips.data(64), 0, &mut |_| {}).unwrap();
        assert_answers(&trained.model, &clips);
    }
}

/// Each step multiplies the weights by 1 − learning rate · weight decay = −9, so they overflow after some epochs.
#[test]
fn a_training_that_gets_lost_keeps_an_epoch_that_ended_well() {
    let clips = task(80, 1);
    for monitor in ["", "monitor = \"last-epoch\""] {
        let text = common::recipe_text(MLP, &format!("weight_decay = 5.0\n{monitor}"));
        let text = text.replace("learning_rate = 0.01", "learning_rate = 2.0");
        let recipe = Recipe::parse(&text, "test").unwrap();
        let trained = train(&recipe, clips.data(64), 0, &mut |_| {}).unwrap();
        let (lost, kept) = (trained.diverged.unwrap(), trained.history.best.unwrap());
        assert!(0 < kept && kept < lost && lost < recipe.training.epochs);
        assert_eq!(trained.history.epochs.len() as u32, lost - 1);
        assert!(
            trained
                .history
                .epochs
                .iter()
                .all(|e| e.train_loss.is_finite())
        );
        assert_answers(&trained.model, &clips);
    }
}

#[test]
fn a_training_that_is_lost_at_once_is_an_error_with_the_way_out() {
    let text = common::recipe_text(MLP, "weight_decay = 1e6");
    let text = text.replace("learning_rate = 0.01", "learning_rate = 1e6");
    let recipe = Recipe::parse(&text, "test").unwrap();
    let clips = task(80, 1);
    let error = train(&recipe, clips.data(64), 0, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Diverged), "{error}");
    assert!(
        error.to_string().contains("training.learning_rate"),
        "{error}"
    );
}
