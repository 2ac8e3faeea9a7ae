//! TextGrid, the annotation format of Praat.

use std::fmt::Write;

use super::{intervals, marked, tiers};
use crate::stream::Span;

/// Writes a TextGrid of Praat in the long text format.
///
/// It has one interval tier, `emotion`, or one for each channel with speech, `channel 1` and so on. Each tier covers the
/// recording from 0 to `seconds` without gaps. The text of an interval is the label, `angry`, or `angry?` if the answer is
/// uncertain; it is empty where there is no speech.
///
/// # Units
/// Seconds. The bounds of intervals are rounded to milliseconds. Spans are cut off at `seconds`.
///
/// # References
/// The page *TextGrid file formats* in the manual of Praat.
///
/// ```
/// use ser_predict::{Answer, Span, captions::text_grid};
///
/// let answer = Answer {
///     probabilities: vec![0.2, 0.8],
///     seconds: 1.5,
///     warnings: Vec::new(),
///     out_of_distribution: false,
///     long: false,
///     uncertain: false,
/// };
/// let span = Span { start: 1.25, end: 2.75, answer, channel: None };
/// let labels = ["calm", "angry"].map(String::from);
/// let text = text_grid(&[span], &labels, 3.0);
/// assert!(text.contains("intervals: size = 3"));
/// assert!(text.contains("xmin = 1.25 \n            xmax = 2.75 \n            text = \"angry\""));
/// ```
#[must_use]
pub fn text_grid(spans: &[Span], labels: &[String], seconds: f64) -> String {
    let tiers = tiers(spans);
    let mut text = format!(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n\
         xmin = 0 \nxmax = {seconds} \ntiers? <exists> \nsize = {} \nitem []: \n",
        tiers.len()
    );
    for (item, (name, spans)) in (1..).zip(tiers) {
        let tier = tier(spans, labels, seconds);
        // Writing into a String cannot fail.
        let _ = write!(
            text,
            "    item [{item}]:\n        class = \"IntervalTier\" \n        name = \"{name}\" \n        \
             xmin = 0 \n        xmax = {seconds} \n        intervals: size = {} \n",
            tier.len()
        );
        for (number, (start, end, label)) in (1..).zip(&tier) {
            let label = label.replace('"', "\"\"");
            let _ = write!(
                text,
                "        intervals [{number}]:\n            xmin = {start} \n            xmax = {end} \n            \
                 text = \"{label}\" \n"
            );
        }
    }
    text
}

/// Returns the bounds and the text of each interval of a tier.
fn tier(spans: Vec<&Span>, labels: &[String], seconds: f64) -> Vec<(f64, f64, String)> {
    let mut tier = Vec::new();
    let mut at = 0.0;
    for interval in intervals(spans) {
        let bound = |milliseconds: u64| (milliseconds as f64 / 1000.0).min(seconds);
        let (start, end) = (bound(interval.start), bound(interval.end));
        if start >= end {
            break;
        }
        if at < start {
            tier.push((at, start, String::new()));
        }
        tier.push((start, end, marked(interval.answer, labels)));
        at = end;
    }
    if at < seconds || tier.is_empty() {
        tier.push((at, seconds, String::new()));
    }
    tier
}

#[cfg(test)]
mod tests {
    use super::super::tests::{labels, span};
    use super::*;

    /// Returns the bounds and the quoted text of the intervals in a TextGrid.
    fn intervals_of(text: &str) -> Vec<(f64, f64, String)> {
        let value = |line: &str| line.split_once(" = ").unwrap().1.trim().to_owned();
        let number = |line: &str| value(line).parse().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let of = |at: usize| {
            let label = value(lines[at + 3]);
            (number(lines[at + 1]), number(lines[at + 2]), label)
        };
        let heads = (0..lines.len()).filter(|&at| lines[at].contains("intervals ["));
        heads.map(of).collect()
    }

    #[test]
    fn one_tier_covers_the_recording_without_gaps() {
        let spans = [
            span(0.25, 1.0006, 1, true),
            span(1.0008, 2.0, 0, false),
            span(2.5, 3.0004, 1, false),
        ];
        let text = text_grid(&spans, &labels(), 3.00031);
        let interval = |start, end, label: &str| (start, end, format!("\"{label}\""));
        assert_eq!(
            intervals_of(&text),
            [
                interval(0.0, 0.25, ""),
                interval(0.25, 1.001, "angry?"),
                interval(1.001, 2.0, "\"\"calm\"\" & <still>"),
                interval(2.0, 2.5, ""),
                interval(2.5, 3.0, "angry"),
                interval(3.0, 3.00031, ""),
            ]
        );
        assert_eq!(text.matches("xmax = 3.00031 \n").count(), 3);
    }

    #[test]
    fn the_last_interval_ends_with_the_recording() {
        let spans = [span(0.0, 1.9996, 1, false), span(2.0, 2.5, 0, false)];
        let text = text_grid(&spans, &labels(), 1.9996);
        assert_eq!(intervals_of(&text), [(0.0, 1.9996, "\"angry\"".to_owned())]);
    }

    #[test]
    fn where_nobody_speaks_one_empty_interval_is_left() {
        let text = text_grid(&[], &labels(), 4.5);
        assert_eq!(intervals_of(&text), [(0.0, 4.5, "\"\"".to_owned())]);
    }
}
