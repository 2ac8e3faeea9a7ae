//! The tests of `ser-features`, but for those that count allocations.

// Helpers outside `#[test]` functions may panic and print, as the tests themselves do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod signals;

mod config;

mod librosa;
mod prosody;
mod slow_reference;
mod soxr;

mod extractor;
mod formats;
mod long;
mod views;

mod pitch;
mod voice;

mod functionals;

mod npy;
mod store;

mod fuzz_cases;
