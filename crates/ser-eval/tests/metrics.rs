//! Figures compared with values worked out by hand and checked once with scikit-learn 1.9.1.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

mod common;

use common::{certain, labels, row, two_classes};
use ser_eval::{
    Error, Evaluation, FoldSummary, Group, MeanStd, Metrics, Predictions, accuracy, group_table,
    uar,
};

fn close(actual: f64, expected: f64) {
    assert!(
        (actual - expected).abs() < 1e-6,
        "{actual} is not {expected}"
    );
}

/// Nine clips of a, b, c; `b` is never predicted, `d` is predicted once and never true.
fn nine() -> Predictions {
    let clips: [(usize, [f32; 4]); 9] = [
        (0, [0.7, 0.1, 0.1, 0.1]),
        (0, [0.4, 0.3, 0.2, 0.1]),
        (0, [0.1, 0.2, 0.6, 0.1]),
        (1, [0.5, 0.25, 0.125, 0.125]),
        (1, [0.1, 0.3, 0.5, 0.1]),
        (2, [0.0, 0.0, 1.0, 0.0]),
        (2, [0.2, 0.2, 0.5, 0.1]),
        (2, [0.1, 0.1, 0.2, 0.6]),
        (2, [0.05, 0.05, 0.85, 0.05]),
    ];
    let row = |(index, (truth, p)): (usize, &(usize, [f32; 4]))| {
        row(&format!("{index}.wav"), "01", *truth, p)
    };
    let rows = clips.iter().enumerate().map(row).collect();
    Predictions::new(labels(&["a", "b", "c", "d"]), rows).unwrap()
}

#[test]
fn every_figure_equals_its_hand_computed_value() {
    let metrics = Metrics::compute(&nine()).unwrap();
    assert_eq!(metrics.n, 9);
    assert_eq!(
        metrics.confusion.counts,
        [[2, 0, 1, 0], [1, 0, 1, 0], [0, 0, 3, 1], [0, 0, 0, 0]]
    );
    close(metrics.confusion_rows[0][2], 1.0 / 3.0);
    assert_eq!(
        metrics.confusion_rows[3], [0.0; 4],
        "a class without clips keeps zeros"
    );

    close(metrics.accuracy, 5.0 / 9.0);
    close(metrics.uar, (2.0 / 3.0 + 0.0 + 3.0 / 4.0) / 3.0);
    close(metrics.chance_accuracy, 4.0 / 9.0);
    close(metrics.chance_uar, 1.0 / 3.0);

    let [a, b, c, d] = &metrics.classes[..] else {
        panic!("four classes")
    };
    close(a.precision, 2.0 / 3.0);
    close(a.recall, 2.0 / 3.0);
    close(c.precision, 3.0 / 5.0);
    close(c.recall, 3.0 / 4.0);
    close(c.f1, 2.0 / 3.0);
    assert_eq!((a.support, b.support, c.support, d.support), (3, 2, 4, 0));
    // scikit-learn's macro F1 takes every class that appears in truth or prediction.
    close(metrics.macro_f1, (2.0 / 3.0 + 0.0 + 2.0 / 3.0 + 0.0) / 4.0);

    let true_class = [
        0.7,
        0.4,
        0.1,
        0.25,
        0.3,
        1.0 - f64::from(f32::EPSILON),
        0.5,
        0.2,
        0.85_f64,
    ];
    close(
        metrics.log_loss,
        -true_class.iter().map(|p| p.ln()).sum::<f64>() / 9.0,
    );
    let brier = [0.12, 0.5, 1.22, 0.84375, 0.76, 0.0, 0.34, 1.02, 0.03];
    close(metrics.brier, brier.iter().sum::<f64>() / 9.0);
}

