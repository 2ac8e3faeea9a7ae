//! Predictions and histories: what is written to a file can be read back, and errors name what is wrong.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

mod common;

use common::{certain, labels, row};
use proptest::prelude::*;
use ser_eval::{Epoch, Error, History, Prediction, Predictions};

fn text() -> impl Strategy<Value = String> {
    // Everything that CSV has to quote, and characters beyond ASCII.
    proptest::string::string_regex("[a-z ,;\"'\n\r\té中]{0,8}").unwrap()
}

fn optional() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(text().prop_filter("empty means unknown", |text| !text.is_empty()))
}

fn probabilities(classes: usize) -> impl Strategy<Value = Vec<f32>> {
    proptest::collection::vec(0.001_f32..1.0, classes).prop_map(|weights| {
        let sum: f32 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    })
}

fn prediction(classes: usize) -> impl Strategy<Value = Prediction> {
    let texts = (text(), text(), text());
    (
        texts,
        0..classes,
        probabilities(classes),
        (optional(), optional(), optional()),
        proptest::collection::btree_map("[a-z_ =\"é]{1,6}", text(), 0..3),
    )
        .prop_map(
            |(
                (clip, speaker, split),
                truth,
                probabilities,
                (gender, intensity, statement),
                attributes,
            )| {
                Prediction {
                    clip,
                    speaker,
                    truth,
                    probabilities,
                    split,
                    gender,
                    intensity,
                    statement,
                    attributes,
                }
            },
        )
}

fn predictions() -> impl Strategy<Value = Predictions> {
    proptest::collection::btree_set("[a-z ,\"é中_<&]{1,6}[a-z]", 2..6).prop_flat_map(|names| {
        let names: Vec<String> = names.into_iter().collect();
        proptest::collection::vec(prediction(names.len()), 0..12).prop_map(move |mut rows| {
            for (index, row) in rows.iter_mut().enumerate() {
                row.clip = format!("{index}{}", row.clip);
            }
            Predictions::new(names.clone(), rows).unwrap()
        })
    })
}

fn history() -> impl Strategy<Value = History> {
    let figures =
        proptest::array::uniform8(proptest::num::f64::NORMAL | proptest::num::f64::INFINITE);
    (
        proptest::collection::vec(figures, 1..20),
        any::<bool>(),
        0_u32..20,
    )
        .prop_map(|(figures, has_best, best)| {
            let epoch = |(index, f): (usize, &[f64; 8])| Epoch {
                epoch: index as u32,
                learning_rate: f[0],
                train_loss: f[1],
                train_accuracy: f[2],
                train_uar: f[3],
                validation_loss: f[4],
                validation_accuracy: f[5],
                validation_uar: f[6],
                seconds: f[7],
            };
            let best = has_best.then_some(best % figures.len() as u32);
            History {
                epochs: figures.iter().enumerate().map(epoch).collect(),
                best,
            }
        })
}

proptest! {
    #[test]
    fn predictions_survive_the_file(predictions in predictions()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        predictions.write_csv(&path).unwrap();
        prop_assert_eq!(Predictions::read_csv(&path).unwrap(), predictions);
    }

    #[test]
    fn a_history_survives_the_file(history in history()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.csv");
        history.write_csv(&path).unwrap();
        prop_assert_eq!(History::read_csv(&path).unwrap(), history);
    }

    // Both files have ten columns. Without rows of ten cells, no cell would be parsed.
    #[test]
    fn no_text_makes_the_readers_panic(
        rows in "(([a-z0-9.-]{0,3},){9}([a-z]{0,3}|true|false)\n){0,3}",
        text in "[a-z0-9,.\n\"-]{0,100}",
        has_header in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.csv");
        let write = |header: &str| {
            let header = if has_header { header } else { "" };
            std::fs::write(&path, format!("{header}{rows}{text}")).unwrap();
        };
        write(HEADER);
        let _ = Predictions::read_csv(&path);
        write(HISTORY_HEADER);
        let _ = History::read_csv(&path);
    }
}

const HEADER: &str = "clip,split,speaker,gender,intensity,statement,truth,predicted,p_a,p_b\n";
const HISTORY_HEADER: &str = "epoch,learning_rate,train_loss,train_accuracy,train_uar,\
                              validation_loss,validation_accuracy,validation_uar,seconds,best\n";

