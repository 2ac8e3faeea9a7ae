//! Splits that keep speakers apart.

use std::collections::{BTreeMap, VecDeque};

use super::folds::{self, Fold};
use crate::random::Random;
use crate::ravdess::Statement;
use crate::{Clip, Corpus, Disjoint, Error, Parts, Protocol, Result, Split};

/// Each fold is tested on all clips of its speakers.
pub(super) fn whole(
    protocol: Protocol,
    corpus: &Corpus,
    seed: u64,
    folds: &[Fold],
) -> Result<Vec<Split>> {
    folds
        .iter()
        .zip(1..)
        .map(|(fold, number)| {
            let mut random = Random::new(seed, number);
            split(
                protocol,
                corpus,
                format!("fold-{number}"),
                fold,
                |_| true,
                |_| true,
                &mut random,
            )
        })
        .collect()
}

/// Each fold of `folds-a` is tested twice: on one sentence after training on the other, and the other way round.
pub(super) fn by_statement(corpus: &Corpus, seed: u64) -> Result<Vec<Split>> {
    let protocol = Protocol::Statement;
    let known = |clip: &&Clip| {
        Statement::ALL
            .iter()
            .any(|known| clip.statement.as_deref() == Some(known.as_str()))
    };
    if let Some(clip) = corpus.clips().iter().find(|clip| !known(clip)) {
        return Err(Error::Unsuited {
            protocol: protocol.to_string(),
            expected: "the statement `kids` or `dogs` for every clip".to_owned(),
            actual: format!(
                "`{}` for {}",
                clip.statement.as_deref().unwrap_or_default(),
                clip.path.display()
            ),
        });
    }
    let mut splits = Vec::new();
    for (fold, number) in folds::fixed(protocol, corpus)?.iter().zip(1..) {
        for tested in [Statement::Dogs, Statement::Kids] {
            let says_tested = |clip: &Clip| clip.statement.as_deref() == Some(tested.as_str());
            // Both directions validate on the same speakers.
            let mut random = Random::new(seed, number);
            splits.push(split(
                protocol,
                corpus,
                format!("fold-{number}-{tested}"),
                fold,
                |clip| !says_tested(clip),
                says_tested,
                &mut random,
            )?);
        }
    }
    Ok(splits)
}

/// Tests on the clips of `fold` that `for_test` takes; learns from those of all others that `for_training` takes.
pub(super) fn split(
    protocol: Protocol,
    corpus: &Corpus,
    name: String,
    fold: &Fold,
    for_training: impl Fn(&Clip) -> bool,
    for_test: impl Fn(&Clip) -> bool,
    random: &mut Random,
) -> Result<Split> {
    let validation_speakers = validation_speakers(protocol, corpus, fold, random)?;
    let mut parts = Parts::default();
    for (index, clip) in corpus.clips().iter().enumerate() {
        if fold.contains(&clip.speaker) {
            if for_test(clip) {
                parts.test.push(index);
            }
        } else if for_training(clip) {
            let part = if validation_speakers.contains(&clip.speaker) {
                &mut parts.validation
            } else {
                &mut parts.train
            };
            part.push(index);
        }
    }
    Split::new(corpus, name, parts, Disjoint::SpeakersAndAudio)
}

/// Four of the speakers outside the fold, or half of them if they are fewer than eight; drawn from each gender in turn.
fn validation_speakers(
    protocol: Protocol,
    corpus: &Corpus,
    fold: &Fold,
    random: &mut Random,
) -> Result<Vec<String>> {
    let gender_of: BTreeMap<&str, Option<&str>> = corpus
        .clips()
        .iter()
        .map(|clip| (clip.speaker.as_str(), clip.gender.as_deref()))
        .collect();
    let mut by_gender: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for (speaker, gender) in gender_of {
        if !fold.iter().any(|tested| tested == speaker) {
            by_gender.entry(gender).or_default().push(speaker);
        }
    }
    let speakers: usize = by_gender.values().map(Vec::len).sum();
    let wanted = (speakers / 2).min(4);
    if wanted == 0 {
        return Err(Error::Unsuited {
            protocol: protocol.to_string(),
            expected:
                "at least two speakers besides the tested ones, one to train and one to validate"
                    .to_owned(),
            actual: format!("{speakers} of them"),
        });
    }
    let mut queues: VecDeque<Vec<&str>> = by_gender.into_values().collect();
    queues.iter_mut().for_each(|queue| random.shuffle(queue));
    let mut chosen = Vec::with_capacity(wanted);
    while chosen.len() < wanted {
        // The next gender, which goes to the end of the line.
        let Some(mut queue) = queues.pop_front() else {
            break;
        };
        if let Some(speaker) = queue.pop() {
            chosen.push(speaker.to_owned());
            queues.push_back(queue);
        }
    }
    Ok(chosen)
}
