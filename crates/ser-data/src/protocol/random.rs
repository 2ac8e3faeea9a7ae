//! Random splits, stratified by emotion. Clips with the same audio are drawn together.

use std::collections::{BTreeMap, HashMap};

use crate::random::Random;
use crate::{Corpus, Disjoint, Error, Parts, Protocol, Result, Split};

/// Indices of clips with the same audio.
type Group = Vec<usize>;

pub(super) fn seed5(corpus: &Corpus, seed: u64) -> Result<Vec<Split>> {
    let groups = groups_for(Protocol::Seed5, corpus)?;
    (1..=5)
        .map(|number| {
            let mut random = Random::new(seed, number);
            let (pool, test) = hold_out(corpus, &groups, 5, &mut random);
            split(corpus, format!("seed-{number}"), &pool, &test, &mut random)
        })
        .collect()
}

pub(super) fn random10(corpus: &Corpus, seed: u64) -> Result<Vec<Split>> {
    const FOLDS: usize = 10;
    let groups = groups_for(Protocol::Random10, corpus)?;
    let fold_of = deal(corpus, &groups, FOLDS, &mut Random::new(seed, 0));
    (0..FOLDS)
        .map(|fold| {
            let (mut pool, mut test) = (Vec::new(), Vec::new());
            for (group, &of) in groups.iter().zip(&fold_of) {
                if of == fold { &mut test } else { &mut pool }.push(group.clone());
            }
            let mut random = Random::new(seed, 1 + fold as u64);
            split(
                corpus,
                format!("fold-{}", fold + 1),
                &pool,
                &test,
                &mut random,
            )
        })
        .collect()
}

fn split(
    corpus: &Corpus,
    name: String,
    pool: &[Group],
    test: &[Group],
    random: &mut Random,
) -> Result<Split> {
    let (train, validation) = hold_out(corpus, pool, 10, random);
    let parts = Parts {
        train: train.concat(),
        validation: validation.concat(),
        test: test.concat(),
    };
    Split::new(corpus, name, parts, Disjoint::Audio)
}

/// Returns the tenth to which each clip of a pool belongs, and the number of tenths, which is less than ten if there
/// are fewer recordings.
pub(super) fn tenths(
    corpus: &Corpus,
    pool: &[usize],
    random: &mut Random,
) -> Result<(Vec<usize>, usize)> {
    let groups = groups_of(corpus, pool.iter().copied());
    if groups.len() < 2 {
        return Err(Error::Unsuited {
            protocol: "inner cross-validation".to_owned(),
            expected: "at least two recordings to train on, so that one can be held out".to_owned(),
            actual: groups.len().to_string(),
        });
    }
    let tenths = groups.len().min(10);
    let mut tenth_of = BTreeMap::new();
    for (group, tenth) in groups.iter().zip(deal(corpus, &groups, tenths, random)) {
        tenth_of.extend(group.iter().map(|&index| (index, tenth)));
    }
    Ok((tenth_of.into_values().collect(), tenths))
}

fn groups_for(protocol: Protocol, corpus: &Corpus) -> Result<Vec<Group>> {
    let groups = groups_of(corpus, 0..corpus.len());
    // Fewer groups could fill neither ten folds nor a tenth of the training part.
    if groups.len() < 10 {
        return Err(Error::Unsuited {
            protocol: protocol.to_string(),
            expected: "at least 10 clips with different audio".to_owned(),
            actual: groups.len().to_string(),
        });
    }
    Ok(groups)
}

/// Groups clips by audio, in the order in which each audio first occurs.
fn groups_of(corpus: &Corpus, clips: impl Iterator<Item = usize>) -> Vec<Group> {
    let mut place_of: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for index in clips {
        let content = &corpus.clips()[index].content;
        let place = *place_of.entry(content).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

/// Returns the groups of each emotion in random order.
fn shuffled_by_emotion(corpus: &Corpus, groups: &[Group], random: &mut Random) -> Vec<Vec<usize>> {
    let mut by_emotion: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, group) in groups.iter().enumerate() {
        if let Some(&first) = group.first() {
            by_emotion
                .entry(&corpus.clips()[first].emotion)
                .or_default()
                .push(place);
        }
    }
    let mut strata: Vec<Vec<usize>> = by_emotion.into_values().collect();
    for places in &mut strata {
        random.shuffle(places);
    }
    strata
}

/// Divides groups into the rest and one clip in `one_in`, with the same share of every emotion.
///
/// Each emotion gives its share rounded down. The clips that are then missing from the total come from the emotions
/// that rounding reduced most. Without copies of clips, which stay together, the total is exact and every emotion is
/// within one clip of its share.
fn hold_out(
    corpus: &Corpus,
    groups: &[Group],
    one_in: usize,
    random: &mut Random,
) -> (Vec<Group>, Vec<Group>) {
    let strata = shuffled_by_emotion(corpus, groups, random);
    let sizes: Vec<usize> = strata
        .iter()
        .map(|places| places.iter().map(|&place| groups[place].len()).sum())
        .collect();
    let mut quotas: Vec<usize> = sizes.iter().map(|size| size / one_in).collect();
    let whole = (sizes.iter().sum::<usize>() + one_in / 2) / one_in;
    let wanting = whole - quotas.iter().sum::<usize>();
    let mut by_loss: Vec<usize> = (0..sizes.len()).collect();
    by_loss.sort_by_key(|&stratum| std::cmp::Reverse(sizes[stratum] % one_in));
    by_loss
        .iter()
        .take(wanting)
        .for_each(|&stratum| quotas[stratum] += 1);

    let (mut rest, mut held) = (Vec::new(), Vec::new());
    for (places, mut wanted) in strata.into_iter().zip(quotas) {
        for place in places {
            let group = groups[place].clone();
            if group.len() <= wanted {
                wanted -= group.len();
                held.push(group);
            } else {
                rest.push(group);
            }
        }
    }
    (rest, held)
}

/// Assigns groups to folds: each goes to the fold where its emotion is rarest, and among those to the one with the
/// fewest clips.
fn deal(corpus: &Corpus, groups: &[Group], folds: usize, random: &mut Random) -> Vec<usize> {
    let mut fold_of = vec![0; groups.len()];
    let mut totals = vec![0; folds];
    for mut places in shuffled_by_emotion(corpus, groups, random) {
        // The small groups level out what the large ones leave uneven.
        places.sort_by_key(|&place| std::cmp::Reverse(groups[place].len()));
        let mut counts = vec![0; folds];
        for place in places {
            let fold = (0..folds)
                .min_by_key(|&fold| (counts[fold], totals[fold]))
                .unwrap_or(0);
            fold_of[place] = fold;
            counts[fold] += groups[place].len();
            totals[fold] += groups[place].len();
        }
    }
    fold_of
}
