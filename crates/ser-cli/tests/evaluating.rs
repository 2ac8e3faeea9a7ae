//! `ser evaluate` on a manifest.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::fs;

use common::{clips, complaint, output, ser};
use serde_json::Value;

/// Four clips with a column of their own, one of an emotion that no model knows.
fn manifest(folder: &std::path::Path) -> std::path::PathBuf {
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
        "only knows neutral, ",
        "rename them",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
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
    for part in [
        "| room ",
        "| hall |     2 |",
        "| bath |     1 |",
        "| speaker ",
        "| anna ",
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
    assert!(said.contains("`floor`; there are speaker, room"), "{said}");
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
    let said = complaint(1, &[&"index", &root, &"--root", &root]);
    assert!(said.contains("the manifest"), "{said}");
}

#[test]
fn errors_say_the_reason_and_the_next_step_and_steer_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("notes.txt"), "no sound").unwrap();
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("table.csv"), "path,emotion,speaker\nx.wav,sad,a\n").unwrap();
    let bad = at("x\u{1b}[31m.wav");
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
        (&["index", "empty"], &["no clip to use", "a CSV manifest"]),
        (&["predict", "empty"], &["no recording below it", "flac"]),
        (
            &["predict", "table.csv"],
            &["a table, and no recording", "`extract`"],
        ),
        (
            &["timeline", "empty"],
            &["it is a folder, where a file is expected"],
        ),
        (
            &["extract", "notes.txt", "--out", "no/f.csv"],
            &["the folder no does not exist", "make it"],
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
        let said = &ended.get_output().stderr;
        assert!(!said.contains(&0x1b), "{words:?}");
    }
}
