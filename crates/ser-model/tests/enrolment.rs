//! Tests of enrolment, and of models with several networks.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use common::{CNN, COEFFICIENTS, MLP, SPEAKERS, Task, recipe, recipe_text, task};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ser_features::Features;
use ser_model::train;
use ser_predict::{Enrolment, Error, Model, argmax};
use ser_recipe::Recipe;

/// Adds an offset to every coefficient of every speaker, larger than the difference between the classes.
fn voiced(mut task: Task, seed: u64) -> Task {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let voices: Vec<[f32; COEFFICIENTS]> = (0..SPEAKERS)
        .map(|_| std::array::from_fn(|_| rng.random_range(-3.0..3.0)))
        .collect();
    for (i, clip) in task.clips.iter_mut().enumerate() {
        let voice = voices[i % SPEAKERS].iter().cycle();
        let values = clip.as_mut_slice().iter_mut().zip(voice);
        values.for_each(|(x, offset)| *x += offset);
    }
    task
}

fn with_enrolment(network: &str) -> Recipe {
    let table = "[enrolment]\ngroup = 8\nshrinkage = 1.0";
    let text = recipe_text(network, "schedule = \"one-cycle\"") + table;
    Recipe::parse(&text, "test").unwrap()
}

fn trained(recipe: &Recipe) -> Model {
    let seen = voiced(task(160, 1), 1);
    train(recipe, seen.data(144), 0, &mut |_| {}).unwrap().model
}

/// Returns the clips of one speaker, and their classes.
fn of_speaker(task: &Task, speaker: usize) -> (Vec<&[Features]>, Vec<usize>) {
    let own = |i: &usize| i % SPEAKERS == speaker;
    let clips = (0..task.clips.len()).filter(own);
    let views = task.views();
    clips.map(|i| (views[i], task.targets[i])).unzip()
}

/// Returns the accuracy on the other clips of each speaker when `enrolled` clips are enrolled.
fn accuracy(model: &Model, task: &Task, enrolled: usize) -> f64 {
    let (mut right, mut all) = (0, 0);
    for speaker in 0..SPEAKERS {
        let (clips, targets) = of_speaker(task, speaker);
        let known = model.enrol(&clips[..enrolled]).unwrap();
        let answers = model.predict_enrolled(&clips[30..], &known).unwrap();
        let hits = answers.iter().zip(&targets[30..]);
        right += hits.filter(|(p, t)| argmax(p) == **t).count();
        all += answers.len();
    }
    right as f64 / all as f64
}

#[test]
fn unlabelled_clips_of_an_unheard_speaker_help() {
    let unseen = voiced(task(240, 2), 2);
    for network in [CNN, MLP] {
        let model = trained(&with_enrolment(network));
        let (none, some) = (accuracy(&model, &unseen, 0), accuracy(&model, &unseen, 30));
        assert!(some > 0.75 && some > none + 0.1, "{network} {none} {some}");
    }
}

#[test]
fn without_clips_the_answers_are_the_plain_ones() {
    let unseen = voiced(task(20, 2), 2);
    for model in [trained(&with_enrolment(CNN)), trained(&recipe(CNN, ""))] {
        let nobody = model.enrol(&[]).unwrap();
        assert_eq!(
            model.predict(&unseen.views()).unwrap(),
            model.predict_enrolled(&unseen.views(), &nobody).unwrap()
        );
    }
}

#[test]
fn a_model_without_enrolment_answers_the_same_after_it() {
    let unseen = voiced(task(20, 2), 2);
    let model = trained(&recipe(CNN, ""));
    assert!(!model.enrols());
    let known = model.enrol(&unseen.views()).unwrap();
    assert_eq!(
        model.predict(&unseen.views()).unwrap(),
        model.predict_enrolled(&unseen.views(), &known).unwrap()
    );
}

#[test]
fn an_enrolment_survives_the_model_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = trained(&with_enrolment(MLP));
    model.save(&path).unwrap();
    let loaded = Model::load(&path).unwrap();
    let unseen = voiced(task(40, 2), 2);
    let answers = |model: &Model| {
        let known = model.enrol(&unseen.views()[..10]).unwrap();
        model.predict_enrolled(&unseen.views(), &known).unwrap()
    };
    assert_eq!(answers(&model), answers(&loaded));
}

#[test]
fn a_speaker_is_kept_in_a_file_for_the_model_that_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anna.json");
    let model = trained(&with_enrolment(MLP));
    let unseen = voiced(task(40, 2), 2);
    let speaker = model.enrol(&unseen.views()[..10]).unwrap();
    speaker.save(&model, &path).unwrap();
    let again = Enrolment::load(&model, &path).unwrap();
    assert_eq!(again.clips(), 10);
    assert_eq!(
        model.predict_enrolled(&unseen.views(), &speaker).unwrap(),
        model.predict_enrolled(&unseen.views(), &again).unwrap()
    );
    let other = trained(&with_enrolment(CNN));
    let error = Enrolment::load(&other, &path).unwrap_err().to_string();
    assert!(error.contains("enrol again"), "{error}");
    let text = std::fs::read_to_string(&path).unwrap();
    for broken in [
        "{",
        &text[..text.len() / 2],
        &text.replace("\"format\":1", "\"format\":9"),
    ] {
        std::fs::write(&path, broken).unwrap();
        Enrolment::load(&model, &path).unwrap_err();
    }
}

