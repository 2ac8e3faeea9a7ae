//! Comparisons of runs: known p-values, symmetry, and errors.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

mod common;

use common::{certain, labels, row, two_classes};
use ser_eval::{Difference, Error, Over, Pair, Predictions, SIGN_FLIPS, Verdict, holm};

/// Returns a run with one speaker per element, each with four clips of two classes, of which this many are correct.
fn run(right: &[usize]) -> Predictions {
    let mut rows = Vec::new();
    for (speaker, &right) in right.iter().enumerate() {
        for clip in 0..4 {
            let truth = clip % 2;
            let answer = if clip < right { truth } else { 1 - truth };
            let (clip, speaker) = (format!("{speaker}-{clip}.wav"), format!("{speaker:02}"));
            rows.push(row(&clip, &speaker, truth, &certain(2, answer)));
        }
    }
    Predictions::new(labels(&["calm", "angry"]), rows).unwrap()
}

fn compare(runs: &[(&str, &Predictions)]) -> ser_eval::Result<Vec<Pair>> {
    ser_eval::compare(runs, Over::AllClips)
}

fn accuracy(first: &Predictions, second: &Predictions) -> Difference {
    compare(&[("a", first), ("b", second)]).unwrap()[0].accuracy
}

#[test]
fn a_run_against_itself_has_no_difference_and_a_p_of_one() {
    for speakers in [1, 6, 24] {
        let run = run(&vec![3; speakers]);
        let pairs = compare(&[("a", &run), ("b", &run)]).unwrap();
        for found in [pairs[0].uar, pairs[0].accuracy] {
            assert_eq!((found.value, found.p, found.corrected), (0.0, 1.0, 1.0));
            match found.interval {
                Some(interval) => assert_eq!((interval.low, interval.high), (0.0, 0.0)),
                None => assert_eq!(speakers, 1),
            }
        }
    }
}

#[test]
fn few_speakers_have_the_p_value_of_counting_by_hand() {
    // The shares of the speakers are +2, +1, +1, −1 sixteenths, with the sum 3. A sum of 3 or more takes the 2 and at
    // least two of the ones, which is 4 of the 16 ways to set signs; as many give −3 or less.
    let found = accuracy(&run(&[4, 3, 2, 1]), &run(&[2, 2, 1, 2]));
    assert!((found.value - 3.0 / 16.0).abs() < 1e-12);
    assert!(found.exact);
    assert_eq!(found.p, 8.0 / 16.0);

    // Three speakers, all of them better: only the signs as they are, or all flipped, are as extreme.
    let found = accuracy(&run(&[4, 4, 4]), &run(&[3, 2, 1]));
    assert_eq!(found.p, 2.0 / 8.0);
}

#[test]
fn speakers_on_whom_the_runs_agree_change_no_p_value() {
    let few = accuracy(&run(&[4, 4, 4]), &run(&[3, 2, 1]));
    let many = accuracy(
        &run(&[&[4, 4, 4][..], &[2; 30]].concat()),
        &run(&[&[3, 2, 1][..], &[2; 30]].concat()),
    );
    assert_eq!((few.p, few.exact), (many.p, many.exact));
}

#[test]
fn uar_and_accuracy_are_tested_each_by_its_own_weights() {
    // Three clips of class 0 and one of class 1, each of another speaker. The first run is correct on class 1 alone,
    // the second on two of the others: the second is better by accuracy and worse by UAR.
    let clips = |right: [bool; 4]| {
        let speakers = ["01", "02", "03", "04"];
        let clip = |i: usize| {
            let truth = usize::from(i == 3);
            (speakers[i], truth, if right[i] { truth } else { 1 - truth })
        };
        two_classes(&[clip(0), clip(1), clip(2), clip(3)])
    };
    let (first, second) = (
        clips([false, false, false, true]),
        clips([true, true, false, false]),
    );
    let pair = &compare(&[("first", &first), ("second", &second)]).unwrap()[0];
    assert!((pair.accuracy.value + 1.0 / 4.0).abs() < 1e-12);
    assert!((pair.uar.value - (1.0 / 2.0 - 1.0 / 3.0)).abs() < 1e-12);
    // The shares by accuracy are −1, −1, +1: every sum is as large. By UAR they are −1/6, −1/6, +1/2: 1/6 is the
    // smallest sum.
    assert_eq!((pair.accuracy.p, pair.uar.p), (1.0, 1.0));

    // Two speakers of class 0 cancel each other, and that of class 1 is better: by accuracy the shares are +1, −1, +1,
    // and every sum is as large. By UAR they are +1/6, −1/6, +1/2 with the sum 1/2: of the eight ways to set signs, only
    // −1/6 −1/6 +1/2 and its opposite give a smaller one.
    let (first, second) = (
        clips([true, false, false, true]),
        clips([false, true, false, false]),
    );
    let pair = &compare(&[("first", &first), ("second", &second)]).unwrap()[0];
    assert_eq!((pair.accuracy.p, pair.uar.p), (1.0, 0.75));
}

