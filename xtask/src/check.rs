//! `cargo xtask check`: runs all checks that a change must pass.

use std::env::consts::DLL_EXTENSION;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::{command, gate, libtorch, page, python, site};

pub fn run(root: &Path) -> Result<()> {
    command::run(command::cargo(root).args(["fmt", "--all", "--check"]))?;
    libtorch::ensure(root)?;
    let package = without_libtorch(root)?;
    let page = page::run(root)?;
    let features = format!("{},ser-cli/page", command::TRAIN);
    let cargo = |args: &[&str]| {
        let mut cargo = command::cargo(root);
        cargo
            .args(args)
            .args(["--workspace", "--features", &features]);
        // The tests of the page and the service find the page there.
        cargo.env("SER_PAGE", &page);
        cargo
    };
    let deny = ["--", "-D", "warnings"];
    command::run(cargo(&["clippy", "--all-targets"]).args(deny))?;
    site::run(root)?;
    command::run(&mut cargo(&["test"]))?;
    python::check(root, &package)?;
    gate::check(root)
}

/// Checks that the program without training builds on a machine that has neither libtorch nor a C++ compiler. (The C code of `ring`
/// is allowed: any toolchain that links Rust can compile it.) Returns the library of the Python package, which must build there too.
fn without_libtorch(root: &Path) -> Result<PathBuf> {
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
    // All packages that do not need libtorch, so that they are compiled only once, for this and for the other checks.
    let cargo = |args: &[&str]| {
        let mut cargo = command::cargo(root);
        cargo.args(args).arg("--workspace");
        cargo.args([
            "--exclude",
            "ser-model",
            "--exclude",
            "ser-benches-networks",
        ]);
        cargo
    };
    command::run(cargo(&["clippy"]).args(["--", "-D", "warnings"]))?;
    // All other tests are the same with training, and run there.
    command::run(&mut cargo(&["test", "--test", "program"]))?;
    let messages = command::messages(&mut cargo(&["build", "--lib"]))?;
    command::built(&messages, "ser_python", DLL_EXTENSION)
}
