//! What was different from a clip alone, as it was recorded, when a model answered.

use std::fmt;
use std::path::{Path, PathBuf};

use ser_audio::conditions::Condition;

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

    /// How much of a speaker is known on validation clips; the first is what temperatures are fitted with.
    pub const ENROLLED_VALIDATION: [Self; 2] = [Self::Enrolled(15), Self::EnrolledAll];

    /// All there may be answers in, in the order of reports.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Plain)
            .chain(Self::ENROLLED)
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
            Self::Enrolled(_) | Self::EnrolledAll => found > 0,
            Self::Plain | Self::Condition(_) => found == of,
        }
    }

    /// The file of answers: `NAME.csv`, and beside it others whose names begin with it.
    pub(crate) fn file(self, folder: &Path, name: &str) -> PathBuf {
        folder.join(match self {
            Self::Plain => format!("{name}.csv"),
            Self::Enrolled(n) => format!("{name}-enrolled-{n}.csv"),
            Self::EnrolledAll => format!("{name}-enrolled-all.csv"),
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
            Self::Condition(condition) => condition.fmt(f),
        }
    }
}
