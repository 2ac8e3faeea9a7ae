//! `ser select`: which recipe is best on clips that are nobody's test.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;
use ser_eval::{FoldSummary, MeanStd};
use ser_recipe::{Experiment, Member, Task};

use crate::Outcome;
use crate::answers::{Answers, Enrolled};
use crate::args::SelectArgs;
use crate::conditions::measured;
use crate::crossval::{Source, splits};
use crate::lock::Lock;
use crate::output::{mean_std, table};
use crate::rehearsals::Rehearsals;

/// Rehearses every recipe on the inner splits of every split, and compares.
pub fn run(args: &SelectArgs, json: bool) -> Result<Outcome> {
    ser_model::keep_freed_memory();
    let _lock = Lock::take(&args.out)?;
    let rehearsals = Rehearsals {
        out: &args.out,
        store: args.store.as_deref(),
        jobs: args.jobs,
        conditions: args.conditions,
    };
    // All of them before the first training: what is wrong with the last is said at once.
    let asked = args.recipes.iter().map(|name| {
        let experiment = Experiment::load(name)?;
        let task = Task {
            protocol: args.protocol.unwrap_or(experiment.task.protocol),
            inner: args.inner.get(),
            ..experiment.task.clone()
        };
        let experiment = experiment.with_task(task)?;
        let name = experiment.name.clone();
        Ok((name, Rehearsals::members(experiment)?))
    });
    let mut rows = Vec::new();
    for (name, recipes) in asked.collect::<Result<Vec<_>>>()? {
        let start = Instant::now();
        let source = Source::read(&args.data, args.store.as_deref(), &recipes[0].recipe.task)?;
        let clips = &source.clips;
        let mut members = Vec::new();
        for Member { recipe, weight } in recipes {
            let finished = rehearsals.finished(&recipe, &clips.corpus, &splits(&recipe, clips)?)?;
            let answers = match finished {
                Some(answers) => answers,
                None => {
                    let data = source.extract(&recipe)?;
                    rehearsals.answers(&recipe, &data, &splits(&recipe, &data)?)?
                }
            };
            members.push((weight, answers));
        }
        let answers = Answers::average(&members)?;
        let enrolled = answers.enrolled();
        let enrolled = enrolled.map(|(known, answers)| Ok((known, FoldSummary::compute(answers)?)));
        rows.push(Row {
            recipe: name,
            plain: FoldSummary::compute(&answers.plain)?,
            enrolled: enrolled.collect::<Result<_>>()?,
            conditions: measured(&answers)?,
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
    /// Of clips as they are, then under each condition, where that was asked for.
    conditions: Vec<(String, FoldSummary)>,
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

fn print(rows: &mut [Row], json: bool) -> Result<()> {
    if json {
        for row in rows {
            let enrolled = row.enrolled.iter();
            let enrolled = enrolled.map(|(known, folds)| (known.to_string(), folds));
            let enrolled: BTreeMap<String, &FoldSummary> = enrolled.collect();
            let line = serde_json::json!({
                "recipe": row.recipe, "validation": row.plain, "enrolled": enrolled,
                "conditions": BTreeMap::from_iter(row.conditions.iter().cloned()),
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
    // An earlier call may have asked one recipe for the conditions and not another.
    let under = rows.iter().map(|row| &row.conditions[..]);
    let under = under.max_by_key(|under| under.len()).unwrap_or_default();
    if under.len() > 1 {
        let mut header = vec!["UAR under"];
        header.extend(rows.iter().map(|row| row.recipe.as_str()));
        let lines = under.iter().enumerate().map(|(i, (condition, _))| {
            let measured = |row: &Row| row.conditions.get(i).map(|(_, folds)| mean_std(folds.uar));
            let uar = |row: &Row| measured(row).unwrap_or_default();
            let cells = rows.iter().map(uar);
            std::iter::once(condition.clone()).chain(cells).collect()
        });
        println!("{}", table(&header, lines));
    }
    println!("On validation clips alone: no test part was touched.");
    Ok(())
}
