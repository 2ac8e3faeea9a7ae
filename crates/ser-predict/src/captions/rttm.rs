//! RTTM, the reference format of the Rich Transcription evaluations.

use std::fmt::Write;

use super::{intervals, tiers};
use crate::stream::Span;

/// Writes RTTM, the format of NIST that tools for scoring diarisation read (pyannote, dscore).
///
/// Each span is a line `SPEAKER` with the label in the field for the name of a speaker. The channel is 1 if the
/// channels were not processed separately. Uncertain answers are not marked, because such tools compare the labels.
///
/// Fields are separated by spaces, so a space in `file`, the name of the recording, or in a label becomes `_`.
///
/// # Units
/// Start and duration are in seconds with three decimals. Adjacent spans touch; rounding never makes them overlap.
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

/// Returns `text` as one field of a line: every character at which a reader may split is replaced.
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
        // The duration is the difference of the rounded start and end, so that each line ends where the next one
        // starts.
        let spans = [span(0.0006, 1.0012, 1, false), span(1.0012, 2.0, 1, false)];
        assert_eq!(
            rttm(&spans, &labels(), "talk"),
            "SPEAKER talk 1 0.001 1.000 <NA> <NA> angry <NA> <NA>\n\
             SPEAKER talk 1 1.001 0.999 <NA> <NA> angry <NA> <NA>\n"
        );
        assert_eq!(rttm(&[], &labels(), "talk"), "");
    }
}
