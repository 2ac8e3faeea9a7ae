//! `cargo xtask check`: runs all checks that a change must pass.

use std::env::consts::DLL_EXTENSION;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};

use anyhow::{Result, anyhow, ensure};

use crate::{command, gate, libtorch, page, python, site};

pub fn run(root: &Path) -> Result<()> {
    command::run(command::cargo(root).args(["fmt", "--all", "--check"]))?;
    libtorch::ensure(root)?;
    // Packages of Python are downloaded while cargo compiles.
    let installing = thread::spawn({
        let root = root.to_owned();
        move || -> Result<PathBuf> {
            site::prepare(&root)?;
            python::prepare(&root)?;
            let requirements = root.join("xtask/requirements.txt");
            python::environment(&root.join("target/tools"), &requirements)
        }
    });
    // The module of the page is linked as one unit, on one core.
    let building = thread::spawn({
        let root = root.to_owned();
        move || page::run(&root)
    });
    let package = without_training(root);
    let (page, package) = (joined(building)?, package?);
    let features = format!("{},ser-cli/page", command::TRAIN);
    let cargo = |args: &[&str]| {
        let mut cargo = in_workspace(root, args);
        cargo.args(["--features", &features]);
        // The tests of the page and the service find the page there.
        cargo.env("SER_PAGE", &page);
        cargo
    };
    let deny = ["--", "-D", "warnings"];
    command::run(cargo(&["clippy", "--all-targets"]).args(deny))?;
    let tools = joined(installing)?;
    site::run(root)?;
    // The page has compiled this program, with features of its own, and it has no tests.
    let mut test = cargo(&["test", "--exclude", "ser-bindgen"]);
    test.env("SER_SCHEMATHESIS", tools.with_file_name("schemathesis"));
    command::run(test.env("SER_PYTHON", tools))?;
    python::check(root, &package)?;
    gate::check(root)
}

/// Waits for a thread, and returns its result.
fn joined<T>(thread: JoinHandle<Result<T>>) -> Result<T> {
    let result = thread.join();
    result.map_err(|_| anyhow!("a thread of the checks panicked"))?
}

/// Checks that the program without training needs neither libtorch nor a C++ compiler (the C code of `ring` is allowed: any toolchain
/// that links Rust can compile it), and that it passes its tests. Returns the library of the Python package.
fn without_training(root: &Path) -> Result<PathBuf> {
    let mut tree = command::cargo(root);
    tree.args(["tree", "--package", "ser-cli", "--edges", "normal,build"]);
    let tree = command::output(tree.args(["--prune", "ring"]))?;
    for native in ["tch", "torch-sys", "cc"] {
        let found = tree
            .lines()
            .any(|line| line.contains(&format!("─ {native} v")));
        ensure!(
            !found,
            "ser-cli without the feature `train` depends on {native}"
        );
    }
    let cargo = |args: &[&str]| in_workspace(root, args);
    let mut clippy = cargo(&["clippy"]);
    if has_sound_devices() {
        clippy.args(["--features", "ser-cli/live"]);
    } else {
        println!("skipped: the feature `live`, which needs pkg-config and the headers of ALSA");
    }
    command::run(clippy.args(["--", "-D", "warnings"]))?;
    // The library is built with the features that a test needs, for the reason that `in_workspace` names.
    let messages = command::messages(&mut cargo(&["build", "--lib", "--test", "program"]))?;
    // All other tests are the same with training, and run there.
    command::run(&mut cargo(&["test", "--test", "program"]))?;
    command::built(&messages, "ser_python", DLL_EXTENSION)
}

/// Returns whether a program can be compiled for sound devices here; on Linux this takes the headers of ALSA.
fn has_sound_devices() -> bool {
    let alsa = || {
        Command::new("pkg-config")
            .args(["--exists", "alsa"])
            .status()
    };
    !cfg!(target_os = "linux") || alsa().is_ok_and(|status| status.success())
}

/// Returns a command of cargo for the whole workspace, also where fewer packages would do: cargo unites the features of the packages
/// that it is asked for, and compiles packages again whose features are others than before.
fn in_workspace(root: &Path, args: &[&str]) -> Command {
    let mut cargo = command::cargo(root);
    cargo.args(args).arg("--workspace");
    cargo
}
