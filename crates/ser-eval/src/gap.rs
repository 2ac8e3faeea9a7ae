//! The gap between the groups with the best and the worst figures, and whether chance explains it.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::bootstrap::{FEWEST_SPEAKERS, Interval, RESAMPLES, SEED, by_speaker, interval_over};
use crate::metrics::mean_recall;
use crate::{Group, Predictions};

/// The difference between the best and the worst of several groups of clips.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// The group with the highest UAR.
    pub best: String,
    /// The group with the lowest UAR.
    pub worst: String,
    /// UAR of the best group, over the classes that all groups have.
    pub best_uar: f64,
    /// UAR of the worst group, over the same classes.
    pub worst_uar: f64,
    /// Number of classes that all groups have.
    pub classes: usize,
    /// 95 % interval of the difference between these two groups, by resampling speakers; `None` if one of the groups has
    /// fewer than [`FEWEST_SPEAKERS`].
    pub interval: Option<Interval>,
    /// The probability that chance alone makes a gap at least as wide.
    pub p: f64,
}

impl Gap {
    /// Returns the UAR of the best group minus that of the worst.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.best_uar - self.worst_uar
    }
}

/// `(hits, predictions)` for each class.
type Recalls = Vec<(usize, usize)>;

/// Returns the gap between the groups, or `None` if there are fewer than two groups or no class that all of them have.
/// Clips without a value are left out, and so are classes that a group lacks: in RAVDESS, neutral has no strong
/// intensity, and with it the groups would not be comparable.
///
/// Among several groups, two are always the farthest apart. The gap is therefore compared with gaps that chance alone
/// makes, in 1000 draws: `p = (1 + draws with a gap as wide) / (1 + draws)`. A draw does not change how difficult each
/// speaker is. It permutes the groups among the speakers who are in one group only (gender), and within each speaker who
/// is in several (intensity). If the groups are the speakers themselves,
/// the question is whether they differ at all: the draw distributes the clips of an emotion, each with its correct and wrong
/// predictions, anew among the speakers. A clip has several predictions if it is in the test parts of several splits.
#[must_use]
pub fn gap(predictions: &Predictions, by: Group<'_>) -> Option<Gap> {
    let counts = Counts::of(predictions, by)?;
    let observed = counts.uars(&counts.totals());
    let order = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1);
    let numbered: Vec<(usize, f64)> = observed.iter().copied().enumerate().collect();
    let (worst, best) = (
        *numbered.iter().min_by(order)?,
        *numbered.iter().max_by(order)?,
    );
    let width = best.1 - worst.1;
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let by_chance = (0..RESAMPLES).filter(|_| {
        let uars = counts.uars(&counts.by_chance(by, &mut rng));
        let high = uars.iter().copied().fold(f64::MIN, f64::max);
        let low = uars.iter().copied().fold(f64::MAX, f64::min);
        high - low >= width - 1e-12
    });
    let p = (1 + by_chance.count()) as f64 / (1 + RESAMPLES) as f64;
    let between = |drawn: &[usize]| {
        let uar = |group: usize| {
            let speakers = drawn.iter().map(|&speaker| &counts.speakers[speaker]);
            let clips = speakers.filter_map(|groups| groups.get(&group));
            mean_recall(sum(counts.classes, clips).into_iter())
        };
        Some(uar(best.0)? - uar(worst.0)?)
    };
    let has_speakers = |group: usize| {
        let speakers = counts.speakers.iter();
        speakers
            .filter(|groups| groups.contains_key(&group))
            .count()
            >= FEWEST_SPEAKERS
    };
    let interval = if has_speakers(best.0) && has_speakers(worst.0) {
        interval_over(&[counts.speakers.len()], between)
    } else {
        None
    };
    Some(Gap {
        best: counts.groups[best.0].clone(),
        worst: counts.groups[worst.0].clone(),
        best_uar: best.1,
        worst_uar: worst.1,
        classes: counts.classes,
        interval,
        p,
    })
}

/// The counts of each group, speaker by speaker.
struct Counts {
    /// Names of the groups.
    groups: Vec<String>,
    /// Number of classes that all groups have.
    classes: usize,
    /// For each speaker, the groups in which the speaker has clips.
    speakers: Vec<BTreeMap<usize, Recalls>>,
    /// The clips of each class.
    clips: Vec<Clips>,
}

