//! Tests of help, exit codes and `ser doctor`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::collections::BTreeSet;

use common::{complaint, output, ser};

/// Returns the names of the commands in the help of the program.
fn commands(help: &str) -> BTreeSet<&str> {
    let section = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let section = section.take_while(|line| line.is_empty() || line.starts_with(' '));
    // Lines that continue an explanation are indented further.
    let names = section.filter_map(|line| {
        let line = line
            .strip_prefix("  ")
            .filter(|line| !line.starts_with(' '))?;
        line.split_whitespace().next()
    });
    names.filter(|name| *name != "help").collect()
}

#[test]
fn the_help_the_commands_and_the_readme_name_the_same_commands() {
    let help = output(0, &[&"--help"]);
    let commands = commands(&help);
    for command in &commands {
        let help = output(0, &[command, &"--help"]);
        let usage = format!("Usage: ser {command}");
        assert!(help.contains(&usage), "{usage} is not in {help}");
    }
    let readme = include_str!("../README.md").lines();
    let table = readme.skip_while(|line| !line.starts_with("| command |"));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    let first = rows.filter_map(|row| row.split('|').nth(1));
    let documented =
        first.flat_map(|cell| cell.split(',').map(|name| name.trim().trim_matches('`')));
    assert_eq!(commands, documented.collect());
}

#[test]
fn the_help_explains_the_exit_codes() {
    let help = output(0, &[&"--help"]);
    for code in [
        "  0  done",
        "  1  failed",
        "  2  invalid command line",
        "  3  done, but some inputs were skipped",
        "  130  stopped with Ctrl-C",
    ] {
        assert!(
            help.lines().any(|line| line.starts_with(code)),
            "{code} is not in {help}"
        );
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    ser().arg("predict").assert().code(2);
    ser().arg("dance").assert().code(2);
    for (call, expected) in [
        (["predict", "a.wav", "--channel", "0"], "counted from 1"),
        (
            ["serve", "--tokens", "t", "--bind=localhost:80"],
            "expected an IP address",
        ),
    ] {
        let ended = ser().args(call).assert().code(2);
        let said = String::from_utf8_lossy(&ended.get_output().stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_root_without_a_manifest_is_refused() {
    for call in [
        &["doctor", "--root", "."][..],
        &["report", "run", "--out", "all.html", "--root", "."],
    ] {
        let ended = ser().args(call).assert().code(2);
        let said = String::from_utf8_lossy(&ended.get_output().stderr).into_owned();
        assert!(said.contains("--data"), "{said}");
    }
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
