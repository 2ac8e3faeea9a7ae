//! What a recording expresses, according to a model file; of a speaker enrolled with it, if one is
//! given.
//!
//! `cargo run --release -p ser-model --example predict -- data/models/robust.safetensors speech.wav [speaker.json]`

#![allow(clippy::print_stdout)]

use anyhow::{Result, bail};
use ser_model::{Enrolment, Model};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, speech, speaker @ ..] = &args[..] else {
        bail!("usage: predict MODEL.safetensors SPEECH.wav [SPEAKER.json]");
    };
    // One clip is no work for several threads.
    ser_model::set_threads(1);
    let model = Model::load(model.as_ref())?;

    // A model may be of several networks that hear a clip in different ways.
    let mut views = Vec::new();
    for extractor in model.extractors()? {
        views.push(extractor.extract_file(speech.as_ref())?);
    }
    let answers = match speaker {
        [file, ..] => {
            let speaker = Enrolment::load(&model, file.as_ref())?;
            model.predict_enrolled(&[&views], &speaker)?
        }
        [] => model.predict(&[&views])?,
    };

    let mut answer: Vec<(f32, &String)> = answers.concat().into_iter().zip(&model.labels).collect();
    answer.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (probability, label) in answer {
        println!("{label:<12} {:5.1} %", 100.0 * probability);
    }
    let unfamiliarity = model.unfamiliarity(&views)?;
    if unfamiliarity > 1.5 {
        println!("unlike anything in training ({unfamiliarity:.1}): take it for a guess");
    }
    Ok(())
}
