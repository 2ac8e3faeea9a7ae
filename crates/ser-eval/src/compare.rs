//! Tests whether one run is better than another, or whether chance explains the difference.
//!
//! Two runs with predictions for the same clips are compared speaker by speaker. A voice that is hard for one model is
//! often hard for the other, so their difference is much more certain than two separate intervals suggest. The speaker
//! is the unit, since clips of one speaker resemble each other.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::bootstrap::{Interval, SEED, Statistic, by_speaker, interval_over};
use crate::metrics::Confusion;
use crate::{Error, Predictions, Result};

/// If the runs differ on at most this many speakers, all 2¹⁶ or fewer sign flips are tried.
const EXACT_SPEAKERS: usize = 16;
/// Number of sign flips that are drawn at random if there are more speakers.
pub const SIGN_FLIPS: usize = 100_000;

/// The difference of one figure between two runs: the first minus the second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The difference of the pooled figures.
    pub value: f64,
    /// Its 95 % interval; the same speakers are drawn for both runs. `None` with fewer than two speakers.
    pub interval: Option<Interval>,
    /// The probability of a difference at least as large, of either sign, if for each speaker chance decides which
    /// predictions belong to which run.
    pub p: f64,
    /// Whether all sign flips were tried; if not, [`SIGN_FLIPS`] were drawn.
    pub exact: bool,
    /// The p-value, corrected for the number of compared pairs; see [`holm`].
    pub corrected: f64,
}

/// The comparison of two runs on the same clips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Name of the first run.
    pub first: String,
    /// Name of the second run.
    pub second: String,
    /// UAR of the first run minus that of the second.
    pub uar: Difference,
    /// Accuracy of the first run minus that of the second.
    pub accuracy: Difference,
}

/// Compares each pair of the named runs: the first with the second, with the third, and so on.
///
/// The figures are those of all clips pooled. The interval is a paired bootstrap over speakers. The p-value is that of
/// a sign-flip permutation test over speakers (Good 2005, *Permutation, Parametric and Bootstrap Tests of Hypotheses*):
/// exact if the runs differ on up to 16 speakers, otherwise `(1 + draws as extreme) / (1 + draws)`.
///
/// ```
/// # use ser_eval::{Prediction, Predictions, compare};
/// # fn run(right: &[bool]) -> Predictions {
/// #     let rows = right.iter().enumerate().map(|(i, &right)| Prediction {
/// #         clip: format!("{i}.wav"), speaker: i.to_string(), truth: i % 2,
/// #         probabilities: if right == (i % 2 == 0) { vec![1.0, 0.0] } else { vec![0.0, 1.0] },
/// #         split: "test".into(), gender: None, intensity: None, statement: None, attributes: Default::default(),
/// #     });
/// #     Predictions::new(vec!["calm".into(), "angry".into()], rows.collect()).unwrap()
/// # }
/// // Four speakers with one clip each: one run is correct on all of them, the other on none.
/// let (good, bad) = (run(&[true; 4]), run(&[false; 4]));
/// let pairs = compare(&[("good", &good), ("bad", &bad)])?;
/// assert_eq!(pairs[0].accuracy.value, 1.0);
/// // Of the 2⁴ ways to exchange predictions, two give a difference as large: none exchanged, and all.
/// assert_eq!(pairs[0].accuracy.p, 2.0 / 16.0);
/// # Ok::<(), ser_eval::Error>(())
/// ```
///
/// # Errors
/// [`Error::RunsDiffer`] if two runs have different labels, different clips, or different true labels of a clip;
/// [`Error::Empty`] for fewer than two runs or runs without predictions.
pub fn compare(runs: &[(&str, &Predictions)]) -> Result<Vec<Pair>> {
    if runs.len() < 2 {
        return Err(Error::Empty { what: "second run" });
    }
    let mut pairs = Vec::new();
    for (i, first) in runs.iter().enumerate() {
        for second in &runs[i + 1..] {
            check(*first, *second)?;
            pairs.push(Pair {
                first: first.0.to_owned(),
                second: second.0.to_owned(),
                uar: difference(first.1, second.1, Statistic::Uar)?,
                accuracy: difference(first.1, second.1, Statistic::Accuracy)?,
            });
        }
    }
    for figure in [
        (|pair| &mut pair.uar) as fn(&mut Pair) -> &mut Difference,
        |pair| &mut pair.accuracy,
    ] {
        let p: Vec<f64> = pairs.iter_mut().map(|pair| figure(pair).p).collect();
        for (pair, corrected) in pairs.iter_mut().zip(holm(&p)) {
            figure(pair).corrected = corrected;
        }
    }
    Ok(pairs)
}

/// Applies Holm's correction (1979, *Scand. J. Statist.* 6(2)), after which all p-values can be compared with one
/// limit. Of `m` p-values, the smallest is multiplied by `m`, the next by `m − 1` and so on; each is at least as large
/// as the one before it and at most 1.
///
/// ```
/// let corrected = ser_eval::holm(&[0.04, 0.01, 0.03]);
/// for (found, expected) in corrected.iter().zip([0.06, 0.03, 0.06]) {
///     assert!((found - expected).abs() < 1e-12);
/// }
/// ```
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, i) in order.into_iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[i]).min(1.0);
        corrected[i] = largest;
    }
    corrected
}

/// Clip, speaker and true label, with the number of predictions: a random split can draw a clip several times.
type Answered<'a> = BTreeMap<(&'a str, &'a str, &'a str), usize>;

