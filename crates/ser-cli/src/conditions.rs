//! The command `ser conditions`: evaluates a cross-validation under recording conditions.

use anyhow::Result;
use ser_experiment::{UnderCondition, measure_conditions};
use ser_report::points;

use crate::args::ConditionsArgs;
use crate::output::{SYNTHETIC, mean_std, table};
use crate::{Outcome, events};

/// Evaluates every split of a run on its test clips under each condition, and prints the figures.
pub fn run(args: &ConditionsArgs, json: bool) -> Result<Outcome> {
    let measured = measure_conditions(
        &args.run,
        &args.data.origins(),
        args.store.as_deref(),
        &events::show(),
    )?;
    if json {
        for found in &measured.figures {
            println!("{}", serde_json::to_string(found)?);
        }
        if measured.synthetic {
            eprintln!("{SYNTHETIC}");
        }
    } else {
        print(&measured.figures);
        if measured.synthetic {
            println!("{SYNTHETIC}");
        }
    }
    Ok(Outcome::of(&measured.skipped))
}

fn print(figures: &[UnderCondition]) {
    let rows = figures.iter().map(|found| {
        vec![
            found.condition.clone(),
            found.clips.to_string(),
            mean_std(found.figures.accuracy),
            mean_std(found.figures.uar),
            points(found.change),
        ]
    });
    let header = [
        "condition",
        "clips",
        "accuracy",
        "UAR",
        "UAR − clean, points",
    ];
    println!("{}", table(&header, rows));
    println!("UAR − clean: over the same clips.");
}
