//! `ser evaluate`

use std::collections::HashSet;

use anyhow::{Context, Result, bail};
use ser_eval::{Evaluation, plots, write_file};
use ser_model::Model;

use crate::Outcome;
use crate::args::EvaluateArgs;
use crate::corpus::prepare;
use crate::output::{SYNTHETIC, percent};
use crate::report::print_classes;
use crate::run::predict;

pub fn run(args: &EvaluateArgs, json: bool) -> Result<Outcome> {
    let model = Model::load(&args.model)?;
    let data = prepare(&args.data, &model.labels, &model.recipe.features, None)?;
    let clips = data.corpus.clips();

    // What the model was made from measures nothing. A speaker counts as known when a clip of
    // theirs was trained on: names alone do not tell, every corpus has a speaker 1.
    let seen: HashSet<&str> = model
        .provenance
        .content
        .iter()
        .map(String::as_str)
        .collect();
    let disjoint = model.recipe.task.protocol.is_speaker_disjoint();
    let known: HashSet<&str> = clips
        .iter()
        .filter(|clip| disjoint && seen.contains(clip.content.as_str()))
        .map(|clip| clip.speaker.as_str())
        .collect();
    let part: Vec<usize> = (0..clips.len())
        .filter(|&i| !seen.contains(clips[i].content.as_str()))
        .filter(|&i| !known.contains(clips[i].speaker.as_str()))
        .collect();
    let left_out = clips.len() - part.len();
    if part.is_empty() {
        bail!(
            "{}: the model was trained on all {left_out} clips (or their speakers), so they measure \
             nothing; give it other recordings",
            args.data.display()
        );
    }
    let predictions = predict(
        &model,
        &data.corpus,
        &data.features,
        &part,
        &model.provenance.split,
    )?;
    let evaluation = Evaluation::compute(&predictions)?;
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        predictions.write_csv(out.join("predictions.csv"))?;
        write_file(
            out.join("metrics.json"),
            &serde_json::to_string_pretty(&evaluation)?,
        )?;
        plots::write_all(out, &evaluation.metrics, &[])?;
    }
    if json {
        println!("{}", serde_json::to_string(&evaluation)?);
    } else {
        print_classes(&evaluation);
        let metrics = &evaluation.metrics;
        let n = part.len();
        println!(
            "{n} clips: accuracy {}, UAR {}",
            percent(metrics.accuracy),
            percent(metrics.uar)
        );
        if left_out > 0 {
            let what = if disjoint {
                "clips and speakers"
            } else {
                "clips"
            };
            println!("{left_out} clips left out: {what} the model was trained on");
        }
        if data.corpus.is_synthetic() || model.provenance.synthetic {
            println!("{SYNTHETIC}");
        }
    }
    Ok(if data.skipped.is_empty() {
        Outcome::Done
    } else {
        Outcome::SomeSkipped
    })
}