#[test]
fn a_clear_difference_over_many_speakers_is_found() {
    let found = accuracy(&run(&[4; 24]), &run(&[3; 24]));
    assert_eq!(found.value, 0.25);
    assert!(!found.exact);
    assert_eq!(found.p, 1.0 / (1 + SIGN_FLIPS) as f64);
    assert_eq!(found.interval.map(|i| (i.low, i.high)), Some((0.25, 0.25)));
}

#[test]
fn drawn_signs_agree_with_counting_all_of_them() {
    // Seventeen speakers, one more than the exact test covers: nine to eight for the first, by one clip each. Any sum
    // of 17 ones is odd, so every one is at least as large as 1.
    let first: Vec<usize> = (0..17).map(|i| if i < 9 { 2 } else { 1 }).collect();
    let found = accuracy(
        &run(&first),
        &run(&first.iter().map(|n| 3 - n).collect::<Vec<_>>()),
    );
    assert_eq!((found.p, found.exact), (1.0, false));
    // Fourteen to three: a sum of 11 or more has at most 3 of 17 signs against it.
    let first: Vec<usize> = (0..17).map(|i| if i < 14 { 2 } else { 1 }).collect();
    let found = accuracy(
        &run(&first),
        &run(&first.iter().map(|n| 3 - n).collect::<Vec<_>>()),
    );
    let exact = 2.0 * f64::from(1 + 17 + 136 + 680) / f64::from(1 << 17);
    assert!((found.p - exact).abs() < 1e-3, "{} {exact}", found.p);
}

#[test]
fn exchanging_the_runs_turns_the_sign_and_nothing_else() {
    let (a, b) = (run(&[4, 3, 4, 2, 3, 4]), run(&[2, 3, 3, 3, 1, 4]));
    let (there, back) = (accuracy(&a, &b), accuracy(&b, &a));
    assert_eq!((there.value, there.p), (-back.value, back.p));
    let (there, back) = (there.interval.unwrap(), back.interval.unwrap());
    assert!((there.low + back.high).abs() < 1e-12 && (there.high + back.low).abs() < 1e-12);
}

#[test]
fn three_runs_make_three_pairs_with_corrected_p_values() {
    let (a, b, c) = (run(&[4; 8]), run(&[3; 8]), run(&[3; 8]));
    let pairs = compare(&[("a", &a), ("b", &b), ("c", &c)]).unwrap();
    let names: Vec<_> = pairs.iter().map(|p| (&*p.first, &*p.second)).collect();
    assert_eq!(names, [("a", "b"), ("a", "c"), ("b", "c")]);
    let p: Vec<f64> = pairs.iter().map(|pair| pair.accuracy.p).collect();
    assert_eq!(p, [2.0 / 256.0, 2.0 / 256.0, 1.0]);
    let corrected: Vec<f64> = pairs.iter().map(|pair| pair.accuracy.corrected).collect();
    assert_eq!(corrected, [6.0 / 256.0, 6.0 / 256.0, 1.0]);
}

#[test]
fn a_corrected_p_value_is_never_smaller_than_one_before_it_and_never_above_one() {
    assert_eq!(holm(&[]), Vec::<f64>::new());
    assert_eq!(holm(&[0.5, 0.9, 0.6]), [1.0, 1.0, 1.0]);
    let found = holm(&[0.01, 0.011, 0.2]);
    for (found, expected) in found.iter().zip([0.03, 0.03, 0.2]) {
        assert!((found - expected).abs() < 1e-12, "{found}");
    }
}

