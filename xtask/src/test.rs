//! `cargo xtask test`: the tests of all crates, on a machine that may have no libtorch yet.

use std::path::Path;

use anyhow::Result;

use crate::{command, libtorch};

pub fn run(root: &Path, args: &[String]) -> Result<()> {
    libtorch::ensure(root)?;
    command::run(command::cargo(root).arg("test").args(args))
}
