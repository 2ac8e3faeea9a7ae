//! Prints the figures of a `predictions.csv`, with 95 % intervals over its speakers.
//!
//! `cargo run --release -p ser-eval --example metrics -- predictions.csv`. Any program may have written the file. Each
//! row is a clip: `clip`, `split`, `speaker`, `gender`, `intensity`, `statement` (the last three may be empty),
//! `truth`, `predicted`, and `p_LABEL` for each label.

#![allow(clippy::print_stdout)]

use anyhow::{Result, bail};
use ser_eval::bootstrap::Interval;
use ser_eval::{Evaluation, MeanStd, Predictions, fit_temperature};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file] = &args[..] else {
        bail!("usage: metrics PREDICTIONS.csv");
    };
    let predictions = Predictions::read_csv(file)?;
    let evaluation = Evaluation::compute(&predictions)?;
    let (metrics, folds) = (&evaluation.metrics, &evaluation.folds);

    let speakers = evaluation.speakers.len();
    println!("{} clips of {speakers} speakers", metrics.n);
    let (accuracy, within) = (100.0 * metrics.accuracy, evaluation.accuracy_interval);
    println!(
        "accuracy  {accuracy:.1} %{}{}",
        interval(within),
        spread(folds.accuracy)
    );
    let (uar, within) = (100.0 * metrics.uar, evaluation.uar_interval);
    println!(
        "UAR       {uar:.1} %{}{}",
        interval(within),
        spread(folds.uar)
    );
    let chance = 100.0 * metrics.chance_uar;
    println!(
        "macro F1  {:.1} %; UAR by chance {chance:.1} %",
        100.0 * metrics.macro_f1
    );
    println!(
        "log loss  {:.3} nats, Brier score {:.3}",
        metrics.log_loss, metrics.brier
    );
    let (error, best) = (
        100.0 * metrics.calibration_error,
        fit_temperature(&predictions),
    );
    println!("calibration error {error:.1} %, lowest log loss at temperature {best:.2}");

    println!("\nlabel          precision   recall      F1   clips");
    for class in &metrics.classes {
        let [precision, recall, f1] = [class.precision, class.recall, class.f1].map(|x| 100.0 * x);
        let (label, clips) = (&class.label, class.support);
        println!("{label:<14} {precision:>7.1} % {recall:>6.1} % {f1:>5.1} % {clips:>7}");
    }
    println!("\nspeaker         accuracy   clips");
    for row in &evaluation.speakers {
        let speaker = row.group.as_deref().unwrap_or_default();
        println!("{speaker:<14} {:>7.1} % {:>7}", 100.0 * row.accuracy, row.n);
    }
    Ok(())
}

/// Formats ` (61.9 – 72.2)`, or nothing for fewer than two speakers.
fn interval(interval: Option<Interval>) -> String {
    let Some(Interval { low, high }) = interval else {
        return String::new();
    };
    format!(" ({:.1} – {:.1})", 100.0 * low, 100.0 * high)
}

/// Formats `, 67.0 ± 5.3 over the splits`, or nothing for one split.
fn spread(figure: MeanStd) -> String {
    let Some(std) = figure.std else {
        return String::new();
    };
    format!(
        ", {:.1} ± {:.1} over the splits",
        100.0 * figure.mean,
        100.0 * std
    )
}
