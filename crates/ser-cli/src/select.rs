//! The command `ser select`: compares recipes on validation clips.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use anyhow::Result;
use ser_eval::FoldSummary;
use ser_experiment::{Candidate, Folders, Setting, outer_splits, select};
use ser_recipe::{Experiment, Task};

use crate::args::SelectArgs;
use crate::crossval::RANDOM;
use crate::output::{SYNTHETIC, mean_std, table};
use crate::{Outcome, events};

/// Evaluates every recipe on the inner splits of every split, and prints the comparison.
pub fn run(args: &SelectArgs, json: bool) -> Result<Outcome> {
    ser_experiment::keep_freed_memory();
    let asked = args.recipes.iter().map(|name| {
        let experiment = Experiment::load(name)?;
        let task = Task {
            protocol: args.protocol.unwrap_or(experiment.task.protocol),
            inner: args.inner.get(),
            ..experiment.task.clone()
        };
        Ok(experiment.with_task(task)?)
    });
    let experiments = asked.collect::<Result<Vec<_>>>()?;
    let folders = Folders {
        data: args.data.origins(),
        store: args.store.as_deref(),
        out: &args.out,
    };
    let mut rows = select(
        &experiments,
        &folders,
        args.jobs.map(NonZeroUsize::get),
        args.conditions,
        &events::show(),
    )?;
    let is_synthetic = rows.iter().any(|row| row.synthetic);
    if json {
        rows.iter().for_each(print_json);
        if is_synthetic {
            eprintln!("{SYNTHETIC}");
        }
    } else {
        print(&mut rows);
        if experiments
            .iter()
            .any(|asked| !asked.task.protocol.is_speaker_disjoint())
        {
            println!("{RANDOM}");
        }
        if is_synthetic {
            println!("{SYNTHETIC}");
        }
    }
    let skipped = rows.into_iter().flat_map(|row| row.skipped);
    Ok(Outcome::of(&skipped.collect::<Vec<_>>()))
}

/// Returns the figures without enrolment: of the plain clips, and under each condition.
fn recorded(row: &Candidate) -> Vec<&(Setting, FoldSummary)> {
    let figures = row.figures.iter();
    figures.filter(|(at, _)| !at.is_enrolled()).collect()
}

fn print_json(row: &Candidate) {
    let enrolled = row.figures.iter().filter(|(at, _)| at.is_enrolled());
    let by_name = |(at, figures): &(Setting, FoldSummary)| (at.to_string(), figures.clone());
    let enrolled: BTreeMap<String, FoldSummary> = enrolled.map(by_name).collect();
    let conditions = recorded(row).into_iter().map(by_name);
    let conditions: BTreeMap<String, FoldSummary> = conditions.collect();
    let line = serde_json::json!({
        "recipe": row.name, "validation": row.plain(), "enrolled": enrolled,
        "conditions": conditions,
    });
    println!("{line}");
}

fn print(rows: &mut [Candidate]) {
    rows.sort_by(|a, b| b.plain().uar.mean.total_cmp(&a.plain().uar.mean));
    let splits = outer_splits(rows).len();
    let lines = rows.iter().map(|row| {
        let after = |setting: Setting| {
            let found = row.in_setting(setting);
            found.map_or_else(String::new, |folds| mean_std(folds.accuracy))
        };
        vec![
            row.name.clone(),
            mean_std(row.plain().uar),
            mean_std(row.plain().accuracy),
            after(Setting::ENROLLED_VALIDATION[0]),
            after(Setting::ENROLLED_VALIDATION[1]),
            format!("{} of {splits}", row.times_best(rows)),
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
    // After an earlier call, one recipe may have figures under conditions and another may not.
    let under = rows.iter().map(recorded).max_by_key(Vec::len);
    let under = under.unwrap_or_default();
    if under.len() > 1 {
        let mut header = vec!["UAR under"];
        header.extend(rows.iter().map(|row| row.name.as_str()));
        let lines = under.iter().map(|(setting, _)| {
            let uar = |row: &Candidate| {
                let folds = row.in_setting(*setting);
                folds.map_or_else(String::new, |folds| mean_std(folds.uar))
            };
            let cells = rows.iter().map(uar);
            std::iter::once(setting.to_string()).chain(cells).collect()
        });
        println!("{}", table(&header, lines));
    }
    println!("All figures are measured on validation clips; no test part was used.");
}
