//! The command `ser conditions`: evaluates a cross-validation under recording conditions.

use anyhow::Result;
use ser_experiment::{Figures, measure_conditions};

use crate::args::ConditionsArgs;
use crate::output::{SYNTHETIC, mean_std, points, table};
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
        for (setting, folds) in &measured.figures {
            let condition = setting.to_string();
            let line = serde_json::json!({ "condition": condition, "figures": folds });
            println!("{line}");
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

fn print(figures: &Figures) {
    let clean = figures.first().map_or(0.0, |(_, folds)| folds.uar.mean);
    let rows = figures.iter().map(|(setting, folds)| {
        vec![
            setting.to_string(),
            mean_std(folds.accuracy),
            mean_std(folds.uar),
            points(folds.uar.mean - clean),
        ]
    });
    let header = ["condition", "accuracy", "UAR", "UAR − clean, points"];
    println!("{}", table(&header, rows));
}
