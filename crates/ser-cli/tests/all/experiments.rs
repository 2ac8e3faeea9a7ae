//! Tests of the output of `ser select`, `fit`, `conditions` and `results`, with ensembles and enrolment.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{
    self, complaint, inner_recipe_text, output, quick_recipe, quick_recipe_text, synthetic,
    with_recipe, write_recipe,
};

/// Writes a quick recipe with an inner split, augmentation and, if `enrols`, enrolment.
fn recipe(folder: &Path, name: &str, enrols: bool) -> PathBuf {
    write_recipe(folder, name, &inner_recipe_text(name, enrols))
}

fn ensemble(folder: &Path, name: &str, members: [&Path; 2]) -> PathBuf {
    common::ensemble(folder, name, members, "inner = 1")
}

fn crossval(recipe: &Path, data: &Path, out: &Path) -> String {
    output(0, &with_recipe(&"crossval", &recipe, &data, &out))
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
    let page = folder.path().join("results.md");
    output(0, &[&"results", &out, &"--out", &page]);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("## both loso"), "{page}");

    // The model file of the ensemble can be used with an enrolled speaker.
    let model = out.join("fold-1/model.safetensors");
    let speaker = synthetic().join("Actor_01");
    let clip = |take: u8| speaker.join(format!("03-01-03-01-01-0{take}-01.wav"));
    let (a, b) = (clip(1), clip(2));
    let alone = output(0, &[&"predict", &"--model", &model, &a]);
    let known = output(
        0,
        &[&"predict", &"--model", &model, &a, &"--enroll", &a, &b],
    );
    assert_ne!(alone, known);
    let model = out.join("members/plain/fold-1/model.safetensors");
    let refusal = complaint(1, &[&"predict", &"--model", &model, &a, &"--enroll", &b]);
    assert!(refusal.contains("without enrolment"), "{refusal}");
    let refusal = complaint(1, &[&"predict", &"--model", &model, &a, &b, &"--adapt"]);
    assert!(refusal.contains("without enrolment"), "{refusal}");
}

#[test]
fn selection_shows_recipes_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        recipe(folder.path(), "a", false),
        recipe(folder.path(), "b", true),
    );
    let both = ensemble(folder.path(), "both", [&a, &b]);
    let (out, data) = (folder.path().join("selection"), synthetic());
    let select = |args: &[&dyn AsRef<OsStr>]| {
        let fixed: [&dyn AsRef<OsStr>; 8] = [
            &"select", &a, &"--data", &data, &"--out", &out, &"--inner", &"1",
        ];
        output(0, &[&fixed[..], args].concat())
    };
    let text = select(&[&b, &both]);
    let rows = text.lines().filter(|line| line.contains('%'));
    assert_eq!(rows.count(), 3, "{text}");
    assert!(text.contains("of 4 "), "{text}");
    assert!(text.contains("no test part was used"), "{text}");
    assert!(text.contains("SYNTHETIC"), "{text}");
    let lines = select(&[&b, &"--json"]);
    let line: Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
    assert_eq!(line["recipe"], "b");
    assert!(line["enrolled"]["15 clips enrolled"]["uar"]["mean"].is_number());
    assert!(line["conditions"]["clean"]["uar"]["mean"].is_number());

    // This recipe chooses its epoch on the clips by which it would be compared.
    let early = quick_recipe(folder.path(), "early", "loso", 1);
    let refusal = complaint(1, &[&"select", &early, &"--data", &data, &"--out", &out]);
    assert!(refusal.contains("last-epoch"), "{refusal}");
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
        text.contains("seed-5") && text.contains("too optimistic"),
        "{text}"
    );
}

/// Copies the synthetic clips of five emotions into two corpora: half of the actors with names as in RAVDESS, the other half
/// as in CREMA-D.
fn two_corpora(folder: &Path) -> [PathBuf; 2] {
    let corpora = ["ravdess", "crema-d"].map(|name| folder.join(name));
    for corpus in &corpora {
        fs::create_dir(corpus).unwrap();
    }
    for actor in 1..=4 {
        for clip in fs::read_dir(synthetic().join(format!("Actor_{actor:02}"))).unwrap() {
            let clip = clip.unwrap().path();
            let name = clip.file_stem().unwrap().to_str().unwrap();
            let [_, _, emotion, intensity, statement, "01", _] =
                Vec::from_iter(name.split('-'))[..]
            else {
                continue;
            };
            let emotion = match emotion {
                "03" => "HAP",
                "04" => "SAD",
                "05" => "ANG",
                "06" => "FEA",
                "07" => "DIS",
                _ => continue,
            };
            let to = match actor {
                1 | 2 => corpora[0].join(format!("{name}.wav")),
                _ => {
                    let sentence = if statement == "01" { "IEO" } else { "TIE" };
                    let level = if intensity == "01" { "LO" } else { "HI" };
                    corpora[1].join(format!("100{actor}_{sentence}_{emotion}_{level}.wav"))
                }
            };
            fs::copy(&clip, to).unwrap();
        }
    }
    corpora
}

