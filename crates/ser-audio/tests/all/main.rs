//! The tests of `ser-audio`, from a file to who speaks when.

// Helpers outside `#[test]` functions may fail and speak as the tests themselves do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod signals;

mod formats;
mod hostile;
mod streams;

mod quality;
mod voice;

mod ravdess;
