//! What was different from a clip alone, as it was recorded, when a model answered.

use std::fmt;
use std::path::{Path, PathBuf};

use ser_audio::conditions::Condition;
use ser_data::Protocol;

/// In which setting a model was asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Setting {
    /// Each clip alone, as it was recorded.
    Plain,
    /// So many other clips of the speaker were known, without labels. Each draw of them is answered as a
    /// split of its own ([`ser_eval::draw_name`]).
    Enrolled(usize),
    /// All clips of the speaker were known, those answered among them: transductive.
    EnrolledAll,
    /// All other clips of the collection that the clip comes from were known, without labels or speakers, and the clip
    /// itself among them: transductive.
    Collection,
    /// So many labelled clips of other speakers of the corpus were learned from ([`ser_predict::Model::fine_tune`]). Each
    /// draw of them is answered as a split of its own.
    Labelled(usize),
    /// Something happened to the sound.
    Condition(Condition),
}

impl Setting {
    /// How much of a speaker is known on a test part.
    pub const ENROLLED: [Self; 6] = [
        Self::Enrolled(2),
        Self::Enrolled(4),
        Self::Enrolled(8),
        Self::Enrolled(15),
        Self::Enrolled(30),
        Self::EnrolledAll,
    ];

    /// What else is known of a corpus that a model has not learned from.
    pub const OTHER_CORPUS: [Self; 4] = [
        Self::Collection,
        Self::Labelled(10),
        Self::Labelled(50),
        Self::Labelled(200),
    ];

    /// What else is known on the test part of a protocol: where a corpus is tested that was not learned from, more than its
    /// speakers.
    pub fn asked(protocol: Protocol) -> Vec<Self> {
        let enrolled = Self::ENROLLED.into_iter();
        match protocol {
            Protocol::Corpora => enrolled.chain(Self::OTHER_CORPUS).collect(),
            _ => enrolled.collect(),
        }
    }

    /// How much of a speaker is known on validation clips; the first is what temperatures are fitted with.
    pub const ENROLLED_VALIDATION: [Self; 2] = [Self::Enrolled(15), Self::EnrolledAll];

    /// All there may be answers in, in the order of reports.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Plain)
            .chain(Self::ENROLLED)
            .chain(Self::OTHER_CORPUS)
            .chain(Condition::STANDARD.map(Self::Condition))
    }

    /// Whether a speaker was known.
    #[must_use]
    pub fn is_enrolled(self) -> bool {
        matches!(self, Self::Enrolled(_) | Self::EnrolledAll)
    }

    /// Whether answers of so many of some splits or recipes stand for all. Not every speaker has clips
    /// enough to enrol and not every recipe enrols, but a condition that some lack was not asked of them yet.
    pub(crate) fn is_enough(self, found: usize, of: usize) -> bool {
        match self {
            Self::Enrolled(_) | Self::EnrolledAll | Self::Collection | Self::Labelled(_) => {
                found > 0
            }
            Self::Plain | Self::Condition(_) => found == of,
        }
    }

    /// The file of answers: `NAME.csv`, and beside it others whose names begin with it.
    pub(crate) fn file(self, folder: &Path, name: &str) -> PathBuf {
        folder.join(match self {
            Self::Plain => format!("{name}.csv"),
            Self::Enrolled(n) => format!("{name}-enrolled-{n}.csv"),
            Self::EnrolledAll => format!("{name}-enrolled-all.csv"),
            Self::Collection => format!("{name}-collection.csv"),
            Self::Labelled(n) => format!("{name}-labelled-{n}.csv"),
            Self::Condition(condition) => {
                let condition = condition.to_string().replace(' ', "_");
                format!("{name}-condition-{condition}.csv")
            }
        })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("clean"),
            Self::Enrolled(n) => write!(f, "{n} clips enrolled"),
            Self::EnrolledAll => f.write_str("all clips enrolled (transductive)"),
            Self::Collection => f.write_str("the collection known (transductive)"),
            Self::Labelled(n) => write!(f, "{n} labelled clips of other speakers"),
            Self::Condition(condition) => condition.fmt(f),
        }
    }
}
