//! Tests of the picture of an explanation.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

use ser_report::Error;
use ser_report::plots::{Explained, Map, MarkedRegion, explanation};

const NASTY: &str = "<b>&\"it's\"</b>";
const BANDS: usize = 11;

/// Returns random numbers from −1 to 1. Neighbouring cells differ, so that no strokes can be joined.
fn noise(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let number = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(number).collect()
}

/// Draws the picture of one second of noise with the given importance.
fn drawn(importance: &[f32], bands: usize) -> Result<String, Error> {
    let levels: Vec<f32> = noise(315 * 104).iter().map(|x| 30.0 * x).collect();
    explanation(&Explained {
        file: NASTY,
        emotion: "angry",
        probability: 0.876,
        synthetic: false,
        samples: &noise(16_000),
        duration: 1.0,
        hertz: &[0.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0],
        levels: Map {
            values: &levels,
            bands: 104,
        },
        importance: Map {
            values: importance,
            bands,
        },
        regions: &[MarkedRegion {
            seconds: 0.2..0.4,
            hertz: 500.0..1500.0,
            text: format!("here it is {NASTY}"),
        }],
    })
}

fn strokes(picture: &str, colour: &str) -> usize {
    let document = roxmltree::Document::parse(picture).unwrap();
    let paths = document.descendants().filter(|node| {
        node.tag_name().name() == "path" && node.attribute("stroke") == Some(colour)
    });
    paths
        .map(|path| path.attribute("d").unwrap().matches('M').count())
        .sum()
}

#[test]
fn it_is_well_formed_names_what_it_shows_and_stays_small() {
    let picture = drawn(&noise(9 * BANDS), BANDS).unwrap();
    assert!(picture.len() < 400_000, "{} bytes", picture.len());
    let document = roxmltree::Document::parse(&picture).unwrap();
    let texts: Vec<&str> = document
        .descendants()
        .filter_map(|node| node.text())
        .collect();
    let holds = |text: &str| texts.iter().any(|found| found.trim() == text);
    assert!(holds(&format!("angry, 88 %: {NASTY}")), "{texts:?}");
    assert!(holds(&format!("here it is {NASTY}")), "{texts:?}");
    assert!(holds("8 kHz") && holds("250 Hz") && !holds("16 kHz"));
    assert!(!texts.iter().any(|text| text.contains("SYNTHETIC")));
}

#[test]
fn blue_is_where_the_answer_loses_and_stripes_are_where_it_gains() {
    const BLUE: &str = "#0072B2";
    const VERMILION: &str = "#D55E00";
    let mut importance = vec![0.0; 9 * BANDS];
    let picture = drawn(&importance, BANDS).unwrap();
    assert_eq!(
        (strokes(&picture, BLUE), strokes(&picture, VERMILION)),
        (0, 0)
    );
    importance[4 * BANDS + 5] = 0.3;
    let picture = drawn(&importance, BANDS).unwrap();
    assert!(strokes(&picture, BLUE) > 0 && strokes(&picture, VERMILION) == 0);
    assert!(!picture.contains("gained"));
    importance[4 * BANDS + 5] = -0.3;
    let picture = drawn(&importance, BANDS).unwrap();
    assert!(strokes(&picture, BLUE) == 0 && strokes(&picture, VERMILION) > 0);
    assert!(picture.contains("gained"));
}

#[test]
fn a_map_that_is_empty_or_ragged_is_refused() {
    for (importance, bands) in [(vec![], BANDS), (vec![0.0; 12], BANDS), (vec![0.0; 11], 0)] {
        let refused = drawn(&importance, bands);
        assert!(matches!(refused, Err(Error::Picture { .. })), "{bands}");
    }
}
