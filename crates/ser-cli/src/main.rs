//! The `ser` program: arguments in, calls into the ser crates, text and files and an exit code out.

// A program prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod corpus;
mod crossval;
mod doctor;
mod evaluate;
mod extract;
mod index;
mod output;
mod predict;
mod report;
mod run;
mod synth;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::corpus::Skipped;

/// What a command that did not fail has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Everything asked for was done.
    Done,
    /// Some inputs were skipped; each was named.
    SomeSkipped,
}

impl Outcome {
    fn of(skipped: &[Skipped]) -> Self {
        if skipped.is_empty() {
            Self::Done
        } else {
            Self::SomeSkipped
        }
    }
}

fn main() -> ExitCode {
    let Args { command, json } = Args::parse();
    let outcome = match command {
        Command::Synth(args) => synth::run(&args),
        Command::Index(args) => index::run(&args, json),
        Command::Extract(args) => extract::run(&args, json),
        Command::Train(args) => crossval::train_one(&args, json),
        Command::Crossval(args) => crossval::run(&args, json),
        Command::Evaluate(args) => evaluate::run(&args, json),
        Command::Predict(args) => predict::run(&args, json),
        Command::Report(args) => report::run(&args),
        Command::Doctor => doctor::run(json),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeSkipped) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
