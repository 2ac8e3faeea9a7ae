//! Spans as text for players, editors and annotation tools.
//!
//! Players get the label and its probability as words, `angry 81 %`. Annotation tools get the label alone, because they
//! compare it with other labels; its times are rounded to milliseconds.

mod csv;
mod elan;
mod form;
mod rttm;
mod text_grid;

use std::fmt::Write;

pub use csv::csv;
pub use elan::elan;
pub use form::Form;
pub use rttm::rttm;
pub use text_grid::text_grid;

use crate::answer::Answer;
use crate::stream::Span;

/// Writes WebVTT (W3C), for `<track>` in a web page.
///
/// Each span has the text `angry 81 %`, after `<v Channel 2>` if each channel was processed separately.
///
/// ```
/// use ser_predict::{Answer, Span, captions::web_vtt};
///
/// let answer = Answer {
///     probabilities: vec![0.2, 0.8],
///     seconds: 1.75,
///     warnings: Vec::new(),
///     out_of_distribution: false,
///     long: false,
///     uncertain: false,
/// };
/// let span = Span { start: 61.25, end: 63.0, answer, channel: None };
/// let labels = ["calm", "angry"].map(String::from);
/// assert_eq!(
///     web_vtt(&[span], &labels),
///     "WEBVTT\n\n00:01:01.250 --> 00:01:03.000\nangry 80 %\n"
/// );
/// ```
#[must_use]
pub fn web_vtt(spans: &[Span], labels: &[String]) -> String {
    let mut text = "WEBVTT\n".to_owned();
    for span in spans {
        let (start, end) = (clock(span.start, '.'), clock(span.end, '.'));
        // Writing into a String cannot fail.
        let words = escaped(&words(span, labels));
        let voice = span.channel.map(|channel| format!("<v Channel {channel}>"));
        let voice = voice.unwrap_or_default();
        let _ = write!(text, "\n{start} --> {end}\n{voice}{words}\n");
    }
    text
}

/// Writes SubRip (`.srt`), for video players.
#[must_use]
pub fn sub_rip(spans: &[Span], labels: &[String]) -> String {
    let mut text = String::new();
    for (number, span) in (1..).zip(spans) {
        let (start, end) = (clock(span.start, ','), clock(span.end, ','));
        let words = with_channel(span, labels);
        let _ = write!(text, "{number}\n{start} --> {end}\n{words}\n\n");
    }
    text
}

/// Writes a label track of Audacity: start in seconds, end in seconds and text, separated by tabs.
#[must_use]
pub fn audacity(spans: &[Span], labels: &[String]) -> String {
    let mut text = String::new();
    for span in spans {
        let words = with_channel(span, labels);
        let _ = writeln!(text, "{:.6}\t{:.6}\t{words}", span.start, span.end);
    }
    text
}

/// Returns `angry 81 %`, or `angry? 31 %` if the answer is uncertain.
fn words(span: &Span, labels: &[String]) -> String {
    let answer = &span.answer;
    format!(
        "{} {:.0} %",
        marked(answer, labels),
        100.0 * answer.confidence()
    )
}

/// Returns the label, marked if the answer is uncertain, on one line. Line breaks and tabs in the label are replaced,
/// because they would begin another field or end a caption.
fn marked(answer: &Answer, labels: &[String]) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    answer.marked(labels).replace(breaks, "\u{fffd}")
}

/// Returns the words, after the channel if the span has one: `Channel 2: angry 81 %`.
fn with_channel(span: &Span, labels: &[String]) -> String {
    let words = words(span, labels);
    match span.channel {
        Some(channel) => format!("Channel {channel}: {words}"),
        None => words,
    }
}

/// Groups the spans by channel, and names each tier: `emotion`, or `channel 1` and so on. There is at least one tier.
fn tiers(spans: &[Span]) -> Vec<(String, Vec<&Span>)> {
    let mut channels: Vec<Option<u16>> = spans.iter().map(|span| span.channel).collect();
    channels.sort_unstable();
    channels.dedup();
    if channels.is_empty() {
        channels.push(None);
    }
    let tier = |channel: Option<u16>| {
        let name = channel.map_or("emotion".to_owned(), |number| format!("channel {number}"));
        let of_it = spans.iter().filter(|span| span.channel == channel);
        (name, of_it.collect())
    };
    channels.into_iter().map(tier).collect()
}

/// Escapes text for XML and WebVTT, so that it is not read as markup.
///
/// XML cannot represent control characters, which file names may contain, nor the two noncharacters U+FFFE and U+FFFF,
/// so these are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                escaped.push(char::REPLACEMENT_CHARACTER)
            }
            c => escaped.push(c),
        }
    }
    escaped
}

fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

/// A span whose times are rounded to milliseconds.
struct Interval<'s> {
    start: u64,
    end: u64,
    answer: &'s Answer,
}

/// Rounds the times of the spans to milliseconds. The intervals stay in order and do not overlap; empty ones are left
/// out.
fn intervals<'s>(spans: impl IntoIterator<Item = &'s Span>) -> impl Iterator<Item = Interval<'s>> {
    let mut over = 0;
    spans.into_iter().filter_map(move |span| {
        let interval = Interval {
            start: milliseconds(span.start).max(over),
            end: milliseconds(span.end),
            answer: &span.answer,
        };
        (interval.start < interval.end).then(|| {
            over = interval.end;
            interval
        })
    })
}

/// Formats a time as `01:02:03.450`, where `point` is the decimal separator.
fn clock(seconds: f64, point: char) -> String {
    let milliseconds = milliseconds(seconds);
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    format!(
        "{hours:02}:{:02}:{:02}{point}{rest:03}",
        minutes % 60,
        seconds % 60
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const LABELS: [&str; 2] = ["\"calm\" & <still>", "angry"];

    pub(crate) fn labels() -> Vec<String> {
        LABELS.map(String::from).to_vec()
    }

    /// Returns a span whose most probable label has the index `label`.
    pub(crate) fn span(start: f64, end: f64, label: usize, uncertain: bool) -> Span {
        let mut probabilities = vec![0.25; 2];
        probabilities[label] = 0.75;
        let answer = Answer {
            probabilities,
            seconds: end - start,
            warnings: Vec::new(),
            out_of_distribution: false,
            long: false,
            uncertain,
        };
        Span {
            start,
            end,
            answer,
            channel: None,
        }
    }

    #[test]
    fn intervals_neither_overlap_nor_are_empty() {
        let spans = [
            // Both ends round to the same millisecond.
            span(0.0101, 0.0104, 0, false),
            span(0.5, 1.0006, 0, false),
            span(1.0004, 2.0, 1, false),
            // Lies within the previous span.
            span(1.5, 1.7, 1, false),
            span(2.0, 2.5, 0, false),
        ];
        let times: Vec<(u64, u64)> = intervals(&spans).map(|i| (i.start, i.end)).collect();
        assert_eq!(times, [(500, 1001), (1001, 2000), (2000, 2500)]);
    }

    #[test]
    fn markup_in_a_label_is_text_in_web_vtt() {
        let text = web_vtt(&[span(0.0, 1.0, 0, true)], &labels());
        assert!(
            text.ends_with("\n&quot;calm&quot; &amp; &lt;still&gt;? 75 %\n"),
            "{text}"
        );
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escaped("a\u{1}\nb"), "a\u{fffd}\u{fffd}b");
    }
}
