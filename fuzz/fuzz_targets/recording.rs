#![no_main]

#[path = "../src/recording.rs"]
mod recording;

// Some decoders of symphonia panic, and ser-audio makes errors of that: only what gets past it is a finding.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| recording::check(data)
);
