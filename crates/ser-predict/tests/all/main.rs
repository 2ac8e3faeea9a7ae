//! The tests of `ser-predict`.

// Helpers outside `#[test]` functions may panic and print, as the tests themselves do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod golden;
mod labels;

mod damage;
mod faults;
mod opus;

mod captions;
mod streams;

mod enrolling;
mod explain;
mod fine_tune;

mod half_precision;

mod fuzz_cases;
