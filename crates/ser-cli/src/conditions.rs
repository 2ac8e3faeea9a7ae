//! `ser conditions`: what a model is worth away from the studio.

use anyhow::{Context, Result, bail};
use ser_audio::conditions::Condition;
use ser_data::{Corpus, Scan, Split};
use ser_eval::FoldSummary;
use ser_model::Model;

use crate::Outcome;
use crate::answers::Answers;
use crate::args::ConditionsArgs;
use crate::lock::Lock;
use crate::output::{mean_std, percent, progress, table};
use crate::report::Run;
use crate::run::{MODEL, TEST, split_folders};

/// Answers of every split of a run on its test clips, as each condition leaves them.
pub fn run(args: &ConditionsArgs, json: bool) -> Result<Outcome> {
    let _lock = Lock::take(&args.run)?;
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
    let disjoint = run.experiment.task().protocol.disjoint();
    let bar = progress(folders.len() * Condition::STANDARD.len(), "conditions");
    let store = args.store.as_deref();
    let mut pooled = Vec::new();
    for folder in &folders {
        let split = Split::read_csv(&corpus, folder.join("split.csv"), disjoint)
            .with_context(|| "the run was made from other clips")?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let model = Model::load(&folder.join(MODEL))?;
        let mut answers =
            Answers::read(folder, TEST)?.with_context(|| folder.display().to_string())?;
        answers.add_conditions(&model, &corpus, split.test(), &name, store, &bar)?;
        answers.write(folder, TEST)?;
        pooled.push(answers);
    }
    bar.finish_and_clear();
    print(&measured(&Answers::pool(pooled)?)?, json)?;
    Ok(Outcome::Done)
}

/// The figures of clips as they are, then under each condition.
pub fn measured(answers: &Answers) -> Result<Vec<(String, FoldSummary)>> {
    let clean = ("clean".to_owned(), FoldSummary::compute(&answers.plain)?);
    let under = answers
        .conditions()
        .map(|(condition, answers)| Ok((condition.to_string(), FoldSummary::compute(answers)?)));
    std::iter::once(Ok(clean)).chain(under).collect()
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
        table(&["condition", "accuracy", "UAR", "UAR − clean"], rows)
    );
    Ok(())
}
