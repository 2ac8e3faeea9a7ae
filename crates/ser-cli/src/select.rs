//! `ser select`: which recipe is best on clips that are nobody's test.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use ser_data::Split;
use ser_eval::{FoldSummary, MeanStd, write_file};
use ser_model::{Ensemble, Experiment, Recipe};

use crate::Outcome;
use crate::answers::{Answers, Enrolled};
use crate::args::SelectArgs;
use crate::corpus::Prepared;
use crate::crossval::{Source, side_by_side};
use crate::output::{mean_std, progress, table};
use crate::run::remove;
use crate::training::rehearse;

/// The recipe that the answers beside it are of.
const RECIPE: &str = "recipe.toml";

/// Rehearses every recipe on the inner splits of every split, and compares.
pub fn run(args: &SelectArgs, json: bool) -> Result<Outcome> {
    ser_model::keep_freed_memory();
    let source = Source {
        data: &args.data,
        store: args.store.as_deref(),
    };
    let mut rows = Vec::new();
    for name in &args.recipes {
        let mut experiment = Experiment::load(name)?;
        let task = experiment.task_mut();
        task.protocol = args.protocol.unwrap_or(task.protocol);
        task.inner = args.inner;
        let start = Instant::now();
        let answers = match &experiment {
            Experiment::Recipe(recipe) => rehearsals(recipe, &source, args)?,
            Experiment::Ensemble(ensemble) => average(ensemble, &source, args)?,
        };
        let enrolled = answers.enrolled.iter();
        let enrolled =
            enrolled.map(|(known, answers)| Ok((*known, FoldSummary::compute(answers)?)));
        rows.push(Row {
            recipe: experiment.name().to_owned(),
            plain: FoldSummary::compute(&answers.plain)?,
            enrolled: enrolled.collect::<Result<_>>()?,
            seconds: start.elapsed().as_secs_f64(),
        });
    }
    print(&mut rows, json)?;
    Ok(Outcome::Done)
}

/// One recipe's figures on the inner splits.
struct Row {
    recipe: String,
    plain: FoldSummary,
    enrolled: Vec<(Enrolled, FoldSummary)>,
    seconds: f64,
}

impl Row {
    /// Mean UAR over the inner splits of one split, which its name begins.
    fn uar_of(&self, split: &str) -> Option<f64> {
        let folds = self.plain.folds.iter();
        let own = folds.filter(|fold| outer(&fold.split) == split);
        MeanStd::of(&own.map(|fold| fold.uar).collect::<Vec<_>>()).map(|uar| uar.mean)
    }
}

/// `fold-1` of `fold-1-inner-2`.
fn outer(inner: &str) -> &str {
    inner
        .split_once("-inner-")
        .map_or(inner, |(outer, _)| outer)
}

/// A recipe's answers on all inner splits; those that are there already are kept.
fn rehearsals(recipe: &Recipe, source: &Source, args: &SelectArgs) -> Result<Answers> {
    let (data, splits) = source.open(recipe)?;
    let folder = args.out.join(&recipe.name);
    // Answers of another recipe of that name would be mixed with this one's.
    let identity = format!("{}\n# {}\n", recipe.to_toml()?, data.corpus.checksum());
    if fs::read_to_string(folder.join(RECIPE)).ok().as_ref() != Some(&identity) {
        remove(&folder)?;
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        write_file(folder.join(RECIPE), &identity)?;
    }
    let mut inner: Vec<(usize, Split)> = Vec::new();
    for (split, number) in splits.iter().zip(1..) {
        let of = split.inner(&data.corpus, recipe.task.inner, recipe.task.seed)?;
        inner.extend(of.into_iter().map(|inner| (number, inner)));
    }
    let bar = progress(inner.len(), "rehearsals");
    bar.set_message(recipe.name.clone());
    side_by_side(&inner, recipe, args.jobs, |(number, inner)| {
        rehearse_into(&folder, recipe, &data, inner, *number, &bar)
    })?;
    bar.finish_and_clear();
    let read = |(_, inner): &(usize, Split)| Answers::read(&folder, inner.name());
    let answers = inner.iter().map(read).collect::<Result<Option<Vec<_>>>>()?;
    Answers::pool(answers.with_context(|| folder.display().to_string())?)
}

fn rehearse_into(
    folder: &Path,
    recipe: &Recipe,
    data: &Prepared,
    inner: &Split,
    number: usize,
    bar: &ProgressBar,
) -> Result<()> {
    if Answers::read(folder, inner.name())?.is_none() {
        let (_, answers) = rehearse(recipe, data, inner, number as u64, &mut |_| {})
            .with_context(|| inner.name().to_owned())?;
        answers.write(folder, inner.name())?;
    }
    bar.inc(1);
    Ok(())
}

/// The weighted mean of the members' answers.
fn average(ensemble: &Ensemble, source: &Source, args: &SelectArgs) -> Result<Answers> {
    let mut members = Vec::new();
    for (recipe, weight) in ensemble.recipes()? {
        members.push((weight, rehearsals(&recipe, source, args)?));
    }
    let members: Vec<_> = members.iter().map(|(w, answers)| (*w, answers)).collect();
    Answers::average(&members)
}

fn print(rows: &mut [Row], json: bool) -> Result<()> {
    if json {
        for row in rows {
            let enrolled = row.enrolled.iter();
            let enrolled = enrolled.map(|(known, folds)| (known.to_string(), folds));
            let enrolled: BTreeMap<String, &FoldSummary> = enrolled.collect();
            let line = serde_json::json!({
                "recipe": row.recipe, "validation": row.plain, "enrolled": enrolled,
            });
            println!("{line}");
        }
        return Ok(());
    }
    rows.sort_by(|a, b| {
        let uar = |row: &Row| row.plain.uar.mean;
        uar(b).total_cmp(&uar(a))
    });
    let mut splits: Vec<String> = Vec::new();
    for fold in rows.iter().flat_map(|row| &row.plain.folds) {
        if !splits.iter().any(|split| split == outer(&fold.split)) {
            splits.push(outer(&fold.split).to_owned());
        }
    }
    let best_in = |row: &Row| {
        let best = |split: &&String| {
            let others = rows.iter().filter_map(|other| other.uar_of(split));
            row.uar_of(split)
                .is_some_and(|own| others.fold(own, f64::max) <= own)
        };
        splits.iter().filter(best).count()
    };
    let lines = rows.iter().map(|row| {
        let after = |known: Enrolled| {
            let found = row.enrolled.iter().find(|(at, _)| *at == known);
            found.map_or_else(String::new, |(_, folds)| mean_std(folds.accuracy))
        };
        vec![
            row.recipe.clone(),
            mean_std(row.plain.uar),
            mean_std(row.plain.accuracy),
            after(Enrolled::REHEARSED[0]),
            after(Enrolled::REHEARSED[1]),
            format!("{} of {}", best_in(row), splits.len()),
            format!("{:.0} s", row.seconds),
        ]
    });
    let header = [
        "recipe",
        "UAR",
        "accuracy",
        "accuracy, 15 enrolled",
        "accuracy, all enrolled",
        "best plain UAR",
        "time",
    ];
    println!("{}", table(&header, lines));
    println!("On validation clips alone: no test part was touched.");
    Ok(())
}
