//! The tests of `ser-data`, from the name of a file to the splits of a corpus.

// Helpers outside `#[test]` functions may fail and speak as the tests themselves do.
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
