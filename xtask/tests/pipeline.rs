//! Tests the pipeline on a small workspace whose `ser` only records its calls.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A stand-in for `ser`. It writes the files that each subcommand should write, appends its arguments to `calls.txt`, and fails on
/// request.
const SER: &str = r#"
use std::{env, fs, io::Write};

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let mut calls = fs::OpenOptions::new().create(true).append(true).open("calls.txt").unwrap();
    writeln!(calls, "{}", args.join(" ")).unwrap();
    if env::var("SLOW").is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(60));
    }
    if env::var("FAIL").is_ok_and(|stage| stage == args[0]) {
        std::process::exit(1);
    }
    let after = |name: &str| args.iter().position(|arg| arg == name).map(|at| args[at + 1].clone());
    match args[0].as_str() {
        "synth" => {
            fs::create_dir_all(&args[1]).unwrap();
            let clip = format!("{}/03-01-01-01-01-01-01.wav", args[1]);
            if !fs::exists(&clip).unwrap() {
                fs::write(clip, "synthetic").unwrap();
            }
        }
        "download" => {
            fs::create_dir_all(after("--to").unwrap()).unwrap();
            fs::write(after("--to").unwrap() + "/03-01-01-01-01-01-01.wav", "speech").unwrap();
        }
        "index" => fs::write(after("--out").unwrap(), "path,emotion,speaker").unwrap(),
        "crossval" => {
            fs::create_dir_all(after("--out").unwrap()).unwrap();
            fs::write(after("--out").unwrap() + "/model.safetensors", "weights").unwrap();
        }
        "report" => fs::write(after("--out").unwrap(), "<html>").unwrap(),
        other => panic!("unexpected {other}"),
    }
    // The exit code of ser when it has skipped some clips.
    std::process::exit(if args[0] == "index" { 3 } else { 0 });
}
"#;

/// A workspace with stand-ins for ser-cli, libtorch and the recipes.
struct Workspace {
    folder: TempDir,
}

