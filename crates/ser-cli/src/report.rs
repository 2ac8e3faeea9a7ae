//! `ser report`, and what train, crossval and evaluate print at their end.

use anyhow::Result;
use ser_data::Corpus;
use ser_eval::{Evaluation, Predictions};
use ser_experiment::{Run, summaries, write_side_by_side};

use crate::Outcome;
use crate::args::ReportArgs;
use crate::output::{SYNTHETIC, mean_std, percent, table};

/// `ser report`
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    let runs = args.runs.iter().map(|dir| Run::read(dir));
    let runs = runs.collect::<ser_experiment::Result<Vec<_>>>()?;
    let rows = summaries(&runs)?;
    if let Some(data) = &args.data {
        let corpus = Corpus::load(data)?.corpus;
        for run in &runs {
            run.write_page(&rows, &corpus)?;
            println!("report: {}", run.page().display());
        }
    }
    if let Some(out) = &args.out {
        write_side_by_side(out, &runs, &rows)?;
        let rows = rows.iter().map(|row| {
            let uar = row.uar_interval.as_ref();
            vec![
                row.recipe.clone(),
                mean_std(row.accuracy),
                mean_std(row.uar),
                uar.map_or_else(String::new, |i| {
                    format!("{} – {}", percent(i.low), percent(i.high))
                }),
            ]
        });
        println!(
            "{}",
            table(&["recipe", "accuracy", "UAR", "95 % interval of UAR"], rows)
        );
        println!("comparison: {}", out.display());
    }
    Ok(Outcome::Done)
}

/// The end of train and crossval.
pub fn print(run: &Run, evaluation: &Evaluation, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(evaluation)?);
        return Ok(());
    }
    let rows = evaluation.folds.folds.iter().map(|fold| {
        vec![
            fold.split.clone(),
            fold.n.to_string(),
            percent(fold.accuracy),
            percent(fold.uar),
        ]
    });
    println!(
        "{}",
        table(&["split", "test clips", "accuracy", "UAR"], rows)
    );
    print_classes(evaluation);
    let protocol = run.experiment.task.protocol;
    println!(
        "{} on {protocol}: accuracy {}, UAR {}",
        run.experiment.name,
        mean_std(evaluation.folds.accuracy),
        mean_std(evaluation.folds.uar)
    );
    if !protocol.is_speaker_disjoint() {
        println!(
            "A random split has the same voices on both sides: it flatters. The figure for new \
             speakers is that of a speaker-disjoint protocol, such as folds-a."
        );
    }
    print_other_parts(run)?;
    if run.synthetic() {
        println!("{SYNTHETIC}");
    }
    println!("report: {}", run.page().display());
    println!(
        "model:  {} (try `ser predict --model`)",
        run.model.display()
    );
    Ok(())
}

/// What is not the plain answer on the test part: enrolment, and validation.
fn print_other_parts(run: &Run) -> Result<()> {
    let line = |what: &str, answers: &Predictions| -> Result<()> {
        let folds = Evaluation::compute(answers)?.folds;
        let (accuracy, uar) = (mean_std(folds.accuracy), mean_std(folds.uar));
        println!("{what}: accuracy {accuracy}, UAR {uar}");
        Ok(())
    };
    for (known, answers) in run.test.enrolled() {
        line(&known.to_string(), answers)?;
    }
    if let Some(validation) = &run.validation {
        line("validation clips", validation.plain())?;
        for (known, answers) in validation.enrolled() {
            line(&format!("validation clips, {known}"), answers)?;
        }
    }
    let (parameters, seconds) = (run.parameters(), run.seconds());
    println!("{parameters} trained values, {seconds:.0} s of training");
    Ok(())
}

/// Precision, recall, F1 and support of each class.
pub fn print_classes(evaluation: &Evaluation) {
    let metrics = &evaluation.metrics;
    let rows = metrics
        .labels
        .iter()
        .zip(&metrics.classes)
        .map(|(label, class)| {
            let defined = |figure: f64, is: bool| match is {
                true => percent(figure),
                false => "–".to_owned(),
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
