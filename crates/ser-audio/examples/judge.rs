//! Prints the length, level, bandwidth and noise of each recording, and what is wrong with it.
//!
//! `cargo run --release -p ser-audio --example judge -- FILE...`

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;
use std::process::ExitCode;

use ser_audio::{Quality, read};

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for name in std::env::args().skip(1) {
        match read(Path::new(&name)) {
            Ok(waveform) => {
                let quality = Quality::of(&waveform);
                println!(
                    "{name}: {:.2} s at {} Hz, {:.2} s of speech at {:.0} dBFS, {:.0} dB above the \
                     background, up to {:.1} kHz",
                    quality.seconds,
                    waveform.sample_rate,
                    quality.speech_seconds,
                    quality.level_db,
                    quality.snr_db,
                    quality.bandwidth_hz / 1000.0,
                );
                for warning in quality.warnings() {
                    println!("    {warning}");
                }
            }
            Err(error) => {
                eprintln!("{error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
