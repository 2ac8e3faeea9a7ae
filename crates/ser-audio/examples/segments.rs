//! Prints when somebody speaks, while the recording is being read.
//!
//! `cargo run --release -p ser-audio --example segments -- FILE`, or `-` for standard input:
//! `arecord -f S16_LE -r 16000 | cargo run --release -p ser-audio --example segments -- -`

#![allow(clippy::print_stdout)]

use std::path::Path;

use ser_audio::{AudioStream, Result, VoiceActivity};

fn main() -> Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "-".into());
    let path = Path::new(&name);
    let mut stream = match name.as_str() {
        "-" => AudioStream::from_reader(Box::new(std::io::stdin()), path)?,
        _ => AudioStream::open(path)?,
    };
    let mut voice = VoiceActivity::new(stream.sample_rate());
    let mut samples = Vec::new();
    loop {
        let more = stream.next_block(&mut samples)?;
        voice.push(&samples);
        samples.clear();
        if !more {
            voice.finish();
        }
        for segment in voice.drain() {
            println!(
                "{:.2}\t{:.2}",
                segment.start_seconds(),
                segment.end_seconds()
            );
        }
        if !more {
            return Ok(());
        }
    }
}
