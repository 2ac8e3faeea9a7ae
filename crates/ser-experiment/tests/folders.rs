//! Tests which folders of results are kept, replaced or refused.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use common::{SILENT, crossval, folders, quick, refusal, synthetic, train};
use ser_data::synth::{SynthConfig, generate};
use ser_experiment::{Event, Run, cross_validate, results, train_one};
use ser_recipe::Experiment;

#[test]
fn a_finished_run_is_kept_and_another_recipe_replaces_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let once = quick("quick", "seed5", 1);
    train(&once, &out);
    let model = fs::read(out.join("model.safetensors")).unwrap();
    assert_eq!(kept(once, synthetic(), &out), ["seed-1"]);
    train(&quick("quick", "seed5", 2), &out);
    assert!(model != fs::read(out.join("model.safetensors")).unwrap());
}

/// Trains on the first split, and returns the names of the splits that were there already.
fn kept(experiment: Experiment, data: &Path, out: &Path) -> Vec<String> {
    let kept = Mutex::new(Vec::new());
    let on_event = |event: Event| {
        if let Event::Kept { name, .. } = event {
            kept.lock().unwrap().push(name.to_owned());
        }
    };
    let recipe = experiment.into_recipe().unwrap();
    train_one(&recipe, 1, &folders(data, out), &on_event).unwrap();
    kept.into_inner().unwrap()
}

#[test]
fn a_finished_run_is_kept_when_its_corpus_has_moved_with_a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, out] =
        ["corpus", "moved/corpus", "run"].map(|name| folder.path().join(name));
    let config = SynthConfig {
        actors: 4,
        ..SynthConfig::default()
    };
    generate(&first, &config, |_| {}).unwrap();
    let damaged = "Actor_01/03-01-01-01-01-01-01.wav";
    fs::write(first.join(damaged), "cut off").unwrap();
    let once = || quick("quick", "seed5", 1);
    assert!(kept(once(), &first, &out).is_empty());
    fs::create_dir(folder.path().join("moved")).unwrap();
    fs::rename(&first, &second).unwrap();
    assert_eq!(kept(once(), &second, &out), ["seed-1"]);
    // With the next clip damaged as well, there are fewer clips.
    fs::write(second.join(damaged.replace("-01-01.wav", "-02-01.wav")), "").unwrap();
    assert!(kept(once(), &second, &out).is_empty());
}

#[test]
fn splits_of_an_earlier_recipe_are_not_pooled_with_those_of_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    crossval(&quick("quick", "loso", 1), synthetic(), &out);
    assert!(out.join("fold-1/run.json").is_file());
    let other = quick("other", "seed5", 1);
    let call = |out| cross_validate(&other, &folders(synthetic(), out), None, SILENT);
    // If the new run fails, the page of the earlier one does not stay beside the new splits.
    fs::create_dir(out.join("seed-3")).unwrap();
    fs::write(out.join("seed-3/notes.txt"), "mine").unwrap();
    let message = refusal(call(&out));
    assert!(message.contains("seed-3 holds something else"), "{message}");
    for file in ["report.html", "metrics.json", "predictions.csv"] {
        assert!(!out.join(file).exists(), "{file}");
    }
    fs::remove_dir_all(out.join("seed-3")).unwrap();
    let splits = call(&out).unwrap().evaluation.folds.folds;
    let splits: Vec<String> = splits.into_iter().map(|fold| fold.split).collect();
    assert_eq!(splits, ["seed-1", "seed-2", "seed-3", "seed-4", "seed-5"]);
    assert!(!out.join("fold-1").exists());

    let single = folder.path().join("single");
    train(&other, &single);
    assert!(refusal(call(&single)).contains("ser train"));

    // A separate run in the folder is not removed.
    let own = out.join("my-training");
    train(&other, &own);
    assert!(refusal(call(&out)).contains("my-training"));
    assert!(own.join("run.json").is_file());
}

#[test]
fn a_run_that_lacks_a_split_is_not_summed_up() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    crossval(&quick("quick", "loso", 1), synthetic(), &out);
    fs::remove_dir_all(out.join("fold-2")).unwrap();
    let message = refusal(Run::read(&out));
    assert!(message.contains("3 of 4 splits"), "{message}");
    // The results of one split do not stand for all splits.
    let one = Run::read(&out.join("fold-1")).unwrap();
    let message = refusal(results(&[one]));
    assert!(message.contains("one split of 4"), "{message}");
}

#[test]
fn what_a_later_recipe_does_not_have_goes_with_the_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let quick = quick("quick", "loso", 1);
    crossval(&quick, synthetic(), &out);
    assert!(out.join("accuracy.svg").is_file());
    let stale = out.join("predictions-enrolled-15.csv");
    fs::copy(out.join("predictions.csv"), &stale).unwrap();
    fs::copy(out.join("per-class.svg"), out.join("enrolment.svg")).unwrap();
    crossval(&quick, synthetic(), &out);
    assert!(!stale.exists() && !out.join("enrolment.svg").exists());
    assert!(out.join("accuracy.svg").is_file());
}
