//! Tests of `ser evaluate` on a manifest, and of error messages.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use ser_predict::Model;
use serde_json::Value;

use crate::common::{clips, complaint, lines, output, read_wav, ser};

/// Writes a manifest of four clips with an additional column; one clip has an emotion that no model knows.
fn manifest(folder: &Path) -> PathBuf {
    let files = clips(1, 4);
    let rows = files
        .iter()
        .zip(["happy,hall", "sad,hall", "happy,bath", "smug,"]);
    let rows: String = rows
        .map(|(file, rest)| {
            let (emotion, room) = rest.split_once(',').unwrap();
            format!("{},{emotion},anna,{room}\n", file.display())
        })
        .collect();
    let path = folder.join("mine.csv");
    fs::write(&path, format!("path,emotion,speaker,room\n{rows}")).unwrap();
    path
}

#[test]
fn clips_of_unknown_emotions_are_counted_and_the_exit_code_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let said = complaint(3, &[&"evaluate", &"--data", &manifest(folder.path())]);
    for part in [
        "1 clip left out (smug)",
        "the possible answers are neutral, ",
        "rename other labels in the manifest",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn other_labels_than_the_chosen_ones_are_neither_asked_nor_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (manifest(folder.path()), folder.path().join("out"));
    let said = complaint(
        3,
        &[
            &"evaluate",
            &"--data",
            &data,
            &"--labels",
            &"angry,sad",
            &"--out",
            &out,
        ],
    );
    assert!(
        said.contains("3 clips left out (happy, smug): the possible answers are sad, angry;"),
        "{said}"
    );
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("--data DATA --labels sad,angry --out DIR"));
    let answers = fs::read_to_string(out.join("predictions.csv")).unwrap();
    let header = answers.lines().next().unwrap();
    assert!(header.ends_with(",p_sad,p_angry"), "{header}");
}

#[test]
fn other_words_for_the_labels_of_the_model_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let path = manifest(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("happy", "joy").replace("smug", "Anger");
    fs::write(&path, text).unwrap();
    let said = complaint(0, &[&"evaluate", &"--data", &path]);
    assert!(
        said.contains("labels: Anger → angry 1 clip, joy → happy 2 clips\n"),
        "{said}"
    );
}

#[test]
fn evaluations_on_the_same_clips_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = manifest(folder.path());
    let text = fs::read_to_string(&path).unwrap().replace("smug", "sad");
    fs::write(&path, &text).unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = at("model.safetensors");
    let built_in = Model::built_in().unwrap();
    let two = built_in.of_labels(&["happy", "sad"]).unwrap();
    two.save(&model).unwrap();
    let evaluate = |options: &[&dyn AsRef<OsStr>], data: &Path, out: &Path| {
        let call: [&dyn AsRef<OsStr>; 5] = [&"evaluate", &"--data", &data, &"--out", &out];
        output(0, &[&call[..], options].concat());
    };
    let (all, one, other) = (at("all"), at("one"), at("other"));
    evaluate(&[], &path, &all);
    evaluate(&[&"--labels", &"happy,sad"], &path, &one);
    evaluate(&[&"--model", &model], &path, &other);
    let page = at("compared.html");
    let told = output(0, &[&"compare", &one, &other, &"--out", &page]);
    let pair = format!("{} − {}", one.display(), other.display());
    assert!(told.contains(&pair), "{told}");
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("href=\"one/report.html\""));

    let said = complaint(1, &[&"compare", &one, &all]);
    assert!(said.contains("has the labels happy, sad; "), "{said}");
    let fewer = at("fewer.csv");
    fs::write(&fewer, text.trim_end().rsplit_once('\n').unwrap().0).unwrap();
    evaluate(&[], &fewer, &one);
    let said = complaint(1, &[&"compare", &all, &one]);
    assert!(said.contains("cannot be compared"), "{said}");
}

