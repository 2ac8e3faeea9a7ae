//! Tests that pages can be used without a mouse and without colours, and with a screen reader.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

mod common;

use std::collections::HashSet;

use common::{exhibition, rendered};
use ser_eval::{Evaluation, Over, Predictions, compare};
use ser_report::{Report, render_comparison, worst_mistakes};

/// Returns the page of a run that has all sections on clips, and a page that compares three runs.
fn pages() -> [String; 2] {
    let report = exhibition();
    [rendered(&report), comparison(&report)]
}

/// Renders the comparison of the run, the same run again, and a run whose predictions for the second half of the clips
/// are all right.
fn comparison(report: &Report) -> String {
    let mut rows = report.predictions.rows().to_vec();
    for row in rows.iter_mut().skip(96) {
        row.probabilities.fill(0.0);
        row.probabilities[row.truth] = 1.0;
    }
    let better = Predictions::new(report.predictions.labels().to_vec(), rows).unwrap();
    let runs = [
        ("first", &report.predictions),
        ("same", &report.predictions),
        ("better", &better),
    ];
    let summaries = runs.map(|(name, predictions)| {
        let evaluation = Evaluation::compute(predictions).unwrap();
        let report = Report {
            recipe: name.to_owned(),
            predictions: predictions.clone(),
            ..report.clone()
        };
        report.summary(&evaluation, None)
    });
    render_comparison(
        &summaries,
        &compare(&runs, Over::AllClips).unwrap(),
        Over::AllClips,
    )
    .unwrap()
}

/// Returns the opening tags of an element.
fn tags<'a>(html: &'a str, element: &str) -> Vec<&'a str> {
    let start = format!("<{element}");
    let starts = html.match_indices(&*start).map(|(at, _)| &html[at..]);
    let tags = starts.map(|rest| &rest[..=rest.find('>').unwrap()]);
    let named = |tag: &&str| !tag[1 + element.len()..].starts_with(char::is_alphanumeric);
    tags.filter(named).collect()
}

/// Returns the values of an attribute.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    let rest = html.split(&*start).skip(1);
    rest.map(|value| value.split('"').next().unwrap()).collect()
}

#[test]
fn a_page_has_landmarks_a_language_and_a_way_past_the_links() {
    for html in pages() {
        assert!(html.contains("<html lang=\"en\">"));
        for landmark in ["header", "nav", "main", "h1"] {
            assert_eq!(tags(&html, landmark).len(), 1, "{landmark}");
        }
        assert!(tags(&html, "nav")[0].contains("aria-label="));
        let body = html.split_once("<body>").unwrap().1;
        assert!(body.starts_with("<a class=\"skip\" href=\"#main\">"));
    }
}

#[test]
fn links_and_labels_lead_to_places_that_are_there_once() {
    for html in pages() {
        let ids = values(&html, "id");
        let distinct: HashSet<_> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len(), "{ids:?}");
        for link in values(&html, "href") {
            assert!(distinct.contains(link.trim_start_matches('#')), "{link}");
        }
        for label in values(&html, "aria-labelledby") {
            assert!(distinct.contains(label), "{label}");
        }
        for section in tags(&html, "section") {
            assert!(section.contains("aria-label"), "{section}");
        }
    }
}

#[test]
fn every_table_has_a_caption_and_every_heading_says_what_it_heads() {
    for html in pages() {
        let tables = tags(&html, "table").len();
        assert!(tables > 1 && tags(&html, "caption").len() == tables);
        assert!(tags(&html, "th").iter().all(|th| th.contains("scope=\"")));
        // Tables scroll by themselves, also by keyboard.
        let scroll = "<div class=\"scroll\" role=\"region\" aria-label=";
        for (at, _) in html.match_indices("<table") {
            let before = &html[..at];
            let region = &before[before.rfind("<div").unwrap()..];
            assert!(
                region.starts_with(scroll) && region.contains("tabindex=\"0\""),
                "{region}"
            );
        }
    }
}

