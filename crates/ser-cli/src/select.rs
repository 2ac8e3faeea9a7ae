//! `ser select`: which recipe is best on clips that are nobody's test.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use ser_data::Split;
use ser_eval::{Evaluation, MeanStd, Predictions, write_file};
use ser_model::{Ensemble, Experiment, Recipe};

use crate::Outcome;
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
        rows.push(Row {
            recipe: experiment.name().to_owned(),
            evaluation: Evaluation::compute(&answers)?,
            seconds: start.elapsed().as_secs_f64(),
        });
    }
    print(&mut rows, json)?;
    Ok(Outcome::Done)
}

/// One recipe's figures on the inner splits.
struct Row {
    recipe: String,
    evaluation: Evaluation,
    seconds: f64,
}

impl Row {
    /// Mean UAR over the inner splits of one split, which its name begins.
    fn uar_of(&self, split: &str) -> Option<f64> {
        let folds = self.evaluation.folds.folds.iter();
        let own = folds.filter(|fold| outer(&fold.split) == split);
        MeanStd::of(&own.map(|fold| fold.uar).collect::<Vec<_>>()).map(|uar| uar.mean)
    }
}

/// `fold-1` of `fold-1-inner-2`.
fn outer(inner: &str) -> &str {
    inner.split_once("-inner-").map_or(inner, |(outer, _)| outer)
}

/// A recipe's answers on all inner splits; those that are there already are kept.
fn rehearsals(recipe: &Recipe, source: &Source, args: &SelectArgs) -> Result<Predictions> {
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
    let read = |(_, inner): &(usize, Split)| Predictions::read_csv(file(&folder, inner));
    let answers = inner.iter().map(read).collect::<ser_eval::Result<Vec<_>>>()?;
    Ok(Predictions::pool(answers)?)
}

fn file(folder: &Path, inner: &Split) -> std::path::PathBuf {
    folder.join(format!("{}.csv", inner.name()))
}

fn rehearse_into(
    folder: &Path,
    recipe: &Recipe,
    data: &Prepared,
    inner: &Split,
    number: usize,
    bar: &ProgressBar,
) -> Result<()> {
    let file = file(folder, inner);
    if !file.is_file() {
        let (_, answers) = rehearse(recipe, data, inner, number as u64, &mut |_| {})
            .with_context(|| inner.name().to_owned())?;
        answers.write_csv(file)?;
    }
    bar.inc(1);
    Ok(())
}

/// The weighted mean of the members' answers.
fn average(ensemble: &Ensemble, source: &Source, args: &SelectArgs) -> Result<Predictions> {
    let recipes = ensemble.recipes()?;
    let answers = recipes.iter().map(|recipe| rehearsals(recipe, source, args));
    let answers = answers.collect::<Result<Vec<_>>>()?;
    let weights: Vec<f64> = ensemble.members.iter().map(|m| m.weight).collect();
    Ok(Predictions::average(&answers.iter().collect::<Vec<_>>(), &weights)?)
}

fn print(rows: &mut [Row], json: bool) -> Result<()> {
    if json {
        for row in rows {
            let folds = &row.evaluation.folds;
            let line = serde_json::json!({ "recipe": row.recipe, "validation": folds });
            println!("{line}");
        }
        return Ok(());
    }
    rows.sort_by(|a, b| {
        let uar = |row: &Row| row.evaluation.folds.uar.mean;
        uar(b).total_cmp(&uar(a))
    });
    let mut splits: Vec<String> = Vec::new();
    for fold in rows.iter().flat_map(|row| &row.evaluation.folds.folds) {
        if !splits.iter().any(|split| split == outer(&fold.split)) {
            splits.push(outer(&fold.split).to_owned());
        }
    }
    let best_in = |row: &Row| {
        let best = |split: &&String| {
            let others = rows.iter().filter_map(|other| other.uar_of(split));
            row.uar_of(split).is_some_and(|own| others.fold(own, f64::max) <= own)
        };
        splits.iter().filter(best).count()
    };
    let lines = rows.iter().map(|row| {
        vec![
            row.recipe.clone(),
            mean_std(row.evaluation.folds.uar),
            mean_std(row.evaluation.folds.accuracy),
            format!("{} of {}", best_in(row), splits.len()),
            format!("{:.0} s", row.seconds),
        ]
    });
    let header = ["recipe", "UAR", "accuracy", "best for splits", "time"];
    println!("{}", table(&header, lines));
    println!("On validation clips alone: no test part was touched.");
    Ok(())
}
