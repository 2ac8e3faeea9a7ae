//! `ser select`, ensembles, enrolment and `ser results`; and that a test part decides nothing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use common::{complaint, output, quick_recipe, synthetic, tone};
use safetensors::SafeTensors;
use serde_json::Value;

/// A quick recipe that is rehearsed, varies its clips, and may enrol.
fn recipe(folder: &Path, name: &str, enrols: bool) -> PathBuf {
    let path = quick_recipe(folder, name, "loso", 2);
    let mut text = fs::read_to_string(&path).unwrap();
    text = text.replace("[features]", "inner = 1\n[features]");
    text = text.replace(
        "[network]",
        "average = 2\nrelative_level = true\n[augmentation]\nsemitones = [2.0]\nstretch = 0.1\n\
         masks = 1\ntime_mask = 4\ncoefficient_mask = 4\nmixup = 0.2\n[network]",
    );
    text += "label_smoothing = 0.1\nmonitor = \"last-epoch\"\n";
    if enrols {
        text += "[enrolment]\ngroup = 8\nshrinkage = 4.0\n";
    }
    fs::write(&path, text).unwrap();
    path
}

fn ensemble(folder: &Path, name: &str, members: [&Path; 2]) -> PathBuf {
    let members = members.map(|m| format!("{{ recipe = {m:?} }}"));
    let text = format!(
        "name = \"{name}\"\ndescription = \"several\"\nmembers = [{}]\n[task]\n\
         protocol = \"loso\"\ninner = 1\n\
         emotions = [\"neutral\", \"calm\", \"happy\", \"sad\", \"angry\"]\n",
        members.join(", ")
    );
    let path = folder.join(format!("{name}.toml"));
    fs::write(&path, text).unwrap();
    path
}

fn crossval(recipe: &Path, data: &Path, out: &Path) -> String {
    output(
        0,
        &[
            &"crossval",
            &"--recipe",
            &recipe,
            &"--data",
            &data,
            &"--out",
            &out,
        ],
    )
}

/// Everything of a model file that answers depend on.
fn learned(model: &Path) -> (BTreeMap<String, Vec<u8>>, Vec<Value>) {
    let bytes = fs::read(model).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = tensors
        .iter()
        .map(|(n, t)| (n.to_owned(), t.data().to_vec()));
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let header: Value =
        serde_json::from_str(&metadata.metadata().as_ref().unwrap()["ser"]).unwrap();
    let keys = [
        "labels",
        "temperature",
        "enrolled_temperature",
        "networks",
        "doubt",
        "enrolled_doubt",
    ];
    let part = |key: &str| header["model"].get(key).unwrap().clone();
    (tensors.collect(), keys.map(part).to_vec())
}

/// A copy of the synthetic corpus in which the clips of speaker 01 have changed places, so that their
/// labels are wrong, and one of them is another sound altogether.
fn with_another_test_part(folder: &Path) -> PathBuf {
    let corpus = folder.join("other");
    let mut own = Vec::new();
    for entry in walkdir::WalkDir::new(synthetic()) {
        let entry = entry.unwrap();
        let to = corpus.join(entry.path().strip_prefix(synthetic()).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&to).unwrap();
        } else if to.to_string_lossy().ends_with("-01.wav") {
            own.push((entry.into_path(), to));
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
    own.sort();
    for (i, (_, to)) in own.iter().enumerate() {
        fs::copy(&own[(i + 7) % own.len()].0, to).unwrap();
    }
    tone(&own[0].1, 500.0, 2.0);
    corpus
}

#[test]
fn another_test_part_changes_nothing_in_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let other = with_another_test_part(folder.path());
    let (plain, enrolling) = (
        recipe(folder.path(), "plain", false),
        recipe(folder.path(), "enrolling", true),
    );
    let both = ensemble(folder.path(), "both", [&plain, &enrolling]);
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    crossval(&both, synthetic(), &a);
    crossval(&both, &other, &b);
    // Speaker 01 is tested by the first split, and trained on by the second.
    let file = |run: &Path, split: &str| run.join(split).join("model.safetensors");
    assert!(learned(&file(&a, "fold-1")) == learned(&file(&b, "fold-1")));
    assert!(learned(&file(&a, "fold-2")) != learned(&file(&b, "fold-2")));
    let answers = |run: &Path| fs::read(run.join("fold-1/predictions.csv")).unwrap();
    assert!(answers(&a) != answers(&b), "the test part is another one");

    // Nor does it change what a recipe is chosen by.
    let selected = |data: &Path, out: &Path| {
        output(0, &[&"select", &plain, &"--data", &data, &"--out", &out]);
        fs::read(out.join("plain/fold-1-inner-1.csv")).unwrap()
    };
    let (c, d) = (folder.path().join("c"), folder.path().join("d"));
    assert!(selected(synthetic(), &c) == selected(&other, &d));
}

