//! The command `ser report`, and tables of figures for other commands.

use std::path::PathBuf;

use anyhow::Result;
use ser_data::{Corpus, Scan};
use ser_eval::{Evaluation, GroupRow};
use ser_experiment::{Event, Run, Skipped, summaries, write_side_by_side};
use ser_report::{CorpusTable, Known, RunSummary};

use crate::args::ReportArgs;
use crate::output::{SYNTHETIC, interval, mean_std, percent, plain, table};
use crate::{Outcome, events};

/// Runs `ser report`: writes the pages of runs again, or one page with all runs side by side.
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    let runs = Run::read_all(&args.runs)?;
    let rows = summaries(&runs)?;
    if let Some(out) = &args.out {
        let read: Vec<_> = args.data.iter().map(PathBuf::as_path).collect();
        ser_files::may_write(out, &read)?;
    }
    let mut skipped = Vec::new();
    if !args.data.is_empty() {
        let (data, show) = (args.root.of_each(&args.data), events::show());
        for run in &runs {
            let Scan { corpus, audit } = Corpus::load_all(&data, &run.experiment.task.labels)?;
            for left_out in Skipped::of_audit(&audit) {
                // The runs read the same files.
                if !skipped.contains(&left_out) {
                    show(Event::Skipped(&left_out));
                    skipped.push(left_out);
                }
            }
            let evaluation = run.write_page(&rows, &corpus, &args.by)?;
            for (column, rows) in &evaluation.by {
                print_groups(column, rows);
            }
            println!("report: {}", run.page().display());
        }
    }
    if let Some(out) = &args.out {
        write_side_by_side(out, &runs, &rows)?;
        let table_rows = rows.iter().map(|row| {
            vec![
                row.recipe.clone(),
                mean_std(row.accuracy),
                mean_std(row.uar),
                interval(row.uar_interval, percent),
            ]
        });
        println!(
            "{}",
            table(
                &["recipe", "accuracy", "UAR", "95 % interval of UAR"],
                table_rows
            )
        );
        for row in &rows {
            print_corpora_of(row);
        }
        println!("comparison: {}", out.display());
    }
    if runs.iter().any(Run::synthetic) {
        println!("{SYNTHETIC}");
    }
    Ok(Outcome::of(&skipped))
}

/// Prints the UAR by corpus of a run with the protocol `corpora`, and nothing for other runs.
pub fn print_corpora_of(run: &RunSummary) {
    if let Some(found) = &run.corpora {
        print!("{}: ", plain(&run.recipe));
        print_corpora(found);
    }
}

/// Prints the UAR by corpus.
pub fn print_corpora(found: &CorpusTable) {
    let known = found.known.iter().map(Known::to_string);
    let header: Vec<String> = ["tested".to_owned(), "trained on".to_owned()]
        .into_iter()
        .chain(known)
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let figures = |uar: Vec<Option<f64>>| {
        uar.into_iter()
            .map(|uar| uar.map_or_else(String::new, percent))
    };
    let rows = found.rows.iter().map(|row| {
        let first = [plain(&row.tested), plain(&row.trained.join(", "))];
        first
            .into_iter()
            .chain(figures(row.uar.clone()))
            .collect::<Vec<_>>()
    });
    let mean = ["mean".to_owned(), String::new()].into_iter();
    let mean = mean.chain(figures(found.means())).collect();
    println!(
        "UAR on corpora that were not used for training:\n{}",
        table(&header, rows.chain([mean]))
    );
}

/// Prints precision, recall, F1 and support of each class.
pub fn print_classes(evaluation: &Evaluation) {
    let metrics = &evaluation.metrics;
    let rows = metrics
        .labels
        .iter()
        .zip(&metrics.classes)
        .map(|(label, class)| {
            let defined = |figure: f64, is: bool| {
                if is {
                    percent(figure)
                } else {
                    "–".to_owned()
                }
            };
            vec![
                label.clone(),
                defined(class.precision, class.precision_defined),
                defined(class.recall, class.recall_defined),
                defined(class.f1, class.precision_defined || class.recall_defined),
                class.support.to_string(),
            ]
        });
    println!(
        "{}",
        table(&["emotion", "precision", "recall", "F1", "support"], rows)
    );
}

/// Prints the figures of each group of clips.
pub fn print_groups(column: &str, rows: &[GroupRow]) {
    let rows = rows.iter().map(|row| {
        vec![
            plain(row.group.as_deref().unwrap_or("not given")),
            row.n.to_string(),
            row.speakers.to_string(),
            percent(row.accuracy),
            percent(row.uar),
            interval(row.uar_interval, percent),
        ]
    });
    let header = [
        "clips",
        "speakers",
        "accuracy",
        "UAR",
        "95 % interval of UAR",
    ];
    let column = plain(column);
    let header = [&[column.as_str()], &header[..]].concat();
    println!("{}", table(&header, rows));
}
