//! Prints the UAR of the models of a cross-validation on longer recordings: test clips of one actor and emotion, one after the
//! other, as recorded or without their pauses. Each recording is answered from its features as a whole, and by the predictor,
//! which takes the mean over pieces of speech if a recording is longer than a clip. The last columns say how many of the
//! predictor's answers are not marked as uncertain, and how many of these are right.
//!
//! `cargo run --release -p ser-experiment --example long_recordings -- RUN DATA`

#![allow(clippy::print_stdout)]

use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;
use ser_data::{Clip, Corpus};
use ser_experiment::Run;
use ser_predict::{Model, Predictor, argmax};

use joined::{groups, joined};

mod joined;

/// Numbers of clips that make a recording.
const COUNTS: [usize; 3] = [1, 2, 4];

/// A recording after it was answered.
struct Answered {
    count: usize,
    with_pauses: bool,
    seconds: f64,
    emotion: usize,
    whole: usize,
    by_predictor: usize,
    uncertain: bool,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(run), Some(data)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("expected RUN, the folder of a cross-validation, and DATA, its clips");
    };
    let corpus = Corpus::load(&data)?.corpus;
    let mut answered = Vec::new();
    let run = Run::read(Path::new(&run))?;
    for info in &run.infos {
        let model = run.dir.join(&info.split).join("model.safetensors");
        answered.extend(answer(&corpus, &model)?);
    }
    println!(
        "| clips | pauses | recordings | seconds | UAR % as a whole | by the predictor | certain % | right of these % |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (with_pauses, count) in kinds() {
        let of_kind = |a: &&Answered| (a.with_pauses, a.count) == (with_pauses, count);
        let recordings: Vec<&Answered> = answered.iter().filter(of_kind).collect();
        if recordings.is_empty() {
            continue; // No actor has enough clips of an emotion.
        }
        let seconds = recordings.iter().map(|a| a.seconds).sum::<f64>() / recordings.len() as f64;
        let truth: Vec<usize> = recordings.iter().map(|a| a.emotion).collect();
        let percent = |answer: fn(&Answered) -> usize| -> Result<f64> {
            let answers: Vec<usize> = recordings.iter().map(|a| answer(a)).collect();
            Ok(100.0 * ser_eval::uar(&truth, &answers)?)
        };
        let (whole, by_predictor) = (percent(|a| a.whole)?, percent(|a| a.by_predictor)?);
        let certain = recordings.iter().filter(|a| !a.uncertain);
        let right = certain.clone().filter(|a| a.by_predictor == a.emotion);
        let (certain, right) = (certain.count() as f64, right.count() as f64);
        let pauses = if with_pauses {
            "as recorded"
        } else {
            "left out"
        };
        println!(
            "| {count} | {pauses} | {} | {seconds:.1} | {whole:.1} | {by_predictor:.1} | {:.1} | {:.1} |",
            recordings.len(),
            100.0 * certain / recordings.len() as f64,
            100.0 * right / certain,
        );
    }
    Ok(())
}

/// Iterates over the kinds of recordings: whether they have the pauses of their clips, and how many clips they have.
fn kinds() -> impl Iterator<Item = (bool, usize)> {
    let of_each = |with_pauses| COUNTS.map(|count| (with_pauses, count));
    [true, false].into_iter().flat_map(of_each)
}

/// Answers the recordings of the speakers whom a model was not trained on, in the emotions that it knows.
fn answer(corpus: &Corpus, model: &Path) -> Result<Vec<Answered>> {
    let predictor = Predictor::new(Model::load(model)?)?;
    let model = predictor.model();
    let mut groups = groups(corpus);
    groups.retain(|(speaker, _), _| !model.provenance.speakers.iter().any(|s| s == speaker));
    let mut recordings = Vec::new();
    for ((_, emotion), clips) in &groups {
        let Some(emotion) = model.labels.iter().position(|label| label == emotion) else {
            continue;
        };
        for kind in kinds() {
            let of_kind = clips.chunks_exact(kind.1);
            recordings.extend(of_kind.map(|clips| (kind, emotion, clips)));
        }
    }
    type Recording<'a> = ((bool, usize), usize, &'a [&'a Clip]);
    let answer = |&((with_pauses, count), emotion, clips): &Recording| -> Result<Answered> {
        let sound = joined(clips, with_pauses)?;
        let features = predictor.features(&sound)?;
        let answer = predictor.answer(&sound, None)?;
        Ok(Answered {
            count,
            with_pauses,
            seconds: sound.duration(),
            emotion,
            whole: argmax(&model.predict(&[&features[..]])?[0]),
            by_predictor: answer.emotion(),
            uncertain: answer.uncertain,
        })
    };
    recordings.par_iter().map(answer).collect()
}