#[test]
fn an_ensemble_is_measured_plain_and_enrolled_and_written_up() {
    let folder = tempfile::tempdir().unwrap();
    let plain = recipe(folder.path(), "plain", false);
    let enrolling = recipe(folder.path(), "enrolling", true);
    let both = ensemble(folder.path(), "both", [&plain, &enrolling]);
    let out = folder.path().join("run");
    let text = crossval(&both, synthetic(), &out);
    assert!(text.contains("15 clips enrolled"), "{text}");
    assert!(text.contains("transductive"), "{text}");
    for file in [
        "validation.csv",
        "validation-enrolled-15.csv",
        "predictions.csv",
        "predictions-enrolled-2.csv",
        "predictions-enrolled-all.csv",
        "training.json",
        "model.safetensors",
    ] {
        assert!(out.join("fold-1").join(file).is_file(), "{file}");
    }
    // On a fixed schedule there is nothing to choose: all but the test part is learned from.
    for run in [&out, &out.join("members/plain")] {
        let parts = fs::read_to_string(run.join("fold-1/split.csv")).unwrap();
        assert!(parts.contains(",train") && !parts.contains(",validation"));
    }
    // After enrolment, a clip is answered by the member that learned to use it.
    let answers = |run: &Path| fs::read(run.join("fold-1/validation-enrolled-15.csv")).unwrap();
    assert_eq!(answers(&out), answers(&out.join("members/enrolling")));

    let page = folder.path().join("results.md");
    output(0, &[&"results", &out, &"--out", &page]);
    let page = fs::read_to_string(page).unwrap();
    for part in [
        "## both loso",
        "SYNTHETIC",
        "15 clips enrolled",
        "calibration error",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }

    // Its one model file enrols a speaker.
    let model = out.join("fold-1/model.safetensors");
    let speaker = synthetic().join("Actor_01");
    let clip = |take: u8| speaker.join(format!("03-01-03-01-01-0{take}-01.wav"));
    let (a, b) = (clip(1), clip(2));
    let alone = output(0, &[&"predict", &"--model", &model, &a]);
    let known = output(0, &[&"predict", &"--model", &model, &a, &"--enrol", &a, &b]);
    assert_ne!(alone, known);
    let model = out.join("members/plain/fold-1/model.safetensors");
    let refusal = complaint(1, &[&"predict", &"--model", &model, &a, &"--enrol", &b]);
    assert!(refusal.contains("without enrolment"), "{refusal}");
}

#[test]
fn selection_compares_recipes_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        recipe(folder.path(), "a", false),
        recipe(folder.path(), "b", true),
    );
    let both = ensemble(folder.path(), "both", [&a, &b]);
    let out = folder.path().join("selection");
    let select = |out: &Path| {
        output(
            0,
            &[
                &"select",
                &a,
                &b,
                &both,
                &"--data",
                &synthetic(),
                &"--out",
                &out,
                &"--inner",
                &"1",
            ],
        )
    };
    let untimed = |text: String| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains('%'));
        let lines = lines.map(|l| {
            l.trim_end_matches('|')
                .rsplit_once('|')
                .unwrap()
                .0
                .to_owned()
        });
        lines.collect()
    };
    let first = untimed(select(&out));
    assert_eq!(first.len(), 3, "{first:?}");
    fs::remove_file(out.join("a/fold-2-inner-1.csv")).unwrap();
    assert_eq!(first, untimed(select(&out)));

    // A recipe that chooses its epoch by the clips it would be judged by.
    let early = quick_recipe(folder.path(), "early", "loso", 1);
    let data = synthetic();
    let refusal = complaint(1, &[&"select", &early, &"--data", &data, &"--out", &out]);
    assert!(refusal.contains("last-epoch"), "{refusal}");
    // Behind another one too, before that is trained.
    let new = folder.path().join("new");
    complaint(
        1,
        &[&"select", &a, &early, &"--data", &data, &"--out", &new],
    );
    assert!(!new.exists());
    // What else lies under the name of a recipe is left alone.
    let thesis = folder.path().join("mine/b/thesis.txt");
    fs::create_dir_all(thesis.parent().unwrap()).unwrap();
    fs::write(&thesis, "years of work").unwrap();
    let mine = folder.path().join("mine");
    let refusal = complaint(1, &[&"select", &b, &"--data", &data, &"--out", &mine]);
    assert!(refusal.contains("something else"), "{refusal}");
    assert!(thesis.is_file());
}