#[test]
fn each_of_several_corpora_is_tested_by_what_was_learned_from_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let [ravdess, crema] = two_corpora(folder.path());
    let text = quick_recipe_text("quick", "corpora", 1)
        .replace("\"neutral\", \"calm\"", "\"fearful\", \"disgust\"")
        .replace(
            "[training]",
            "[training]\nbalance = [\"corpus\", \"class\"]",
        )
        + "[enrolment]\ngroup = 8\nshrinkage = 4.0\n";
    let recipe = write_recipe(folder.path(), "quick", &text);
    let out = folder.path().join("run");
    let both: [&dyn AsRef<OsStr>; 4] = [&"--data", &ravdess, &"--data", &crema];
    let call: [&dyn AsRef<OsStr>; 5] = [&"crossval", &"--recipe", &recipe, &"--out", &out];
    let text = output(0, &[&call[..], &both].concat());
    assert!(
        text.contains("fold-1-crema-d") && text.contains("fold-2-ravdess"),
        "{text}"
    );
    // The table has a row for each tested corpus, and columns for enrolment, for the collection and for labelled clips.
    for part in [
        "| crema-d |    ravdess |",
        "| mean ",
        " all collection |",
        " 10 labelled |",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Corpora that the model was not trained on"));
    let split = fs::read_to_string(out.join("fold-1-crema-d/split.csv")).unwrap();
    assert_eq!(split.matches(",test").count(), 2 * 5 * 4, "{split}");

    let call: [&dyn AsRef<OsStr>; 4] = [&"report", &out, &"--by", &"corpus"];
    let text = output(0, &[&call[..], &both].concat());
    assert!(
        text.contains("crema-d") && text.contains("ravdess"),
        "{text}"
    );

    let manifest = folder.path().join("all.csv");
    output(0, &[&"index", &ravdess, &crema, &"--out", &manifest]);
    let again = folder.path().join("again");
    output(0, &with_recipe(&"crossval", &recipe, &manifest, &again));
    let answers =
        |run: &Path| fs::read_to_string(run.join("fold-1-crema-d/predictions.csv")).unwrap();
    assert!(
        answers(&out) == answers(&again),
        "a manifest of both is the same"
    );
}

/// Copies the first repetition of the first sentence of each emotion, a quarter of the corpus, because measuring under all conditions
/// takes long.
fn copy_a_quarter(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let to = to.join(&name);
        let parts: Vec<&str> = name.to_str().unwrap().split('-').collect();
        if entry.path().is_dir() {
            copy_a_quarter(&entry.path(), &to);
        } else if parts.len() < 6 || parts[4..6] == ["01", "01"] {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn conditions_are_shown_of_a_run_and_of_validation_clips() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = |name: &str| {
        let text = inner_recipe_text(name, false).replace("batch_size = 16", "batch_size = 4");
        write_recipe(folder.path(), name, &text)
    };
    let (plain, other) = (recipe("plain"), recipe("other"));
    let (data, out) = (folder.path().join("corpus"), folder.path().join("run"));
    copy_a_quarter(synthetic(), &data);
    crossval(&plain, &data, &out);
    let text = output(0, &[&"conditions", &out, &"--data", &data]);
    assert!(
        text.contains("| clean ") && text.contains("| noise-babble 10 "),
        "{text}"
    );
    let clean = text.lines().find(|line| line.starts_with("| clean "));
    assert!(
        clean.is_some_and(|line| line.ends_with(" +0.0 |")),
        "{text}"
    );
    assert!(text.contains("SYNTHETIC"), "{text}");
    let more = folder.path().join("more");
    copy_a_quarter(&data, &more);
    let bad = more.join("03-01-01-01-01-01-09.wav");
    fs::write(&bad, "RIFFnothing").unwrap();
    for command in ["conditions", "report"] {
        let said = complaint(3, &[&command, &out, &"--data", &more]);
        let skipped = format!("skipped: {}", bad.display());
        assert_eq!(said.matches(&skipped).count(), 1, "{command}: {said}");
    }

    let chosen = folder.path().join("selection");
    let select = |args: &[&dyn AsRef<OsStr>]| {
        let fixed: [&dyn AsRef<OsStr>; 6] =
            [&"select", &plain, &"--data", &data, &"--out", &chosen];
        output(0, &[&fixed[..], args].concat())
    };
    assert!(!select(&[]).contains("telephone"));
    let text = select(&[&"--conditions"]);
    assert!(
        text.contains("UAR under") && text.contains("telephone"),
        "{text}"
    );
    // The conditions are still shown beside a recipe that was not evaluated under them.
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
    let fit = || output(0, &with_recipe(&"fit", &both, &data, &out));
    let text = fit();
    assert!(text.contains("on 2 inner splits"), "{text}");
    assert!(text.contains("SYNTHETIC"), "{text}");
    assert_eq!(text, fit(), "what is there is kept");

    let early = quick_recipe(folder.path(), "early", "loso", 2);
    let refusal = complaint(1, &with_recipe(&"fit", &early, &data, &out));
    assert!(refusal.contains("last-epoch"), "{refusal}");
}
