//! The command `ser report`, and tables of figures for other commands.

use std::path::Path;

use anyhow::{Result, bail};
use ser_data::{Corpus, Scan};
use ser_eval::{Evaluation, GroupRow};
use ser_experiment::{Event, Run, Skipped, summaries, write_side_by_side};
use ser_report::{CorpusTable, Known, RunSummary, SplitKind};

use crate::args::ReportArgs;
use crate::output::{SYNTHETIC, interval, mean_std, percent, plain, table};
use crate::{Outcome, events};

/// Runs `ser report`: writes the pages of runs again, or one page with all runs side by side.
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    let runs = Run::read_all(&args.runs)?;
    let rows = summaries(&runs)?;
    if let Some(out) = &args.out {
        may_write_page(out)?;
    }
    let mut skipped = Vec::new();
    if !args.data.is_empty() {
        let (data, show) = (args.root.of_each(&args.data), events::show());
        for (i, run) in runs.iter().enumerate() {
            let Scan { corpus, audit } = Corpus::load_all(&data, &run.experiment.task.labels)?;
            for left_out in Skipped::of_audit(&audit) {
                // The runs read the same files.
                if !skipped.contains(&left_out) {
                    show(Event::Skipped(&left_out));
                    skipped.push(left_out);
                }
            }
            let others = [&rows[..i], &rows[i + 1..]].concat();
            let evaluation = run.write_page(&others, &corpus, &args.by)?;
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
                test_speakers(row).to_owned(),
                row.classes.to_string(),
                mean_std(row.accuracy),
                mean_std(row.uar),
                interval(row.uar_interval, percent),
            ]
        });
        let header = [
            "run",
            "test speakers",
            "emotions",
            "accuracy",
            "UAR",
            "95 % interval of UAR, pooled",
        ];
        println!("{}", table(&header, table_rows));
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

/// Returns an error if a page cannot be written to `out`, or would replace a file that is no page.
pub fn may_write_page(out: &Path) -> Result<()> {
    if out.extension().is_none_or(|extension| extension != "html") {
        bail!(
            "{}: the page is HTML: choose a name that ends in .html",
            out.display()
        );
    }
    Ok(ser_files::may_write(out, &[])?)
}

/// Says whether the models of a run know the test speakers.
pub fn test_speakers(run: &RunSummary) -> &'static str {
    match run.split {
        SplitKind::SpeakerDisjoint => "new",
        SplitKind::Random => "seen in training",
    }
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
