//! Chores around the `ser` program, run as `cargo xtask <task>`.
//!
//! One file per task. This crate depends on no crate of ours and not on libtorch: it must compile
//! in seconds and run on a machine where nothing else builds yet.
#![allow(
    clippy::print_stdout,
    reason = "telling the user what happened is what this program is for"
)]

mod archive;
mod bench;
mod command;
mod download;
mod fetch;
mod libtorch;
mod lock;
mod paths;
mod pipeline;
mod stages;
mod test;
mod wheel;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Chores around the ser program.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install libtorch, so that plain `cargo build` works.
    Libtorch,
    /// Get the RAVDESS speech corpus (208 MB from Zenodo, or a copy you already have).
    Download(download::Args),
    /// Run the main job from nothing to a report; unchanged stages are skipped.
    Pipeline(pipeline::Args),
    /// Run the tests of all crates (installs libtorch first if it is missing).
    Test {
        /// Passed on to `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run the benchmarks.
    Bench {
        /// Passed on to `cargo bench -p ser-benches`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> anyhow::Result<()> {
    let root: PathBuf = paths::workspace();
    match Cli::parse().task {
        Task::Libtorch => libtorch::ensure(&root),
        Task::Download(args) => download::run(&root, &args),
        Task::Pipeline(args) => pipeline::run(&root, &args),
        Task::Test { args } => test::run(&root, &args),
        Task::Bench { args } => bench::run(&root, &args),
    }
}
