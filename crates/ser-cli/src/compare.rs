//! The command `ser compare`: compares runs on the same clips.

use anyhow::Result;
use ser_eval::{Difference, Pair};
use ser_experiment::{Comparison, Run, compare};
use ser_report::RunSummary;

use crate::Outcome;
use crate::args::CompareArgs;
use crate::output::{SYNTHETIC, interval, mean_std, percent, points, table};
use crate::report::print_corpora_of;

/// Prints which runs are better than others, and by how much.
pub fn run(args: &CompareArgs, json: bool) -> Result<Outcome> {
    let runs = Run::read_all(&args.runs)?;
    let mut comparison = compare(&runs)?;
    if let Some(out) = &args.out {
        comparison.link(out, &runs);
    }
    if json {
        let Comparison { runs, pairs } = &comparison;
        println!("{}", serde_json::json!({ "runs": runs, "pairs": pairs }));
    } else {
        print(&comparison.runs, &comparison.pairs);
    }
    if let Some(out) = &args.out {
        comparison.write_page(out)?;
        if !json {
            println!("comparison: {}", out.display());
        }
    }
    Ok(Outcome::Done)
}

fn print(rows: &[RunSummary], pairs: &[Pair]) {
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
    let row = |pair: &Pair, figure: &str, difference: &Difference| {
        vec![
            format!("{} − {}", pair.first, pair.second),
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
        "Points: the first run minus the second, over all clips pooled. Intervals and p are over speakers; p corrected: \
         for the number of pairs (Holm)."
    );
    rows.iter().for_each(print_corpora_of);
    if rows.iter().any(|row| row.synthetic) {
        println!("{SYNTHETIC}");
    }
}
