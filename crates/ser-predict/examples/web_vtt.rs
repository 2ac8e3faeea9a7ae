//! Writes captions for a recording of any length and format, which say when somebody speaks and with which emotion.
//!
//! `cargo run --release -p ser-predict --example web_vtt -- interview.mp3 interview.vtt`. A web page shows them with
//! `<track kind="captions" src="interview.vtt">` inside the element that plays the recording.

#![allow(clippy::print_stdout)]

use anyhow::{Context, Result, bail};
use ser_audio::AudioStream;
use ser_predict::{Predictor, Timeline, captions};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [recording, track] = &args[..] else {
        bail!("usage: web_vtt RECORDING OUT.vtt");
    };
    let predictor = Predictor::built_in()?;
    let stream = AudioStream::open(recording.as_ref())?;
    let (mut timeline, mut spans) = (Timeline::new(&predictor, stream, None)?, Vec::new());
    while let Some(complete) = timeline.step(60.0)? {
        spans.extend(complete);
    }

    let text = captions::web_vtt(&spans, &predictor.model().labels);
    std::fs::write(track, text).with_context(|| track.clone())?;
    let spoken: f64 = spans.iter().map(|span| span.end - span.start).sum();
    println!("{track}: {} pieces, {spoken:.1} s of speech", spans.len());
    Ok(())
}
