//! `cargo xtask test`: runs the tests of all crates, on a machine that may not have libtorch yet.

use std::path::Path;

use anyhow::Result;

use crate::{command, libtorch};

pub fn run(root: &Path, args: &[String]) -> Result<()> {
    libtorch::ensure(root)?;
    let mut test = command::cargo(root);
    test.arg("test");
    // If packages are chosen, cargo accepts only the features of those packages.
    let is_choice = |arg: &String| arg.starts_with("-p") || arg.starts_with("--package");
    if !args.iter().any(is_choice) {
        test.args(["--features", command::TRAIN]);
    }
    command::run(test.args(args))
}
