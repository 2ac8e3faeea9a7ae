use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Corpus, Error, Result, Split};

/// How a corpus is divided for an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Protocol {
    /// `seed5`: five stratified random 80/20 splits. Voices and sentences lie on both sides: it flatters.
    Seed5,
    /// `random10`: stratified random 10-fold. Voices and sentences lie on both sides: it flatters.
    Random10,
    /// `folds-a`: five fixed folds over the RAVDESS actors.
    FoldsA,
    /// `folds-b`: six fixed folds over the RAVDESS actors.
    FoldsB,
    /// `loso`: each speaker is tested once, with all others in training.
    Loso,
    /// `statement`: train on one sentence, test on the other, with the actors of `folds-a` apart as well.
    Statement,
    /// `speakers-5`: five speaker-disjoint folds of any corpus, balanced by number of clips.
    Speakers5,
}

impl Protocol {
    /// All protocols.
    pub const ALL: [Protocol; 7] = [
        Protocol::Seed5,
        Protocol::Random10,
        Protocol::FoldsA,
        Protocol::FoldsB,
        Protocol::Loso,
        Protocol::Statement,
        Protocol::Speakers5,
    ];

    /// The name used in recipes and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Seed5 => "seed5",
            Protocol::Random10 => "random10",
            Protocol::FoldsA => "folds-a",
            Protocol::FoldsB => "folds-b",
            Protocol::Loso => "loso",
            Protocol::Statement => "statement",
            Protocol::Speakers5 => "speakers-5",
        }
    }

    /// True if no speaker is on two sides.
    pub fn is_speaker_disjoint(self) -> bool {
        !matches!(self, Protocol::Seed5 | Protocol::Random10)
    }

    /// All splits of a corpus.
    ///
    /// # Errors
    /// The corpus does not suit the protocol; see the errors' own text.
    pub fn splits(&self, _corpus: &Corpus, _seed: u64) -> Result<Vec<Split>> {
        todo!()
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = Error;

    /// # Errors
    /// [`Error::UnknownProtocol`] lists the names there are.
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
