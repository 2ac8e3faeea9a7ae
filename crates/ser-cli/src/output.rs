//! Formats the output of the commands, for people and for programs.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use ser_audio::Damage;
use ser_eval::bootstrap::Interval;
use ser_experiment::Skipped;
use ser_predict::{Answer, OUT_OF_DISTRIBUTION, Span, SpanLine};

use crate::Outcome;

/// Returns a progress bar, which is visible only on a terminal. `total` is `None` if the number of steps is not known.
pub fn progress(total: impl Into<Option<usize>>, what: &'static str) -> ProgressBar {
    let bar = match total.into() {
        Some(total) => ProgressBar::new(total as u64),
        None => ProgressBar::no_length(),
    };
    style(&bar, what);
    bar
}

/// Returns a progress bar that is shown together with others.
pub fn progress_in(all: &MultiProgress, total: usize, what: String) -> ProgressBar {
    let bar = all.add(ProgressBar::new(total as u64));
    style(&bar, what);
    bar
}

fn style(bar: &ProgressBar, what: impl Into<std::borrow::Cow<'static, str>>) {
    let template = "{prefix:>12} {bar:28} {pos}/{total} {elapsed} (left {left}) {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        let total = |bar: &ProgressState, text: &mut dyn fmt::Write| {
            let _ = text.write_str(&total(bar.len()));
        };
        let left = |bar: &ProgressState, text: &mut dyn fmt::Write| {
            let _ = text.write_str(&left(bar.pos(), bar.len(), bar.eta()));
        };
        bar.set_style(style.with_key("total", total).with_key("left", left));
    }
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(500));
}

/// Returns the number of steps in all, or `?` if it is not known.
fn total(steps: Option<u64>) -> String {
    steps.map_or_else(|| "?".to_owned(), |steps| steps.to_string())
}

/// Returns the time that is left, or `?` as long as nothing is done or the end is not known: indicatif estimates 0 s then.
fn left(done: u64, steps: Option<u64>, estimate: Duration) -> String {
    match (done, steps) {
        (0, _) | (_, None) => "?".to_owned(),
        _ => format!("{:#}", HumanDuration(estimate)),
    }
}

/// Returns the line on standard error for a file that was skipped.
pub fn skipped_line(Skipped { path, reason }: &Skipped) -> String {
    plain(&format!("skipped: {}: {reason}", path.display()))
}

/// Returns the line on standard error for a damaged recording and what it lacks.
pub fn damaged_line(file: &Path, lacks: &str) -> String {
    plain(&format!("damaged: {}: {lacks}", file.display()))
}

/// Prints a line on standard error if a recording is damaged.
pub fn tell_damage(file: &Path, damage: Option<&Damage>) {
    if let Some(damage) = damage {
        eprintln!("{}", damaged_line(file, &damage.to_string()));
    }
}

/// Prints a line on standard error for each file that was skipped.
pub fn tell(all: &[Skipped]) {
    for skipped in all {
        eprintln!("{}", skipped_line(skipped));
    }
}

/// Prints a line on standard error if clips were left out because a model does not know their emotions. Returns the outcome of
/// the command that left them out and skipped the files of `skipped`.
pub fn tell_unknown(
    clips: usize,
    emotions: &[String],
    labels: &[String],
    skipped: &[Skipped],
) -> Outcome {
    if clips == 0 {
        return Outcome::of(skipped);
    }
    let (n, emotions, known) = (
        in_words(clips, "clip"),
        emotions.join(", "),
        labels.join(", "),
    );
    let line = format!(
        "{n} left out ({emotions}): the possible answers are {known}; rename other labels in the manifest (`ser index DIR --out FILE` \
         writes one for a folder)"
    );
    eprintln!("{}", plain(&line));
    Outcome::SomeSkipped
}

/// Returns a table whose columns, except the first, are aligned to the right. Characters that would steer a terminal are
/// replaced.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let cells = |row: Vec<String>| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>();
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec())
        .add_rows(rows.into_iter().map(cells));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Formats a share as a percentage: `0.8134` becomes `81.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Formats a mean with its standard deviation, such as `81.3 ± 2.1 %`; a single value has no deviation.
pub fn mean_std(figure: ser_eval::MeanStd) -> String {
    match figure.std {
        Some(std) => format!("{:.1} ± {:.1} %", 100.0 * figure.mean, 100.0 * std),
        None => percent(figure.mean),
    }
}

/// Formats an interval, such as `67.2 % – 77.6 %`, with `of` for each end. Returns an empty text for no interval.
pub fn interval(interval: Option<Interval>, of: fn(f64) -> String) -> String {
    interval.map_or_else(String::new, |i| format!("{} – {}", of(i.low), of(i.high)))
}

/// Formats a count with its noun: `1 clip`, `2 clips`.
pub fn in_words(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

/// Explains the mark beside an answer.
pub const UNCERTAIN: &str =
    "? marks an uncertain answer: no speech, out of distribution, or low confidence";

/// Replaces the characters of a name that would steer a terminal or change how a picture reads.
pub fn plain(name: &str) -> String {
    name.replace(steers, "\u{fffd}")
}

/// Whether a character is a control character, or changes the direction of text. The latter can make `vaw.jpg` read as
/// `gpj.wav`.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The note beside everything that was made from a synthetic corpus.
pub const SYNTHETIC: &str = "SYNTHETIC DATA: generated voices, not people. These figures show that the program works; they \
     say nothing about emotions.";

/// Returns the text of an error and of its causes, without the causes that the text ends with already. Line breaks are
/// kept.
pub fn in_full(error: &anyhow::Error) -> String {
    let mut text = String::new();
    let words = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref() {
        Some(error) => ser_files::in_words(error),
        None => cause.to_string(),
    };
    for cause in error.chain().map(words) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text.replace(|c| steers(c) && c != '\n', "\u{fffd}")
}

/// Prints the remarks on a recording, one sentence per line.
pub fn tell_remarks(answer: &Answer) {
    for warning in &answer.warnings {
        println!("{warning}");
    }
    if answer.out_of_distribution {
        println!("{OUT_OF_DISTRIBUTION}: the recording is unlike the training data of the model");
    }
}

/// Returns a span as one line of JSON.
pub fn span_line(labels: &[String], span: &Span) -> serde_json::Result<String> {
    serde_json::to_string(&SpanLine::new(labels, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_only_if_it_can_be_estimated() {
        assert_eq!(left(0, Some(120), Duration::ZERO), "?");
        assert_eq!(left(60, None, Duration::ZERO), "?");
        assert_eq!(left(60, Some(120), Duration::from_secs(5)), "5s");
        assert_eq!(total(Some(120)), "120");
        assert_eq!(total(None), "?");
    }
}