fn answered(predictions: &Predictions) -> Answered<'_> {
    let mut clips = Answered::new();
    for row in predictions.rows() {
        let label = &predictions.labels()[row.truth];
        *clips.entry((&row.clip, &row.speaker, label)).or_default() += 1;
    }
    clips
}

/// Returns an error if two runs did not predict the same clips.
fn check(first: (&str, &Predictions), second: (&str, &Predictions)) -> Result<()> {
    let differ = |what: String| {
        Err(Error::RunsDiffer {
            first: first.0.to_owned(),
            second: second.0.to_owned(),
            what,
        })
    };
    let labels = [first.1.labels(), second.1.labels()];
    if labels[0] != labels[1] {
        let [a, b] = labels.map(|labels| labels.join(", "));
        return differ(format!("the first has the labels {a}; the second {b}"));
    }
    let (a, b) = (answered(first.1), answered(second.1));
    let missing = |from: &Answered, of: &Answered| {
        let mut missing = of
            .iter()
            .filter(|(clip, n)| from.get(*clip).is_none_or(|found| found < n));
        let ((clip, speaker, label), _) = missing.next()?;
        let n = 1 + missing.count();
        Some(format!(
            "{n}, such as `{clip}` of speaker {speaker}, labelled {label}"
        ))
    };
    match (missing(&b, &a), missing(&a, &b)) {
        (None, None) => Ok(()),
        (Some(a), None) => differ(format!("clips that only the first answered: {a}")),
        (None, Some(b)) => differ(format!("clips that only the second answered: {b}")),
        (Some(a), Some(b)) => differ(format!(
            "clips that only the first answered: {a}; only the second: {b}"
        )),
    }
}

fn difference(
    first: &Predictions,
    second: &Predictions,
    statistic: Statistic,
) -> Result<Difference> {
    let classes = first.labels().len();
    let matrices = |predictions: &Predictions| -> Vec<Confusion> {
        let speakers = by_speaker(predictions.rows()).into_values();
        speakers
            .map(|rows| Confusion::count(classes, rows))
            .collect()
    };
    // Both have the same speakers in the same order, since the clips are the same.
    let (a, b) = (matrices(first), matrices(second));
    let figure = |speakers: &[Confusion], drawn: &[usize]| {
        let mut sum = Confusion::zeros(classes);
        drawn
            .iter()
            .for_each(|&speaker| sum.add(&speakers[speaker]));
        statistic.of(&sum)
    };
    let less = |drawn: &[usize]| Some(figure(&a, drawn)? - figure(&b, drawn)?);
    let all: Vec<usize> = (0..a.len()).collect();
    let value = less(&all).ok_or(Error::Empty {
        what: "predictions",
    })?;
    let shares = shares(&a, &b, statistic);
    let (p, exact) = sign_flips(&shares);
    Ok(Difference {
        value,
        interval: interval_over(a.len(), less),
        p,
        exact,
        corrected: p,
    })
}

/// Returns the share of each speaker in the difference of the figures. A recall is a sum over clips divided by a number
/// that both runs have in common, so each figure is such a sum. Exchanging a speaker's predictions changes the sign of
/// the speaker's share.
fn shares(a: &[Confusion], b: &[Confusion], statistic: Statistic) -> Vec<f64> {
    let classes = a.first().map_or(0, |matrix| matrix.counts.len());
    let mut supports = vec![0; classes];
    for matrix in a {
        for (class, sum) in supports.iter_mut().enumerate() {
            *sum += matrix.support(class);
        }
    }
    let n: usize = supports.iter().sum();
    let present = supports.iter().filter(|&&support| support > 0).count();
    let weight = |class: usize| match statistic {
        Statistic::Accuracy => 1.0 / n as f64,
        Statistic::Uar => 1.0 / (present * supports[class]) as f64,
    };
    let share = |(a, b): (&Confusion, &Confusion)| {
        let of = |class: usize| {
            let hits = a.counts[class][class] as f64 - b.counts[class][class] as f64;
            // A class without clips has no hits, and its weight cannot be computed.
            if hits == 0.0 {
                0.0
            } else {
                weight(class) * hits
            }
        };
        (0..classes).map(of).sum()
    };
    a.iter().zip(b).map(share).collect()
}

/// Returns the two-sided p-value of a sum of shares if chance decides the sign of each, and whether all sign flips were
/// tried.
fn sign_flips(shares: &[f64]) -> (f64, bool) {
    // A speaker on whom the runs agree does not change any sum.
    let shares: Vec<f64> = shares.iter().copied().filter(|d| *d != 0.0).collect();
    let observed = shares.iter().sum::<f64>().abs();
    // Sums of the same shares in a different order can differ in their last digits.
    let extreme = |sum: f64| sum.abs() >= observed - 1e-12;
    let flipped = |signs: u64, shares: &[f64]| -> f64 {
        let signed = shares.iter().enumerate();
        signed
            .map(|(i, d)| if signs >> i & 1 == 1 { -d } else { *d })
            .sum()
    };
    if shares.len() <= EXACT_SPEAKERS {
        let all = 1_u64 << shares.len();
        let found = (0..all).filter(|&signs| extreme(flipped(signs, &shares)));
        return (found.count() as f64 / all as f64, true);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut draw = || -> f64 {
        let words = shares.chunks(64);
        words.map(|chunk| flipped(rng.next_u64(), chunk)).sum()
    };
    let found = (0..SIGN_FLIPS).filter(|_| extreme(draw())).count();
    ((1 + found) as f64 / (1 + SIGN_FLIPS) as f64, false)
}
