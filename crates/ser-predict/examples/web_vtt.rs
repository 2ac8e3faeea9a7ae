//! Captions for a recording of any length and format: what is spoken when, and with which emotion.
//!
//! `cargo run --release -p ser-predict --example web_vtt -- interview.mp3 interview.vtt`.
//! The file goes beside the recording as `<track kind="captions" src="interview.vtt">`.

#![allow(clippy::print_stdout)]

use anyhow::{Context, Result, bail};
use ser_audio::AudioStream;
use ser_predict::{Listener, Predictor, captions};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [recording, track] = &args[..] else {
        bail!("usage: web_vtt RECORDING OUT.vtt");
    };
    let predictor = Predictor::built_in()?;
    let mut stream = AudioStream::open(recording.as_ref())?;
    let rate = stream.sample_rate();
    let mut listener = Listener::new(&predictor, rate)?;

    // Large blocks: the pieces of one call are worked on side by side.
    let minute = 60 * rate as usize;
    let (mut samples, mut spans) = (Vec::new(), Vec::new());
    while stream.next_block(&mut samples)? {
        if samples.len() >= minute {
            spans.extend(listener.push(&samples)?);
            samples.clear();
        }
    }
    spans.extend(listener.push(&samples)?);
    spans.extend(listener.finish()?);

    let text = captions::web_vtt(&spans, &predictor.model().labels);
    std::fs::write(track, text).with_context(|| track.clone())?;
    let spoken: f64 = spans.iter().map(|span| span.end - span.start).sum();
    println!("{track}: {} pieces, {spoken:.1} s of speech", spans.len());
    Ok(())
}
