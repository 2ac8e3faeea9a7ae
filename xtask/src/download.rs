//! `cargo xtask download`: gets the RAVDESS speech corpus with `ser download`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{paths, pipeline};

#[derive(clap::Args)]
pub struct Args {
    /// Take the archive from a mirror or from a file of yours.
    #[arg(long, value_name = "URL|ARCHIVE")]
    from: Option<String>,
    /// The folder for the unpacked corpus [default: data/corpora/ravdess].
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Builds `ser` without training, and downloads with it.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let ser = pipeline::build(root, &[])?;
    let to = args.to.clone().unwrap_or_else(|| folder(root));
    let mut download = command(&ser, &to);
    if let Some(from) = &args.from {
        download.arg("--from").arg(from);
    }
    pipeline::run_ser(&mut download).context("RAVDESS could not be downloaded")
}

/// Returns the default folder of the corpus.
pub fn folder(root: &Path) -> PathBuf {
    paths::corpora(root).join("ravdess")
}

/// Returns the command that downloads the corpus into `to`, and does nothing if it is there.
pub fn command(ser: &Path, to: &Path) -> Command {
    let mut command = Command::new(ser);
    command.args(["download", "ravdess", "--to"]).arg(to);
    command
}
