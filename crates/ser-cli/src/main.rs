//! The `ser` program: arguments in, calls into the ser crates, text and files and an exit code out.

// A program prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod answers;
mod args;
mod compare;
mod conditions;
mod corpus;
mod crossval;
mod doctor;
mod evaluate;
mod exhibits;
mod extract;
mod fit;
mod index;
mod output;
mod predict;
mod rehearsals;
mod report;
mod results;
mod run;
mod select;
mod synth;
mod training;

use std::io::Write;

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

fn main() -> ! {
    let code = run();
    // Nobody is left to be told if this fails.
    let _ = std::io::stdout().flush();
    // SAFETY: ends the process, and leaves out what is registered to run at its end: libtorch would take its tables
    // of operators apart, for longer than it takes to predict a clip.
    unsafe { libc::_exit(code) }
}

/// Does what the command line asks for, and returns the exit code.
fn run() -> i32 {
    let Args { command, json } = Args::parse();
    let outcome = match command {
        Command::Synth(args) => synth::run(&args),
        Command::Index(args) => index::run(&args, json),
        Command::Extract(args) => extract::run(&args, json),
        Command::Train(args) => crossval::train_one(&args, json),
        Command::Crossval(args) => crossval::run(&args, json),
        Command::Select(args) => select::run(&args, json),
        Command::Fit(args) => fit::run(&args, json),
        Command::Evaluate(args) => evaluate::run(&args, json),
        Command::Predict(args) => predict::run(&args, json),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args, json),
        Command::Conditions(args) => conditions::run(&args, json),
        Command::Results(args) => results::run(&args),
        Command::Doctor => doctor::run(json),
    };
    match outcome {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::SomeSkipped) => 3,
        Err(error) => {
            eprintln!("error: {error:#}");
            1
        }
    }
}
