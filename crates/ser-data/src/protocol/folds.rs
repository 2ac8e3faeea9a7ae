//! Which speakers are tested together.

use std::collections::BTreeMap;
use std::path::Path;

use crate::corpora::{RAVDESS, recognise, voices};
use crate::random::Random;
use crate::table::Table;
use crate::{Corpus, Error, Protocol, Result};

/// Speakers that are tested together.
pub(super) type Fold = Vec<String>;

/// Returns the published folds, after checking them against the corpus.
pub(super) fn fixed(protocol: Protocol, corpus: &Corpus) -> Result<Vec<Fold>> {
    // The speakers of some other corpora have such numbers as well.
    let files = corpus.clips().iter().map(|clip| clip.path.clone());
    let (known, _) = recognise(&files.collect::<Vec<_>>())?;
    if voices(known.name) != RAVDESS {
        return Err(Error::Unsuited {
            protocol: protocol.to_string(),
            expected: "RAVDESS (`speakers-5` keeps the speakers of any corpus apart)".to_owned(),
            actual: format!("clips of {}", known.title),
        });
    }
    let published = published(protocol)?;
    let present = corpus.speakers();
    let unknown: Vec<String> = present
        .iter()
        .filter(|speaker| !published.values().any(|fold| fold.contains(speaker)))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(Error::UnknownSpeakers {
            protocol: protocol.to_string(),
            unknown,
        });
    }
    if let Some((&fold, missing)) = published
        .iter()
        .find(|(_, fold)| !fold.iter().any(|speaker| present.contains(speaker)))
    {
        return Err(Error::MissingSpeakers {
            protocol: protocol.to_string(),
            fold,
            missing: missing.clone(),
        });
    }
    Ok(published.into_values().collect())
}

/// Reads the folds of a protocol by number from the tables in `data/folds`.
fn published(protocol: Protocol) -> Result<BTreeMap<usize, Fold>> {
    let (file, text) = match protocol {
        Protocol::FoldsB => (
            "folds-b.csv",
            include_str!("../../../../data/folds/folds-b.csv"),
        ),
        _ => (
            "folds-a.csv",
            include_str!("../../../../data/folds/folds-a.csv"),
        ),
    };
    let table = Table::read(Path::new(file), text, &["fold", "actor"])?;
    let mut folds: BTreeMap<usize, Fold> = BTreeMap::new();
    for row in table.rows() {
        let fold = row
            .parsed("fold", "a number")?
            .ok_or_else(|| row.wrong("fold", "a number"))?;
        folds
            .entry(fold)
            .or_default()
            .push(row.required("actor")?.to_owned());
    }
    Ok(folds)
}

/// Returns a fold for each speaker.
pub(super) fn one_each(corpus: &Corpus) -> Vec<Fold> {
    corpus
        .speakers()
        .into_iter()
        .map(|speaker| vec![speaker])
        .collect()
}

/// Returns five folds of about the same number of clips, for any speakers. The speakers with the most clips are
/// assigned first, each to the fold that has the fewest clips.
pub(super) fn balanced(protocol: Protocol, corpus: &Corpus, seed: u64) -> Result<Vec<Fold>> {
    const FOLDS: usize = 5;
    let mut speakers = corpus.speakers();
    if speakers.len() < FOLDS {
        return Err(Error::Unsuited {
            protocol: protocol.to_string(),
            expected: format!("at least {FOLDS} speakers"),
            actual: speakers.len().to_string(),
        });
    }
    let mut clips: BTreeMap<&str, usize> = BTreeMap::new();
    for clip in corpus.clips() {
        *clips.entry(&clip.speaker).or_default() += 1;
    }
    let clips_of = |speaker: &String| clips.get(speaker.as_str()).copied().unwrap_or(0);
    Random::new(seed, 0).shuffle(&mut speakers);
    speakers.sort_by_key(|speaker| std::cmp::Reverse(clips_of(speaker)));
    let mut folds = vec![Fold::new(); FOLDS];
    let mut sizes = [0; FOLDS];
    for speaker in speakers {
        let lightest = (0..FOLDS).min_by_key(|&fold| sizes[fold]).unwrap_or(0);
        sizes[lightest] += clips_of(&speaker);
        folds[lightest].push(speaker);
    }
    Ok(folds)
}