#[test]
fn an_undefined_ratio_is_zero_and_flagged() {
    let metrics = Metrics::compute(&nine()).unwrap();
    let [a, b, _, d] = &metrics.classes[..] else {
        panic!("four classes")
    };
    assert!(a.precision_defined && a.recall_defined);
    assert_eq!(
        (b.precision, b.precision_defined, b.recall_defined),
        (0.0, false, true)
    );
    assert_eq!(
        (d.recall, d.precision_defined, d.recall_defined),
        (0.0, true, false)
    );
}

#[test]
fn a_class_that_appears_nowhere_is_left_out_of_both_means() {
    let rows = vec![
        row("1", "01", 0, &certain(3, 0)),
        row("2", "01", 1, &certain(3, 1)),
    ];
    let metrics = Metrics::compute(&Predictions::new(labels(&["a", "b", "c"]), rows).unwrap());
    let metrics = metrics.unwrap();
    assert_eq!((metrics.uar, metrics.macro_f1), (1.0, 1.0));
}

#[test]
fn calibration_error_is_the_weighted_gap_of_the_bins() {
    // Bin (8/15, 9/15]: confidence 0.55 twice, one hit: gap 0.05. Bin (13/15, 14/15]: confidence 0.9 twice, no hit: gap
    // 0.9.
    let rows = vec![
        row("1", "01", 0, &[0.55, 0.45]),
        row("2", "01", 1, &[0.55, 0.45]),
        row("3", "01", 1, &[0.9, 0.1]),
        row("4", "01", 0, &[0.1, 0.9]),
    ];
    let predictions = Predictions::new(labels(&["a", "b"]), rows).unwrap();
    let metrics = Metrics::compute(&predictions).unwrap();
    close(metrics.calibration_error, 0.5 * 0.05 + 0.5 * 0.9);
}

#[test]
fn slices_give_the_same_figures_as_predictions() {
    let predictions = nine();
    let truth: Vec<_> = predictions.rows().iter().map(|row| row.truth).collect();
    let predicted: Vec<_> = predictions
        .rows()
        .iter()
        .map(|row| row.predicted())
        .collect();
    let metrics = Metrics::compute(&predictions).unwrap();
    close(accuracy(&truth, &predicted).unwrap(), metrics.accuracy);
    close(uar(&truth, &predicted).unwrap(), metrics.uar);
    assert!(matches!(
        accuracy(&[0], &[]),
        Err(Error::Lengths {
            truth: 1,
            predicted: 0
        })
    ));
    assert!(matches!(uar(&[], &[]), Err(Error::Empty { .. })));
}

#[test]
fn metrics_survive_json() {
    let metrics = Metrics::compute(&nine()).unwrap();
    let text = serde_json::to_string(&metrics).unwrap();
    assert_eq!(serde_json::from_str::<Metrics>(&text).unwrap(), metrics);
}

#[test]
fn no_prediction_is_an_error_and_not_a_nan() {
    let empty = Predictions::new(labels(&["a", "b"]), Vec::new()).unwrap();
    assert!(matches!(Metrics::compute(&empty), Err(Error::Empty { .. })));
    assert!(matches!(
        FoldSummary::compute(&empty),
        Err(Error::Empty { .. })
    ));
}

/// Returns the figures of splits of four clips each, of which this many are predicted correctly.
fn folds(splits: &[(&str, usize)]) -> FoldSummary {
    let mut rows = Vec::new();
    for &(split, hits) in splits {
        for clip in 0..4 {
            let predicted = usize::from(clip >= hits);
            let mut row = row(&clip.to_string(), "01", 0, &certain(2, predicted));
            row.split = split.to_owned();
            rows.push(row);
        }
    }
    FoldSummary::compute(&Predictions::new(labels(&["a", "b"]), rows).unwrap()).unwrap()
}

