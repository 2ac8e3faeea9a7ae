//! `cargo xtask bench`: the criterion benches of `benches/`.

use std::path::Path;

use anyhow::Result;

use crate::{command, libtorch};

pub fn run(root: &Path, args: &[String]) -> Result<()> {
    libtorch::ensure(root)?;
    command::run(
        command::cargo(root)
            .args(["bench", "-p", "ser-benches"])
            .args(args),
    )
}
