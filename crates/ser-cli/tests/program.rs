//! Tests of help, exit codes and `ser doctor`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use common::{complaint, output, ser};

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let help = output(0, &[&"--help"]);
    for word in [
        "synth",
        "download",
        "index",
        "extract",
        "train",
        "crossval",
        "evaluate",
        "predict",
        "explain",
        "report",
        "compare",
        "doctor",
        "EXIT CODES",
        "EXAMPLES",
    ] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn every_command_explains_its_arguments() {
    for command in [
        "synth",
        "download",
        "index",
        "extract",
        "train",
        "crossval",
        "select",
        "fit",
        "evaluate",
        "predict",
        "timeline",
        "listen",
        "enroll",
        "speakers",
        "explain",
        "report",
        "compare",
        "conditions",
        "results",
        "doctor",
        "completions",
        "man",
    ] {
        let help = output(0, &[&command, &"--help"]);
        assert!(help.contains("Usage: ser"), "{command}");
        assert!(
            help.lines().filter(|line| !line.trim().is_empty()).count() > 5,
            "{command}"
        );
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    ser().arg("predict").assert().code(2);
    ser().arg("dance").assert().code(2);
}

#[cfg(not(feature = "train"))]
#[test]
fn a_program_that_does_not_train_is_well_and_says_how_to_get_one_that_does() {
    let found = output(0, &[&"doctor"]);
    assert!(
        found.contains("does not train") && found.contains("no problems found"),
        "{found}"
    );
    let experiment = ["--recipe", "seed5-cnn", "--data", "x", "--out", "y"];
    let select = ["seed5-cnn", "--data", "x", "--out", "y"];
    for (command, arguments) in [
        ("train", &experiment[..]),
        ("crossval", &experiment),
        ("select", &select),
        ("fit", &experiment),
    ] {
        let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&command];
        all.extend(arguments.iter().map(|a| a as &dyn AsRef<std::ffi::OsStr>));
        let said = complaint(1, &all);
        assert!(said.contains("--features train"), "{command}: {said}");
    }
    // The help is wrapped to the width of the terminal, which is arbitrary on a machine without one.
    let help = output(0, &[&"--help"]);
    let words: Vec<&str> = help.split_whitespace().collect();
    let listed = |note| words.join(" ").matches(note).count();
    assert_eq!(listed("(not in this build)"), 3, "{help}");
    assert_eq!(listed("(in this build only with --from)"), 1, "{help}");
}

#[cfg(feature = "train")]
#[test]
fn doctor_finds_libtorch_and_the_recipes() {
    let found = output(0, &[&"doctor"]);
    assert!(
        found.contains("2.13.0") && found.contains("seed5-cnn"),
        "{found}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&output(0, &[&"doctor", &"--json"])).unwrap();
    let found = json["libtorch"]["found"].as_str().unwrap();
    assert!(found.contains("computes"), "{found}");
}

#[test]
fn a_missing_file_is_named_and_ends_with_1() {
    for arguments in [
        ["index", "no-such-folder"].as_slice(),
        &["extract", "no-such.csv", "--out", "x.safetensors"],
        &["predict", "--model", "no-such.safetensors", "a.wav"],
        &["report", "no-such-run", "--data", "."],
    ] {
        let arguments: Vec<&dyn AsRef<std::ffi::OsStr>> = arguments
            .iter()
            .map(|a| a as &dyn AsRef<std::ffi::OsStr>)
            .collect();
        let message = complaint(1, &arguments);
        assert!(
            message.contains("error: ") && message.contains("no-such"),
            "{message}"
        );
    }
}