#[test]
fn runs_on_other_clips_or_labels_are_refused_by_name() {
    let message = |second: &Predictions| {
        let first = run(&[4, 4]);
        let error = compare(&[("runs/one", &first), ("runs/two", second)]).unwrap_err();
        assert!(matches!(error, Error::RunsDiffer { .. }));
        let message = error.to_string();
        assert!(message.contains("`runs/one` and `runs/two`"), "{message}");
        message
    };
    let fewer = message(&run(&[4]));
    assert!(
        fewer.contains("only the first answered: 4, such as `1-0.wav`"),
        "{fewer}"
    );
    let mut rows = run(&[4, 4]).rows().to_vec();
    rows[5].truth = 0;
    let relabelled = message(&Predictions::new(labels(&["calm", "angry"]), rows).unwrap());
    assert!(
        relabelled.contains("`1-1.wav` of speaker 01, labelled calm"),
        "{relabelled}"
    );
    let rows = run(&[4, 4]).rows().to_vec();
    let other = message(&Predictions::new(labels(&["calm", "sad"]), rows).unwrap());
    assert!(
        other.contains("calm, angry; the second calm, sad"),
        "{other}"
    );
}

#[test]
fn the_same_clips_in_other_splits_are_the_same_clips() {
    let first = run(&[4, 2]);
    let mut rows = first.rows().to_vec();
    rows.reverse();
    rows.iter_mut()
        .for_each(|row| row.split = format!("speaker-{}", row.speaker));
    let second = Predictions::new(labels(&["calm", "angry"]), rows).unwrap();
    assert_eq!(accuracy(&first, &second).p, 1.0);
}

#[test]
fn with_few_speakers_no_difference_is_called_significant_nor_chance() {
    let verdict = |speakers: usize, worse: usize| {
        let (good, bad) = (run(&vec![4; speakers]), run(&vec![worse; speakers]));
        compare(&[("good", &good), ("bad", &bad)]).unwrap()[0].verdict()
    };
    // Five speakers give p = 2/2⁵ = 0.0625 at best, six 0.03125.
    assert_eq!(verdict(5, 0), Verdict::TooFewSpeakers);
    assert_eq!(verdict(6, 0), Verdict::First);
    let (a, b) = (
        run(&[4, 2, 4, 2, 4, 2, 4, 2]),
        run(&[2, 4, 2, 4, 2, 4, 2, 4]),
    );
    let pairs = compare(&[("a", &a), ("b", &b)]).unwrap();
    assert_eq!(pairs[0].verdict(), Verdict::NotSignificant);
    // Of three pairs, six speakers give a corrected p of 3 · 0.03125 at best.
    let (a, b, c) = (run(&[4; 6]), run(&[0; 6]), run(&[2; 6]));
    let pairs = compare(&[("a", &a), ("b", &b), ("c", &c)]).unwrap();
    assert!(
        pairs
            .iter()
            .all(|pair| pair.verdict() == Verdict::TooFewSpeakers)
    );
}

#[test]
fn a_large_split_counts_no_more_than_a_small_one_over_splits() {
    // The first run is better by a quarter on six speakers of one split, and worse by a half on two of the other.
    let of_splits = |right: &[usize]| {
        let mut rows = run(right).rows().to_vec();
        for row in &mut rows {
            let split = if row.speaker.as_str() < "06" {
                "large"
            } else {
                "small"
            };
            row.split = split.to_owned();
        }
        Predictions::new(labels(&["calm", "angry"]), rows).unwrap()
    };
    let first = of_splits(&[3, 3, 3, 3, 3, 3, 2, 2]);
    let second = of_splits(&[2, 2, 2, 2, 2, 2, 4, 4]);
    let over = |over| {
        let pairs = ser_eval::compare(&[("first", &first), ("second", &second)], over);
        pairs.unwrap()[0].accuracy
    };
    let (all, splits) = (over(Over::AllClips), over(Over::Splits));
    assert!((all.value - (6.0 / 4.0 - 2.0 / 2.0) / 8.0).abs() < 1e-12);
    assert!((splits.value - (1.0 / 4.0 - 1.0 / 2.0) / 2.0).abs() < 1e-12);
    // The shares over splits are six of 1/48 and two of −1/8, with the sum −1/8: it is exceeded, or reached, unless the two are
    // of different signs and the six do not all have one sign.
    assert_eq!(splits.p, (2.0 * 64.0 + 2.0 * 2.0) / 256.0);
    // Speakers are drawn within their split, so every resample has this difference.
    assert_eq!(
        splits.interval.map(|i| (i.low, i.high)),
        Some((-0.125, -0.125))
    );
    assert!(all.interval.is_some_and(|i| i.low < i.high));
}

#[test]
fn one_run_is_not_compared() {
    assert!(matches!(
        compare(&[("alone", &run(&[4]))]),
        Err(Error::Empty { .. })
    ));
}
