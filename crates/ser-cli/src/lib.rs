//! The `ser` program: it reads arguments, calls the other ser crates, and returns text, files and an exit code.
//!
//! It is a library so that the Python package can contain the program without a second copy of its code.

// Libraries do not print, but this is a program.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod answer_file;
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
use clap::error::ErrorKind;
use ser_experiment::Skipped;

use crate::args::{Args, Command, FitArgs};

/// The exit code after Ctrl-C, as shells define it.
const STOPPED: i32 = 130;

/// The outcome of a command that did not fail.
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

/// Runs the command line `args`, whose first element is the name of the program, and ends the process.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ! {
    // In Rust, a write to a pipe without a reader is an error, on which `println!` panics. With the default action of
    // SIGPIPE, `ser … | head` ends like other programs.
    #[cfg(unix)]
    // SAFETY: This is a plain system call, made before this program starts another thread.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
    tell_panics();
    let code = run(args);
    // If this fails, there is nowhere to report it.
    let _ = std::io::stdout().flush();
    // SAFETY: This ends the process without running exit handlers. Those of libtorch destroy its tables of operators,
    // which takes longer than predicting a clip.
    unsafe { libc::_exit(code) }
}

/// Sets a panic hook that replaces the output of two kinds of panics. The decoders of compressed sound panic on some damaged
/// recordings; ser-audio turns this into an error, so nothing is printed here. `println!` panics if it cannot write, as on a
/// full disk; the hook prints the reason and ends the process with exit code 1.
pub fn tell_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or("", |place| place.file());
        let words = panic.payload_as_str().unwrap_or_default();
        if let Some(why) = words.strip_prefix("failed printing to stdout: ") {
            eprintln!("error: standard output: {why}");
            // SAFETY: This ends the process, as at the end of `main`.
            unsafe { libc::_exit(1) }
        }
        if !is_in_decoder(place) {
            tell(panic);
        }
    }));
}

/// Whether a source file is part of a crate that decodes compressed sound.
fn is_in_decoder(file: &str) -> bool {
    ["symphonia", "opus-rs"]
        .iter()
        .any(|name| file.contains(name))
}

/// Sets a handler that prints a message at Ctrl-C and ends the process at once. Files under their final names are complete,
/// so there is nothing to clean up.
fn tell_when_stopped() {
    // If no handler can be set, the system still ends the program, only without a message.
    let _ = ctrlc::set_handler(|| {
        eprintln!("\nstopped: finished work is kept; run the same command again to continue");
        // SAFETY: This ends the process, as at the end of `main`.
        unsafe { libc::_exit(STOPPED) }
    });
}

/// Runs the command line, and returns the exit code.
fn run(args: impl IntoIterator<Item = OsString>) -> i32 {
    let matches = Args::of_this_build().get_matches_from(args);
    let Args { command, json } =
        Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    // The parser would refuse this only where --json comes after the name of the command.
    if let Command::Predict(args) = &command
        && json
        && (args.csv || args.manifest.is_some() || args.out.is_some())
    {
        let message = "the argument '--json' cannot be used with '--csv', '--manifest' or '--out'";
        let mut parser = Args::of_this_build();
        parser.error(ErrorKind::ArgumentConflict, message).exit();
    }
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn only_commands_that_keep_their_work_promise_to_continue() {
        let continues = |words: &str| Args::parse_from(words.split(' ')).command.goes_on_later();
        assert!(continues("ser crossval --recipe mlp --data in --out out"));
        assert!(continues("ser predict a.wav --out a.csv"));
        assert!(!continues("ser train --recipe mlp --data in --out out"));
        assert!(!continues("ser predict --manifest in.csv --out out"));
    }

    #[test]
    fn the_decoders_are_known_by_the_paths_of_their_sources() {
        let registry = "/home/anna/.cargo/registry/src/index-1949cf8c6b5b557f";
        for file in [
            "symphonia-bundle-mp3-0.6.1/src/layer3/mod.rs",
            "opus-rs-0.1.40/src/celt.rs",
        ] {
            assert!(is_in_decoder(&format!("{registry}/{file}")), "{file}");
        }
        // What ser-audio does with Opus itself is not expected to panic.
        for file in [
            "crates/ser-audio/src/opus.rs",
            "crates/ser-cli/src/predict.rs",
        ] {
            assert!(!is_in_decoder(file), "{file}");
        }
    }
}
