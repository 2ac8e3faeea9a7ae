//! `ser train`, `crossval`, `select` and `fit` of a program that was built without training.

use anyhow::{Result, bail};
use clap::Command;

use crate::Outcome;

/// Says of these commands in the list of all that they are not there.
pub fn mark(command: Command) -> Command {
    let trains = ["train", "crossval", "select", "fit"];
    trains.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| {
            let about = command.get_about().map(ToString::to_string);
            command.about(about.unwrap_or_default() + " (not in this build)")
        })
    })
}

/// Says how to get the commands that train.
pub fn refuse() -> Result<Outcome> {
    bail!(
        "this program was built without training, which needs libtorch; in a clone of ser: \
         `cargo xtask libtorch && cargo install --path crates/ser-cli --features train`"
    )
}
