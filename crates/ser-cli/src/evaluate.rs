//! `ser evaluate`

use anyhow::Result;
use ser_eval::bootstrap::Interval;
use ser_experiment::{Evaluated, Event, evaluate};

use crate::args::EvaluateArgs;
use crate::events::Show;
use crate::output::{SYNTHETIC, interval, percent};
use crate::report::print_classes;
use crate::{Outcome, model};

/// Measures a model on clips that it was not made from.
pub fn run(args: &EvaluateArgs, json: bool) -> Result<Outcome> {
    let predictor = model::open(args.model.file.as_deref())?;
    let model = predictor.model();
    let show = Show::default();
    let evaluated = evaluate(&predictor, &args.data, &|event: Event| show.event(event))?;
    if let Some(out) = &args.out {
        evaluated.write(model, out)?;
    }
    if json {
        println!("{}", serde_json::to_string(&evaluated.evaluation)?);
    } else {
        print(&evaluated, &model.labels.join(", "));
    }
    Ok(Outcome::of(&evaluated.skipped))
}

fn print(evaluated: &Evaluated, labels: &str) {
    print_classes(&evaluated.evaluation);
    let evaluation = &evaluated.evaluation;
    let metrics = &evaluation.metrics;
    let figure = |value: f64, ends: Option<Interval>| match ends {
        Some(_) => {
            let ends = interval(ends, |end| format!("{:.1}", 100.0 * end));
            format!("{} (95 % interval over speakers {ends})", percent(value))
        }
        None => percent(value),
    };
    println!(
        "{} clips: accuracy {}, UAR {}",
        evaluated.part.len(),
        figure(metrics.accuracy, evaluation.accuracy_interval),
        figure(metrics.uar, evaluation.uar_interval)
    );
    if evaluated.left_out > 0 {
        let what = match evaluated.speaker_disjoint {
            true => "clips and speakers",
            false => "clips",
        };
        let n = evaluated.left_out;
        println!("{n} clips left out: {what} the model was trained on");
    }
    if evaluated.unknown > 0 {
        let (n, unknown) = (evaluated.unknown, evaluated.unknown_emotions.join(", "));
        println!("{n} clips left out ({unknown}): the model only knows {labels}");
    }
    if evaluated.synthetic {
        println!("{SYNTHETIC}");
    }
}
