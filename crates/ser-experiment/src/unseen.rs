//! Selects the clips of a corpus that a model was not made from.

use std::collections::{BTreeSet, HashSet};

use ser_data::{Corpus, Origin};
use ser_predict::Model;

use crate::corpus::named;
use crate::error::{Error, Result};

/// Clips that a model can be measured on or fine-tuned on.
#[derive(Debug)]
pub(crate) struct Unseen {
    /// Their indices in the corpus.
    pub(crate) part: Vec<usize>,
    /// Number of clips left out because the model was made from them or, if its protocol is speaker-disjoint, from other clips
    /// of their speakers.
    pub(crate) left_out: usize,
    /// Number of clips left out because their emotions are not among the labels.
    pub(crate) unknown: usize,
    /// Those emotions.
    pub(crate) unknown_emotions: Vec<String>,
    /// Whether the model was made from any clip of the corpus.
    pub(crate) heard: bool,
    /// Names of speakers of the clips that speakers of the training clips had as well. They need not be the same people.
    pub(crate) namesakes: Vec<String>,
}

impl Unseen {
    /// Selects the clips of a corpus that was read from `data`, of those whose emotions are among `labels`.
    ///
    /// # Errors
    /// [`Error::NothingToMeasure`] if no clip is left.
    pub(crate) fn of(
        model: &Model,
        labels: &[String],
        corpus: &Corpus,
        data: &[Origin<'_>],
    ) -> Result<Self> {
        let clips = corpus.clips();
        // Clips that the model was made from would give optimistic figures. A speaker counts as known if the model was made
        // from a clip of theirs. Names are not compared, because every corpus has a speaker 1.
        let seen: HashSet<&str> = model
            .provenance
            .content
            .iter()
            .map(String::as_str)
            .collect();
        let is_seen = |i: usize| seen.contains(clips[i].content.as_str());
        let known: HashSet<&str> = (0..clips.len())
            .filter(|&i| model.provenance.speaker_disjoint && is_seen(i))
            .map(|i| clips[i].speaker.as_str())
            .collect();
        let (known_emotion, unknown_emotion): (Vec<usize>, Vec<usize>) =
            (0..clips.len()).partition(|&i| labels.contains(&clips[i].emotion));
        let is_new = |&i: &usize| !is_seen(i) && !known.contains(clips[i].speaker.as_str());
        let part: Vec<usize> = known_emotion.iter().copied().filter(is_new).collect();
        let left_out = known_emotion.len() - part.len();
        let unknown = unknown_emotion.iter().map(|&i| clips[i].emotion.clone());
        let mut unknown_emotions: Vec<String> = unknown.collect();
        unknown_emotions.sort_unstable();
        unknown_emotions.dedup();
        if part.is_empty() {
            return Err(Error::NothingToMeasure {
                data: named(data),
                left_out,
                unknown: unknown_emotion.len(),
                emotions: unknown_emotions,
                labels: labels.to_vec(),
            });
        }
        let speakers: BTreeSet<&str> = part.iter().map(|&i| clips[i].speaker.as_str()).collect();
        let in_training = |name: &str| {
            let mut known = model.provenance.speakers.iter();
            known.any(|known| may_be_the_same(known, name))
        };
        let namesakes = speakers.into_iter().filter(|name| in_training(name));
        Ok(Self {
            part,
            left_out,
            unknown: unknown_emotion.len(),
            unknown_emotions,
            heard: (0..clips.len()).any(is_seen),
            namesakes: namesakes.map(str::to_owned).collect(),
        })
    }
}

/// Returns whether two speakers have the same name. Where several corpora were read, the name of a speaker begins with that of
/// the corpus (`ravdess/01`), which is compared if both have one.
fn may_be_the_same(one: &str, other: &str) -> bool {
    let is_the_end = |of: &str, name: &str| of.split_once('/').is_some_and(|(_, end)| end == name);
    one == other || is_the_end(one, other) || is_the_end(other, one)
}

#[cfg(test)]
mod tests {
    use super::may_be_the_same;

    #[test]
    fn a_speaker_with_the_name_of_a_corpus_may_be_one_without() {
        assert!(may_be_the_same("ravdess/01", "ravdess/01"));
        assert!(may_be_the_same("01", "ravdess/01") && may_be_the_same("ravdess/01", "01"));
        assert!(!may_be_the_same("ravdess/01", "emo-db/01"));
        assert!(!may_be_the_same("01", "ravdess/02"));
    }
}
