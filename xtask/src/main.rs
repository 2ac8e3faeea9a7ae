//! Tasks around the `ser` program, run as `cargo xtask <task>`.
//!
//! Each task has its own file. Of the crates of this workspace, xtask depends only on `ser-files` and `ser-download`, and it does not
//! depend on libtorch: it must compile in seconds and run on a machine where nothing else builds yet.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the purpose of this program is to tell the user what happened"
)]

mod bench;
mod check;
mod command;
mod download;
mod fetch;
mod files;
mod gate;
mod libtorch;
mod lock;
mod page;
mod paths;
mod pipeline;
mod python;
// Finds recordings. The file is included alone, because ser-audio would add its decoders.
#[path = "../../crates/ser-audio/src/folder.rs"]
mod recordings;
mod site;
mod storage;
mod table;
mod test;
mod wheel;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks around the ser program.
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
    /// Get the RAVDESS speech corpus (208 MB from Zenodo, or an archive you already have).
    Download(download::Args),
    /// Train and evaluate on RAVDESS, from nothing to a report; finished work is kept.
    Pipeline(pipeline::Args),
    /// Run the tests of all crates (installs libtorch first if it is missing).
    Test {
        /// Arguments for `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Make the folder target/page: a web page that answers by itself, for any static host (needs Node.js and npm).
    Page,
    /// Build the Python package as a wheel, install it into target/python, and test it there (needs Python 3.11 or newer).
    Python,
    /// Build the documentation as a web site for offline reading, in target/site/html (needs Python 3.11 or newer).
    Site,
    /// Test the program with object storage against SeaweedFS, which the task installs (compiles for minutes, so not part of check).
    Storage,
    /// Run all checks that a change must pass: format, lints, docs, tests, instruction counts.
    Check,
    /// Measure everything, with the peers for comparison (about 45 minutes), or only check the instruction counts.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let root = paths::workspace();
    let done = match Cli::parse().task {
        Task::Libtorch => libtorch::ensure(&root),
        Task::Download(args) => download::run(&root, &args),
        Task::Pipeline(args) => pipeline::run(&root, &args),
        Task::Test { .. } => test::run(&root, &after("test")),
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
            // Returning the error from main would bury the message under a backtrace if RUST_BACKTRACE is set.
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            eprintln!("error: {}", causes.join("\n  because: "));
            ExitCode::FAILURE
        }
    }
}

/// Returns the words behind the name of the task. The parser would take away a `--` that comes first.
fn after(task: &str) -> Vec<String> {
    let words = std::env::args().skip_while(|word| word != task);
    words.skip(1).collect()
}
