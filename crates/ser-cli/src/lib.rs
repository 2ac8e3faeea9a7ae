//! The `ser` program: arguments in, calls into the ser crates, text and files and an exit code out.
//!
//! It is a library, so that the Python package has the program inside without a second copy of what it is made of.

// A program prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod answers;
mod args;
mod collection;
mod compare;
mod conditions;
mod corpora;
#[cfg(feature = "train")]
mod crossval;
mod date;
mod doctor;
#[cfg(feature = "download")]
mod download;
mod evaluate;
mod events;
mod explain;
mod export;
mod extract;
mod fine_tune;
#[cfg(feature = "train")]
mod fit;
mod index;
mod listen;
mod manual;
mod model;
mod output;
mod predict;
mod recordings;
mod report;
mod results;
mod row;
#[cfg(feature = "train")]
mod select;
mod serve;
mod shards;
mod speakers;
mod synth;
mod tally;
mod timeline;
#[cfg(not(feature = "train"))]
mod untrained;

use std::ffi::OsString;
use std::io::Write;

use clap::FromArgMatches;
use ser_experiment::Skipped;

use crate::args::{Args, Command, FitArgs};

/// The exit code after Ctrl-C, as shells have it.
const STOPPED: i32 = 130;

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

/// Does what the arguments ask for, of which the first is the name of the program, and ends the process.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ! {
    // Rust lets writes into a pipe that nobody reads fail, and `println!` panics over it: `ser … | head`
    // is to end like every program.
    #[cfg(unix)]
    // SAFETY: a plain system call, before there is any other thread of ours.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
    tell_panics();
    let code = run(args);
    // Nobody is left to be told if this fails.
    let _ = std::io::stdout().flush();
    // SAFETY: ends the process, and leaves out what is registered to run at its end: libtorch would take its tables
    // of operators apart, for longer than it takes to predict a clip.
    unsafe { libc::_exit(code) }
}

/// The decoders of compressed sound panic over some damaged recordings. ser-audio turns that into an error, which says
/// all there is to say. And `println!` panics where its words cannot be written, as on a full disk.
pub fn tell_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or("", |place| place.file());
        let words = panic.payload_as_str().unwrap_or_default();
        if let Some(why) = words.strip_prefix("failed printing to stdout: ") {
            eprintln!("error: standard output: {why}");
            // SAFETY: ends the process, as at the end of `main`.
            unsafe { libc::_exit(1) }
        }
        if !place.contains("symphonia") {
            tell(panic);
        }
    }));
}

/// On Ctrl-C ends the program as it stands. Whatever bears its final name is finished, so there is nothing to tidy up.
fn tell_when_stopped() {
    // Without a handler the system ends the program all the same, only without a word.
    let _ = ctrlc::set_handler(|| {
        eprintln!("\nstopped: what is finished is kept; the same command goes on from there");
        // SAFETY: ends the process, as at the end of `main`.
        unsafe { libc::_exit(STOPPED) }
    });
}

/// Does what the command line asks for, and returns the exit code.
fn run(args: impl IntoIterator<Item = OsString>) -> i32 {
    let matches = Args::of_this_build().get_matches_from(args);
    let Args { command, json } =
        Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if command.goes_on_later() {
        tell_when_stopped();
    }
    let outcome = match command {
        Command::Synth(args) => synth::run(&args),
        Command::Download(args) => corpora::run(&args, json),
        Command::Index(args) => index::run(&args, json),
        Command::Extract(args) => extract::run(&args, json),
        #[cfg(feature = "train")]
        Command::Train(args) => crossval::train(&args, json),
        #[cfg(feature = "train")]
        Command::Crossval(args) => crossval::run(&args, json),
        #[cfg(feature = "train")]
        Command::Select(args) => select::run(&args, json),
        Command::Fit(FitArgs {
            from: Some(from),
            labels,
            data,
            out,
            even_if_worse,
            ..
        }) => fine_tune::run(&from, &labels, &data, &out, even_if_worse, json),
        #[cfg(feature = "train")]
        Command::Fit(args) => fit::run(&args, json),
        #[cfg(not(feature = "train"))]
        Command::Train(_) | Command::Crossval(_) | Command::Select(_) | Command::Fit(_) => {
            untrained::refuse()
        }
        Command::Evaluate(args) => evaluate::run(&args, json),
        Command::Predict(args) => predict::run(&args, json),
        Command::Explain(args) => explain::run(&args, json),
        Command::Export(args) => export::run(&args, json),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args, json),
        Command::Conditions(args) => conditions::run(&args, json),
        Command::Results(args) => results::run(&args),
        Command::Timeline(args) => timeline::run(&args, json),
        Command::Listen(args) => listen::run(&args, json),
        Command::Enroll(args) => speakers::enroll(&args, json),
        Command::Speakers(args) => speakers::run(&args, json),
        Command::Serve(args) => serve::run(&args, json),
        Command::Doctor(args) => doctor::run(&args, json),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::pages(&args),
    };
    match outcome {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::SomeSkipped) => 3,
        Err(error) => {
            eprintln!("error: {}", output::in_full(&error));
            1
        }
    }
}
