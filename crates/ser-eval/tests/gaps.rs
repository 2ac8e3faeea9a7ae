//! Gaps between groups, over the classes that all groups have; only a gap that is wider than by chance has a low
//! p-value.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

mod common;

use common::{certain, labels, row};
use ser_eval::{Group, Prediction, Predictions, gap};

/// Returns twelve speakers, half of each gender, with eight clips of two classes; `right` is called with speaker and
/// clip. The second half of a speaker's clips is strong.
fn run(right: impl Fn(usize, usize) -> bool) -> Predictions {
    let mut rows = Vec::new();
    for speaker in 0..12 {
        for clip in 0..8 {
            let truth = clip % 2;
            let answer = if right(speaker, clip) {
                truth
            } else {
                1 - truth
            };
            let (name, id) = (format!("{speaker}-{clip}.wav"), format!("{speaker:02}"));
            let mut row = row(&name, &id, truth, &certain(2, answer));
            row.gender = Some(if speaker % 2 == 0 { "female" } else { "male" }.to_owned());
            row.intensity = Some(if clip < 4 { "normal" } else { "strong" }.to_owned());
            rows.push(row);
        }
    }
    Predictions::new(labels(&["calm", "angry"]), rows).unwrap()
}

#[test]
fn a_gap_between_genders_that_runs_through_all_speakers_is_no_luck() {
    let found = gap(
        &run(|speaker, clip| speaker % 2 == 0 || clip < 4),
        Group::Gender,
    )
    .unwrap();
    assert_eq!((&*found.best, &*found.worst), ("female", "male"));
    assert_eq!((found.best_uar, found.worst_uar), (1.0, 0.5));
    assert_eq!(found.width(), 0.5);
    assert!(found.p < 0.02, "{}", found.p);
    let interval = found.interval.unwrap();
    assert_eq!((interval.low, interval.high), (0.5, 0.5));
}

#[test]
fn one_speaker_in_two_groups_does_not_hide_a_gap_between_the_others() {
    let all = run(|speaker, clip| speaker % 2 == 0 || clip < 4);
    let rows = all.rows().iter().cloned().map(|mut row| {
        if row.clip == "0-0.wav" {
            row.gender = Some("male".to_owned());
        }
        row
    });
    let mixed = Predictions::new(labels(&["calm", "angry"]), rows.collect()).unwrap();
    let found = gap(&mixed, Group::Gender).unwrap();
    assert!(found.p < 0.02, "{}", found.p);
}

#[test]
fn a_gap_that_one_speaker_makes_may_be_luck() {
    let predictions = run(|speaker, _| speaker != 3);
    let found = gap(&predictions, Group::Gender).unwrap();
    assert!((found.width() - 1.0 / 6.0).abs() < 1e-12);
    // Whichever gender this speaker has, the gap is as wide.
    assert_eq!(found.p, 1.0);
    assert!(found.interval.unwrap().low <= 0.0);
    // That this speaker differs from the others is not by chance.
    let speakers = gap(&predictions, Group::Speaker).unwrap();
    assert_eq!((&*speakers.worst, speakers.worst_uar), ("03", 0.0));
    assert!(
        speakers.p < 0.01 && speakers.interval.is_none(),
        "{}",
        speakers.p
    );
}

#[test]
fn speakers_who_differ_no_more_than_coins_are_not_called_different() {
    // Correct and wrong predictions form a pattern that belongs to no speaker.
    let found = gap(&run(|s, c| (s * 5 + c * 3) % 7 > 2), Group::Speaker).unwrap();
    assert!(found.width() > 0.0 && found.p > 0.2, "{found:?}");
}

#[test]
fn intensities_are_compared_within_each_speaker() {
    // Speakers differ widely; within each of them, strong clips do better.
    let found = gap(&run(|s, c| c >= 4 || s % 3 == 0), Group::Intensity).unwrap();
    assert_eq!((&*found.best, &*found.worst), ("strong", "normal"));
    assert!(found.p < 0.02, "{}", found.p);
    assert!(found.interval.unwrap().low > 0.0);
}

#[test]
fn a_class_that_a_group_lacks_is_left_out() {
    let mut rows = run(|_, clip| clip % 2 == 0).rows().to_vec();
    rows.retain(|row| row.truth == 0 || row.intensity.as_deref() == Some("normal"));
    let predictions = Predictions::new(labels(&["calm", "angry"]), rows).unwrap();
    let found = gap(&predictions, Group::Intensity).unwrap();
    // All of class 0 is correct and all of class 1 wrong; strong clips are of class 0 alone.
    assert_eq!((found.classes, found.width()), (1, 0.0));
    assert_eq!(found.p, 1.0);
}

#[test]
fn there_is_no_gap_without_two_groups() {
    let predictions = run(|_, _| true);
    assert_eq!(gap(&predictions, Group::Statement), None);
    let mut rows = predictions.rows().to_vec();
    rows.iter_mut()
        .for_each(|row| row.gender = Some("female".to_owned()));
    let predictions = Predictions::new(labels(&["calm", "angry"]), rows).unwrap();
    assert_eq!(gap(&predictions, Group::Gender), None);
}

#[test]
fn clips_that_are_tested_again_are_no_further_evidence_that_speakers_differ() {
    let once = run(|speaker, clip| (speaker * 5 + clip * 3) % 7 > 2);
    let split = |i: usize| {
        once.rows().iter().cloned().map(move |row| Prediction {
            split: format!("seed-{i}"),
            ..row
        })
    };
    let rows = (1..=5).flat_map(split).collect();
    let again = Predictions::new(labels(&["calm", "angry"]), rows).unwrap();
    let [once, again] = [&once, &again].map(|run| gap(run, Group::Speaker).unwrap());
    assert_eq!(once, again);
}
