//! Labels with any characters, and their times, can be read back from captions in every format.

use proptest::prelude::*;
use ser_predict::captions::{audacity, elan, rttm, sub_rip, text_grid, web_vtt};
use ser_predict::{Answer, Span};

/// Parts of labels: markup, delimiters and line breaks of the formats, and parts of their lines.
const PIECES: [&str; 38] = [
    "a",
    "angry",
    "ärger",
    "怒",
    "😡",
    "e\u{301}",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\0",
    "\u{1b}[31m",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffe}",
    "\"",
    "\"\"",
    "\" \n",
    "'",
    "&",
    "&amp;",
    "<",
    ">",
    "</v>",
    "]]>",
    "<!--",
    "-->",
    "00:00:01,000 --> 00:00:02,000",
    "intervals [1]:",
    "text = \"b\"",
    "<NA>",
    "?",
];

/// A caption: start and end in milliseconds, and its text.
type Caption = (u64, u64, String);

fn label() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(PIECES.to_vec());
    let of_pieces = prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat());
    prop_oneof![of_pieces, any::<String>()]
}

/// Generates labels, and spans with these labels that do not overlap.
fn timeline() -> impl Strategy<Value = (Vec<String>, Vec<Span>)> {
    let span = (0u64..2000, 1u64..3000, 0usize..2, any::<bool>());
    (
        prop::collection::vec(label(), 2),
        prop::collection::vec(span, 1..8),
    )
        .prop_map(|(labels, spans)| {
            let mut at = 0;
            let spans = spans.into_iter().map(|(pause, length, label, uncertain)| {
                let start = at + pause;
                at = start + length;
                span_of(start, at, label, uncertain)
            });
            (labels, spans.collect())
        })
}

fn span_of(start: u64, end: u64, label: usize, uncertain: bool) -> Span {
    let mut probabilities = vec![0.25; 2];
    probabilities[label] = 0.75;
    let answer = Answer {
        probabilities,
        seconds: (end - start) as f64 / 1000.0,
        warnings: Vec::new(),
        out_of_distribution: false,
        long: false,
        uncertain,
    };
    let seconds = |milliseconds: u64| milliseconds as f64 / 1000.0;
    Span {
        start: seconds(start),
        end: seconds(end),
        answer,
        channel: None,
    }
}

fn milliseconds(seconds: &str) -> u64 {
    (seconds.parse::<f64>().unwrap() * 1000.0).round() as u64
}

/// Returns the expected captions: the text of each span is its label, its mark and `more`, with line breaks replaced.
fn expected(spans: &[Span], labels: &[String], more: &str) -> Vec<Caption> {
    let caption = |span: &Span| {
        let text = format!("{}{more}", span.answer.marked(labels));
        let breaks = |c: char| c.is_control() || "\u{2028}\u{2029}".contains(c);
        let time = |seconds: f64| (seconds * 1000.0).round() as u64;
        (
            time(span.start),
            time(span.end),
            text.replace(breaks, "\u{fffd}"),
        )
    };
    spans.iter().map(caption).collect()
}

/// Parses a time such as `01:02:03.450`, with a point or a comma, to milliseconds.
fn of_clock(text: &str) -> u64 {
    let (seconds, rest) = text.split_once(['.', ',']).unwrap();
    let seconds = seconds.split(':').map(|part| part.parse::<u64>().unwrap());
    seconds.fold(0, |all, part| 60 * all + part) * 1000 + rest.parse::<u64>().unwrap()
}

/// Reads the captions of WebVTT or SubRip. They are blocks between empty lines; the line `time` of a block, counted
/// from 0, has the times, and the next line has the text.
fn blocks(text: &str, time: usize) -> Vec<Caption> {
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let blocks = lines
        .split(|line| line.is_empty())
        .filter(|block| !block.is_empty());
    let caption = |block: &[&str]| {
        assert_eq!(block.len(), time + 2, "{block:?}");
        let (start, end) = block[time].split_once(" --> ").unwrap();
        (of_clock(start), of_clock(end), block[time + 1].to_owned())
    };
    blocks.map(caption).collect()
}