#[test]
fn every_picture_and_every_player_has_a_name() {
    let [html, compared] = pages();
    assert!(tags(&html, "svg").len() > 4 && tags(&compared, "svg").len() == 1);
    for svg in tags(&html, "svg").into_iter().chain(tags(&compared, "svg")) {
        assert!(
            svg.contains("role=\"img\"") && svg.contains("aria-label=\""),
            "{svg}"
        );
    }
    let players = tags(&html, "audio");
    assert_eq!(players.len(), 12);
    for player in players {
        assert!(
            player.contains("predicted as") && player.contains(" controls"),
            "{player}"
        );
        assert!(
            player.contains("src=\"data:audio/wav;base64,UklGRg==\""),
            "{player}"
        );
    }
}

#[test]
fn without_sound_the_mistakes_are_listed_and_the_way_to_hear_them_is_named() {
    let report = Report {
        sounds: Vec::new(),
        map: None,
        ..exhibition()
    };
    let html = rendered(&report);
    assert!(!html.contains("<audio") && html.contains("ser report RUN --data DATA"));
    for row in worst_mistakes(&report.predictions) {
        assert!(html.contains(&row.clip), "{}", row.clip);
    }
    assert!(!html.contains("href=\"#map\""));
}

#[test]
fn the_most_confident_mistakes_come_first_and_each_clip_once() {
    let report = exhibition();
    let mut rows = report.predictions.rows().to_vec();
    // The same clips in another split, with slightly lower confidence.
    for mut row in report.predictions.rows().to_vec() {
        row.split = "again".to_owned();
        row.probabilities
            .iter_mut()
            .for_each(|p| *p = 0.9 * *p + 0.1 / 8.0);
        rows.push(row);
    }
    let predictions = Predictions::new(report.predictions.labels().to_vec(), rows).unwrap();
    let worst = worst_mistakes(&predictions);
    assert_eq!(worst.len(), 12);
    assert!(
        worst
            .iter()
            .all(|row| row.predicted() != row.truth && row.split == "test")
    );
    assert!(
        worst
            .windows(2)
            .all(|pair| pair[0].confidence() >= pair[1].confidence())
    );
}

#[test]
fn a_gap_larger_than_chance_is_said_in_words_and_a_smaller_one_too() {
    let mut rows = exhibition().predictions.rows().to_vec();
    for (i, row) in rows.iter_mut().enumerate() {
        // All predictions for strong clips are right, and every second one for the others, for every speaker.
        let right = row.intensity.as_deref() == Some("strong") || i % 2 == 0;
        row.probabilities.fill(0.0);
        row.probabilities[if right {
            row.truth
        } else {
            (row.truth + 1) % 8
        }] = 1.0;
    }
    let predictions = Predictions::new(exhibition().predictions.labels().to_vec(), rows).unwrap();
    let html = rendered(&Report {
        predictions,
        ..exhibition()
    });
    let planted = "The intensities differ by more than chance: “<b>strong</b>” has the highest UAR, \
                   100.0 %, “<b>normal</b>” the lowest, 50.0 %; the gap is <b>50.0 points</b> (";
    assert!(html.contains(planted), "{html}");
    let chance = html
        .split_once("No larger than chance: the gap between ")
        .unwrap()
        .1;
    assert!(chance.starts_with("speakers (0.0 points, p = 1.00), between genders (0.0 points"));
}

#[test]
fn the_map_says_whose_space_it_shows() {
    let html = rendered(&exhibition());
    assert!(html.contains("Each mark is a test clip of test"));
    assert!(html.contains("The models of other splits have spaces of their own"));
}

#[test]
fn a_comparison_says_in_words_what_is_better_and_what_is_not() {
    let html = comparison(&exhibition());
    assert!(
        html.contains("first and same: the difference of 0.0 points of UAR is not significant")
    );
    assert!(html.contains("better is better than first, by "));
    assert!(html.contains("every way of exchanging them was tried"));
}
