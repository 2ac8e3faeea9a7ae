//! `ser compare`: runs on the same clips against each other.

use anyhow::Result;
use ser_eval::{Difference, Evaluation, Pair, Predictions, compare, write_file};
use ser_report::{RunSummary, render_comparison};

use crate::Outcome;
use crate::args::CompareArgs;
use crate::output::{SYNTHETIC, mean_std, percent, table};
use crate::report::{Run, link};

/// Says which of some runs are better than others.
pub fn run(args: &CompareArgs, json: bool) -> Result<Outcome> {
    let runs = args
        .runs
        .iter()
        .map(|dir| Run::read(dir))
        .collect::<Result<Vec<_>>>()?;
    let names = names(&runs);
    let answers: Vec<(&str, &Predictions)> = names
        .iter()
        .map(String::as_str)
        .zip(runs.iter().map(|run| &run.test.plain))
        .collect();
    let pairs = compare(&answers)?;
    let mut rows = Vec::new();
    for (run, name) in runs.iter().zip(&names) {
        let row = run.summary(&Evaluation::compute(&run.test.plain)?)?;
        let page = run.dir.join("report.html");
        let there = args.out.as_ref().filter(|_| page.is_file());
        rows.push(RunSummary {
            recipe: name.clone(),
            page: there.map(|out| link(out, &page)),
            ..row
        });
    }
    if json {
        println!("{}", serde_json::json!({ "runs": rows, "pairs": pairs }));
    } else {
        print(&rows, &pairs);
    }
    if let Some(out) = &args.out {
        write_file(out, render_comparison(&rows, &pairs)?)?;
        if !json {
            println!("comparison: {}", out.display());
        }
    }
    Ok(Outcome::Done)
}

/// A run is called by its recipe, or by its folder where two have the same.
fn names(runs: &[Run]) -> Vec<String> {
    let recipe = |run: &Run| run.experiment.name.clone();
    let shared = |name: &str| runs.iter().filter(|run| recipe(run) == name).count() > 1;
    runs.iter()
        .map(|run| match recipe(run) {
            name if shared(&name) => run.dir.display().to_string(),
            name => name,
        })
        .collect()
}

fn print(rows: &[RunSummary], pairs: &[Pair]) {
    let interval = |interval: Option<ser_eval::bootstrap::Interval>, of: fn(f64) -> String| {
        interval.map_or_else(String::new, |i| format!("{} – {}", of(i.low), of(i.high)))
    };
    let runs = rows.iter().map(|row| {
        vec![
            row.recipe.clone(),
            mean_std(row.accuracy),
            interval(row.accuracy_interval, percent),
            mean_std(row.uar),
            interval(row.uar_interval, percent),
        ]
    });
    let header = ["run", "accuracy", "95 % interval", "UAR", "95 % interval"];
    println!("{}\n", table(&header, runs));
    let points = |difference: f64| format!("{:+.1}", 100.0 * difference);
    let row = |pair: &Pair, figure: &str, difference: &Difference| {
        vec![
            format!("{} less {}", pair.first, pair.second),
            figure.to_owned(),
            points(difference.value),
            interval(difference.interval, points),
            format!("{:.5}", difference.p),
            format!("{:.5}", difference.corrected),
        ]
    };
    let differences = pairs.iter().flat_map(|pair| {
        [
            row(pair, "UAR", &pair.uar),
            row(pair, "accuracy", &pair.accuracy),
        ]
    });
    let header = [
        "runs",
        "figure",
        "points",
        "95 % interval",
        "p",
        "p corrected",
    ];
    println!("{}", table(&header, differences));
    println!(
        "Points: the first run less the second, all clips pooled; intervals and p over speakers, \
         p corrected for the number of pairs (Holm)."
    );
    if rows.iter().any(|row| row.synthetic) {
        println!("{SYNTHETIC}");
    }
}
