#![no_main]

#[path = "../src/wav.rs"]
mod wav;

libfuzzer_sys::fuzz_target!(|data: &[u8]| wav::check(data));
