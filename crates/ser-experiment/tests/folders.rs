//! Tests which folders of results are kept, replaced or refused.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use common::{
    SILENT, crossval, ensemble, folders, inner, quick, quick_recipe_text, refusal, synthetic, train,
};
use ser_data::Corpus;
use ser_data::synth::{SynthConfig, generate};
use ser_experiment::{Event, Finished, OnEvent, Run, cross_validate, fit, results, train_one};
use ser_recipe::Experiment;

#[test]
fn a_finished_run_is_kept_and_an_edited_recipe_replaces_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let once = quick("quick", "seed5", 1);
    let run = train(&once, &out).run;
    assert_eq!(
        run.command("DATA", "DIR"),
        "ser train --recipe recipe.toml --split 1 --data DATA --out DIR"
    );
    let model = fs::read(out.join("model.safetensors")).unwrap();
    assert_eq!(kept(once, synthetic(), &out), ["seed-1"]);
    train(&quick("quick", "seed5", 2), &out);
    let later = fs::read(out.join("model.safetensors")).unwrap();
    assert!(model != later);
    let other = quick("other", "seed5", 1).into_recipe().unwrap();
    let message = refusal(train_one(&other, 1, &folders(synthetic(), &out), SILENT));
    assert!(message.contains("of the recipe `quick`"), "{message}");
    assert_eq!(later, fs::read(out.join("model.safetensors")).unwrap());
}

/// Trains on the first split, and returns the names of the splits that were there already.
fn kept(experiment: Experiment, data: &Path, out: &Path) -> Vec<String> {
    let recipe = experiment.into_recipe().unwrap();
    kept_by(|on_event| train_one(&recipe, 1, &folders(data, out), on_event))
}

/// Returns the names of the recipes, experiments and splits that were there already.
fn kept_by(run: impl FnOnce(OnEvent) -> ser_experiment::Result<Finished>) -> Vec<String> {
    let kept = Mutex::new(Vec::new());
    run(&|event: Event| {
        if let Event::Kept { name, .. } = event {
            kept.lock().unwrap().push(name.to_owned());
        }
    })
    .unwrap();
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
fn splits_of_an_edited_recipe_are_not_pooled_with_earlier_ones_and_those_of_another_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    crossval(&quick("quick", "loso", 1), synthetic(), &out);
    assert!(out.join("fold-1/run.json").is_file());
    let renamed = quick("renamed", "seed5", 1);
    let failed = cross_validate(&renamed, &folders(synthetic(), &out), None, SILENT);
    let message = refusal(failed);
    assert!(message.contains("of the recipe `quick`"), "{message}");
    assert!(out.join("report.html").is_file() && out.join("fold-4").is_dir());

    let other = quick("quick", "seed5", 1);
    let call = |out| cross_validate(&other, &folders(synthetic(), out), None, SILENT);
    // A run that cannot write one of its splits changes nothing.
    fs::create_dir(out.join("seed-3")).unwrap();
    fs::write(out.join("seed-3/notes.txt"), "mine").unwrap();
    let message = refusal(call(&out));
    assert!(message.contains("seed-3 holds something else"), "{message}");
    let of_the_run = ["report.html", "metrics.json", "predictions.csv", "fold-1"];
    for file in of_the_run {
        assert!(out.join(file).exists(), "{file}");
    }
    fs::remove_dir_all(out.join("seed-3")).unwrap();
    // If the new run fails, the page of the earlier one does not stay beside the new splits.
    let text = quick_recipe_text("quick", "seed5", 1);
    let text = text.replace("batch_size = 16", "batch_size = 512");
    let large = Experiment::parse(&text, "large").unwrap();
    let failed = cross_validate(&large, &folders(synthetic(), &out), Some(1), SILENT);
    let message = refusal(failed);
    assert!(message.contains("do not fill a batch of 512"), "{message}");
    for file in of_the_run {
        assert!(!out.join(file).exists(), "{file}");
    }
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

#[test]
fn an_ensemble_refuses_a_folder_before_it_trains_and_keeps_what_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let both = ensemble("both", &[&quick("a", "loso", 1), &quick("b", "loso", 1)]);
    let run =
        |on_event: OnEvent| cross_validate(&both, &folders(synthetic(), &out), None, on_event);
    for (file, reason) in [
        ("fold-3/notes.txt", "fold-3 holds something else"),
        ("my-training/run.json", "my-training holds something else"),
        ("members/b/run.json", "b holds one split"),
        ("run.json", "run holds one split"),
        ("model.safetensors", "run holds a model"),
    ] {
        let file = out.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "{}").unwrap();
        let message = refusal(run(SILENT));
        assert!(message.contains(reason), "{message}");
        assert!(!out.join("members/a").exists(), "nothing was trained");
        fs::remove_dir_all(&out).unwrap();
    }

    run(SILENT).unwrap();
    // Predictions that were measured later belong to the run.
    let measured = "predictions-condition-telephone.csv";
    for split in 1..=4 {
        let split = out.join(format!("fold-{split}"));
        fs::copy(split.join("predictions.csv"), split.join(measured)).unwrap();
    }
    assert_eq!(kept_by(run), ["both"]);
    assert!(out.join(measured).is_file(), "pooled with the others");
    fs::remove_dir_all(out.join("fold-2")).unwrap();
    assert_eq!(kept_by(run), ["a", "b", "fold-1", "fold-3", "fold-4"]);
    assert!(out.join("fold-1").join(measured).is_file());
    assert!(out.join("fold-2/model.safetensors").is_file());
}

#[test]
fn the_one_split_of_a_cross_validation_is_pooled_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, out) = (folder.path().join("given.csv"), folder.path().join("run"));
    let mut rows = "path,emotion,speaker,split\n".to_owned();
    for clip in Corpus::load(synthetic()).unwrap().corpus.clips() {
        let (path, emotion, speaker) = (clip.path.display(), &clip.emotion, &clip.speaker);
        let split = match &speaker[..] {
            "01" => "test",
            "02" => "dev",
            _ => "train",
        };
        rows += &format!("{path},{emotion},{speaker},{split}\n");
    }
    fs::write(&manifest, rows).unwrap();
    let finished = crossval(&quick("quick", "given", 1), &manifest, &out);
    let split = out.join(&finished.run.infos[0].split);
    let predictions = |folder: &Path| fs::read(folder.join("predictions.csv")).unwrap();
    assert_eq!(predictions(&out), predictions(&split));
}

#[test]
fn a_fit_does_not_replace_what_another_command_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let model = out.join("model.safetensors");
    fs::create_dir(&out).unwrap();
    fs::write(&model, "weights").unwrap();
    let refused = || {
        // No clip is read before.
        let (plain, data) = (inner("plain", false), folder.path().join("no corpus"));
        let message = refusal(fit(&plain, &folders(&data, &out), None, SILENT));
        assert_eq!(fs::read_to_string(&model).unwrap(), "weights");
        message
    };
    let message = refused();
    assert!(message.contains("something else"), "{message}");
    // As `ser train` leaves it.
    fs::write(out.join("run.json"), "{}").unwrap();
    let message = refused();
    assert!(message.contains("ser train"), "{message}");
    fs::remove_file(out.join("run.json")).unwrap();
    fs::create_dir(out.join("fold-1")).unwrap();
    fs::write(out.join("fold-1/run.json"), "{}").unwrap();
    let message = refused();
    assert!(message.contains("ser crossval"), "{message}");
}
