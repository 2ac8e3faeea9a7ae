//! The command `ser compare`: compares runs on the same clips.

use anyhow::Result;
use ser_eval::{Difference, Pair};
use ser_experiment::{Comparison, Run, compare};
use ser_report::{RunSummary, SIGNIFICANT};

use crate::Outcome;
use crate::args::CompareArgs;
use crate::output::{SYNTHETIC, interval, mean_std, percent, plain, points, table};
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
    for pair in pairs {
        println!("{}", verdict(pair));
    }
    rows.iter().for_each(print_corpora_of);
    if rows.iter().any(|row| row.synthetic) {
        println!("{SYNTHETIC}");
    }
}

/// Says in one sentence which run of a pair is better.
fn verdict(pair: &Pair) -> String {
    let Pair {
        first, second, uar, ..
    } = pair;
    if uar.corrected >= SIGNIFICANT {
        return plain(&format!(
            "{first} and {second}: no difference in UAR that chance could not explain (corrected p ≥ {SIGNIFICANT})"
        ));
    }
    let (better, worse) = if uar.value < 0.0 {
        (second, first)
    } else {
        (first, second)
    };
    plain(&format!(
        "{better} is better than {worse}, by {:.1} points of UAR: more than chance could explain (corrected p < {SIGNIFICANT})",
        100.0 * uar.value.abs()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_the_corrected_p() {
        let says = |value: f64, corrected: f64| {
            let uar = Difference {
                value,
                interval: None,
                p: 0.001,
                exact: true,
                corrected,
            };
            let (first, second) = ("mine".to_owned(), "wider".to_owned());
            verdict(&Pair {
                first,
                second,
                uar,
                accuracy: uar,
            })
        };
        assert!(says(0.1, 0.05).starts_with("mine and wider: no difference"));
        assert!(says(0.1, 0.01).starts_with("mine is better than wider, by 10.0 points"));
        assert!(says(-0.1, 0.01).starts_with("wider is better than mine, by 10.0 points"));
    }
}
