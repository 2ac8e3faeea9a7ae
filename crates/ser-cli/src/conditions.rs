//! `ser conditions`: what a model is worth away from the studio.

use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_conditions::Condition;
use ser_data::{Corpus, Disjoint, Scan, Split};
use ser_eval::{FoldSummary, Predictions};
use ser_features::Features;
use ser_model::Model;

use crate::Outcome;
use crate::answers::rows;
use crate::args::ConditionsArgs;
use crate::corpus::hear;
use crate::output::{mean_std, percent, progress, table};
use crate::report::Run;
use crate::run::{MODEL, split_folders};

/// Answers of every split of a run on its test clips, as each condition leaves them.
pub fn run(args: &ConditionsArgs, json: bool) -> Result<Outcome> {
    let run = Run::read(&args.run)?;
    let Scan { corpus, .. } = Corpus::load(&args.data)?;
    let emotions: Vec<&str> = run.emotions().iter().map(String::as_str).collect();
    let corpus = corpus.select(&emotions)?;
    let folders = split_folders(&args.run)?;
    if folders.is_empty() {
        bail!(
            "{}: conditions are measured over a cross-validation; write one with `ser crossval`",
            args.run.display()
        );
    }
    let disjoint = match run.experiment.task().protocol.is_speaker_disjoint() {
        true => Disjoint::SpeakersAndAudio,
        false => Disjoint::Audio,
    };
    let bar = progress(folders.len() * Condition::STANDARD.len(), "conditions");
    for folder in &folders {
        let split = Split::read_csv(&corpus, folder.join("split.csv"), disjoint)
            .with_context(|| "the run was made from other clips")?;
        measure(folder, &corpus, &split, &bar)?;
    }
    bar.finish_and_clear();
    let clean = FoldSummary::compute(&run.test.plain)?;
    let mut measured = vec![("clean".to_owned(), clean)];
    for condition in Condition::STANDARD {
        let read = |folder: &std::path::PathBuf| Predictions::read_csv(file(folder, condition));
        let answers = folders
            .iter()
            .map(read)
            .collect::<ser_eval::Result<Vec<_>>>()?;
        let folds = FoldSummary::compute(&Predictions::pool(answers)?)?;
        measured.push((condition.to_string(), folds));
    }
    print(&measured, json)?;
    Ok(Outcome::Done)
}

/// The answers of one split under one condition.
pub fn file(folder: &Path, condition: Condition) -> std::path::PathBuf {
    let name = condition.to_string().replace(' ', "_");
    folder.join(format!("condition-{name}.csv"))
}

/// Measures one split; what is there already is kept.
fn measure(folder: &Path, corpus: &Corpus, split: &Split, bar: &ProgressBar) -> Result<()> {
    let model = Model::load(&folder.join(MODEL))?;
    let extractors = model.extractors()?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    for condition in Condition::STANDARD {
        let file = file(folder, condition);
        if !file.is_file() {
            let clips: Result<Vec<Vec<Features>>> = split
                .test()
                .par_iter()
                .map(|&i| hear(&corpus.clips()[i].path, i, condition, &extractors))
                .collect();
            let clips = clips?;
            let views: Vec<&[Features]> = clips.iter().map(Vec::as_slice).collect();
            let answers = model.predict(&views)?;
            let rows = rows(&model, corpus, split.test(), answers, &name)?;
            Predictions::new(model.labels.clone(), rows)?.write_csv(file)?;
        }
        bar.inc(1);
    }
    Ok(())
}

fn print(measured: &[(String, FoldSummary)], json: bool) -> Result<()> {
    let clean = measured.first().map_or(0.0, |(_, folds)| folds.uar.mean);
    if json {
        for (condition, folds) in measured {
            println!(
                "{}",
                serde_json::json!({ "condition": condition, "figures": folds })
            );
        }
        return Ok(());
    }
    let rows = measured.iter().map(|(condition, folds)| {
        vec![
            condition.clone(),
            mean_std(folds.accuracy),
            mean_std(folds.uar),
            percent(folds.uar.mean - clean),
        ]
    });
    println!(
        "{}",
        table(&["condition", "accuracy", "UAR", "UAR less clean"], rows)
    );
    Ok(())
}
