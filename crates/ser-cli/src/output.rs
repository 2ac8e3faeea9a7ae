//! What people and machines get to see.

use std::path::Path;
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use ser_eval::bootstrap::Interval;
use ser_experiment::Skipped;
use ser_predict::{Span, SpanLine};

/// A progress bar on a terminal, nothing elsewhere.
pub fn progress(total: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    style(&bar, what);
    bar
}

/// A bar among others.
pub fn progress_in(all: &MultiProgress, total: usize, what: String) -> ProgressBar {
    let bar = all.add(ProgressBar::new(total as u64));
    style(&bar, what);
    bar
}

fn style(bar: &ProgressBar, what: impl Into<std::borrow::Cow<'static, str>>) {
    let template = "{prefix:>12} {bar:28} {pos}/{len} {elapsed} (left {eta}) {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(500));
}

/// How a file that was left out is named on standard error.
pub fn skipped_line(Skipped { path, reason }: &Skipped) -> String {
    plain(&format!("skipped: {}: {reason}", path.display()))
}

/// How what a recording lacks is told on standard error.
pub fn damaged_line(file: &Path, lacks: &str) -> String {
    plain(&format!("damaged: {}: {lacks}", file.display()))
}

/// Names files that were left out on standard error.
pub fn tell(all: &[Skipped]) {
    for skipped in all {
        eprintln!("{}", skipped_line(skipped));
    }
}

/// A table whose columns, but for the first, are aligned to the right. What would steer a terminal is replaced.
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

/// `0.8134` → `81.3 %`
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `81.3 ± 2.1 %`, without the spread for a single value.
pub fn mean_std(figure: ser_eval::MeanStd) -> String {
    match figure.std {
        Some(std) => format!("{:.1} ± {:.1} %", 100.0 * figure.mean, 100.0 * std),
        None => percent(figure.mean),
    }
}

/// `67.2 – 77.6`, each end as `of` writes it; nothing without an interval.
pub fn interval(interval: Option<Interval>, of: fn(f64) -> String) -> String {
    interval.map_or_else(String::new, |i| format!("{} – {}", of(i.low), of(i.high)))
}

/// `1 clip`, `2 clips`
pub fn in_words(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

/// What the mark beside an answer means.
pub const UNCERTAIN: &str =
    "? marks an uncertain answer: no speech, out of distribution, or low confidence";

/// A name on a terminal and in a picture: what would steer either is replaced.
pub fn plain(name: &str) -> String {
    name.replace(steers, "\u{fffd}")
}

/// Whether a character steers a terminal or a reader's eye: control characters, and those that turn the direction of text,
/// so that `gpj.wav` may be read where `vaw.jpg` stands.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The note that goes with everything made from a synthetic corpus.
pub const SYNTHETIC: &str = "SYNTHETIC DATA: generated voices, not people. These figures say that the program works, \
     nothing about emotions.";

/// An error and its causes, but for those whose words the error before has in it already. Lines stay lines.
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

/// A span as one line of JSON.
pub fn span_line(labels: &[String], span: &Span) -> serde_json::Result<String> {
    serde_json::to_string(&SpanLine::new(labels, span))
}
