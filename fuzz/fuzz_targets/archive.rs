#![no_main]

// The program also reads the checksum of an entry.
#[allow(dead_code)]
#[path = "../../xtask/src/archive.rs"]
mod archive;
#[path = "../src/archive.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
