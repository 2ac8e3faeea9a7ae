//! Confidence: against accuracy, against coverage, as a threshold, and calibrated by a temperature.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

mod common;

use common::{labels, row};
use ser_eval::{
    ConfidenceThreshold, Metrics, Predictions, coverage, fit_temperature, reliability, temper,
};

/// Returns predictions of one speaker from probabilities and true class of each clip.
fn predictions<const N: usize>(answers: &[([f32; N], usize)]) -> Predictions {
    let rows = answers.iter().enumerate();
    let rows = rows.map(|(i, (p, truth))| row(&i.to_string(), "1", *truth, p));
    Predictions::new(labels(&["a", "b", "c"][..N]), rows.collect()).unwrap()
}

#[test]
fn a_bin_holds_what_lies_in_its_range_and_empty_ones_are_left_out() {
    // Two in the tenth bin, one in the next, one at the upper end of the last bin.
    let confidences = [(0.66, 0), (0.65, 1), (0.7, 0), (1.0, 0)];
    let predictions = predictions(&confidences.map(|(p, truth)| ([p, 1.0 - p], truth)));
    let bins = reliability(&predictions);
    let found: Vec<(usize, f64)> = bins.iter().map(|bin| (bin.n, bin.accuracy)).collect();
    assert_eq!(found, [(2, 0.5), (1, 1.0), (1, 1.0)]);
    assert!((bins[0].confidence - 0.655).abs() < 1e-6);
    assert_eq!((bins[0].low, bins[0].high), (9.0 / 15.0, 10.0 / 15.0));
    let expected = (2.0 * (bins[0].confidence - 0.5) + 0.3) / 4.0;
    let metrics = Metrics::compute(&predictions).unwrap();
    assert!((metrics.calibration_error - expected).abs() < 1e-6);
}

/// Returns eight predictions with confidences 0.55, 0.6, …, 0.9; only the two lowest are wrong.
fn rising() -> Predictions {
    let answers = [0, 1, 2, 3, 4, 5, 6, 7_u8].map(|i| {
        let p = 0.55 + 0.05 * f32::from(i);
        ([1.0 - p, p], usize::from(i >= 2))
    });
    predictions(&answers)
}

#[test]
fn the_least_confident_clips_are_left_out_first() {
    let found = coverage(&rising());
    let accuracies: Vec<f64> = found.iter().map(|c| c.accuracy).collect();
    assert_eq!(accuracies, [0.75, 0.75, 1.0, 1.0, 1.0]);
    assert!((found[3].confidence - 0.75).abs() < 1e-6, "{found:?}");
}

#[test]
fn a_quarter_of_the_answers_lies_below_the_threshold() {
    let fitted = ConfidenceThreshold::fit(&rising(), 1.0).unwrap();
    assert!((fitted.threshold - 0.65).abs() < 1e-6, "{fitted:?}");
    assert_eq!((fitted.accuracy_below, fitted.accuracy_above), (0.0, 1.0));
    // A higher temperature lowers the confidence and keeps the order.
    let flat = ConfidenceThreshold::fit(&rising(), 2.0).unwrap();
    assert!(flat.threshold < fitted.threshold && flat.accuracy_above == 1.0);
}

#[test]
fn answers_of_equal_confidence_are_all_kept_or_all_rejected() {
    let tied = |unsure: usize| {
        let answers = [0, 1, 2, 3, 4, 5, 6, 7].map(|i| {
            let p = if i < unsure { 0.6 } else { 0.9 };
            ([1.0 - p, p], usize::from(i >= 2))
        });
        ConfidenceThreshold::fit(&predictions(&answers), 1.0)
    };
    let found = tied(2).unwrap();
    assert_eq!((found.accuracy_below, found.accuracy_above), (0.0, 1.0));
    assert!(!found.rejects(0.9) && found.rejects(0.6));
    assert_eq!(tied(3), None);
}

/// Returns predictions with a confidence of 0.6 that are correct in six of ten cases; the rest is shared evenly.
fn honest() -> [([f32; 3], usize); 10] {
    [0, 0, 0, 0, 0, 0, 1, 1, 2, 2].map(|truth| ([0.6, 0.2, 0.2], truth))
}

#[test]
fn honest_answers_are_left_as_they_are() {
    let temperature = fit_temperature(&predictions(&honest()));
    assert!((temperature - 1.0).abs() < 0.01, "{temperature}");
}

#[test]
fn a_temperature_is_found_again() {
    for true_temperature in [0.5, 2.5] {
        let mut answers = honest();
        for (p, _) in &mut answers {
            temper(p, 1.0 / true_temperature);
        }
        let found = fit_temperature(&predictions(&answers));
        assert!((found / true_temperature - 1.0).abs() < 0.01, "{found}");
    }
}

#[test]
fn tempering_keeps_the_order_and_the_sum_also_in_the_extreme() {
    for temperature in [0.01, 0.3, 4.0, 100.0] {
        let mut p = [1e-30, 0.3, 0.7];
        temper(&mut p, temperature);
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{p:?}");
        assert!(p[0] <= p[1] && p[1] < p[2], "{p:?}");
    }
}
