//! The commands `ser train`, `crossval`, `select` and `fit` in a program that was built without training.

use anyhow::{Result, bail};
use clap::Command;

use crate::Outcome;

/// Marks in the help the commands that this build does not have.
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

/// Fails with the way to get a program that trains.
pub fn refuse() -> Result<Outcome> {
    bail!(
        "this program was built without training, which needs libtorch (`ser fit --from` does not need it). To install a program \
         that trains, run in a clone of ser: `cargo xtask libtorch && cargo install --path crates/ser-cli --features train`"
    )
}
