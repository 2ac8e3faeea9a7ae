//! `ser predict`

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use ser_features::Features;
use ser_model::{Model, argmax};
use serde::Serialize;

use crate::Outcome;
use crate::args::PredictArgs;
use crate::output::{SYNTHETIC, percent};

#[derive(Serialize)]
struct Answer<'a> {
    file: String,
    emotion: &'a str,
    probabilities: BTreeMap<&'a str, f32>,
    synthetic_model: bool,
}

pub fn run(args: &PredictArgs, json: bool) -> Result<Outcome> {
    // First of all: reading the weights would start threads.
    ser_model::set_threads(1);
    let model = Model::load(&args.model)?;
    let extractors = model.extractors()?;
    let extract = |file: &Path| -> ser_features::Result<Vec<Features>> {
        extractors.iter().map(|e| e.extract_file(file)).collect()
    };
    if !args.enrol.is_empty() && !model.enrols() {
        bail!(
            "{}: trained without enrolment, so --enrol has no effect; leave it out, or train a \
             recipe with the table [enrolment]",
            args.model.display()
        );
    }
    let known = args.enrol.iter().map(|file| extract(file));
    let known = known.collect::<ser_features::Result<Vec<_>>>()?;
    let known: Vec<&[Features]> = known.iter().map(Vec::as_slice).collect();
    let speaker = model.enrol(&known)?;
    let mut failed = 0;
    if model.provenance.synthetic && !json {
        println!("{SYNTHETIC}");
    }
    for file in &args.files {
        let features = match extract(file) {
            Ok(features) => features,
            Err(error) => {
                eprintln!("skipped: {error}");
                failed += 1;
                continue;
            }
        };
        let probabilities = model
            .predict_enrolled(&[&features], &speaker)?
            .swap_remove(0);
        let emotion = model.labels[argmax(&probabilities)].as_str();
        let named = || {
            model
                .labels
                .iter()
                .map(String::as_str)
                .zip(probabilities.iter().copied())
        };
        if json {
            println!(
                "{}",
                serde_json::to_string(&Answer {
                    file: file.display().to_string(),
                    emotion,
                    probabilities: named().collect(),
                    synthetic_model: model.provenance.synthetic,
                })?
            );
        } else {
            let mut ranked: Vec<_> = named().collect();
            ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
            let ranked: Vec<String> = ranked
                .iter()
                .map(|(label, p)| format!("{label} {}", percent(f64::from(*p))))
                .collect();
            println!("{}: {emotion}  ({})", file.display(), ranked.join(", "));
        }
    }
    match failed {
        0 => Ok(Outcome::Done),
        n if n == args.files.len() => bail!("none of the {n} files could be read"),
        _ => Ok(Outcome::SomeSkipped),
    }
}
