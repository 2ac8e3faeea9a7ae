//! A run for the tests of pages and pictures.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

#[path = "../../../ser-eval/tests/common/mod.rs"]
mod predictions;

use ser_eval::{Evaluation, Prediction, Predictions, principal_plane};
use ser_report::{Map, Report, Sound, SplitKind, render, worst_mistakes};

pub use predictions::{labels, row};

/// Renders the page of a run.
pub fn rendered(report: &Report) -> String {
    render(report, &Evaluation::compute(&report.predictions).unwrap()).unwrap()
}

/// Returns all texts that a picture shows.
pub fn texts(picture: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(picture).unwrap();
    let nodes = document.descendants();
    let nodes = nodes.filter(|node| node.tag_name().name() == "text");
    nodes
        .map(|node| node.text().unwrap().trim().to_owned())
        .collect()
}

/// Returns the description of a picture for screen readers.
pub fn description(picture: &str) -> String {
    let document = roxmltree::Document::parse(picture).unwrap();
    let mut nodes = document.descendants();
    let desc = nodes.find(|node| node.tag_name().name() == "desc").unwrap();
    desc.text().unwrap().to_owned()
}

/// Returns a run with everything that a page can show of clips: eight classes, twelve speakers of two genders, low to
/// high confidences, a map, and the sounds of the listed mistakes.
pub fn exhibition() -> Report {
    let names = [
        "neutral",
        "calm",
        "happy",
        "sad",
        "angry",
        "fearful",
        "disgust",
        "surprised",
    ];
    let mut rows = Vec::new();
    for i in 0..192 {
        let truth = i % 8;
        // A third of the predictions are wrong, for every speaker and every class.
        let wrong = (i + i / 8) % 3 == 0;
        let answer = if wrong { (truth + 1) % 8 } else { truth };
        let confidence = 0.2 + 0.79 * ((i * 37 % 100) as f32 / 100.0);
        let mut probabilities = vec![(1.0 - confidence) / 7.0; 8];
        probabilities[answer] = confidence;
        let speaker = i / 8 % 12;
        let mut row = row(
            &format!("{i}.wav"),
            &format!("{speaker:02}"),
            truth,
            &probabilities,
        );
        row.gender = Some(if speaker % 2 == 0 { "female" } else { "male" }.to_owned());
        row.intensity = Some(if i < 96 { "normal" } else { "strong" }.to_owned());
        rows.push(row);
    }
    let predictions = Predictions::new(labels(&names), rows).unwrap();
    let embeddings: Vec<Vec<f32>> = (0..192)
        .map(|i| vec![(i % 8) as f32, (i * 13 % 29) as f32, (i * i % 7) as f32])
        .collect();
    let sound = |row: &&Prediction| Sound {
        clip: row.clip.clone(),
        wav: b"RIFF".to_vec(),
    };
    Report {
        recipe: "shown".to_owned(),
        model: "CNN".to_owned(),
        protocol: "One split.".to_owned(),
        split: SplitKind::SpeakerDisjoint,
        synthetic: false,
        sounds: worst_mistakes(&predictions).iter().map(sound).collect(),
        map: Some(Map {
            split: "test".to_owned(),
            clips: 192,
            truth: (0..192).map(|i| i % 8).collect(),
            plane: principal_plane(&[embeddings]).unwrap(),
        }),
        predictions,
        enrolled: Vec::new(),
        corpora: None,
        histories: Vec::new(),
        recipe_text: "name = \"shown\"".to_owned(),
        environment: vec![("threads".to_owned(), "2".to_owned())],
        command: "ser crossval".to_owned(),
        comparison: Vec::new(),
    }
}
