//! Emotions of live sound from standard input, a line as soon as a piece of speech has ended.
//!
//! `arecord -f S16_LE -r 16000 | cargo run --release -p ser-stream --example live -- data/models/robust.safetensors`.
//! Any recording will do: `… -- MODEL < speech.wav`.

#![allow(clippy::print_stdout)]

use std::io;
use std::path::Path;

use anyhow::{Result, bail};
use ser_audio::AudioStream;
use ser_model::Model;
use ser_stream::{Listener, Span};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model] = &args[..] else {
        bail!("usage: live MODEL.safetensors < SOUND");
    };
    let model = Model::load(model.as_ref())?;
    let input = Box::new(io::stdin());
    let mut stream = AudioStream::from_reader(input, Path::new("standard input"))?;
    let mut listener = Listener::new(&model, stream.sample_rate())?;

    let mut samples = Vec::new();
    while stream.next_block(&mut samples)? {
        tell(&listener.push(&samples)?, &model.labels);
        samples.clear();
    }
    tell(&listener.finish()?, &model.labels);
    Ok(())
}

fn tell(spans: &[Span], labels: &[String]) {
    for span in spans {
        let (start, end) = (span.start, span.end);
        let (label, confidence) = (&labels[span.answer()], 100.0 * span.confidence());
        println!("{start:8.2} to {end:8.2} s  {label} {confidence:.0} %");
    }
}