/// The clips of a class.
#[derive(Default)]
struct Clips {
    /// The group of each clip, in ascending order.
    groups: Vec<usize>,
    /// `(hits, predictions)` of each clip, in descending order: a draw assigns them to the groups anew.
    recalls: Recalls,
}

impl Counts {
    fn of(predictions: &Predictions, by: Group<'_>) -> Option<Self> {
        let rows = predictions.rows();
        let mut present: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for row in rows {
            if let Some(value) = by.value(row) {
                present.entry(value).or_default().insert(row.truth);
            }
        }
        let shared = present.values().cloned().reduce(|a, b| &a & &b)?;
        if present.len() < 2 || shared.is_empty() {
            return None;
        }
        let groups: Vec<&str> = present.into_keys().collect();
        let classes: Vec<usize> = shared.into_iter().collect();
        let mut speakers = Vec::new();
        let mut clips: BTreeMap<(usize, usize, &str), (usize, usize)> = BTreeMap::new();
        for rows in by_speaker(rows).into_values() {
            let mut counts: BTreeMap<usize, Recalls> = BTreeMap::new();
            for row in rows {
                let group = by.value(row).and_then(|v| groups.binary_search(&v).ok());
                let class = classes.binary_search(&row.truth).ok();
                if let (Some(group), Some(class)) = (group, class) {
                    let recalls = counts
                        .entry(group)
                        .or_insert_with(|| vec![(0, 0); classes.len()]);
                    let of_clip = clips.entry((class, group, &row.clip)).or_default();
                    for recall in [&mut recalls[class], of_clip] {
                        recall.0 += usize::from(row.predicted() == row.truth);
                        recall.1 += 1;
                    }
                }
            }
            speakers.push(counts);
        }
        let mut of_class: Vec<Clips> = Vec::new();
        of_class.resize_with(classes.len(), Clips::default);
        for ((class, group, _), recall) in clips {
            of_class[class].groups.push(group);
            of_class[class].recalls.push(recall);
        }
        for clips in &mut of_class {
            clips.recalls.sort_unstable_by(|a, b| b.cmp(a));
        }
        Some(Self {
            groups: groups.into_iter().map(str::to_owned).collect(),
            classes: classes.len(),
            speakers,
            clips: of_class,
        })
    }

    /// Returns the counts of each group.
    fn totals(&self) -> Vec<Recalls> {
        let of = |group| self.speakers.iter().filter_map(move |s| s.get(&group));
        let groups = 0..self.groups.len();
        groups.map(|group| sum(self.classes, of(group))).collect()
    }

    /// Returns the UAR of each group.
    fn uars(&self, totals: &[Recalls]) -> Vec<f64> {
        let uar = |recalls: &Recalls| mean_recall(recalls.iter().copied()).unwrap_or(0.0);
        totals.iter().map(uar).collect()
    }

    /// Returns the counts of each group in one random draw.
    fn by_chance(&self, by: Group<'_>, rng: &mut ChaCha8Rng) -> Vec<Recalls> {
        let mut totals = vec![vec![(0, 0); self.classes]; self.groups.len()];
        if by == Group::Speaker {
            for (class, clips) in self.clips.iter().enumerate() {
                let mut groups = clips.groups.clone();
                groups.shuffle(rng);
                for (group, (hits, predictions)) in groups.into_iter().zip(&clips.recalls) {
                    totals[group][class].0 += hits;
                    totals[group][class].1 += predictions;
                }
            }
            return totals;
        }
        let mut add = |group: usize, recalls: &Recalls| {
            for (total, more) in totals[group].iter_mut().zip(recalls) {
                *total = (total.0 + more.0, total.1 + more.1);
            }
        };
        let (in_one, in_several): (Vec<_>, Vec<_>) =
            self.speakers.iter().partition(|groups| groups.len() <= 1);
        let among = std::iter::once(in_one);
        let within = in_several.into_iter().map(|groups| vec![groups]);
        for speakers in among.chain(within) {
            let groups = || speakers.iter().copied().flatten();
            let mut names: Vec<usize> = groups().map(|(group, _)| *group).collect();
            names.shuffle(rng);
            for (name, (_, recalls)) in names.into_iter().zip(groups()) {
                add(name, recalls);
            }
        }
        totals
    }
}

fn sum<'a>(classes: usize, parts: impl Iterator<Item = &'a Recalls>) -> Recalls {
    let mut total = vec![(0, 0); classes];
    for part in parts {
        for (total, more) in total.iter_mut().zip(part) {
            *total = (total.0 + more.0, total.1 + more.1);
        }
    }
    total
}
