//! The tests of `ser-audio`.

// Helpers outside `#[test]` functions may panic and print, as the tests themselves do.
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
