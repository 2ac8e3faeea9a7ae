//! How a speaker sounds on average, from recordings of any emotion without labels: a file for the
//! example `predict`, whose answers about that speaker it makes better.
//!
//! `cargo run --release -p ser-model --example enrol -- data/models/robust.safetensors anna.json anna-1.wav anna-2.wav`

#![allow(clippy::print_stdout)]

use anyhow::{Result, bail};
use ser_features::Features;
use ser_model::Model;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, speaker, clips @ ..] = &args[..] else {
        bail!("usage: enrol MODEL.safetensors SPEAKER.json CLIP.wav ...");
    };
    if clips.is_empty() {
        bail!("no recordings of the speaker are given");
    }
    ser_model::set_threads(1);
    let model = Model::load(model.as_ref())?;
    if !model.enrols() {
        bail!("{} was trained without enrolment", model.name);
    }

    let extractors = model.extractors()?;
    let mut heard: Vec<Vec<Features>> = Vec::new();
    for clip in clips {
        let views = extractors.iter().map(|e| e.extract_file(clip.as_ref()));
        heard.push(views.collect::<Result<_, _>>()?);
    }
    let views: Vec<&[Features]> = heard.iter().map(Vec::as_slice).collect();
    let enrolment = model.enrol(&views)?;
    enrolment.save(&model, speaker.as_ref())?;
    println!(
        "{speaker}: from {} clips, for {}",
        enrolment.clips(),
        model.name
    );

    // What changes for the recordings themselves.
    let answers = model.predict(&views)?.into_iter();
    let enrolled = model.predict_enrolled(&views, &enrolment)?;
    for ((clip, alone), enrolled) in clips.iter().zip(answers).zip(enrolled) {
        let [alone, enrolled] = [alone, enrolled].map(|p| {
            let best = ser_model::argmax(&p);
            format!("{} {:.0} %", model.labels[best], 100.0 * p[best])
        });
        println!("{clip}: {alone}; enrolled: {enrolled}");
    }
    Ok(())
}
