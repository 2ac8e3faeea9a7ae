use std::path::Path;

use crate::{Corpus, Result};

/// What the parts of a split must not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disjoint {
    /// No audio content on two sides. The voices may be the same: such a split flatters.
    Audio,
    /// Neither audio content nor speakers.
    SpeakersAndAudio,
}

/// Indices into [`Corpus::clips`], not yet checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Clips to learn from.
    pub train: Vec<usize>,
    /// Clips to select on (epoch, learning rate, threshold). May be empty.
    pub validation: Vec<usize>,
    /// Clips to report on.
    pub test: Vec<usize>,
}

/// A checked division of a corpus into train, validation and test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    name: String,
    disjoint: Disjoint,
    parts: Parts,
}

impl Split {
    /// Checks and sorts the parts.
    ///
    /// # Errors
    /// An index outside the corpus, an empty train or test part, or an [`Error::Overlap`](crate::Error::Overlap) that
    /// names the clips.
    pub fn new(
        _corpus: &Corpus,
        _name: impl Into<String>,
        _parts: Parts,
        _disjoint: Disjoint,
    ) -> Result<Split> {
        todo!()
    }

    /// Name of the split within its protocol, such as `fold-1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its parts do not share.
    pub fn disjoint(&self) -> Disjoint {
        self.disjoint
    }

    /// Indices of the training clips, ascending.
    pub fn train(&self) -> &[usize] {
        &self.parts.train
    }

    /// Indices of the validation clips, ascending.
    pub fn validation(&self) -> &[usize] {
        &self.parts.validation
    }

    /// Indices of the test clips, ascending.
    pub fn test(&self) -> &[usize] {
        &self.parts.test
    }

    /// Writes the split as CSV: columns `name`, `content`, `part`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_csv(&self, _corpus: &Corpus, _path: impl AsRef<Path>) -> Result<()> {
        todo!()
    }

    /// Reads what [`Split::write_csv`] wrote and checks it as [`Split::new`] does. The split takes the name of the file.
    ///
    /// # Errors
    /// A clip that the corpus does not have, an unknown part, or what [`Split::new`] finds.
    pub fn read_csv(
        _corpus: &Corpus,
        _path: impl AsRef<Path>,
        _disjoint: Disjoint,
    ) -> Result<Split> {
        todo!()
    }
}
