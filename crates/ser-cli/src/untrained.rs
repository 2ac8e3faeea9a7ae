//! `ser train`, `crossval`, `select` and `fit` of a program that was built without training.

use anyhow::{Result, bail};
use clap::Command;

use crate::Outcome;

/// Says of these commands in the list of all that they are not there.
pub fn mark(command: Command) -> Command {
    let trains = [
        ("train", " (not in this build)"),
        ("crossval", " (not in this build)"),
        ("select", " (not in this build)"),
        ("fit", " (in this build only with --from)"),
    ];
    trains.into_iter().fold(command, |command, (name, words)| {
        command.mut_subcommand(name, |command| {
            let about = command.get_about().map(ToString::to_string);
            command.about(about.unwrap_or_default() + words)
        })
    })
}

/// Says how to get the commands that train.
pub fn refuse() -> Result<Outcome> {
    bail!(
        "this program was built without training, which needs libtorch (`ser fit --from` does not); in a clone of ser: \
         `cargo xtask libtorch && cargo install --path crates/ser-cli --features train`"
    )
}
