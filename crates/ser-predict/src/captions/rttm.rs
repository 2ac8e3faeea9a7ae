//! RTTM, the reference format of the Rich Transcription evaluations.

use std::fmt::Write;

use super::{intervals, tiers};
use crate::stream::Span;

/// RTTM of NIST, which tools that score diarisation read (pyannote, dscore): a line `SPEAKER` a span, with the label where
/// the name of a speaker would stand, and the channel, 1 where they were not heard each by itself. It bears no mark where the answer is uncertain: labels are compared there.
///
/// Fields lie between blanks, so that a blank within `file`, the name of the recording, or within a label becomes `_`.
///
/// # Units
/// Begin and duration in seconds, with three digits: spans touch, and never overlap by rounding.
///
/// # References
/// NIST, *The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan*, appendix A.
///
/// ```
/// use ser_predict::{Answer, Span, captions::rttm};
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
/// assert_eq!(
///     rttm(&[span], &labels, "my talk"),
///     "SPEAKER my_talk 1 1.250 1.500 <NA> <NA> angry <NA> <NA>\n"
/// );
/// ```
#[must_use]
pub fn rttm(spans: &[Span], labels: &[String], file: &str) -> String {
    let file = field(file);
    let mut text = String::new();
    for (_, spans) in tiers(spans) {
        let channel = spans.first().and_then(|span| span.channel).unwrap_or(1);
        for interval in intervals(spans) {
            let label = field(interval.answer.label(labels));
            let seconds = |milliseconds: u64| milliseconds as f64 / 1000.0;
            let (start, duration) = (interval.start, interval.end - interval.start);
            // Writing into a String cannot fail.
            let _ = writeln!(
                text,
                "SPEAKER {file} {channel} {:.3} {:.3} <NA> <NA> {label} <NA> <NA>",
                seconds(start),
                seconds(duration)
            );
        }
    }
    text
}

/// One field of a line, whichever characters a reader splits at.
fn field(text: &str) -> String {
    match text {
        "" => "<NA>".to_owned(),
        _ => text.replace(|c: char| c.is_whitespace() || c.is_control(), "_"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{labels, span};
    use super::*;

    #[test]
    fn no_field_is_empty_or_two() {
        for (text, written) in [
            ("", "<NA>"),
            ("a\u{1d}b", "a_b"),
            ("a\u{a0}b", "a_b"),
            ("ärger", "ärger"),
        ] {
            assert_eq!(field(text), written);
        }
    }

    #[test]
    fn a_line_has_ten_fields_whatever_names_hold() {
        let spans = [span(0.0, 0.5, 0, true)];
        let text = rttm(&spans, &labels(), "my\ttalk  2");
        assert_eq!(text.lines().count(), 1);
        let fields: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(fields.len(), 10, "{text}");
        assert_eq!(fields[1], "my_talk__2");
        assert_eq!(fields[7], "\"calm\"_&_<still>");
    }

    #[test]
    fn lines_do_not_overlap_by_rounding() {
        // Each rounded by itself, begin 0.000 and duration 1.001 would go beyond the next begin, 1.000.
        let spans = [span(0.0004, 1.0014, 1, false), span(1.0014, 2.0, 1, false)];
        assert_eq!(
            rttm(&spans, &labels(), "talk"),
            "SPEAKER talk 1 0.000 1.001 <NA> <NA> angry <NA> <NA>\n\
             SPEAKER talk 1 1.001 0.999 <NA> <NA> angry <NA> <NA>\n"
        );
        assert_eq!(rttm(&[], &labels(), "talk"), "");
    }
}