#[test]
fn an_ensemble_averages_by_weight_and_lets_each_network_answer_where_it_can() {
    let unseen = voiced(task(40, 2), 2);
    let views = unseen.views();
    let (alone, other) = (recipe(CNN, ""), recipe(MLP, "networks = 2"));
    let enrolling = with_enrolment(MLP);
    let plain = [&alone, &other, &enrolling].map(|r| trained(r).predict(&views).unwrap());
    let known = |model: &Model| {
        let speaker = model.enrol(&views[..10]).unwrap();
        model.predict_enrolled(&views, &speaker).unwrap()
    };
    let enrolled = known(&trained(&enrolling));
    let members = vec![
        (trained(&alone), 1.0),
        (trained(&other), 2.0),
        (trained(&enrolling), 1.0),
    ];
    let all = Model::ensemble("all", String::new(), members).unwrap();
    assert_eq!((all.name.as_str(), all.networks.len()), ("all", 4));
    for (i, answer) in all.predict(&views).unwrap().iter().enumerate() {
        for (k, p) in answer.iter().enumerate() {
            let mean = (plain[0][i][k] + 2.0 * plain[1][i][k] + plain[2][i][k]) / 4.0;
            assert!((p - mean).abs() < 1e-5, "{p} {mean}");
        }
    }
    for (answer, alone) in known(&all).iter().zip(&enrolled) {
        for (p, q) in answer.iter().zip(alone) {
            assert!((p - q).abs() < 1e-5, "{p} {q}");
        }
    }
}

#[test]
fn members_from_different_splits_are_refused() {
    let (a, mut b) = (trained(&recipe(CNN, "")), trained(&recipe(MLP, "")));
    b.provenance.split = "fold-2".to_owned();
    let error = Model::ensemble("both", String::new(), vec![(a, 1.0), (b, 1.0)]).unwrap_err();
    assert!(error.to_string().contains("fold-2"), "{error}");
    assert!(matches!(
        Model::ensemble("none", String::new(), Vec::new()),
        Err(Error::Ensemble(_))
    ));
}

#[test]
fn the_enrolment_of_another_model_and_missing_views_are_refused() {
    let (one, three) = (recipe(MLP, ""), recipe(MLP, "networks = 3"));
    let (one, three) = (trained(&one), trained(&three));
    let unseen = task(8, 2);
    let known = three.enrol(&unseen.views()).unwrap();
    let refused = |error: Error| assert!(matches!(error, Error::Shape { .. }), "{error}");
    refused(one.predict_enrolled(&unseen.views(), &known).unwrap_err());
    refused(one.predict(&[&unseen.clips[..2]]).unwrap_err());
    refused(one.predict(&[&[]]).unwrap_err());
}

#[test]
fn a_batch_must_hold_whole_groups() {
    let table = "[enrolment]\ngroup = 7\nshrinkage = 1.0";
    let error = Recipe::parse(&(recipe_text(CNN, "") + table), "test").unwrap_err();
    assert!(error.to_string().contains("enrolment.group"), "{error}");
}

#[test]
fn speakers_with_too_few_clips_for_a_group_are_learned_too() {
    let seen = task(64, 1);
    let answers = |targets: usize| {
        let mut data = seen.data(60);
        // Each speaker has seven clips, the last one four, and a group needs eight.
        for (i, example) in data.train.iter_mut().enumerate() {
            example.speaker = i / 7;
        }
        for example in &mut data.train[56..] {
            example.target = (example.target + targets) % 3;
        }
        let trained = train(&with_enrolment(CNN), data, 0, &mut |_| {}).unwrap();
        trained.model.predict(&seen.views()).unwrap()
    };
    assert_eq!(answers(0), answers(0));
    assert_ne!(answers(0), answers(1));
}

/// Test-time augmentation: the same weights answer for each copy.
#[test]
fn an_answer_on_several_copies_is_the_mean_of_those_on_each() {
    let one = with_enrolment(CNN);
    let mut several = one.clone();
    several.augmentation.semitones = vec![-2.0, -1.0, 1.0];
    several.augmentation.test_semitones = vec![-1.0, 1.0];
    let (one, several) = (trained(&one), trained(&several));
    let semitones = several.views().into_iter().map(|view| view.semitones);
    assert_eq!(semitones.collect::<Vec<_>>(), [0.0, -1.0, 1.0]);

    let copies = [2, 3, 4].map(|seed| voiced(task(20, seed), 2));
    let clips: Vec<Vec<Features>> = (0..20)
        .map(|i| copies.iter().map(|copy| copy.clips[i].clone()).collect())
        .collect();
    let clips: Vec<&[Features]> = clips.iter().map(Vec::as_slice).collect();
    let known = several.enrol(&clips[..8]).unwrap();
    let knows = |copy: &Task| one.enrol(&copy.views()[..8]).unwrap();
    let answers = |copy: &Task| one.predict(&copy.views()).unwrap();
    let enrolled = |copy: &Task| one.predict_enrolled(&copy.views(), &knows(copy)).unwrap();
    for (found, on_each) in [
        (
            several.predict(&clips).unwrap(),
            copies.each_ref().map(answers),
        ),
        (
            several.predict_enrolled(&clips, &known).unwrap(),
            copies.each_ref().map(enrolled),
        ),
    ] {
        for (i, p) in found.iter().enumerate() {
            for (label, p) in p.iter().enumerate() {
                let mean = on_each.iter().map(|p| p[i][label]).sum::<f32>() / 3.0;
                assert!((p - mean).abs() < 1e-6, "{p} is not {mean}");
            }
        }
    }
}
