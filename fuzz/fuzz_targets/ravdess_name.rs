#![no_main]

#[path = "../src/ravdess_name.rs"]
mod ravdess_name;

libfuzzer_sys::fuzz_target!(|data: &[u8]| ravdess_name::check(data));