#[test]
fn a_recipe_may_be_measured_on_another_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), "plain", false);
    let out = folder.path().join("run");
    let text = output(
        0,
        &[
            &"crossval",
            &"--recipe",
            &recipe,
            &"--protocol",
            &"seed5",
            &"--data",
            &synthetic(),
            &"--out",
            &out,
        ],
    );
    assert!(
        text.contains("seed-5") && text.contains("flatters"),
        "{text}"
    );
}

#[test]
fn conditions_are_measured_on_a_run_and_on_validation_clips() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), "plain", false);
    let out = folder.path().join("run");
    crossval(&recipe, synthetic(), &out);
    let text = output(0, &[&"conditions", &out, &"--data", &synthetic()]);
    let uar = |text: &str, condition: &str| {
        let row = format!("| {condition} ");
        let line = text.lines().find(|line| line.starts_with(&row)).unwrap();
        line.split('|').nth(3).unwrap().trim().to_owned()
    };
    // The recipe takes the level out, so that no gain changes anything.
    for gain in ["gain -20", "gain 20", "peak"] {
        assert_eq!(uar(&text, gain), uar(&text, "clean"), "{text}");
    }
    assert!(text.contains("noise-babble 10"), "{text}");
    assert!(
        out.join("fold-1/predictions-condition-telephone.csv")
            .is_file()
    );
    // Once measured, they are part of the run.
    assert_eq!(
        text,
        output(0, &[&"conditions", &out, &"--data", &synthetic()])
    );
    let page = folder.path().join("results.md");
    let results = || {
        output(0, &[&"results", &out, &"--out", &page]);
        fs::read_to_string(&page).unwrap()
    };
    let whole = results();
    assert!(whole.contains("| room large |"), "{whole}");
    // What was asked of some splits only says nothing about all.
    fs::remove_file(out.join("fold-2/predictions-condition-room_large.csv")).unwrap();
    let part = results();
    assert!(!part.contains("| room large |"), "{part}");
    assert!(part.contains("| room small |"), "{part}");

    let other = self::recipe(folder.path(), "other", false);
    let chosen = folder.path().join("selection");
    let data = synthetic();
    let select = |args: &[&dyn AsRef<OsStr>]| {
        let fixed: [&dyn AsRef<OsStr>; 6] =
            [&"select", &recipe, &"--data", &data, &"--out", &chosen];
        output(0, &[&fixed[..], args].concat())
    };
    assert!(!select(&[]).contains("telephone"));
    let text = select(&[&"--conditions"]);
    assert!(
        text.contains("UAR under") && text.contains("telephone"),
        "{text}"
    );
    // Beside a recipe that was not asked under conditions, they are still shown.
    let text = select(&[&other]);
    assert!(
        text.contains("telephone") && text.contains("| other "),
        "{text}"
    );
}

#[test]
fn a_model_to_be_used_is_fitted_to_all_clips() {
    let folder = tempfile::tempdir().unwrap();
    let plain = recipe(folder.path(), "plain", false);
    let enrolling = recipe(folder.path(), "enrolling", true);
    let both = ensemble(folder.path(), "both", [&plain, &enrolling]);
    let out = folder.path().join("fit");
    let data = synthetic();
    let fit = || {
        output(
            0,
            &[&"fit", &"--recipe", &both, &"--data", &data, &"--out", &out],
        )
    };
    let text = fit();
    assert!(text.contains("rehearsed on 2 inner splits"), "{text}");
    assert!(text.contains("SYNTHETIC"), "{text}");
    let model = out.join("model.safetensors");
    let (_, header) = learned(&model);
    assert_ne!(header[1], 1.0, "a temperature was fitted");
    assert_eq!(header[3].as_array().unwrap().len(), 2, "two networks");
    // What is there is kept, and a missing member made anew: the same.
    let bytes = fs::read(&model).unwrap();
    fs::remove_file(out.join("plain/model.safetensors")).unwrap();
    assert_eq!(text, fit());
    assert!(bytes == fs::read(&model).unwrap());
    // No clip is left to measure it.
    let refusal = complaint(1, &[&"evaluate", &"--model", &model, &"--data", &data]);
    assert!(refusal.contains("nothing to measure"), "{refusal}");

    let early = quick_recipe(folder.path(), "early", "loso", 2);
    let refusal = complaint(
        1,
        &[
            &"fit",
            &"--recipe",
            &early,
            &"--data",
            &data,
            &"--out",
            &out,
        ],
    );
    assert!(refusal.contains("last-epoch"), "{refusal}");
}
