//! The split that a manifest gives.

use super::speakers;
use crate::random::Random;
use crate::{Corpus, Disjoint, Error, Parts, Protocol, Result, Split};

pub(super) fn split(corpus: &Corpus, seed: u64) -> Result<Split> {
    let protocol = Protocol::Given;
    let clips = corpus.clips();
    let mut parts = Parts::default();
    for (index, clip) in clips.iter().enumerate() {
        let Some(side) = clip.split else {
            let without = clips.iter().filter(|clip| clip.split.is_none()).count();
            return Err(Error::Unsuited {
                protocol: protocol.to_string(),
                expected: "train, dev or test for every clip, in a column `split` of its manifest"
                    .to_owned(),
                actual: format!("none for {without} clips, the first of them {}", clip.name),
            });
        };
        parts.side(side).push(index);
    }
    let is_validated = !parts.validation.is_empty();
    let checked = Split::new(corpus, protocol.as_str(), parts, Disjoint::SpeakersAndAudio);
    let checked = checked.map_err(|error| match error {
        Error::Overlap { .. } => Error::GivenOverlap(Box::new(error)),
        error => error,
    })?;
    if is_validated {
        return Ok(checked);
    }
    let is_tested = |speaker: &String| {
        let mut tested = checked.test().iter();
        tested.any(|&index| clips[index].speaker == *speaker)
    };
    let tested: Vec<String> = corpus.speakers().into_iter().filter(is_tested).collect();
    let name = checked.name().to_owned();
    let mut random = Random::new(seed, 0);
    let all = |_: &_| true;
    speakers::split(protocol, corpus, name, &tested, all, all, &mut random)
}