#[test]
fn draws_of_a_split_are_one_figure_of_it() {
    // The accuracies are 1 and 0.5 for the draws of one split, 0.25 and 0.25 for those of the other.
    let summary = folds(&[
        ("fold-1-draw-1", 4),
        ("fold-1-draw-2", 2),
        ("fold-2-draw-1", 1),
        ("fold-2-draw-2", 1),
    ]);
    assert_eq!(summary.folds.len(), 4);
    close(summary.accuracy.mean, 0.5);
    close(summary.accuracy.std.unwrap(), 0.25 * 2.0_f64.sqrt());
}

#[test]
fn folds_give_mean_and_sample_standard_deviation() {
    // The accuracies are 1, 0.5 and 0.75 in the order in which the splits first appear.
    let summary = folds(&[("fold 2", 4), ("fold 1", 2), ("fold 3", 3)]);
    let names: Vec<_> = summary
        .folds
        .iter()
        .map(|fold| fold.split.as_str())
        .collect();
    assert_eq!(names, ["fold 2", "fold 1", "fold 3"]);
    close(summary.accuracy.mean, 0.75);
    close(summary.accuracy.std.unwrap(), 0.25);
    assert_eq!(
        MeanStd::of(&[0.5]),
        Some(MeanStd {
            mean: 0.5,
            std: None
        })
    );
    assert_eq!(MeanStd::of(&[]), None);
}

#[test]
fn group_tables_split_the_clips_and_keep_the_unknown_ones() {
    let clips = [
        ("10", 0, 0),
        ("10", 1, 0),
        ("9", 0, 0),
        ("9", 1, 1),
        ("x", 1, 1),
    ];
    let predictions = two_classes(&clips);
    let speakers = group_table(&predictions, Group::Speaker);
    let names: Vec<_> = speakers.iter().map(|row| row.group.as_deref()).collect();
    assert_eq!(
        names,
        [Some("9"), Some("10"), Some("x")],
        "numbers by size, then names"
    );
    assert_eq!(
        (speakers[1].n, speakers[1].accuracy, speakers[1].uar),
        (2, 0.5, 0.5)
    );
    assert_eq!(
        speakers[2].uar, 1.0,
        "UAR over the classes that the group has"
    );
    assert!(speakers.iter().all(|row| row.uar_interval.is_none()));
    assert!(group_table(&predictions, Group::Gender).is_empty());

    let mut rows = predictions.rows().to_vec();
    for row in &mut rows[..4] {
        row.gender = Some("female".to_owned());
    }
    let predictions = Predictions::new(predictions.labels().to_vec(), rows).unwrap();
    let genders = group_table(&predictions, Group::Gender);
    assert_eq!(genders[0].group.as_deref(), Some("female"));
    assert_eq!((genders[0].n, genders[0].speakers), (4, 2));
    assert!(genders[0].accuracy_interval.is_none());
    assert_eq!((genders[1].group.as_deref(), genders[1].n), (None, 1));
}

#[test]
fn clips_are_grouped_by_any_column_that_one_of_them_has() {
    let predictions = two_classes(&[("a", 0, 0), ("a", 1, 0), ("b", 0, 0)]);
    let mut rows = predictions.rows().to_vec();
    for row in &mut rows[..2] {
        row.attributes.insert("room".to_owned(), "hall".to_owned());
    }
    let predictions = Predictions::new(predictions.labels().to_vec(), rows).unwrap();
    let by = |columns: &[&str]| {
        let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
        Evaluation::compute_by(&predictions, &columns)
    };
    let found = by(&["room", "speaker"]).unwrap().by;
    let rooms: Vec<_> = found["room"]
        .iter()
        .map(|row| (row.group.as_deref(), row.n))
        .collect();
    assert_eq!(rooms, [(Some("hall"), 2), (None, 1)]);
    assert_eq!(found["room"][0].accuracy, 0.5);
    assert_eq!(found["speaker"], group_table(&predictions, Group::Speaker));
    let refused = by(&["room", "floor"]).unwrap_err().to_string();
    assert!(
        refused.ends_with("`floor`; the columns with values are speaker, room"),
        "{refused}"
    );
}
