//! Prints the emotion of a recording, optionally for an enrolled speaker.
//!
//! `cargo run --release -p ser-predict --example predict -- speech.mp3 [speaker.json]`

#![allow(clippy::print_stdout)]

use anyhow::{Result, bail};
use ser_predict::{Enrolment, Predictor};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [speech, speaker @ ..] = &args[..] else {
        bail!("usage: predict SPEECH [SPEAKER.json]");
    };
    let predictor = Predictor::built_in()?;
    let model = predictor.model();
    let speaker = speaker.first();
    let speaker = speaker.map(|file| Enrolment::load(model, file.as_ref()));
    let answer = predictor.answer_file(speech.as_ref(), speaker.transpose()?.as_ref())?;

    let mut ranked: Vec<_> = answer.probabilities.iter().zip(&model.labels).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(a.0));
    for (probability, label) in ranked {
        println!("{label:<12} {:5.1} %", 100.0 * probability);
    }
    for warning in &answer.warnings {
        println!("{warning}");
    }
    if answer.uncertain {
        println!("uncertain: do not rely on this answer");
    }
    Ok(())
}
