//! Chores around the `ser` program, run as `cargo xtask <task>`.
//!
//! One file per task. This crate depends on `ser-files` and `ser-download` alone of ours and not on libtorch: it must
//! compile in seconds and run on a machine where nothing else builds yet.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling the user what happened is what this program is for"
)]

mod bench;
mod check;
mod command;
mod download;
mod fetch;
mod gate;
mod libtorch;
mod lock;
mod page;
mod paths;
mod pipeline;
mod python;
// The one finder of recordings, without the decoders that come with it.
#[path = "../../crates/ser-audio/src/folder.rs"]
mod recordings;
mod site;
mod stages;
mod storage;
mod table;
mod test;
mod wheel;

use std::process::ExitCode;

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
    /// Make the folder target/page: a web page that answers by itself, for any static host (needs Node.js and npm).
    Page,
    /// Build the Python package as a wheel, install it into target/python, and test it there (needs Python 3.11 or newer).
    Python,
    /// Make the documentation as a web site in target/site/html, to be read offline (needs Python 3.11 or newer).
    Site,
    /// Test the program with object storage against SeaweedFS, which it installs (minutes to compile, so not in check).
    Storage,
    /// Check all that a change must pass: format, lints, docs, tests, instruction counts.
    Check,
    /// Measure everything beside the peers (about 20 minutes), or only check the instruction counts.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let root = paths::workspace();
    let done = match Cli::parse().task {
        Task::Libtorch => libtorch::ensure(&root),
        Task::Download(args) => download::run(&root, &args),
        Task::Pipeline(args) => pipeline::run(&root, &args),
        Task::Test { args } => test::run(&root, &args),
        Task::Page => page::run(&root).map(|_| ()),
        Task::Python => python::run(&root),
        Task::Site => site::run(&root),
        Task::Storage => storage::run(&root),
        Task::Check => check::run(&root),
        Task::Bench(args) => bench::run(&root, &args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not by returning it from main: with RUST_BACKTRACE set that buries the message.
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            eprintln!("error: {}", causes.join("\n  because: "));
            ExitCode::FAILURE
        }
    }
}