impl Workspace {
    fn new() -> Self {
        let workspace = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        workspace.write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"ser-cli\"]\nresolver = \"3\"\n",
        );
        workspace.write(
            "ser-cli/Cargo.toml",
            "[package]\nname = \"ser-cli\"\nedition = \"2024\"\n[[bin]]\nname = \"ser\"\npath = \"ser.rs\"\n[features]\ntrain = []\n",
        );
        workspace.write("ser-cli/ser.rs", SER);
        workspace.write("data/recipes/small.toml", "epochs = 1");
        workspace.write("data/recipes/other.toml", "epochs = 2");
        workspace.write(".libtorch/build-version", "2.13.0");
        workspace.write(".libtorch/include/torch/csrc/api/include/torch/torch.h", "");
        for name in ["torch_cpu", "c10", "torch"] {
            let extension = if cfg!(target_os = "macos") {
                "dylib"
            } else {
                "so"
            };
            workspace.write(&format!(".libtorch/lib/lib{name}.{extension}"), "\x7fELF");
        }
        workspace
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn xtask(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .current_dir(self.folder.path())
            .env("CARGO_MANIFEST_DIR", self.path("xtask"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .env_remove("LIBTORCH")
            .env_remove("LIBTORCH_USE_PYTORCH");
        command
    }

    fn pipeline(&self, args: &[&str]) -> Output {
        self.xtask().arg("pipeline").args(args).output().unwrap()
    }

    /// Returns the calls of `ser` since the last time.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("calls.txt")).unwrap_or_default();
        let _ = fs::remove_file(self.path("calls.txt"));
        text.lines().map(str::to_owned).collect()
    }

    fn stages(&self) -> Vec<String> {
        let calls = self.calls();
        calls
            .iter()
            .map(|call| call.split(' ').next().unwrap().to_owned())
            .collect()
    }
}

fn good(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

fn bad(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn stages_run_in_order_each_with_what_the_others_left() {
    let workspace = Workspace::new();
    let run = || workspace.pipeline(&["--synthetic", "--recipe", "small", "--recipe", "other"]);

    let text = good(&run());
    let out = fs::canonicalize(workspace.path("runs/synthetic")).unwrap();
    let calls = workspace.calls();
    assert_eq!(calls.len(), 5, "{calls:?}");
    let shown = |path: &Path| path.display().to_string();
    let manifest = shown(&out.join("manifest.csv"));
    assert!(
        calls[1].starts_with("index ") && calls[1].ends_with(&format!("--out {manifest}")),
        "{}",
        calls[1]
    );
    let store = shown(&out.join("features"));
    // Recipes are given as files, because the program knows only the names of its own recipes.
    let recipe = |name: &str| shown(&workspace.path(&format!("data/recipes/{name}.toml")));
    assert_eq!(
        calls[3],
        format!(
            "crossval --recipe {} --data {manifest} --store {store} --out {}",
            recipe("other"),
            shown(&out.join("other"))
        )
    );
    let (small, other, page) = (
        out.join("small"),
        out.join("other"),
        out.join("report.html"),
    );
    assert_eq!(
        calls[4],
        format!(
            "report {} {} --data {manifest} --out {}",
            shown(&small),
            shown(&other),
            shown(&page)
        )
    );
    assert_eq!(
        text.matches("some inputs were skipped").count(),
        1,
        "{text}"
    );
    assert_eq!(text.matches("SYNTHETIC").count(), 2, "{text}");
    assert!(
        text.contains(&format!("Report: {}", shown(&page))),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "predict --model {}",
            shown(&small.join("model.safetensors"))
        )),
        "{text}"
    );
}

#[test]
fn a_failed_stage_ends_the_run_and_is_taken_up_again() {
    let workspace = Workspace::new();
    workspace.write("my data/a.wav", "audio");
    let args = [
        "pipeline", "--data", "my data", "--recipe", "small", "--out", "results",
    ];
    let error = bad(&workspace
        .xtask()
        .args(args)
        .env("FAIL", "crossval")
        .output()
        .unwrap());
    assert!(
        error.contains("train and evaluate small failed") && error.contains("exit status: 1"),
        "{error}"
    );
    assert_eq!(workspace.stages(), ["index", "crossval"]);

    let text = good(&workspace.xtask().args(args).output().unwrap());
    assert_eq!(workspace.stages(), ["index", "crossval", "report"]);
    assert!(!text.contains("SYNTHETIC"), "{text}");
    assert!(workspace.path("results/report.html").is_file());
    assert_eq!(fs::read_dir(workspace.path("my data")).unwrap().count(), 1);
}

#[test]
fn without_a_folder_the_corpus_is_downloaded() {
    let workspace = Workspace::new();
    let run = |fail: &str| {
        let mut run = workspace.xtask();
        run.args(["pipeline", "--recipe", "small"])
            .env("FAIL", fail);
        run.output().unwrap()
    };
    let error = bad(&run("download"));
    for way in ["download --from", "--data", "--synthetic"] {
        assert!(error.contains(way), "{error}");
    }
    assert_eq!(workspace.stages(), ["download"]);

    good(&run("nothing"));
    let calls = workspace.calls();
    let to = workspace.path("data/corpora/ravdess");
    assert_eq!(calls[0], format!("download ravdess --to {}", to.display()));
    assert!(
        calls[1].starts_with(&format!("index {} ", to.display())),
        "{}",
        calls[1]
    );

    let mut download = workspace.xtask();
    download.args(["download", "--from", "copy.zip", "--to", "here"]);
    good(&download.output().unwrap());
    assert_eq!(
        workspace.calls(),
        ["download ravdess --to here --from copy.zip"]
    );
}

#[test]
fn the_results_of_other_recordings_are_replaced_only_on_request() {
    let workspace = Workspace::new();
    workspace.write("a/calls/a.wav", "audio");
    workspace.write("b/calls/b.wav", "audio");
    let run = |data: &str, more: &[&str]| {
        workspace.pipeline(&[&["--data", data, "--recipe", "small"], more].concat())
    };
    good(&run("a/calls", &[]));
    let page = workspace.path("runs/calls/report.html");
    assert!(page.is_file());
    assert_eq!(workspace.stages(), ["index", "crossval", "report"]);

    let error = bad(&run("b/calls", &[]));
    assert!(
        error.contains("a/calls, which would be lost") && error.contains("with --out DIR"),
        "{error}"
    );
    assert_eq!(workspace.stages(), [""; 0]);
    // The refusal has changed nothing.
    good(&run("a/calls", &[]));
    assert_eq!(workspace.stages(), ["index", "crossval", "report"]);

    good(&run("b/calls", &["--out", "runs/calls"]));
    assert_eq!(workspace.stages(), ["index", "crossval", "report"]);
    good(&run("b/calls", &[]));
    assert!(bad(&run("a/calls", &[])).contains("which would be lost"));
}

#[test]
fn a_second_pipeline_says_that_it_waits_for_the_first() {
    let workspace = Workspace::new();
    let out = workspace.path("runs/synthetic");
    fs::create_dir_all(&out).unwrap();
    let first = ser_files::Lock::take(&out.join("pipeline.lock")).unwrap();
    assert!(first.is_some());
    let mut second = workspace.xtask();
    second.args(["pipeline", "--synthetic", "--recipe", "small"]);
    let mut second = second.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(second.stdout.take().unwrap()).lines();
    let waits = "another process is working on this output folder: waiting for it";
    assert!(lines.any(|line| line.unwrap() == waits));
    assert_eq!(workspace.stages(), [""; 0]);
    drop(first);
    assert!(lines.any(|line| line.unwrap().starts_with("Report: ")));
    assert!(second.wait().unwrap().success());
}

#[test]
fn wrong_arguments_are_found_before_anything_is_built() {
    let workspace = Workspace::new();
    workspace.write("silent/readme.txt", "no audio");
    let error = bad(&workspace.pipeline(&["--data", "silent", "--recipe", "small"]));
    assert!(error.contains("holds no recordings"), "{error}");
    let error = bad(&workspace.pipeline(&["--data", "nowhere", "--recipe", "small"]));
    assert!(error.contains("--data nowhere"), "{error}");
    let error = bad(&workspace.pipeline(&["--synthetic", "--recipe", "unknown"]));
    assert!(error.contains("other, small"), "{error}");
    assert!(!workspace.path("target").exists());
}

#[test]
fn a_pipeline_killed_at_any_moment_ends_as_if_it_had_not_been() {
    let workspace = Workspace::new();
    let args = [
        "pipeline",
        "--synthetic",
        "--recipe",
        "small",
        "--recipe",
        "other",
    ];
    // The first run builds, so that the kills below do not hit the build.
    good(&workspace.xtask().args(args).output().unwrap());
    let out = workspace.path("runs/synthetic");
    for milliseconds in (0..12).map(|n| 20 + 67 * n % 500) {
        fs::remove_dir_all(&out).unwrap();
        workspace.calls();
        let mut run = workspace.xtask();
        run.args(args).env("SLOW", "1").stdout(Stdio::null());
        let mut run = run.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        run.kill().unwrap();
        run.wait().unwrap();
        // The call of `ser` that was running has lost its parent, and ends.
        std::thread::sleep(Duration::from_millis(100));
        good(&workspace.xtask().args(args).output().unwrap());
        for made in ["manifest.csv", "small/model.safetensors", "report.html"] {
            assert!(out.join(made).is_file(), "{made} after {milliseconds} ms");
        }
    }
}
