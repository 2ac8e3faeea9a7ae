//! The tests of `ser-audio`, from a file to who speaks when, and what a room makes of it.

// Helpers outside `#[test]` functions may fail and speak as the tests themselves do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod signals;

mod channels;
mod damage;
mod formats;
mod fuzz_cases;
mod hostile;
mod opus;
mod probe;
mod streams;
mod waveform;
mod wrapper;

mod resample;

mod quality;
mod restoration;
mod voice;

mod conditions;

mod ravdess;
