//! The interval resamples speakers: known cases, and its actual coverage.

mod common;

use common::two_classes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ser_eval::Predictions;
use ser_eval::bootstrap::{Interval, Statistic, interval};

#[test]
fn one_good_and_one_bad_speaker_span_everything() {
    // A resample contains the good speaker twice, once or never: accuracy 1, 1/2 or 0, with probability 1/4, 1/2, 1/4.
    // The 2.5 % and 97.5 % percentiles are the extremes.
    let clips = [("good", 0, 0), ("good", 1, 1), ("bad", 0, 1), ("bad", 1, 0)];
    let predictions = two_classes(&clips);
    for statistic in [Statistic::Accuracy, Statistic::Uar] {
        assert_eq!(
            interval(&predictions, statistic),
            Some(Interval {
                low: 0.0,
                high: 1.0
            })
        );
    }
}

#[test]
fn equal_speakers_leave_no_doubt_about_other_speakers() {
    let clips = [
        ("a", 0, 0),
        ("a", 1, 0),
        ("b", 0, 0),
        ("b", 1, 0),
        ("c", 0, 0),
        ("c", 1, 0),
    ];
    let found = interval(&two_classes(&clips), Statistic::Accuracy);
    assert_eq!(
        found,
        Some(Interval {
            low: 0.5,
            high: 0.5
        })
    );
}

#[test]
fn fewer_than_two_speakers_have_no_interval() {
    assert_eq!(
        interval(&two_classes(&[("a", 0, 0), ("a", 1, 0)]), Statistic::Uar),
        None
    );
    assert_eq!(interval(&two_classes(&[]), Statistic::Uar), None);
}

#[test]
fn the_order_of_the_clips_does_not_matter() {
    let predictions = corpus(&mut ChaCha8Rng::seed_from_u64(3));
    let mut rows = predictions.rows().to_vec();
    rows.reverse();
    let reversed = Predictions::new(predictions.labels().to_vec(), rows).unwrap();
    let found = interval(&predictions, Statistic::Uar);
    assert!(found.is_some());
    assert_eq!(found, interval(&reversed, Statistic::Uar));
}

/// Returns 24 speakers with 20 clips each; the accuracy of each speaker is uniform from 0.4 to 0.9.
fn corpus(rng: &mut ChaCha8Rng) -> Predictions {
    let names: Vec<String> = (0..24).map(|speaker| speaker.to_string()).collect();
    let mut clips = Vec::new();
    for name in &names {
        let skill = rng.random_range(0.4..0.9);
        for clip in 0..20 {
            let truth = clip % 2;
            let hit = rng.random::<f64>() < skill;
            clips.push((name.as_str(), truth, if hit { truth } else { 1 - truth }));
        }
    }
    two_classes(&clips)
}

#[test]
fn the_interval_covers_the_true_figure_about_as_often_as_it_says() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut covered, mut naive) = (0, 0);
    let experiments = 200;
    for _ in 0..experiments {
        let predictions = corpus(&mut rng);
        let found = interval(&predictions, Statistic::Accuracy).unwrap();
        covered += u32::from((found.low..=found.high).contains(&0.65));
        // The normal interval that treats the 480 clips as independent.
        let n = predictions.rows().len() as f64;
        let hits = predictions
            .rows()
            .iter()
            .filter(|row| row.predicted() == row.truth)
            .count();
        let accuracy = hits as f64 / n;
        let half = 1.96 * (accuracy * (1.0 - accuracy) / n).sqrt();
        naive += u32::from((accuracy - 0.65).abs() <= half);
    }
    // The nominal level is 95 %; percentile intervals over 24 clusters fall slightly short. 200 experiments have a
    // standard error of 1.7 points.
    assert!((176..=199).contains(&covered), "{covered} of {experiments}");
    assert!(
        naive < covered,
        "clips taken for independent: {naive} of {experiments}"
    );
}
