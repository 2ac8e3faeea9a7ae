//! The command `ser compare`: compares runs on the same clips.

use anyhow::Result;
use ser_eval::{Difference, Pair};
use ser_experiment::{Comparison, compare};
use ser_report::{ANOTHER_SEED, clips_of, points, verdict};

use crate::Outcome;
use crate::args::CompareArgs;
use crate::output::{SYNTHETIC, interval, mean_std, percent, plain, table};
use crate::report::{may_write_page, print_corpora_of, test_speakers};

/// Prints which runs are better than others, and by how much.
pub fn run(args: &CompareArgs, json: bool) -> Result<Outcome> {
    if let Some(out) = &args.out {
        may_write_page(out)?;
    }
    let mut comparison = compare(&args.runs)?;
    if let Some(out) = &args.out {
        comparison.link(out, &args.runs);
    }
    if json {
        let Comparison { runs, pairs, .. } = &comparison;
        println!("{}", serde_json::json!({ "runs": runs, "pairs": pairs }));
    } else {
        print(&comparison);
    }
    if let Some(out) = &args.out {
        comparison.write_page(out)?;
        if !json {
            println!("comparison: {}", out.display());
        }
    }
    Ok(Outcome::Done)
}

fn print(comparison: &Comparison) {
    let Comparison { runs, pairs, over } = comparison;
    let rows = runs.iter().map(|row| {
        vec![
            row.recipe.clone(),
            test_speakers(row).to_owned(),
            mean_std(row.accuracy),
            interval(row.accuracy_interval, percent),
            mean_std(row.uar),
            interval(row.uar_interval, percent),
        ]
    });
    let header = [
        "run",
        "test speakers",
        "accuracy",
        "95 % interval, pooled",
        "UAR",
        "95 % interval, pooled",
    ];
    println!("{}\n", table(&header, rows));
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
        "Points: the first run minus the second, {}. Intervals and p are over speakers; p corrected: for the number of pairs \
         (Holm). {ANOTHER_SEED}",
        clips_of(*over)
    );
    for pair in pairs {
        println!("{}", plain(&verdict(pair)));
    }
    runs.iter().for_each(print_corpora_of);
    if runs.iter().any(|row| row.synthetic) {
        println!("{SYNTHETIC}");
    }
}
