//! Inner splits: they divide the training part of a split again, for choices that must not see its test part.

use std::collections::{BTreeMap, BTreeSet};

use super::{add_gender, random};
use crate::random::Random;
use crate::{Corpus, Disjoint, Error, Parts, Result, Split, SplitName};

/// Minimum number of speakers that an inner split tests, if there are enough speakers.
const INNER_SPEAKERS: usize = 4;

impl Split {
    /// Divides the training and validation clips of this split again, in up to `count` ways. The clips that an inner
    /// split *tests* are validation clips for this split: recipes, epochs, temperatures and weights may be chosen on
    /// them.
    ///
    /// If this split tests a corpus that it does not train on, or tests nothing and trains on several corpora, each inner
    /// split tests a corpus that it does not train on. If
    /// this split keeps speakers apart, so do the inner splits: the speakers, balanced by gender, are divided into
    /// groups of four or more (two halves if there are fewer than eight), and each inner split tests another group.
    /// Otherwise each tests another tenth, stratified by emotion. The inner splits have no validation part. They are
    /// named after this split: `fold-1-inner-1`, ….
    ///
    /// There are fewer than `count` inner splits if there are fewer groups.
    ///
    /// # Errors
    /// [`Error::Index`] if the split belongs to another corpus, and [`Error::Unsuited`] if there are fewer than two
    /// speakers, or fewer than two recordings where speakers are not kept apart.
    pub fn inner(&self, corpus: &Corpus, count: usize, seed: u64) -> Result<Vec<Split>> {
        let mut pool = [self.train(), self.validation()].concat();
        pool.sort_unstable();
        if let Some(&index) = pool.iter().find(|&&index| index >= corpus.len()) {
            return Err(Error::Index {
                split: self.name().to_owned(),
                index,
                len: corpus.len(),
            });
        }
        let mut random = Random::new(seed, 0);
        let (group_of, groups) = match self.disjoint() {
            Disjoint::Audio => random::tenths(corpus, &pool, &mut random)?,
            Disjoint::SpeakersAndAudio => match corpus_groups(corpus, &pool, self.test()) {
                Some(groups) => groups,
                None => speaker_groups(corpus, &pool, &mut random)?,
            },
        };
        (0..count.min(groups))
            .map(|tested| {
                let mut parts = Parts::default();
                for (&index, &group) in pool.iter().zip(&group_of) {
                    if group == tested {
                        &mut parts.test
                    } else {
                        &mut parts.train
                    }
                    .push(index);
                }
                let name = SplitName {
                    outer: self.name().to_owned(),
                    inner: Some(tested + 1),
                };
                Split::new(corpus, name.to_string(), parts, self.disjoint())
            })
            .collect()
    }
}

/// Returns a group for each corpus in the pool, if there are several and the split tests none of them.
fn corpus_groups(corpus: &Corpus, pool: &[usize], tested: &[usize]) -> Option<(Vec<usize>, usize)> {
    let clips = corpus.clips();
    let corpora = pool.iter().map(|&index| clips[index].corpus());
    let corpora: Vec<&str> = corpora.collect::<Option<_>>()?;
    let distinct: BTreeSet<&str> = corpora.iter().copied().collect();
    let is_untested = |&index: &usize| {
        clips[index]
            .corpus()
            .is_some_and(|name| !distinct.contains(name))
    };
    tested.iter().all(is_untested).then_some(())?;
    let group_of = joined_by_speakers(corpus, pool, &corpora);
    let firsts: BTreeSet<&str> = group_of.values().copied().collect();
    let numbers: BTreeMap<&str, usize> = firsts.into_iter().zip(0..).collect();
    (numbers.len() > 1).then_some(())?;
    Some((
        corpora.iter().map(|name| numbers[group_of[name]]).collect(),
        numbers.len(),
    ))
}

/// Returns for each corpus the first of those that it has speakers in common with, as speech and song of RAVDESS have: such
/// corpora are left out together.
fn joined_by_speakers<'a>(
    corpus: &Corpus,
    pool: &[usize],
    corpora: &[&'a str],
) -> BTreeMap<&'a str, &'a str> {
    let mut group_of: BTreeMap<&str, &str> = corpora.iter().map(|&name| (name, name)).collect();
    let mut of_speaker: BTreeMap<&str, &str> = BTreeMap::new();
    for (&index, name) in pool.iter().zip(corpora) {
        let here = group_of[name];
        let there = group_of[*of_speaker
            .entry(&corpus.clips()[index].speaker)
            .or_insert(name)];
        if here != there {
            for group in group_of
                .values_mut()
                .filter(|group| [here, there].contains(group))
            {
                *group = here.min(there);
            }
        }
    }
    group_of
}

/// Returns the group of each clip in the pool, and the number of groups.
fn speaker_groups(
    corpus: &Corpus,
    pool: &[usize],
    random: &mut Random,
) -> Result<(Vec<usize>, usize)> {
    let clips = corpus.clips();
    let mut genders: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for &index in pool {
        add_gender(&mut genders, &clips[index]);
    }
    let mut by_gender: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for (speaker, gender) in genders {
        by_gender.entry(gender).or_default().push(speaker);
    }
    for speakers in by_gender.values_mut() {
        random.shuffle(speakers);
    }
    let speakers: Vec<&str> = by_gender.into_values().flatten().collect();
    if speakers.len() < 2 {
        return Err(Error::Unsuited {
            protocol: "inner cross-validation".to_owned(),
            expected: "at least two speakers to train on, so that one can be held out".to_owned(),
            actual: speakers.len().to_string(),
        });
    }
    let groups = (speakers.len() / INNER_SPEAKERS).max(2);
    // Speakers of one gender are adjacent, so each group gets its share of them.
    let group: BTreeMap<&str, usize> = speakers.into_iter().zip((0..groups).cycle()).collect();
    let of = |&index: &usize| {
        group
            .get(clips[index].speaker.as_str())
            .copied()
            .unwrap_or(0)
    };
    Ok((pool.iter().map(of).collect(), groups))
}
