mod folds;
mod given;
mod inner;
mod random;
mod speakers;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Clip, Corpus, Disjoint, Error, Result, Split};

/// A rule that divides a corpus into splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Protocol {
    /// `seed5`: five stratified random 80/20 splits. Voices and sentences are on both sides, so figures are optimistic.
    Seed5,
    /// `random10`: stratified random 10-fold. Voices and sentences are on both sides, so figures are optimistic.
    Random10,
    /// `folds-a`: five fixed folds of the RAVDESS actors.
    FoldsA,
    /// `folds-b`: six fixed folds of the RAVDESS actors.
    FoldsB,
    /// `loso`: leaves one speaker out: each of three or more speakers is tested once, with all others in training.
    Loso,
    /// `statement`: trains on one sentence and tests on the other; the actors of `folds-a` are kept apart as well.
    Statement,
    /// `speakers-5`: five speaker-disjoint folds of any corpus of five speakers or more, balanced by number of clips.
    Speakers5,
    /// `corpora`: each of several corpora is tested once, with all others in training.
    Corpora,
    /// `given`: the one split that a manifest gives in its column `split`. No speaker is on two sides.
    Given,
}

impl Protocol {
    /// All protocols.
    pub const ALL: [Protocol; 9] = [
        Protocol::Seed5,
        Protocol::Random10,
        Protocol::FoldsA,
        Protocol::FoldsB,
        Protocol::Loso,
        Protocol::Statement,
        Protocol::Speakers5,
        Protocol::Corpora,
        Protocol::Given,
    ];

    /// Returns the name used in recipes and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Seed5 => "seed5",
            Protocol::Random10 => "random10",
            Protocol::FoldsA => "folds-a",
            Protocol::FoldsB => "folds-b",
            Protocol::Loso => "loso",
            Protocol::Statement => "statement",
            Protocol::Speakers5 => "speakers-5",
            Protocol::Corpora => "corpora",
            Protocol::Given => "given",
        }
    }

    /// Returns true if no speaker is on two sides.
    pub fn is_speaker_disjoint(self) -> bool {
        !matches!(self, Protocol::Seed5 | Protocol::Random10)
    }

    /// Returns what the parts of the splits do not share.
    pub fn disjoint(self) -> Disjoint {
        if self.is_speaker_disjoint() {
            Disjoint::SpeakersAndAudio
        } else {
            Disjoint::Audio
        }
    }

    /// Returns all splits of a corpus. The same corpus and seed give the same splits on every machine.
    ///
    /// The validation part always comes from what the protocol leaves for training. In the random protocols it is a
    /// tenth of that, stratified by emotion. In the speaker-disjoint protocols it consists of four speakers, of
    /// alternating gender if genders are known (half of the speakers if there are fewer than eight; with several
    /// corpora, this many from each). Clips with the same audio stay together.
    ///
    /// | protocol | splits | a clip is tested |
    /// | --- | --- | --- |
    /// | `seed5` | `seed-1` … `seed-5`, five draws of 80/20 | by chance |
    /// | `random10` | `fold-1` … `fold-10` | once |
    /// | `folds-a`, `folds-b`, `speakers-5` | `fold-1` … | once |
    /// | `loso` | `fold-1` …, in the order of [`Corpus::speakers`] | once |
    /// | `statement` | `fold-1-dogs`, `fold-1-kids`, …: named after the tested sentence; the other one is trained on | once |
    /// | `corpora` | `fold-1-ased`, …: named after the tested corpus, see [`Clip::corpus`](crate::Clip::corpus) | once |
    /// | `given` | `given` | if [`Clip::split`](crate::Clip::split) says so |
    ///
    /// A given split without validation clips gets them in the same way as the other speaker-disjoint splits.
    ///
    /// The fixed folds of actors work with the actors that the corpus has, if every fold has at least one.
    ///
    /// # Errors
    /// The corpus does not suit the protocol: it is too small, it has unknown speakers, a fold has no speakers, there
    /// are no statements, there is only one corpus, or a clip has no side. The same audio belongs to two speakers,
    /// which no speaker-disjoint split can hold. A given split has a speaker or audio on two sides.
    pub fn splits(&self, corpus: &Corpus, seed: u64) -> Result<Vec<Split>> {
        match self {
            Protocol::Seed5 => random::seed5(corpus, seed),
            Protocol::Random10 => random::random10(corpus, seed),
            Protocol::FoldsA | Protocol::FoldsB => {
                speakers::whole(*self, corpus, seed, &folds::fixed(*self, corpus)?)
            }
            Protocol::Loso => speakers::whole(*self, corpus, seed, &folds::one_each(corpus)),
            Protocol::Statement => speakers::by_statement(corpus, seed),
            Protocol::Speakers5 => {
                speakers::whole(*self, corpus, seed, &folds::balanced(*self, corpus, seed)?)
            }
            Protocol::Corpora => speakers::by_corpus(corpus, seed),
            Protocol::Given => Ok(vec![given::split(corpus, seed)?]),
        }
    }
}

/// Adds the speaker of a clip, with the gender if the clip tells it. A manifest may tell it in some rows of a speaker only.
fn add_gender<'a>(genders: &mut BTreeMap<&'a str, Option<&'a str>>, clip: &'a Clip) {
    let gender = genders.entry(&clip.speaker).or_default();
    *gender = gender.or(clip.gender.as_deref());
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = Error;

    /// # Errors
    /// [`Error::UnknownProtocol`], which lists the existing names.
    fn from_str(name: &str) -> Result<Self> {
        Protocol::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == name)
            .ok_or_else(|| Error::UnknownProtocol {
                name: name.to_owned(),
                known: Protocol::ALL.map(|protocol| protocol.to_string()).to_vec(),
            })
    }
}

impl TryFrom<String> for Protocol {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Protocol> for String {
    fn from(protocol: Protocol) -> Self {
        protocol.to_string()
    }
}
