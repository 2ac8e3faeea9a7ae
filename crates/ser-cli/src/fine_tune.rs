//! The command `ser fit --from`: fine-tunes a finished model on labelled clips.

use std::path::Path;

use anyhow::{Result, bail};
use ser_eval::bootstrap::FEWEST_SPEAKERS;
use ser_experiment::{FineTuned, fine_tune};
use ser_report::points;

use crate::args::DataArgs;
use crate::output::{SYNTHETIC, in_words, interval, percent, plain, table, tell_unknown};
use crate::{Outcome, events, model};

/// Fine-tunes a model, prints what became better and worse, and writes the model unless it is worse.
pub fn run(
    from: &Path,
    labels: &[String],
    data: &DataArgs,
    out: &Path,
    even_if_worse: bool,
    json: bool,
) -> Result<Outcome> {
    let model = model::load(Some(from))?;
    let tuned = fine_tune(model, labels, &data.origins(), out, &events::show())?;
    let (before, after) = (tuned.before.metrics.uar, tuned.after.metrics.uar);
    let is_refused = tuned.is_worse() && !even_if_worse;
    let mut line = serde_json::json!({
        "clips": tuned.clips, "speakers": tuned.speakers, "absent": tuned.absent, "left_out": tuned.left_out,
        "before": tuned.before.metrics, "after": tuned.after.metrics, "gain": tuned.gain, "worse": worse(&tuned),
        "synthetic": tuned.synthetic, "model": null,
    });
    if !json {
        print(&tuned);
    }
    let outcome = tell_unknown(
        tuned.unknown,
        &tuned.unknown_emotions,
        &tuned.model.labels,
        &tuned.skipped,
    );
    if !is_refused {
        let path = tuned.write()?;
        line["model"] = path.display().to_string().into();
        if !json {
            println!("model: {} (try `ser predict --model`)", path.display());
        }
    }
    if json {
        println!("{line}");
    }
    if is_refused {
        bail!(
            "the fine-tuned model is worse on such clips: UAR {} in cross-validation, {} before. No model was written: add clips \
             of more speakers, restrict the labels with --labels, or write the model all the same with --even-if-worse",
            percent(after),
            percent(before)
        );
    }
    Ok(outcome)
}

/// Returns the emotions whose recall fell.
fn worse(tuned: &FineTuned) -> Vec<String> {
    let worse = tuned.worse().into_iter();
    worse.map(|(label, ..)| label).collect()
}

fn print(tuned: &FineTuned) {
    let (before, after) = (&tuned.before.metrics, &tuned.after.metrics);
    let classes = before.classes.iter().zip(&after.classes);
    let rows = classes
        .filter(|(class, _)| class.support > 0)
        .map(|(before, after)| {
            vec![
                plain(&before.label),
                before.support.to_string(),
                percent(before.recall),
                percent(after.recall),
            ]
        });
    println!(
        "{}",
        table(&["emotion", "clips", "recall before", "recall after"], rows)
    );
    println!(
        "UAR before {}, after {}: on {} of {}, by cross-validation in which a model answers {} that it was not trained on",
        percent(before.uar),
        percent(after.uar),
        in_words(tuned.clips, "clip"),
        in_words(tuned.speakers, "speaker"),
        match tuned.speakers {
            1 => "clips",
            _ => "speakers",
        }
    );
    match tuned.gain.interval {
        Some(_) => println!(
            "gain in UAR: {} points, 95 % interval over speakers {}",
            points(tuned.gain.value),
            interval(tuned.gain.interval, points)
        ),
        None if tuned.speakers > 1 => println!(
            "gain in UAR: {} points. Fewer than {FEWEST_SPEAKERS} speakers have no interval: the gain may be chance",
            points(tuned.gain.value)
        ),
        None => println!(
            "All clips are of one speaker: the figures hold only for this speaker, and for others the model may have become \
             worse."
        ),
    }
    if tuned.speakers > 1 && after.uar <= before.uar {
        println!(
            "no gain was measured: on recordings like these the original model is as good or better"
        );
    }
    let worse = worse(tuned);
    if !worse.is_empty() {
        println!(
            "recognised better before fine-tuning: {}",
            plain(&worse.join(", "))
        );
    }
    if !tuned.absent.is_empty() {
        println!(
            "no clip has {}: the weights of these labels are unchanged, and their figures were not measured. If these emotions do not occur, \
             use --labels with the other labels, for a model that predicts only those",
            plain(&tuned.absent.join(", "))
        );
    }
    if tuned.left_out > 0 {
        let n = in_words(tuned.left_out, "clip");
        println!(
            "{n} left out, because the model was trained on them or on other clips of their speakers"
        );
    }
    if tuned.synthetic {
        println!("{SYNTHETIC}");
    }
}