#[test]
fn figures_are_given_by_any_column_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (manifest(folder.path()), folder.path().join("out"));
    let told = output(
        3,
        &[
            &"evaluate",
            &"--data",
            &data,
            &"--by",
            &"room,speaker",
            &"--out",
            &out,
        ],
    );
    let page = format!("report: {}", out.join("report.html").display());
    assert!(told.contains(&page), "{told}");
    for part in [
        "| room ",
        "| hall |     2 |",
        "| bath |     1 |",
        "| speaker ",
        "| anna ",
        "not marked as uncertain: ",
        "; out of distribution: ",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let figures: Value =
        serde_json::from_str(&fs::read_to_string(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(figures["by"]["room"][1]["group"], "hall");
    assert_eq!(figures["by"]["room"][1]["n"], 2);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("room") && page.contains("hall"));
    let answers = fs::read_to_string(out.join("predictions.csv")).unwrap();
    let header = answers.lines().next().unwrap();
    assert!(
        header.contains(",predicted,attribute_room,p_neutral,"),
        "{header}"
    );

    let said = complaint(1, &[&"evaluate", &"--data", &data, &"--by", &"floor"]);
    assert!(
        said.contains("`floor`; the columns with values are speaker, room"),
        "{said}"
    );
}

/// Writes a clip whose second channel is the first with the opposite sign, so that their mean is silent.
fn opposite(folder: &Path) -> PathBuf {
    let (rate, clip) = read_wav(&clips(1, 1)[0]);
    let samples = clip.into_iter().flat_map(|x| [x, x.saturating_neg()]);
    let path = folder.join("opposite.wav");
    ser_fixtures::write_interleaved(&path, rate, 2, samples);
    path
}

#[test]
fn channels_of_opposite_sign_are_measured_as_they_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = opposite(folder.path());
    let clip = hound::WavReader::open(&path).unwrap();
    let end = f64::from(clip.duration()) / f64::from(clip.spec().sample_rate);
    let answer = &lines(&output(0, &[&"predict", &path, &"--json"]))[0];
    for part in ["", &format!("0,{end}")] {
        let (table, out) = (folder.path().join("mine.csv"), folder.path().join("out"));
        let columns = if part.is_empty() { "" } else { ",start,end" };
        let row = format!("{},happy,anna,{part}", path.display());
        let row = row.trim_end_matches(',');
        fs::write(&table, format!("path,emotion,speaker{columns}\n{row}\n")).unwrap();
        output(0, &[&"evaluate", &"--data", &table, &"--out", &out]);
        let answers = fs::read_to_string(out.join("predictions.csv")).unwrap();
        let (header, row) = answers.split_once('\n').unwrap();
        for (column, found) in header.split(',').zip(row.trim().split(',')) {
            let Some(emotion) = column.strip_prefix("p_") else {
                continue;
            };
            let expected = answer["probabilities"][emotion].as_f64().unwrap();
            let found: f64 = found.parse().unwrap();
            assert!(
                (found - expected).abs() < 1e-6,
                "{emotion}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn a_root_is_where_a_manifest_has_its_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clips(1, 1).remove(0);
    let (root, name) = (clip.parent().unwrap(), clip.file_name().unwrap());
    let path = folder.path().join("mine.csv");
    let row = format!("{},happy,anna\n", name.to_string_lossy());
    fs::write(&path, format!("path,emotion,speaker\n{row}")).unwrap();
    let said = complaint(1, &[&"index", &path]);
    assert!(said.contains("--root DIR"), "{said}");
    output(0, &[&"index", &path, &"--root", &root]);
    output(0, &[&"evaluate", &"--data", &path, &"--root", &root]);
    let out = folder.path().join("f.csv");
    output(0, &[&"extract", &path, &"--root", &root, &"--out", &out]);
    let table = fs::read_to_string(out).unwrap();
    assert!(
        table.starts_with("path,seconds,emotion,speaker,mfcc_0_mean,"),
        "{table:.80}"
    );
    let out = folder.path().join("f.npy");
    let calls: [&[&dyn AsRef<OsStr>]; 2] = [
        &[&"index", &root, &"--root", &root],
        &[&"extract", &clip, &"--root", &root, &"--out", &out],
    ];
    for words in calls {
        let said = complaint(1, words);
        assert!(said.contains("the manifest"), "{said}");
    }
}

#[test]
fn errors_say_the_reason_and_the_next_step_and_steer_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("notes.txt"), "no sound").unwrap();
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("table.csv"), "path,emotion,speaker\nx.wav,sad,a\n").unwrap();
    // On a terminal this name would be red and read as xvaw.jpg.
    let bad = at("x\u{1b}[31m\u{202e}gpj.wav");
    fs::write(&bad, "no sound").unwrap();
    let cases: [(&[&str], &[&str]); 10] = [
        (
            &["index", "NOTHERE"],
            &["NOTHERE: No such file or folder", "check the path"],
        ),
        (
            &["index", "notes.txt"],
            &["expected a folder with clips", ".csv or .tsv"],
        ),
        (&["index", "empty"], &["no usable clip", "a CSV manifest"]),
        (
            &["predict", "empty"],
            &["no recording in this folder", "flac"],
        ),
        (
            &["predict", "table.csv"],
            &["a table, not a recording", "`extract`"],
        ),
        (
            &["timeline", "empty"],
            &["it is a folder, but a file is expected"],
        ),
        (
            &["extract", "notes.txt", "--out", "no/f.csv"],
            &["the folder no does not exist", "create it"],
        ),
        (
            &["extract", "empty", "--out", "f.csv"],
            &["no recording among the inputs: empty"],
        ),
        (
            &["enroll", "bob", "notes.txt"],
            &["nobody is enrolled", "lines above"],
        ),
        (
            &["predict", "notes.txt"],
            &["nothing could be answered", "lines above"],
        ),
    ];
    for (words, parts) in cases {
        let ended = ser().current_dir(&folder).args(words).assert().code(1);
        let said = String::from_utf8(ended.get_output().stderr.clone()).unwrap();
        for part in parts {
            assert!(said.contains(part), "{words:?}: {part} is not in {said}");
        }
        assert!(!said.contains("os error"), "{said}");
    }
    for words in [&["predict", "--json"][..], &["timeline"], &["explain"]] {
        let ended = ser().args(words).arg(&bad).assert().code(1);
        let said = String::from_utf8(ended.get_output().stderr.clone()).unwrap();
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{words:?}");
    }
}

