//! The command `ser evaluate`.

use anyhow::Result;
use ser_eval::FoldSummary;
use ser_eval::bootstrap::Interval;

use ser_experiment::{Evaluated, Setting, evaluate, take_folder};

use crate::args::EvaluateArgs;
use crate::output::{SYNTHETIC, in_words, interval, percent, plain, table, tell_unknown};
use crate::report::{print_classes, print_groups};
use crate::{Outcome, events, model};

/// Evaluates a model on clips that it was not made from, and prints the figures.
pub fn run(args: &EvaluateArgs, json: bool) -> Result<Outcome> {
    let predictor = model::answering(&args.model, &args.labels)?;
    let model = predictor.model();
    let _lock = args.out.as_deref().map(take_folder).transpose()?;
    let evaluated = evaluate(&predictor, &args.data.origins(), &args.by, &events::show())?;
    if let Some(out) = &args.out {
        evaluated.write(model, out)?;
    }
    if json {
        let mut line = serde_json::to_value(&evaluated.evaluation)?;
        line["certain"] = serde_json::to_value(evaluated.certain)?;
        line["out_of_distribution"] = evaluated.out_of_distribution.into();
        line["known"] = evaluated.answers.figures()?[1..]
            .iter()
            .map(known)
            .collect();
        line["left_out"] = evaluated.left_out.into();
        line["namesakes"] = evaluated.namesakes.clone().into();
        line["synthetic"] = evaluated.synthetic.into();
        println!("{line}");
    } else {
        print(&evaluated)?;
        if let Some(out) = &args.out {
            println!("report: {}", out.join("report.html").display());
        }
    }
    Ok(tell_unknown(
        evaluated.unknown,
        &evaluated.unknown_emotions,
        &evaluated.labels,
        &evaluated.skipped,
    ))
}

/// Returns the figures with more knowledge than the clip alone as JSON.
fn known((setting, figures): &(Setting, FoldSummary)) -> serde_json::Value {
    let (accuracy, uar) = (figures.accuracy.mean, figures.uar.mean);
    serde_json::json!({"setting": setting.to_string(), "accuracy": accuracy, "uar": uar})
}

fn print(evaluated: &Evaluated) -> Result<()> {
    print_classes(&evaluated.evaluation);
    for (column, rows) in &evaluated.evaluation.by {
        print_groups(column, rows);
    }
    let evaluation = &evaluated.evaluation;
    let metrics = &evaluation.metrics;
    let figure = |value: f64, ends: Option<Interval>| match ends {
        Some(_) => format!(
            "{} (95 % interval over speakers {})",
            percent(value),
            interval(ends, percent)
        ),
        None => percent(value),
    };
    println!(
        "{}: accuracy {}, UAR {}",
        in_words(evaluated.part.len(), "clip"),
        figure(metrics.accuracy, evaluation.accuracy_interval),
        figure(metrics.uar, evaluation.uar_interval)
    );
    if let [_, known @ ..] = &evaluated.answers.figures()?[..]
        && !known.is_empty()
    {
        let row = |(setting, figures): &(Setting, FoldSummary)| {
            let figures = [figures.accuracy.mean, figures.uar.mean].map(percent);
            [&[setting.to_string()], &figures[..]].concat()
        };
        let header = ["with other clips, without their labels", "accuracy", "UAR"];
        println!("{}", table(&header, known.iter().map(row)));
    }
    let certain = evaluated.certain;
    let right = certain
        .accuracy
        .map(|right| format!(", of which {} are correct", percent(right)));
    println!(
        "not marked as uncertain: {} of the answers{}; out of distribution: {}; expected calibration error {}",
        percent(certain.share),
        right.unwrap_or_default(),
        percent(evaluated.out_of_distribution),
        percent(metrics.calibration_error)
    );
    if evaluated.left_out > 0 {
        let what = if evaluated.speaker_disjoint {
            "clips or speakers"
        } else {
            "clips"
        };
        let n = in_words(evaluated.left_out, "clip");
        println!("{n} left out, because the model was trained on these {what}");
    }
    if !evaluated.namesakes.is_empty() {
        println!(
            "the model was trained on speakers with the same names: {}. If they are the same people, these figures are too optimistic",
            plain(&evaluated.namesakes.join(", "))
        );
    }
    if evaluated.synthetic {
        println!("{SYNTHETIC}");
    }
    Ok(())
}