/// Reads a text file as Praat does: free-standing numbers and quoted strings, in which `""` stands for one quotation
/// mark.
fn praat(text: &str) -> (Vec<f64>, Vec<String>) {
    let (mut numbers, mut strings, mut rest) = (Vec::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once('"') {
        numbers.extend(
            before
                .split_whitespace()
                .filter_map(|word| word.parse::<f64>().ok()),
        );
        let (mut string, mut inside) = (String::new(), after);
        rest = loop {
            let (piece, behind) = inside.split_once('"').unwrap();
            string.push_str(piece);
            match behind.strip_prefix('"') {
                Some(more) => (string.push('"'), inside = more),
                None => break behind,
            };
        };
        strings.push(string);
    }
    assert!(rest.trim().is_empty(), "{rest}");
    (numbers, strings)
}

/// Replaces the noncharacters that XML cannot represent.
fn in_xml(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

proptest! {
    #[test]
    fn web_vtt_and_sub_rip_have_a_block_each((labels, spans) in timeline()) {
        let wanted = expected(&spans, &labels, " 75 %");
        prop_assert_eq!(&blocks(&sub_rip(&spans, &labels), 1), &wanted);

        let text = web_vtt(&spans, &labels);
        let cues = text.strip_prefix("WEBVTT\n\n").unwrap();
        prop_assert_eq!(cues.matches("-->").count(), spans.len());
        let mut cues = blocks(cues, 0);
        for (_, _, words) in &mut cues {
            prop_assert!(!words.contains('<'));
            let plain = words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
            *words = plain.replace("&amp;", "&");
        }
        let wanted: Vec<Caption> = wanted.into_iter().map(|(a, b, text)| (a, b, in_xml(&text))).collect();
        prop_assert_eq!(cues, wanted);
    }

    #[test]
    fn audacity_has_three_fields_a_line((labels, spans) in timeline()) {
        let text = audacity(&spans, &labels);
        let line = |line: &str| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [start, end, words] = fields[..] else { panic!("{line}") };
            (milliseconds(start), milliseconds(end), words.to_owned())
        };
        let lines: Vec<Caption> = text.split_terminator(['\n', '\r']).map(line).collect();
        prop_assert_eq!(lines, expected(&spans, &labels, " 75 %"));
    }

    #[test]
    fn rttm_has_ten_fields_a_line((labels, spans) in timeline(), file in label()) {
        let text = rttm(&spans, &labels, &file);
        let lines: Vec<&str> = text.lines().collect();
        prop_assert_eq!(lines.len(), spans.len());
        let gaps = |c: char| c.is_whitespace() || c.is_control();
        let field = |text: &str| match text {
            "" => "<NA>".to_owned(),
            _ => text.replace(gaps, "_"),
        };
        for (line, span) in lines.into_iter().zip(&spans) {
            let fields: Vec<&str> = line.split(gaps).collect();
            prop_assert_eq!(fields.len(), 10, "{}", line);
            prop_assert_eq!(fields[1], field(&file));
            prop_assert_eq!(fields[7], field(&labels[span.answer.emotion()]));
            prop_assert_eq!(fields[3].parse::<f64>().unwrap(), span.start);
        }
    }

    #[test]
    fn a_text_grid_has_every_interval((labels, spans) in timeline()) {
        let last = spans.last().unwrap().end;
        let (numbers, strings) = praat(&text_grid(&spans, &labels, last));
        prop_assert_eq!(&strings[..4], ["ooTextFile", "TextGrid", "IntervalTier", "emotion"]);
        // The first numbers are two bounds and the number of tiers for the grid, then two bounds and the number of
        // intervals for the tier.
        let intervals = numbers[6..].chunks(2).zip(&strings[4..]);
        prop_assert_eq!(numbers[5], intervals.len() as f64);
        let time = |seconds: f64| (seconds * 1000.0).round() as u64;
        let found = intervals.map(|(times, text)| (time(times[0]), time(times[1]), text.clone()));
        let found: Vec<Caption> = found.collect();
        prop_assert!(found.windows(2).all(|two| two[0].1 == two[1].0));
        // The intervals of pauses lie between the spans, and are left out here.
        let wanted = expected(&spans, &labels, "");
        let found: Vec<Caption> = found.into_iter().filter(|caption| wanted.contains(caption)).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn elan_has_every_annotation((labels, spans) in timeline()) {
        let xml = elan(&spans, &labels, None, "2026-11-28T12:00:00Z");
        let document = roxmltree::Document::parse(&xml).unwrap();
        let all = |name| document.descendants().filter(move |node| node.has_tag_name(name));
        let time = |id: Option<&str>| -> u64 {
            let slot = all("TIME_SLOT").find(|slot| slot.attribute("TIME_SLOT_ID") == id);
            slot.unwrap().attribute("TIME_VALUE").unwrap().parse().unwrap()
        };
        let found: Vec<Caption> = all("ALIGNABLE_ANNOTATION").map(|annotation| {
            let slot = |name| time(annotation.attribute(name));
            let text = annotation.first_element_child().unwrap().text().unwrap_or_default();
            (slot("TIME_SLOT_REF1"), slot("TIME_SLOT_REF2"), text.to_owned())
        }).collect();
        let wanted = expected(&spans, &labels, "").into_iter();
        let wanted: Vec<Caption> = wanted.map(|(a, b, text)| (a, b, in_xml(&text))).collect();
        prop_assert_eq!(found, wanted);
    }
}
