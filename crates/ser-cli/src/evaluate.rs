//! `ser evaluate`

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ser_eval::report::{Report, SplitKind};
use ser_eval::{Evaluation, Predictions};
use ser_model::Model;
use ser_recipe::Recipe;

use crate::answers::predict;
use crate::args::EvaluateArgs;
use crate::corpus::{Prepared, View, read};
use crate::exhibits::Exhibits;
use crate::output::{SYNTHETIC, percent};
use crate::report::{architectures, print_classes, write_page};
use crate::{Outcome, model};

pub fn run(args: &EvaluateArgs, json: bool) -> Result<Outcome> {
    let model = model::open(args.model.as_deref())?;
    let views = model.views().into_iter().cloned().map(View::clean);
    let views: Vec<View> = views.collect();
    let data = read(&args.data, &[])?.extract(&[], &views, None)?;
    let clips = data.corpus.clips();

    // What the model was made from measures nothing. A speaker counts as known when a clip of
    // theirs was trained on: names alone do not tell, every corpus has a speaker 1.
    let seen: HashSet<&str> = model
        .provenance
        .content
        .iter()
        .map(String::as_str)
        .collect();
    let disjoint = recipe(&model)?.task.protocol.is_speaker_disjoint();
    let known: HashSet<&str> = clips
        .iter()
        .filter(|clip| disjoint && seen.contains(clip.content.as_str()))
        .map(|clip| clip.speaker.as_str())
        .collect();
    let (known_emotion, unknown_emotion): (Vec<usize>, Vec<usize>) =
        (0..clips.len()).partition(|&i| model.labels.contains(&clips[i].emotion));
    let part: Vec<usize> = known_emotion
        .iter()
        .copied()
        .filter(|&i| !seen.contains(clips[i].content.as_str()))
        .filter(|&i| !known.contains(clips[i].speaker.as_str()))
        .collect();
    let left_out = known_emotion.len() - part.len();
    let mut unknown: Vec<&str> = unknown_emotion
        .iter()
        .map(|&i| clips[i].emotion.as_str())
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    let unknown = unknown.join(", ");
    if part.is_empty() {
        bail!(
            "{}: nothing to measure: the model was trained on {left_out} of the clips or on their \
             speakers, and does not know the emotions of the other {} ({}); it knows {}",
            args.data.display(),
            unknown_emotion.len(),
            unknown,
            model.labels.join(", ")
        );
    }
    let predictions = predict(&model, &data, &part, &model.provenance.split)?;
    let evaluation = Evaluation::compute(&predictions)?;
    if let Some(out) = &args.out {
        // Voices of a corpus that gave no clip to the training are new to the model.
        let heard = clips
            .iter()
            .any(|clip| seen.contains(clip.content.as_str()));
        let split = SplitKind::of(disjoint || !heard);
        let shown = Exhibits::of(
            &model,
            &data.corpus,
            &part,
            &model.provenance.split,
            &predictions,
        )?;
        write(out, &model, &data, predictions, shown, &evaluation, split)?;
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
        if !unknown_emotion.is_empty() {
            let (n, labels) = (unknown_emotion.len(), model.labels.join(", "));
            println!("{n} clips left out ({unknown}): the model only knows {labels}");
        }
        if data.corpus.is_synthetic() || model.provenance.synthetic {
            println!("{SYNTHETIC}");
        }
    }
    Ok(Outcome::of(&data.skipped))
}

/// Predictions, figures, pictures and the page.
fn write(
    out: &Path,
    model: &Model,
    data: &Prepared,
    predictions: Predictions,
    shown: Exhibits,
    evaluation: &Evaluation,
    split: SplitKind,
) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    predictions.write_csv(out.join("predictions.csv"))?;
    let (n, all) = (predictions.rows().len(), data.corpus.len());
    let corpus = data.corpus.name();
    let report = Report {
        recipe: model.name.clone(),
        model: architectures(model.networks.iter().map(|n| &n.recipe)),
        protocol: format!("a finished model, measured on {n} of the {all} clips of {corpus}"),
        split,
        synthetic: data.corpus.is_synthetic() || model.provenance.synthetic,
        predictions,
        enrolled: Vec::new(),
        histories: Vec::new(),
        map: shown.map,
        sounds: shown.sounds,
        recipe_text: recipe(model)?.to_toml()?,
        environment: vec![
            (
                "program".to_owned(),
                format!("ser {}", env!("CARGO_PKG_VERSION")),
            ),
            ("corpus checksum".to_owned(), data.corpus.checksum()),
            ("files left out".to_owned(), data.skipped.len().to_string()),
        ],
        command: "ser evaluate --model MODEL --data DATA --out DIR".to_owned(),
        comparison: Vec::new(),
    };
    write_page(out, &report, evaluation)
}

/// The recipe of the first network; all of a model have the same task.
fn recipe(model: &Model) -> Result<&Recipe> {
    let first = model.networks.first().context("the model has no network")?;
    Ok(&first.recipe)
}
