//! Tests that an invalid `--out` is refused before any work is done.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{self, clips, complaint, output};

/// Returns a folder, a manifest of two clips in it, and a copy of a clip with the ending .txt.
fn folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let clips = clips(1, 2);
    let rows: Vec<String> = clips
        .iter()
        .map(|clip| format!("{},happy,anna", clip.display()))
        .collect();
    let manifest = folder.path().join("mine.csv");
    fs::write(
        &manifest,
        format!("path,emotion,speaker\n{}\n", rows.join("\n")),
    )
    .unwrap();
    let clip = folder.path().join("clip.txt");
    fs::copy(&clips[0], &clip).unwrap();
    (folder, manifest, clip)
}

/// The commands that write a file, and the ending of its name. The first two read a manifest, the others a recording.
const COMMANDS: [(&str, &str); 5] = [
    ("index", "csv"),
    ("extract", "csv"),
    ("predict", "csv"),
    ("timeline", "vtt"),
    ("explain", "svg"),
];

/// Returns the error message of each command for an output of this name in `folder`.
fn refused(folder: &Path, name: &str, [manifest, clip]: [&PathBuf; 2]) -> Vec<String> {
    let of = |(i, (command, extension)): (usize, (&str, &str))| {
        let input = if i < 2 { manifest } else { clip };
        let out = folder.join(format!("{name}.{extension}"));
        complaint(1, &[&command, input, &"--out", &out])
    };
    COMMANDS.into_iter().enumerate().map(of).collect()
}

#[test]
fn a_model_is_exported_whole_under_a_name_of_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("model.onnx");
    let line = output(0, &[&"export", &"--json", &"--out", &out]);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        line["bytes"].as_u64(),
        Some(fs::metadata(&out).unwrap().len())
    );
    let said = complaint(1, &[&"export", &"--out", &folder.path().join("model.pt")]);
    assert!(said.contains("must end in .onnx"), "{said}");
    let large = folder.path().join("model.ONNX");
    let said = complaint(1, &[&"export", &"--model", &"no-such", &"--out", &large]);
    assert!(said.contains("no-such"), "{said}");
    let said = complaint(1, &[&"export", &"--model", &out, &"--out", &out]);
    assert!(said.contains("model.onnx"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_read_is_not_written_over() {
    let (folder, manifest, clip) = folder();
    let before = fs::read(&manifest).unwrap();
    let again = folder.path().join(".").join("mine.csv");
    for command in ["index", "extract"] {
        let said = complaint(1, &[&command, &manifest, &"--out", &again]);
        assert!(said.contains("it is also an input"), "{said}");
        assert_eq!(fs::read(&manifest).unwrap(), before);
    }
    let before = fs::read(&clip).unwrap();
    let said = complaint(1, &[&"timeline", &clip, &"--out", &clip]);
    assert!(said.contains("choose another output file"), "{said}");
    assert_eq!(fs::read(&clip).unwrap(), before);
}

#[test]
fn a_folder_is_no_file_to_write() {
    let (folder, manifest, clip) = folder();
    let taken = COMMANDS.map(|(_, extension)| folder.path().join(format!("folder.{extension}")));
    taken
        .iter()
        .for_each(|path| fs::create_dir_all(path).unwrap());
    for said in refused(folder.path(), "folder", [&manifest, &clip]) {
        assert!(
            said.contains("it is a folder, but a file is expected"),
            "{said}"
        );
    }
    for path in taken {
        assert_eq!(fs::read_dir(path).unwrap().count(), 0);
    }
}

/// A user who may do everything, as in a container, is not refused, so the test ends early.
#[cfg(unix)]
#[test]
fn a_folder_that_is_not_ours_is_named_with_what_to_do_before_anything_is_heard() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, manifest, clip) = folder();
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(locked.join("anything"), "").is_ok() {
        eprintln!("skipped: this user may write into any folder");
        return;
    }
    for said in refused(&locked, "out", [&manifest, &clip]) {
        assert!(said.contains("change its permissions"), "{said}");
        assert!(!said.contains(".unfinished"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_with_what_to_do() {
    let (folder, manifest, clip) = folder();
    for (_, extension) in COMMANDS {
        let full = folder.path().join(format!("full.{extension}"));
        if !full.exists() {
            std::os::unix::fs::symlink("/dev/full", full).unwrap();
        }
    }
    for said in refused(folder.path(), "full", [&manifest, &clip]) {
        assert!(said.contains("make room there"), "{said}");
        assert!(!said.contains("os error"), "{said}");
    }
}

#[test]
fn an_evaluation_takes_a_folder_of_its_own() {
    let (folder, _, _) = folder();
    let at = |name: &str| folder.path().join(name);
    let corpus = common::synthetic();
    let clip = &clips(1, 1)[0];
    let rows = format!("path,emotion,speaker\n{},happy,anna\n", clip.display());
    fs::write(at("one.csv"), rows).unwrap();
    let evaluate = |code: i32, out: &Path| {
        complaint(
            code,
            &[&"evaluate", &"--data", &at("one.csv"), &"--out", &out],
        )
    };
    for _ in 0..2 {
        evaluate(0, &at("new"));
        assert!(at("new/report.html").is_file());
    }
    let said = evaluate(1, &corpus.join("Actor_01"));
    assert!(said.contains("holds something else"), "{said}");
    // The folder of a run has predictions as well.
    fs::create_dir(at("new/split-1")).unwrap();
    fs::write(at("new/split-1/run.json"), "{}").unwrap();
    let said = evaluate(1, &at("new"));
    assert!(said.contains("holds something else"), "{said}");
    let said = evaluate(1, &at("one.csv"));
    assert!(said.contains("it is not a folder"), "{said}");
}

#[cfg(unix)]
#[test]
fn what_a_stopped_call_leaves_is_no_device() {
    let (folder, _, clip) = folder();
    let out = folder.path().join("a.csv");
    let beside = folder.path().join("a.csv.unfinished");
    std::os::unix::fs::symlink("/dev/zero", &beside).unwrap();
    let said = complaint(1, &[&"predict", &clip, &"--out", &out]);
    assert!(said.contains("a pipe or a device"), "{said}");
    assert!(!out.exists());
    fs::remove_file(beside).unwrap();
    output(0, &[&"predict", &clip, &"--out", &out]);
}
