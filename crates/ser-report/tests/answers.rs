//! Tests of the pictures of answers: an explanation and a timeline.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

mod common;

use common::{description, labels, texts};
use ser_audio::Waveform;
use ser_audio::conditions::Region;
use ser_features::Features;
use ser_predict::{Answer, Explanation, Model, Patch, Provenance, Span};
use ser_report::{Error, plots};

const NASTY: &str = "<b>&\"it's\"</b>";
const BANDS: usize = 11;

/// Returns a model without networks: pictures need its labels and its origin.
fn model(synthetic: bool) -> Model {
    let provenance = Provenance {
        synthetic,
        ..Provenance::default()
    };
    let labels = labels(&["calm", NASTY]);
    Model::new("none", labels, Vec::new(), provenance, String::new())
}

/// Returns an answer for the second label.
fn answer() -> Answer {
    Answer {
        probabilities: vec![0.124, 0.876],
        seconds: 1.0,
        warnings: Vec::new(),
        out_of_distribution: false,
        long: false,
        uncertain: false,
    }
}

/// Returns random numbers from −1 to 1. Neighbouring cells differ, so that no strokes can be joined.
fn noise(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let number = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(number).collect()
}

/// Returns an explanation of one second with these drops, on a grid that ends at 8 kHz.
fn explained(drops: &[f32], bands: usize) -> Explanation {
    let edge = |i: usize, count: usize, last: f64| last * i as f64 / count as f64;
    let patch = |(i, &drop): (usize, &f32)| {
        let (time, band) = (i / bands.max(1), i % bands.max(1));
        let seconds = edge(time, 10, 1.0)..edge(time + 2, 10, 1.0);
        let hertz = edge(band, bands + 1, 8000.0)..edge(band + 2, bands + 1, 8000.0);
        let region = Region { seconds, hertz };
        Patch { region, drop }
    };
    Explanation {
        answer: answer(),
        seconds: (0..=10).map(|i| edge(i, 10, 1.0)).collect(),
        hertz: (0..=bands + 1)
            .map(|i| edge(i, bands + 1, 8000.0))
            .collect(),
        patches: drops.iter().enumerate().map(patch).collect(),
    }
}

/// Draws the picture of one second of noise.
fn drawn(model: &Model, file: &str, explanation: &Explanation) -> Result<String, Error> {
    let levels = noise(315 * 104).iter().map(|x| 30.0 * x).collect();
    let levels = Features::from_parts(levels, 315, 104).unwrap();
    let sound = Waveform::new(noise(16_000), 16_000);
    plots::explanation(model, file, &sound, explanation, &levels)
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
fn an_explanation_is_well_formed_names_what_it_shows_and_stays_small() {
    let explanation = explained(&noise(9 * BANDS), BANDS);
    let picture = drawn(&model(false), NASTY, &explanation).unwrap();
    assert!(picture.len() < 400_000, "{} bytes", picture.len());
    let texts = texts(&picture);
    let holds = |text: &str| texts.iter().any(|found| found == text);
    assert!(holds(&format!("{NASTY}, 88 %: {NASTY}")), "{texts:?}");
    for patch in explanation.strongest() {
        assert!(holds(&patch.words(NASTY)), "{texts:?}");
    }
    assert!(holds("8 kHz") && holds("250 Hz") && !holds("16 kHz"));
}

#[test]
fn blue_is_where_the_answer_loses_and_stripes_are_where_it_gains() {
    const BLUE: &str = "#0072B2";
    const VERMILION: &str = "#D55E00";
    let with = |drop: f32| {
        let mut drops = vec![0.0; 9 * BANDS];
        drops[4 * BANDS + 5] = drop;
        let picture = drawn(&model(false), "a.wav", &explained(&drops, BANDS)).unwrap();
        let strokes = [BLUE, VERMILION].map(|colour| strokes(&picture, colour) > 0);
        (strokes, picture.contains("gained"))
    };
    assert_eq!(with(0.0), ([false, false], false));
    assert_eq!(with(0.3), ([true, false], false));
    assert_eq!(with(-0.3), ([false, true], true));
}

#[test]
fn a_grid_that_is_empty_or_ragged_is_refused() {
    for (drops, bands) in [(vec![], BANDS), (vec![0.0; 12], BANDS), (vec![0.0; 11], 0)] {
        let refused = drawn(&model(false), "a.wav", &explained(&drops, bands));
        assert!(matches!(refused, Err(Error::Picture { .. })), "{bands}");
    }
}

/// Draws the timeline of a recording with one piece of speech.
fn timeline(model: &Model, file: &str) -> String {
    let span = Span {
        start: 1.0,
        end: 3.0,
        answer: answer(),
        channel: None,
    };
    plots::timeline(model, &[span], 10.0, file).unwrap()
}

#[test]
fn a_timeline_shows_the_pieces_and_says_how_long_each_label_lasts() {
    let picture = timeline(&model(false), "a.wav");
    assert_eq!(description(&picture), format!("calm: 0 s. {NASTY}: 2 s."));
    let document = roxmltree::Document::parse(&picture).unwrap();
    let nodes = document.descendants();
    let pieces = nodes.filter(|node| node.tag_name().name() == "rect");
    assert_eq!(pieces.count(), 1);
}

#[test]
fn a_model_of_synthetic_voices_is_named_however_long_the_name_of_the_file_is() {
    let file = "recording ".repeat(40);
    for synthetic in [true, false] {
        let model = model(synthetic);
        let explanation = explained(&[0.1; BANDS], BANDS);
        for picture in [
            timeline(&model, &file),
            drawn(&model, &file, &explanation).unwrap(),
        ] {
            let mark = "a model of SYNTHETIC voices";
            let shown = texts(&picture).iter().any(|text| text.ends_with(mark));
            assert_eq!(shown, synthetic, "{picture}");
            assert_eq!(description(&picture).contains(mark), synthetic);
        }
    }
}

#[test]
fn a_control_character_in_the_name_of_a_file_is_replaced() {
    let file = "a\u{1}b\u{1b}c\u{ffff}.wav";
    let explanation = explained(&[0.1; BANDS], BANDS);
    for picture in [
        timeline(&model(false), file),
        drawn(&model(false), file, &explanation).unwrap(),
    ] {
        let title = &texts(&picture)[0];
        assert!(
            title.ends_with("a\u{fffd}b\u{fffd}c\u{fffd}.wav"),
            "{title}"
        );
    }
}
