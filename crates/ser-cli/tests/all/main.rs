//! The tests of the program.

// Helpers outside `#[test]` functions may panic and print, as the tests themselves do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/serve.rs"]
mod serve;

mod indexing;

mod extraction;

mod answers;
mod archives;
mod explain;
mod hostile_audio;
mod outputs;
mod recordings;
mod shipped;

mod adapting;
mod speakers;

mod evaluating;
mod fine_tuning;

#[cfg(feature = "download")]
mod download;
#[cfg(all(feature = "download", unix))]
mod full_disk;

#[cfg(feature = "train")]
mod experiments;
#[cfg(feature = "train")]
mod faults;
#[cfg(feature = "train")]
mod training;
#[cfg(feature = "train")]
mod tutorial;
