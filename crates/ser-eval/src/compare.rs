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
use crate::{Error, MeanStd, Prediction, Predictions, Result};

/// If the runs differ on at most this many speakers, all 2¹⁶ or fewer sign flips are tried.
const EXACT_SPEAKERS: usize = 16;
/// Number of sign flips that are drawn at random if there are more speakers.
pub const SIGN_FLIPS: usize = 100_000;
/// A difference or gap with a (corrected) p-value below this is significant.
pub const SIGNIFICANT: f64 = 0.05;

/// The clips that a compared figure is computed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// All clips together.
    AllClips,
    /// The clips of each split: the figure is the mean over the splits. This is the figure of corpora, of which a large one
    /// counts no more than a small one.
    Splits,
}

/// The difference of one figure between two runs: the first minus the second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The difference of the figures.
    pub value: f64,
    /// Its 95 % interval; the same speakers are drawn for both runs. `None` with fewer than
    /// [`FEWEST_SPEAKERS`](crate::bootstrap::FEWEST_SPEAKERS).
    pub interval: Option<Interval>,
    /// The probability of a difference at least as large, of either sign, if for each speaker chance decides which
    /// predictions belong to which run.
    pub p: f64,
    /// Whether all sign flips were tried; if not, [`SIGN_FLIPS`] were drawn.
    pub exact: bool,
    /// The p-value, corrected for the number of compared pairs; see [`holm`].
    pub corrected: f64,
    /// The smallest corrected p-value that is possible with so many pairs and so many speakers on whom the runs differ.
    pub smallest: f64,
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

/// Which run of a pair has the higher UAR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The UAR of the first run is significantly higher.
    First,
    /// The UAR of the second run is significantly higher.
    Second,
    /// The difference may be chance.
    NotSignificant,
    /// The runs differ on so few speakers that no difference would be significant.
    TooFewSpeakers,
}

impl Pair {
    /// Returns which run has the higher UAR, if the corrected p-value is below [`SIGNIFICANT`].
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let uar = &self.uar;
        if uar.corrected < SIGNIFICANT {
            if uar.value < 0.0 {
                Verdict::Second
            } else {
                Verdict::First
            }
        } else if uar.smallest < SIGNIFICANT || uar.value == 0.0 {
            Verdict::NotSignificant
        } else {
            Verdict::TooFewSpeakers
        }
    }
}

