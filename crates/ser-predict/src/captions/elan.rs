//! EAF, the annotation format of ELAN.

use std::fmt::Write;
use std::path::Path;

use super::{escaped, intervals, marked, tiers};
use crate::stream::Span;

/// Writes an annotation document of ELAN (EAF 3.0).
///
/// It has one tier, `emotion`, or one tier for each channel with speech, `channel 1` and so on. Each span is an annotation:
/// `angry`, or `angry?` if the answer is uncertain.
///
/// `recording` is the absolute path of the recording, if it is a file, or only its name if the folder is not known; ELAN
/// also finds a file of the same name beside the document. `date` is the time at which the document was made, such as
/// `2026-11-28T12:00:00Z`.
///
/// # Units
/// Milliseconds.
///
/// # References
/// *ELAN Annotation Format EAF*, Max Planck Institute for Psycholinguistics, schema version 3.0.
///
/// ```
/// use ser_predict::{Answer, Span, captions::elan};
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
/// let xml = elan(&[span], &labels, None, "2026-11-28T12:00:00Z");
/// assert!(xml.contains("<TIME_SLOT TIME_SLOT_ID=\"ts2\" TIME_VALUE=\"2750\"/>"));
/// assert!(xml.contains("<ANNOTATION_VALUE>angry</ANNOTATION_VALUE>"));
/// ```
#[must_use]
pub fn elan(spans: &[Span], labels: &[String], recording: Option<&Path>, date: &str) -> String {
    let (mut slots, mut tiers_of) = (String::new(), String::new());
    let mut number = 0;
    for (name, spans) in tiers(spans) {
        let mut annotations = String::new();
        for interval in intervals(spans) {
            number += 1;
            let (from, to) = (2 * number - 1, 2 * number);
            let (start, end) = (interval.start, interval.end);
            let label = escaped(&marked(interval.answer, labels));
            // Writing into a String cannot fail.
            let _ = write!(
                slots,
                "        <TIME_SLOT TIME_SLOT_ID=\"ts{from}\" TIME_VALUE=\"{start}\"/>\n        \
             <TIME_SLOT TIME_SLOT_ID=\"ts{to}\" TIME_VALUE=\"{end}\"/>\n"
            );
            let _ = write!(
                annotations,
                "        <ANNOTATION>\n            \
             <ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a{number}\" TIME_SLOT_REF1=\"ts{from}\" TIME_SLOT_REF2=\"ts{to}\">\n                \
             <ANNOTATION_VALUE>{label}</ANNOTATION_VALUE>\n            \
             </ALIGNABLE_ANNOTATION>\n        </ANNOTATION>\n"
            );
        }
        let _ = write!(
            tiers_of,
            "    <TIER LINGUISTIC_TYPE_REF=\"emotion\" TIER_ID=\"{name}\">\n{annotations}    </TIER>\n"
        );
    }
    let date = escaped(date);
    let media = recording.map_or_else(String::new, media);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ANNOTATION_DOCUMENT AUTHOR=\"ser\" DATE=\"{date}\" FORMAT=\"3.0\" VERSION=\"3.0\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n    \
         <HEADER MEDIA_FILE=\"\" TIME_UNITS=\"milliseconds\">\n{media}    </HEADER>\n    \
         <TIME_ORDER>\n{slots}    </TIME_ORDER>\n{tiers_of}    \
         <LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"emotion\" TIME_ALIGNABLE=\"true\"/>\n\
         </ANNOTATION_DOCUMENT>\n"
    )
}

/// Returns the element with the location of the recording, in the form in which ELAN itself writes it: only the slashes
/// are converted.
fn media(recording: &Path) -> String {
    let path = recording.to_string_lossy().replace('\\', "/");
    let path = escaped(path.trim_start_matches('/'));
    let is_wav = ser_files::has_extension(recording, "wav");
    let kind = if is_wav { "audio/x-wav" } else { "audio/*" };
    format!("        <MEDIA_DESCRIPTOR MEDIA_URL=\"file:///{path}\" MIME_TYPE=\"{kind}\"/>\n")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{labels, span};
    use super::*;

    const DATE: &str = "2026-11-28T12:00:00Z";

    #[test]
    fn every_annotation_has_two_slots_of_its_own_and_its_label() {
        let spans = [
            span(0.25, 1.0006, 1, true),
            span(1.0004, 2.0, 0, false),
            span(2.0001, 2.0002, 1, false),
        ];
        let xml = elan(&spans, &labels(), None, DATE);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let all = |name| {
            let nodes = document.descendants();
            nodes.filter(move |node| node.has_tag_name(name))
        };
        let time = |id: &str| -> u64 {
            let mut slots = all("TIME_SLOT");
            let slot = slots.find(|slot| slot.attribute("TIME_SLOT_ID") == Some(id));
            let value = slot.unwrap().attribute("TIME_VALUE");
            value.unwrap().parse().unwrap()
        };
        let found: Vec<_> = all("ALIGNABLE_ANNOTATION")
            .map(|annotation| {
                let slot = |name| time(annotation.attribute(name).unwrap());
                let value = annotation.first_element_child().unwrap().text().unwrap();
                (slot("TIME_SLOT_REF1"), slot("TIME_SLOT_REF2"), value)
            })
            .collect();
        assert_eq!(
            found,
            [(250, 1001, "angry?"), (1001, 2000, "\"calm\" & <still>"),]
        );
        assert_eq!(all("TIME_SLOT").count(), 4);
        let tier = all("TIER").next().unwrap();
        let kind = all("LINGUISTIC_TYPE").next().unwrap();
        assert_eq!(
            tier.attribute("LINGUISTIC_TYPE_REF"),
            kind.attribute("LINGUISTIC_TYPE_ID")
        );
    }

    #[test]
    fn the_parts_stand_in_the_order_of_the_schema_also_without_spans() {
        let xml = elan(&[], &labels(), None, DATE);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let root = document.root_element();
        let parts = root.children().filter(roxmltree::Node::is_element);
        let parts: Vec<&str> = parts.map(|part| part.tag_name().name()).collect();
        assert_eq!(parts, ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE"]);
        for attribute in ["AUTHOR", "DATE", "VERSION"] {
            assert!(root.has_attribute(attribute), "{attribute}");
        }
    }

    #[test]
    fn the_recording_is_named_whatever_is_in_its_name() {
        let media = |path: &str| {
            let xml = elan(&[], &labels(), Some(Path::new(path)), DATE);
            let document = roxmltree::Document::parse(&xml).unwrap();
            let mut nodes = document.descendants();
            let media = nodes.find(|node| node.has_tag_name("MEDIA_DESCRIPTOR"));
            let attribute = |name| media.unwrap().attribute(name).unwrap().to_owned();
            (attribute("MEDIA_URL"), attribute("MIME_TYPE"))
        };
        let (url, kind) = media("/tapes/a & \"b\" <c>.WAV");
        assert_eq!(url, "file:///tapes/a & \"b\" <c>.WAV");
        assert_eq!(kind, "audio/x-wav");
        let (url, kind) = media("C:\\tapes\\a.mp3");
        assert_eq!(url, "file:///C:/tapes/a.mp3");
        assert_eq!(kind, "audio/*");
    }
}
