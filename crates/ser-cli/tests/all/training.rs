//! Tests of `ser train`, `crossval`, `evaluate`, `predict`, `report` and `compare`, from synthetic audio to a page.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{self, complaint, output, quick_recipe, ser, synthetic, tone, with_recipe};

/// Trains a quick recipe on every split, with held-out speakers. Returns the recipe and the folder of the run.
fn crossval(folder: &Path, epochs: u32) -> (std::path::PathBuf, std::path::PathBuf) {
    let recipe = quick_recipe(folder, "quick", "loso", epochs);
    let out = folder.join("run");
    output(0, &with_recipe(&"crossval", &recipe, &synthetic(), &out));
    (recipe, out)
}

fn train(recipe: &Path, out: &Path) {
    output(0, &with_recipe(&"train", &recipe, &synthetic(), &out));
}

#[test]
fn everything_made_from_synthetic_data_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = quick_recipe(folder.path(), "quick", "seed5", 1);
    let out = folder.path().join("run");
    let text = output(0, &with_recipe(&"train", &recipe, &synthetic(), &out));
    assert!(text.contains("SYNTHETIC"), "{text}");
    assert!(
        fs::read_to_string(out.join("report.html"))
            .unwrap()
            .to_lowercase()
            .contains("synthetic")
    );
    let run: Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(run["synthetic"], true);

    let (model, wav) = (out.join("model.safetensors"), folder.path().join("a.wav"));
    tone(&wav, 200.0, 1.0);
    assert!(output(0, &[&"predict", &"--model", &model, &wav]).contains("SYNTHETIC"));
    assert!(complaint(0, &[&"predict", &"--csv", &"--model", &model, &wav]).contains("SYNTHETIC"));
    let line = output(0, &[&"predict", &"--json", &"--model", &model, &wav]);
    let answer: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(answer["synthetic_model"], true);
    // The corpus has emotions that the model does not know, so the exit code is 3.
    let words: [&dyn AsRef<OsStr>; 5] = [&"evaluate", &"--model", &model, &"--data", &synthetic()];
    assert!(output(3, &words).contains("SYNTHETIC"));
}

#[test]
fn a_finished_run_is_kept_and_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = quick_recipe(folder.path(), "quick", "seed5", 1);
    let out = folder.path().join("run");
    train(&recipe, &out);
    let again = complaint(0, &with_recipe(&"train", &recipe, &synthetic(), &out));
    assert!(again.contains("seed-1: already there, kept"), "{again}");
}

#[test]
fn clips_of_one_file_name_in_two_folders_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = "path,emotion,speaker\n".to_owned();
    for (speaker, file) in [("DC", "01"), ("JE", "02")] {
        fs::create_dir(folder.path().join(speaker)).unwrap();
        for emotion in 1..=5 {
            let clip = format!("Actor_{file}/03-01-0{emotion}-01-01-01-{file}.wav");
            let own = format!("{speaker}/{emotion}.wav");
            fs::copy(synthetic().join(clip), folder.path().join(&own)).unwrap();
            let emotion = ["neutral", "calm", "happy", "sad", "angry"][emotion - 1];
            manifest += &format!("{own},{emotion},{speaker}\n");
        }
    }
    let data = folder.path().join("own.csv");
    fs::write(&data, manifest).unwrap();
    let page = folder.path().join("page");
    output(0, &[&"evaluate", &"--data", &data, &"--out", &page]);
    let answers = fs::read_to_string(page.join("predictions.csv")).unwrap();
    assert!(
        answers.contains("DC/1") && answers.contains("JE/1"),
        "{answers}"
    );
}

#[test]
fn an_ensemble_is_no_single_recipe_and_the_message_says_what_to_use() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let said = complaint(1, &with_recipe(&"train", &"best", &synthetic(), &out));
    for part in ["best is an ensemble", "`ser crossval`", "cnn-pitch"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn a_folder_that_ser_did_not_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = quick_recipe(folder.path(), "quick", "seed5", 1);
    let out = folder.path().join("mine");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("thesis.txt"), "years of work").unwrap();
    let message = complaint(1, &with_recipe(&"train", &recipe, &synthetic(), &out));
    assert!(
        message.contains("mine") && message.contains("--out"),
        "{message}"
    );
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);

    // The current folder and the folder above it are refused as well.
    for (to, reason) in [(".", "a folder of its own"), ("..", "name the folder")] {
        let ended = common::ser()
            .args(["train", "--recipe"])
            .arg(&recipe)
            .arg("--data")
            .arg(synthetic())
            .args(["--out", to])
            .current_dir(&out)
            .assert()
            .code(1);
        let said = String::from_utf8_lossy(&ended.get_output().stderr).into_owned();
        assert!(said.contains(reason), "{said}");
    }
    assert_eq!(
        fs::read_to_string(out.join("thesis.txt")).unwrap(),
        "years of work"
    );
}