#[test]
fn what_is_not_marked_as_uncertain_is_counted_as_the_answers_say() {
    let folder = tempfile::tempdir().unwrap();
    let files = clips(1, 12);
    let answers = files
        .iter()
        .map(|file| output(0, &[&"predict", file, &"--json"]));
    let answers: Vec<Value> = answers.map(|line| lines(&line)[0].clone()).collect();
    // Every other clip has the label that the model predicts.
    let rows = files
        .iter()
        .zip(&answers)
        .enumerate()
        .map(|(i, (file, answer))| {
            let right = answer["emotion"].as_str().unwrap();
            let wrong = if right == "sad" { "happy" } else { "sad" };
            let emotion = if i % 2 == 0 { right } else { wrong };
            format!("{},{emotion},anna\n", file.display())
        });
    let path = folder.path().join("mine.csv");
    fs::write(
        &path,
        format!("path,emotion,speaker\n{}", rows.collect::<String>()),
    )
    .unwrap();
    let told = output(0, &[&"evaluate", &"--data", &path, &"--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let is_certain = |&i: &usize| answers[i]["uncertain"] == false;
    let certain: Vec<usize> = (0..12).filter(is_certain).collect();
    let right = certain.iter().filter(|&&i| i % 2 == 0).count();
    assert_eq!(told["certain"]["share"], certain.len() as f64 / 12.0);
    match certain.len() {
        0 => assert!(told["certain"]["accuracy"].is_null()),
        n => assert_eq!(told["certain"]["accuracy"], right as f64 / n as f64),
    }
    let is_unlike = |answer: &&Value| {
        answer["warnings"]
            .to_string()
            .contains("out-of-distribution")
    };
    let unlike = answers.iter().filter(is_unlike).count();
    assert_eq!(told["out_of_distribution"], unlike as f64 / 12.0);
}