/// Compares each pair of the named runs: the first with the second, with the third, and so on.
///
/// The interval is a paired bootstrap over speakers, within each split if the figure is a mean over splits. The p-value is that of
/// a sign-flip permutation test over speakers (Good 2005, *Permutation, Parametric and Bootstrap Tests of Hypotheses*):
/// exact if the runs differ on up to 16 speakers, otherwise `(1 + draws as extreme) / (1 + draws)`.
///
/// ```
/// # use ser_eval::{Over, Prediction, Predictions, Verdict, compare};
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
/// let pairs = compare(&[("good", &good), ("bad", &bad)], Over::AllClips)?;
/// assert_eq!(pairs[0].accuracy.value, 1.0);
/// // Of the 2⁴ ways to exchange predictions, two give a difference as large: none exchanged, and all.
/// assert_eq!(pairs[0].accuracy.p, 2.0 / 16.0);
/// assert_eq!(pairs[0].verdict(), Verdict::TooFewSpeakers);
/// # Ok::<(), ser_eval::Error>(())
/// ```
///
/// # Errors
/// [`Error::RunsDiffer`] if two runs have different labels, different clips, or different true labels of a clip;
/// [`Error::Empty`] for fewer than two runs or runs without predictions.
pub fn compare(runs: &[(&str, &Predictions)], over: Over) -> Result<Vec<Pair>> {
    if runs.len() < 2 {
        return Err(Error::Empty { what: "second run" });
    }
    let mut pairs = Vec::new();
    for (i, first) in runs.iter().enumerate() {
        for second in &runs[i + 1..] {
            check(*first, *second, over)?;
            pairs.push(Pair {
                first: first.0.to_owned(),
                second: second.0.to_owned(),
                uar: difference(first.1, second.1, Statistic::Uar, over)?,
                accuracy: difference(first.1, second.1, Statistic::Accuracy, over)?,
            });
        }
    }
    for figure in [
        (|pair| &mut pair.uar) as fn(&mut Pair) -> &mut Difference,
        |pair| &mut pair.accuracy,
    ] {
        let p: Vec<f64> = pairs.iter_mut().map(|pair| figure(pair).p).collect();
        for (pair, corrected) in pairs.iter_mut().zip(holm(&p)) {
            let difference = figure(pair);
            difference.corrected = corrected;
            difference.smallest = (difference.smallest * p.len() as f64).min(1.0);
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

/// Split, clip, speaker and true label, with the number of predictions: a random split can draw a clip several times. The split
/// is empty where it does not matter.
type Answered<'a> = BTreeMap<(&'a str, &'a str, &'a str, &'a str), usize>;

fn answered(predictions: &Predictions, over: Over) -> Answered<'_> {
    let mut clips = Answered::new();
    for row in predictions.rows() {
        let split = match over {
            Over::AllClips => "",
            Over::Splits => &row.split,
        };
        let label = &predictions.labels()[row.truth];
        *clips
            .entry((split, &row.clip, &row.speaker, label))
            .or_default() += 1;
    }
    clips
}

/// Returns an error if two runs did not predict the same clips.
fn check(first: (&str, &Predictions), second: (&str, &Predictions), over: Over) -> Result<()> {
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
    let (a, b) = (answered(first.1, over), answered(second.1, over));
    let missing = |from: &Answered, of: &Answered| {
        let mut missing = of
            .iter()
            .filter(|(clip, n)| from.get(*clip).is_none_or(|found| found < n));
        let ((_, clip, speaker, label), _) = missing.next()?;
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

/// The clips of one speaker in one stratum: all clips, or those of one split.
struct Speaker {
    stratum: usize,
    confusion: Confusion,
}

/// Counts the predictions for each speaker, in the order of the strata.
fn count(predictions: &Predictions, over: Over) -> Vec<Speaker> {
    let rows = predictions.rows().iter();
    let strata: Vec<Vec<&Prediction>> = match over {
        Over::AllClips => vec![rows.collect()],
        Over::Splits => {
            let mut splits: BTreeMap<&str, Vec<&Prediction>> = BTreeMap::new();
            rows.for_each(|row| splits.entry(&row.split).or_default().push(row));
            splits.into_values().collect()
        }
    };
    let classes = predictions.labels().len();
    let strata = strata.into_iter().enumerate();
    let speakers = strata.flat_map(|(stratum, rows)| {
        let speakers = by_speaker(rows).into_values();
        speakers.map(move |rows| Speaker {
            stratum,
            confusion: Confusion::count(classes, rows),
        })
    });
    speakers.collect()
}

fn difference(
    first: &Predictions,
    second: &Predictions,
    statistic: Statistic,
    over: Over,
) -> Result<Difference> {
    // Both have the same speakers in the same order, since the clips are the same.
    let (a, b) = (count(first, over), count(second, over));
    let strata: Vec<usize> = a
        .chunk_by(|x, y| x.stratum == y.stratum)
        .map(<[_]>::len)
        .collect();
    let figure = |speakers: &[Speaker], drawn: &[usize]| {
        let mut sums = vec![Confusion::zeros(first.labels().len()); strata.len()];
        for &speaker in drawn {
            let Speaker { stratum, confusion } = &speakers[speaker];
            sums[*stratum].add(confusion);
        }
        let figures: Option<Vec<f64>> = sums.iter().map(|sum| statistic.of(sum)).collect();
        Some(MeanStd::of(&figures?)?.mean)
    };
    let less = |drawn: &[usize]| Some(figure(&a, drawn)? - figure(&b, drawn)?);
    let all: Vec<usize> = (0..a.len()).collect();
    let value = less(&all).ok_or(Error::Empty {
        what: "predictions",
    })?;
    let shares = shares(&a, &b, statistic, strata.len());
    let (p, smallest) = sign_flips(&shares);
    Ok(Difference {
        value,
        interval: interval_over(&strata, less),
        p,
        exact: shares.len() <= EXACT_SPEAKERS,
        corrected: p,
        smallest,
    })
}

/// Returns the share of each speaker in the difference of the figures, without those of 0: a speaker on whom the runs agree. A
/// recall is a sum over clips divided by a number that both runs have in common, so each figure is such a sum. Exchanging a
/// speaker's predictions changes the sign of the speaker's share.
fn shares(a: &[Speaker], b: &[Speaker], statistic: Statistic, strata: usize) -> Vec<f64> {
    let classes = a.first().map_or(0, |of| of.confusion.counts.len());
    let mut supports = vec![vec![0; classes]; strata];
    for Speaker { stratum, confusion } in a {
        for (class, sum) in supports[*stratum].iter_mut().enumerate() {
            *sum += confusion.support(class);
        }
    }
    let weight = |stratum: usize, class: usize| {
        let supports = &supports[stratum];
        let present = supports.iter().filter(|&&support| support > 0).count();
        let clips = match statistic {
            Statistic::Accuracy => supports.iter().sum(),
            Statistic::Uar => present * supports[class],
        };
        1.0 / (strata * clips) as f64
    };
    let share = |(a, b): (&Speaker, &Speaker)| {
        let hits = |of: &Speaker, class: usize| of.confusion.counts[class][class] as f64;
        let of = |class: usize| {
            let hits = hits(a, class) - hits(b, class);
            // A class without clips has no hits, and its weight cannot be computed.
            if hits == 0.0 {
                0.0
            } else {
                weight(a.stratum, class) * hits
            }
        };
        (0..classes).map(of).sum()
    };
    a.iter().zip(b).map(share).filter(|d| *d != 0.0).collect()
}

/// Returns the two-sided p-value of a sum of shares if chance decides the sign of each, and the smallest one that so many
/// shares can have.
fn sign_flips(shares: &[f64]) -> (f64, f64) {
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
        let found = (0..all).filter(|&signs| extreme(flipped(signs, shares)));
        // No flips and all of them always give a sum as large.
        let smallest = (2.0 / all as f64).min(1.0);
        return (found.count() as f64 / all as f64, smallest);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut draw = || -> f64 {
        let words = shares.chunks(64);
        words.map(|chunk| flipped(rng.next_u64(), chunk)).sum()
    };
    let found = (0..SIGN_FLIPS).filter(|_| extreme(draw())).count();
    let p = |found: usize| (1 + found) as f64 / (1 + SIGN_FLIPS) as f64;
    (p(found), p(0))
}
