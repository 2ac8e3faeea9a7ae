//! Spans as text that players and editors read.

use std::fmt::Write;

use crate::stream::Span;

/// WebVTT (W3C), for `<track>` in a web page: `angry 81 %` over each span.
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
/// let span = Span { start: 61.25, end: 63.0, answer };
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
        let _ = write!(text, "\n{start} --> {end}\n{}\n", words(span, labels));
    }
    text
}

/// SubRip (`.srt`), for video players.
#[must_use]
pub fn sub_rip(spans: &[Span], labels: &[String]) -> String {
    let mut text = String::new();
    for (number, span) in (1..).zip(spans) {
        let (start, end) = (clock(span.start, ','), clock(span.end, ','));
        let words = words(span, labels);
        let _ = write!(text, "{number}\n{start} --> {end}\n{words}\n\n");
    }
    text
}

/// A label track of Audacity: seconds, seconds, text, with tabs between.
#[must_use]
pub fn audacity(spans: &[Span], labels: &[String]) -> String {
    let mut text = String::new();
    for span in spans {
        let words = words(span, labels);
        let _ = writeln!(text, "{:.6}\t{:.6}\t{words}", span.start, span.end);
    }
    text
}

/// `angry 81 %`, or `angry? 31 %` where the answer is uncertain.
fn words(span: &Span, labels: &[String]) -> String {
    let answer = &span.answer;
    format!(
        "{} {:.0} %",
        answer.marked(labels),
        100.0 * answer.confidence()
    )
}

/// `01:02:03.450`
fn clock(seconds: f64, point: char) -> String {
    let milliseconds = (seconds * 1000.0).round() as u64;
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    format!(
        "{hours:02}:{:02}:{:02}{point}{rest:03}",
        minutes % 60,
        seconds % 60
    )
}