#[test]
fn predictions_are_one_json_object_a_line_and_bad_files_do_not_stop_them() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = quick_recipe(folder.path(), "quick", "seed5", 1);
    let out = folder.path().join("run");
    train(&recipe, &out);
    let model = out.join("model.safetensors");
    let (a, bad, b) = (
        folder.path().join("a.wav"),
        folder.path().join("bad.wav"),
        folder.path().join("b.wav"),
    );
    tone(&a, 200.0, 0.5);
    fs::write(&bad, b"no sound").unwrap();
    tone(&b, 300.0, 9.0);
    let lines = output(
        3,
        &[&"predict", &"--json", &"--model", &model, &a, &bad, &b],
    );
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let probabilities = line["probabilities"].as_object().unwrap();
        assert_eq!(probabilities.len(), 5);
        let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-4);
        let emotion = line["emotion"].as_str().unwrap();
        let best = probabilities[emotion].as_f64().unwrap();
        assert!(probabilities.values().all(|p| p.as_f64().unwrap() <= best));
    }
    complaint(1, &[&"predict", &"--model", &model, &bad]);
}

#[test]
fn reports_stand_side_by_side_and_a_random_split_never_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (_, disjoint) = crossval(folder.path(), 1);
    let random = folder.path().join("random");
    train(
        &quick_recipe(folder.path(), "quick-random", "seed5", 1),
        &random,
    );
    let page = folder.path().join("all.html");
    output(0, &[&"report", &disjoint, &random, &"--out", &page]);
    assert_eq!(shown(&random), (12, true), "its own page is left alone");
    output(
        0,
        &[
            &"report",
            &disjoint,
            &random,
            &"--out",
            &page,
            &"--data",
            &synthetic(),
        ],
    );
    let text = fs::read_to_string(&page).unwrap();
    assert!(
        text.contains("quick-random") && text.contains("random/report.html"),
        "{text}"
    );
    let own = fs::read_to_string(random.join("report.html")).unwrap();
    assert!(
        own.contains("its figures are optimistic"),
        "a random split carries its warning"
    );
    for picture in ["accuracy.svg", "loss.svg", "reliability.svg"] {
        assert!(random.join(picture).is_file(), "{picture}");
    }
    let refused = complaint(1, &[&"compare", &disjoint, &random]);
    assert!(
        refused.contains("such figures cannot be compared"),
        "{refused}"
    );
}

/// Returns the number of audio players on a page, and whether it has a map.
fn shown(run: &Path) -> (usize, bool) {
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
    let players = page.matches("src=\"data:audio/wav;base64,UklGR").count();
    (players, page.contains("id=\"map\""))
}

#[test]
fn mistakes_can_be_heard_where_the_clips_are_at_hand() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    train(&quick_recipe(folder.path(), "quick", "seed5", 1), &out);
    assert_eq!(shown(&out), (12, true), "after a training");
    fs::remove_file(out.join("report.html")).unwrap();
    output(0, &[&"report", &out, &"--data", &synthetic()]);
    assert_eq!(shown(&out), (12, true), "written anew");
    let other = folder.path().join("other");
    output(0, &[&"synth", &other, &"--actors", &"4", &"--seed", &"9"]);
    let refused = complaint(1, &[&"report", &out, &"--data", &other]);
    assert!(refused.contains("was made from other clips"), "{refused}");
}

#[test]
fn runs_on_the_same_clips_are_compared_in_text_json_and_on_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let (_, short) = crossval(folder.path(), 1);
    let longer = folder.path().join("longer");
    let recipe = quick_recipe(folder.path(), "longer", "loso", 12);
    let data = synthetic();
    output(0, &with_recipe(&"crossval", &recipe, &data, &longer));
    let page = folder.path().join("compare.html");
    let text = output(0, &[&"compare", &longer, &short, &"--out", &page]);
    assert!(
        text.contains("longer − quick") && text.contains("SYNTHETIC"),
        "{text}"
    );
    assert!(
        text.contains("longer and quick differ on too few speakers"),
        "{text}"
    );
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("longer − quick") && html.contains("href=\"longer/report.html\""));

    let line = output(0, &[&"compare", &longer, &short, &"--json"]);
    let found: Value = serde_json::from_str(&line).unwrap();
    let uar = &found["pairs"][0]["uar"];
    let of = |i: usize| found["runs"][i]["uar"]["mean"].as_f64().unwrap();
    assert!(of(0) > of(1), "{found}");
    assert!(uar["value"].as_f64().unwrap() > 0.0, "{found}");
    // With four speakers, no p-value can be lower than 2 of 2⁴.
    assert_eq!(uar["exact"], true);
    assert!(uar["p"].as_f64().unwrap() >= 0.125, "{found}");
    ser()
        .args(["compare".as_ref(), short.as_os_str()])
        .assert()
        .code(2);
}

#[test]
fn a_short_training_on_the_real_corpus_beats_chance_by_far() {
    let Some(data) = ser_fixtures::ravdess() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let recipe = quick_recipe(folder.path(), "quick", "seed5", 15);
    let out = folder.path().join("run");
    output(0, &with_recipe(&"train", &recipe, &data, &out));
    let metrics: Value =
        serde_json::from_slice(&fs::read(out.join("metrics.json")).unwrap()).unwrap();
    let uar = metrics["metrics"]["uar"].as_f64().unwrap();
    assert!(uar > 0.45, "chance is 0.2, found {uar}");
    assert!(
        !fs::read_to_string(out.join("report.html"))
            .unwrap()
            .contains("SYNTHETIC")
    );
}
