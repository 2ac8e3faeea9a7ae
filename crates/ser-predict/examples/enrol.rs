//! Enrols a speaker from unlabelled recordings of any emotion, and writes a file that improves the answers of the
//! example `predict` for this speaker.
//!
//! `cargo run --release -p ser-predict --example enrol -- anna.json anna-1.wav anna-2.wav`

#![allow(clippy::print_stdout)]

use anyhow::{Result, bail};
use ser_predict::Predictor;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [speaker, recordings @ ..] = &args[..] else {
        bail!("usage: enrol SPEAKER.json RECORDING ...");
    };
    let predictor = Predictor::built_in()?;
    let mut speech = Vec::new();
    for recording in recordings {
        speech.push(predictor.speech(&ser_audio::read(recording)?)?);
    }
    let enrolment = predictor.enrol(&speech)?;
    enrolment.save(predictor.model(), speaker.as_ref())?;
    println!("{speaker}: from {} recordings", enrolment.clips());

    // Show how enrolment changes the answers for the recordings themselves.
    let labels = &predictor.model().labels;
    for recording in recordings {
        let alone = predictor.answer_file(recording.as_ref(), None)?;
        let enrolled = predictor.answer_file(recording.as_ref(), Some(&enrolment))?;
        let [alone, enrolled] = [alone, enrolled].map(|a| a.marked(labels));
        println!("{recording}: {alone}; enrolled: {enrolled}");
    }
    Ok(())
}
