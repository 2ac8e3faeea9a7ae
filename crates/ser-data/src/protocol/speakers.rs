//! Splits that keep speakers apart.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::add_gender;
use super::folds::{self, Fold};
use crate::random::Random;
use crate::ravdess::Statement;
use crate::{Clip, Corpus, Disjoint, Error, Parts, Protocol, Result, Split};

/// Makes a split for each fold, which tests all clips of the fold's speakers.
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

/// Makes two splits for each fold of `folds-a`: each tests one sentence and trains on the other.
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

/// Makes a split for each corpus, which tests it with what was learned from the others.
pub(super) fn by_corpus(corpus: &Corpus, seed: u64) -> Result<Vec<Split>> {
    let protocol = Protocol::Corpora;
    let clips = corpus.clips();
    let corpora: BTreeSet<Option<&str>> = clips.iter().map(Clip::corpus).collect();
    if corpora.len() < 2 || corpora.contains(&None) {
        let without = clips.iter().filter(|clip| clip.corpus().is_none()).count();
        return Err(Error::Unsuited {
            protocol: protocol.to_string(),
            expected: "two corpora or more, or a column `corpus` of the manifest that names a corpus for every clip".to_owned(),
            actual: format!("{}, and none for {without} clips", corpora.iter().flatten().count()),
        });
    }
    let splits = corpora.into_iter().flatten().zip(1..);
    let splits = splits.map(|(tested, number)| {
        let is_tested = |clip: &Clip| clip.corpus() == Some(tested);
        let of_tested = clips.iter().filter(|clip| is_tested(clip));
        let fold: BTreeSet<&String> = of_tested.map(|clip| &clip.speaker).collect();
        let fold: Fold = fold.into_iter().cloned().collect();
        let mut random = Random::new(seed, number);
        // The name becomes that of a folder.
        let name = tested.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        split(
            protocol,
            corpus,
            format!("fold-{number}-{name}"),
            &fold,
            |_| true,
            is_tested,
            &mut random,
        )
    });
    splits.collect()
}

/// Makes a split that tests the clips of `fold` for which `for_test` is true, and trains on those of all other speakers
/// for which `for_training` is true.
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

/// Draws four of the speakers outside the fold, or half of them if there are fewer than eight; with several corpora,
/// this many from each.
fn validation_speakers(
    protocol: Protocol,
    corpus: &Corpus,
    fold: &Fold,
    random: &mut Random,
) -> Result<Vec<String>> {
    let tested: BTreeSet<&String> = fold.iter().collect();
    let untested = corpus.clips().iter();
    let untested = untested.filter(|clip| !tested.contains(&clip.speaker));
    let mut by_corpus: BTreeMap<Option<&str>, BTreeMap<&str, Option<&str>>> = BTreeMap::new();
    // Speakers of two corpora, as of speech and song of RAVDESS, are drawn with the first: otherwise both draws together could
    // leave nobody to train on.
    let mut first: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for clip in untested {
        let corpus = *first.entry(&clip.speaker).or_insert(clip.corpus());
        add_gender(by_corpus.entry(corpus).or_default(), clip);
    }
    let of_each = by_corpus.values().map(|gender_of| draw(gender_of, random));
    let chosen: Vec<String> = of_each.flatten().collect();
    if chosen.is_empty() {
        let speakers: usize = by_corpus.values().map(BTreeMap::len).sum();
        return Err(Error::Unsuited {
            protocol: protocol.to_string(),
            expected:
                "at least two speakers besides the tested ones, one to train and one to validate"
                    .to_owned(),
            actual: format!("{speakers} of them"),
        });
    }
    Ok(chosen)
}

/// Draws four of the speakers, or half of them if there are fewer than eight, from each gender in turn.
fn draw(gender_of: &BTreeMap<&str, Option<&str>>, random: &mut Random) -> Vec<String> {
    let mut by_gender: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for (speaker, gender) in gender_of {
        by_gender.entry(*gender).or_default().push(speaker);
    }
    let wanted = (gender_of.len() / 2).min(4);
    let mut queues: VecDeque<Vec<&str>> = by_gender.into_values().collect();
    queues.iter_mut().for_each(|queue| random.shuffle(queue));
    let mut chosen = Vec::with_capacity(wanted);
    while chosen.len() < wanted {
        // Take the next gender, and put it at the end of the queue afterwards.
        let Some(mut queue) = queues.pop_front() else {
            break;
        };
        if let Some(speaker) = queue.pop() {
            chosen.push(speaker.to_owned());
            queues.push_back(queue);
        }
    }
    chosen
}
