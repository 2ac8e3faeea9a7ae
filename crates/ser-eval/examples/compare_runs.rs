//! Prints whether one run is better than another on the same clips or chance explains the difference, and for which
//! speakers.
//!
//! `cargo run --release -p ser-eval --example compare_runs -- first.csv second.csv`; each file is a `predictions.csv`
//! as the example `metrics` describes it.

#![allow(clippy::print_stdout)]

use anyhow::{Result, bail};
use ser_eval::{Difference, Group, Over, Predictions, compare, group_table};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [first, second] = &args[..] else {
        bail!("usage: compare_runs FIRST.csv SECOND.csv");
    };
    let runs = [
        Predictions::read_csv(first)?,
        Predictions::read_csv(second)?,
    ];

    for pair in compare(&[(first, &runs[0]), (second, &runs[1])], Over::AllClips)? {
        println!("{} minus {}, in points:", pair.first, pair.second);
        tell("accuracy", &pair.accuracy);
        tell("UAR", &pair.uar);
    }

    // `compare` has checked that both runs have the same clips, so they have the same speakers.
    println!("\nspeaker          first   second     diff");
    let [a, b] = runs.each_ref().map(|run| group_table(run, Group::Speaker));
    for (a, b) in a.iter().zip(&b) {
        let speaker = a.group.as_deref().unwrap_or_default();
        let (first, second) = (100.0 * a.accuracy, 100.0 * b.accuracy);
        println!(
            "{speaker:<14} {first:>5.1} %  {second:>5.1} % {:>+8.1}",
            first - second
        );
    }
    Ok(())
}

fn tell(figure: &str, difference: &Difference) {
    let value = 100.0 * difference.value;
    let interval = difference.interval.map_or_else(String::new, |interval| {
        let (low, high) = (100.0 * interval.low, 100.0 * interval.high);
        format!(", 95 % interval {low:+.1} to {high:+.1}")
    });
    println!("{figure:<9} {value:+.1}{interval}, p = {:.5}", difference.p);
}
