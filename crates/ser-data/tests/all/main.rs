//! The tests of `ser-data`, from file names to the splits of a corpus.

// Helpers outside `#[test]` functions may panic and print as tests may.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod classifier;
mod fixtures;
mod inner;

mod names;

mod corpora;
mod corpus;
mod joined;
mod manifest;
mod manifest_written;
mod scan;
mod tables;

mod protocols;
mod splits;

mod synth;

mod ravdess;

mod fuzz_cases;