fn read(rows: &str) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.csv");
    std::fs::write(&path, format!("{HEADER}{rows}")).unwrap();
    Predictions::read_csv(&path).unwrap_err()
}

#[test]
fn a_wrong_cell_is_named_by_line_and_column() {
    let good = "1.wav,t,01,,,,a,a,0.75,0.25\n";
    for (bad, column) in [
        ("2.wav,t,01,,,,c,a,0.75,0.25\n", "truth"),
        ("2.wav,t,01,,,,a,b,0.75,0.25\n", "predicted"),
        ("2.wav,t,01,,,,a,a,0.75,high\n", "p_b"),
    ] {
        let error = read(&format!("{good}{bad}"));
        assert!(
            matches!(&error, Error::Cell { line: 3, column: name, .. } if name == column),
            "{error}"
        );
        assert!(
            error.to_string().contains("predictions.csv, line 3"),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_does_not_fit_together_is_refused_with_its_path() {
    let twice = "1.wav,t,01,,,,a,a,0.75,0.25\n1.wav,t,01,,,,a,a,0.75,0.25\n";
    let error = read(twice);
    assert!(
        matches!(&error, Error::Contents { source, .. } if matches!(**source, Error::Duplicate { .. }))
    );
    assert!(
        error
            .to_string()
            .contains("predictions.csv: clip `1.wav` appears twice"),
        "{error}"
    );
    assert!(
        matches!(read("1.wav,t,01,,,,a,a,0.75\n"), Error::Csv { .. }),
        "a missing cell"
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.csv");
    std::fs::write(&path, "epoch,loss\n1,2\n").unwrap();
    assert!(matches!(
        Predictions::read_csv(&path),
        Err(Error::Header { .. })
    ));
    assert!(matches!(
        History::read_csv(&path),
        Err(Error::Header { .. })
    ));
    assert!(matches!(
        History::read_csv(folder.path().join("none")),
        Err(Error::Io(_))
    ));
}

#[test]
fn a_history_has_one_best_epoch_and_numbers_in_every_cell() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    let read = |rows: &str| {
        std::fs::write(&path, format!("{HISTORY_HEADER}{rows}")).unwrap();
        History::read_csv(&path)
    };
    let first = "1,0.001,2.0,0.5,0.5,2.0,0.5,0.5,1.0,true\n";
    let second = "2,0.001,1.5,0.6,0.6,1.8,0.6,0.6,1.0,false\n";
    assert_eq!(read(&format!("{first}{second}")).unwrap().best, Some(1));

    let error = read(&format!("{first}{}", second.replace("false", "true"))).unwrap_err();
    assert!(
        matches!(&error, Error::Cell { line: 3, column, .. } if column == "best"),
        "{error}"
    );
    let error = read(&first.replace("2.0,0.5,0.5,2.0", "low,0.5,0.5,2.0")).unwrap_err();
    assert!(matches!(error, Error::Csv { .. }), "{error}");
}

#[test]
fn rows_that_are_no_distribution_are_refused() {
    let new = |truth, p: &[f32]| {
        Predictions::new(labels(&["a", "b"]), vec![row("x.wav", "01", truth, p)])
    };
    assert!(new(0, &[0.5, 0.5]).is_ok());
    for (truth, p) in [
        (2, &[0.5, 0.5][..]),
        (0, &[1.0]),
        (0, &[0.5, 0.6]),
        (0, &[1.5, -0.5]),
        (0, &[f32::NAN, 1.0]),
    ] {
        assert!(
            matches!(new(truth, p), Err(Error::Prediction { .. })),
            "{truth} {p:?}"
        );
    }
}

#[test]
fn labels_that_cannot_be_told_apart_are_refused() {
    for names in [
        &["a"][..],
        &["a", "a"],
        &["a", " "],
        &["a", "b\n"],
        &["a", "\u{ffff}"],
    ] {
        assert!(
            matches!(
                Predictions::new(labels(names), vec![]),
                Err(Error::Labels { .. })
            ),
            "{names:?}"
        );
    }
}

#[test]
fn pooled_parts_have_the_same_labels_and_no_clip_twice() {
    let part = |names: &[&str], split: &str| {
        let mut row = row("x.wav", "01", 0, &certain(2, 0));
        row.split = split.to_owned();
        Predictions::new(labels(names), vec![row]).unwrap()
    };
    let pooled = Predictions::pool([part(&["a", "b"], "1"), part(&["a", "b"], "2")]).unwrap();
    assert_eq!(
        pooled.splits(),
        ["1", "2"],
        "seeds draw the same clip again"
    );
    let again = Predictions::pool([part(&["a", "b"], "1"), part(&["a", "b"], "1")]);
    assert!(matches!(again, Err(Error::Duplicate { .. })));
    let other = Predictions::pool([part(&["a", "b"], "1"), part(&["b", "a"], "2")]);
    assert!(matches!(other, Err(Error::LabelsDiffer { .. })));
    assert!(matches!(Predictions::pool([]), Err(Error::Empty { .. })));
}

/// Returns predictions with one row per element of `rows`: clip, truth, and probability of the first of two classes.
fn of_two(names: &[&str], rows: &[(&str, usize, f32)]) -> Predictions {
    let rows = rows.iter();
    let rows = rows.map(|&(clip, truth, p)| row(clip, "01", truth, &[p, 1.0 - p]));
    Predictions::new(labels(names), rows.collect()).unwrap()
}

#[test]
fn an_average_weighs_the_probabilities_of_each_clip() {
    let first = of_two(&["a", "b"], &[("x.wav", 0, 0.75), ("y.wav", 1, 0.5)]);
    let second = of_two(&["a", "b"], &[("x.wav", 0, 0.0), ("y.wav", 1, 0.25)]);
    let found = Predictions::average([(1.0, &first), (2.0, &second), (0.0, &first)]).unwrap();
    for (row, expected) in found.rows().iter().zip([0.25, 1.0 / 3.0]) {
        assert!((row.probabilities[0] - expected).abs() < 1e-6, "{row:?}");
        assert!((row.probabilities[1] - (1.0 - expected)).abs() < 1e-6);
    }
    let clips = |of: &Predictions| -> Vec<(String, usize)> {
        let rows = of.rows().iter();
        rows.map(|row| (row.clip.clone(), row.truth)).collect()
    };
    assert_eq!(clips(&found), clips(&first));
}

#[test]
fn an_average_of_other_labels_or_clips_is_refused_with_the_first_clip_that_differs() {
    let first = of_two(&["a", "b"], &[("x.wav", 0, 0.5), ("y.wav", 1, 0.5)]);
    let with = |second: &Predictions| Predictions::average([(1.0, &first), (1.0, second)]);
    let other = of_two(&["a", "c"], &[("x.wav", 0, 0.5), ("y.wav", 1, 0.5)]);
    assert!(matches!(with(&other), Err(Error::LabelsDiffer { .. })));

    let differs = |found: ser_eval::Result<Predictions>, at: &str| {
        let error = found.unwrap_err();
        assert!(
            matches!(&error, Error::Prediction { clip, .. } if clip == at),
            "{error}"
        );
    };
    let renamed = of_two(&["a", "b"], &[("x.wav", 0, 0.5), ("z.wav", 1, 0.5)]);
    differs(with(&renamed), "y.wav");
    let relabelled = of_two(&["a", "b"], &[("x.wav", 1, 0.5), ("y.wav", 1, 0.5)]);
    differs(with(&relabelled), "x.wav");
    let rows = [("x.wav", 0, 0.5), ("y.wav", 1, 0.5), ("z.wav", 1, 0.5)];
    differs(with(&of_two(&["a", "b"], &rows)), "z.wav");
    differs(with(&of_two(&["a", "b"], &rows[..1])), "y.wav");
    let none = of_two(&["a", "b"], &[]);
    differs(Predictions::average([(1.0, &none), (1.0, &first)]), "x.wav");
}

#[test]
fn an_average_needs_a_weight_above_zero() {
    let only = of_two(&["a", "b"], &[("x.wav", 0, 0.5)]);
    for parts in [vec![], vec![(0.0, &only)]] {
        assert!(matches!(
            Predictions::average(parts),
            Err(Error::Empty { .. })
        ));
    }
}
