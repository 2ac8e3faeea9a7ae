//! `ser train`, `crossval`, `select` and `fit` of a program that was built without training.

use anyhow::{Result, bail};

use crate::Outcome;

/// Says how to get the commands that train.
pub fn refuse() -> Result<Outcome> {
    bail!(
        "this program was built without training, which needs libtorch; in a clone of ser: \
         `cargo xtask libtorch && cargo install --path crates/ser-cli --features train`"
    )
}
