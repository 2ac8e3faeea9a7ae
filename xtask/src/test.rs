//! `cargo xtask test`: the tests of all crates, on a machine that may have no libtorch yet.

use std::path::Path;

use anyhow::Result;

use crate::{command, libtorch};

pub fn run(root: &Path, args: &[String]) -> Result<()> {
    libtorch::ensure(root)?;
    let mut test = command::cargo(root);
    test.args(["test", "--features", command::TRAIN]).args(args);
    command::run(&mut test)
}
