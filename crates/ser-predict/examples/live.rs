//! Prints the emotions in live sound from standard input, one line after the end of each piece of speech.
//!
//! `arecord -f S16_LE -r 16000 | cargo run --release -p ser-predict --example live`.
//! The input may also be a recording: `… < speech.wav`.

#![allow(clippy::print_stdout)]

use std::io;
use std::path::Path;

use anyhow::Result;
use ser_audio::AudioStream;
use ser_predict::{Listener, Predictor, Span};

fn main() -> Result<()> {
    let predictor = Predictor::built_in()?;
    let labels = &predictor.model().labels;
    let input = Box::new(io::stdin());
    let mut stream = AudioStream::from_reader(input, Path::new("standard input"))?;
    let mut listener = Listener::new(&predictor, stream.sample_rate(), None)?;

    let mut samples = Vec::new();
    while stream.next_block(&mut samples)? {
        tell(&listener.push(&samples)?, labels);
        samples.clear();
    }
    tell(&listener.finish()?, labels);
    Ok(())
}

fn tell(spans: &[Span], labels: &[String]) {
    for span in spans {
        let (start, end) = (span.start, span.end);
        let (label, confidence) = (
            &labels[span.answer.emotion()],
            100.0 * span.answer.confidence(),
        );
        println!("{start:8.2} to {end:8.2} s  {label} {confidence:.0} %");
    }
}
