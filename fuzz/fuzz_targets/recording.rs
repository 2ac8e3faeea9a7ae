#![no_main]

#[path = "../src/recording.rs"]
mod recording;

// Some decoders of symphonia panic, and ser-audio turns these panics into errors. Only a panic that escapes it is a finding.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| recording::check(data)
);
