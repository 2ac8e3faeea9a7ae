//! The settings in which a model is measured: what it knows besides the clip, and what happened to the sound.

use std::fmt;
use std::path::{Path, PathBuf};

use ser_audio::conditions::Condition;
#[cfg(feature = "train")]
use ser_data::Protocol;

/// The setting in which a model answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Setting {
    /// Each clip alone, as it was recorded.
    Plain,
    /// This number of other clips of the speaker is enrolled, without labels. The predictions of each random draw of these
    /// clips count as a split of its own ([`ser_eval::draw_name`]).
    Enrolled(usize),
    /// All clips of the speaker are enrolled, including the predicted ones: transductive.
    EnrolledAll,
    /// All clips of the collection that the clip comes from are known, without labels or speakers, including the predicted
    /// ones: transductive.
    Collection,
    /// The model is fine-tuned on this number of labelled clips of other speakers of the corpus
    /// ([`ser_predict::Model::fine_tune`]). The predictions of each random draw of these clips count as a split of its own.
    Labelled(usize),
    /// The sound is changed by a recording condition.
    Condition(Condition),
}

impl Setting {
    /// The settings with enrolment that are measured on a test part.
    pub(crate) const ENROLLED: [Self; 6] = [
        Self::Enrolled(2),
        Self::Enrolled(4),
        Self::Enrolled(8),
        Self::Enrolled(15),
        Self::Enrolled(30),
        Self::EnrolledAll,
    ];

    /// The further settings that are measured on a corpus that the model was not trained on.
    pub(crate) const OTHER_CORPUS: [Self; 4] = [
        Self::Collection,
        Self::Labelled(10),
        Self::Labelled(50),
        Self::Labelled(200),
    ];

    /// Returns the settings besides [`Setting::Plain`] that are measured on the test part of a protocol. For
    /// [`Protocol::Corpora`] they include [`Setting::OTHER_CORPUS`].
    #[cfg(feature = "train")]
    pub(crate) fn asked(protocol: Protocol) -> Vec<Self> {
        let enrolled = Self::ENROLLED.into_iter();
        match protocol {
            Protocol::Corpora => enrolled.chain(Self::OTHER_CORPUS).collect(),
            _ => enrolled.collect(),
        }
    }

    /// The settings with enrolment that are measured on validation clips. The temperature for enrolled speakers is fitted in the
    /// first of them for which every validation speaker has enough clips.
    pub const ENROLLED_VALIDATION: [Self; 2] = [Self::Enrolled(15), Self::EnrolledAll];

    /// Iterates over all settings, in the order of reports.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Plain)
            .chain(Self::ENROLLED)
            .chain(Self::OTHER_CORPUS)
            .chain(Condition::STANDARD.map(Self::Condition))
    }

    /// Returns whether clips of the speaker are enrolled.
    #[must_use]
    pub fn is_enrolled(self) -> bool {
        matches!(self, Self::Enrolled(_) | Self::EnrolledAll)
    }

    /// Returns whether predictions of `found` out of `of` splits or recipes are enough to pool or average them.
    ///
    /// With enrolment some may be missing: not every speaker has enough clips, and not every recipe supports enrolment. But if
    /// some lack predictions under a condition, it has not been measured on them yet.
    pub(crate) fn is_enough(self, found: usize, of: usize) -> bool {
        match self {
            Self::Enrolled(_) | Self::EnrolledAll | Self::Collection | Self::Labelled(_) => {
                found > 0
            }
            Self::Plain | Self::Condition(_) => found == of,
        }
    }

    /// Returns the path of the file of predictions: `NAME.csv` for [`Setting::Plain`], `NAME-….csv` for the others.
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
