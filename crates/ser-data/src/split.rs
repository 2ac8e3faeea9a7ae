use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::files::write_csv;
use crate::table::Table;
use crate::{Clip, Corpus, Error, Result, Shared, SharedClips};

const PARTS: [&str; 3] = [
    Side::Train.as_str(),
    Side::Validation.as_str(),
    Side::Test.as_str(),
];

/// A side of a split; a manifest can assign one to each clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// For training.
    Train,
    /// For choices such as the epoch.
    Validation,
    /// For the reported figures.
    Test,
}

impl Side {
    /// Returns `train`, `validation` or `test`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Side::Train => "train",
            Side::Validation => "validation",
            Side::Test => "test",
        }
    }

    /// Parses a side as people write it: also `dev` and `val`, in any case.
    pub(crate) fn find(text: &str) -> Option<Side> {
        match text.to_ascii_lowercase().as_str() {
            "train" => Some(Side::Train),
            "dev" | "val" | "validation" => Some(Side::Validation),
            "test" => Some(Side::Test),
            _ => None,
        }
    }
}

/// The properties that the parts of a split must not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disjoint {
    /// No audio content is in two parts. Speakers may be: the figures of such a split are optimistic.
    Audio,
    /// Neither audio content nor a speaker is in two parts.
    SpeakersAndAudio,
}

/// The parts of a split as indices into [`Corpus::clips`], not checked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Clips to train on.
    pub train: Vec<usize>,
    /// Clips for choices (epoch, learning rate, threshold). May be empty.
    pub validation: Vec<usize>,
    /// Clips to test on.
    pub test: Vec<usize>,
}

/// A checked division of a corpus into training, validation and test clips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    name: String,
    disjoint: Disjoint,
    parts: Parts,
}

impl Parts {
    /// Returns the indices of a part.
    pub(crate) fn side(&mut self, side: Side) -> &mut Vec<usize> {
        match side {
            Side::Train => &mut self.train,
            Side::Validation => &mut self.validation,
            Side::Test => &mut self.test,
        }
    }

    /// Returns the parts in the order of [`PARTS`].
    fn all(&self) -> [&[usize]; 3] {
        [&self.train, &self.validation, &self.test]
    }

    fn check_indices(&self, corpus: &Corpus, split: &str) -> Result<()> {
        match self
            .all()
            .into_iter()
            .flatten()
            .find(|&&index| index >= corpus.len())
        {
            None => Ok(()),
            Some(&index) => Err(Error::Index {
                split: split.to_owned(),
                index,
                len: corpus.len(),
            }),
        }
    }
}

impl Split {
    /// Checks and sorts the parts.
    ///
    /// # Errors
    /// [`Error::Index`] for an index outside the corpus, [`Error::EmptyPart`] for an empty training or test part, or an
    /// [`Error::Overlap`] that names the clips.
    pub fn new(
        corpus: &Corpus,
        name: impl Into<String>,
        mut parts: Parts,
        disjoint: Disjoint,
    ) -> Result<Split> {
        let name = name.into();
        for part in [&mut parts.train, &mut parts.validation, &mut parts.test] {
            part.sort_unstable();
        }
        for (part, indices) in PARTS.into_iter().zip(parts.all()) {
            if indices.is_empty() && part != "validation" {
                return Err(Error::EmptyPart { split: name, part });
            }
        }
        parts.check_indices(corpus, &name)?;
        check_disjoint(corpus, &name, &parts, Shared::Clip, |index, _| index)?;
        check_disjoint(corpus, &name, &parts, Shared::Audio, |_, clip| {
            clip.content.as_str()
        })?;
        if disjoint == Disjoint::SpeakersAndAudio {
            check_disjoint(corpus, &name, &parts, Shared::Speaker, |_, clip| {
                clip.speaker.as_str()
            })?;
        }
        Ok(Split {
            name,
            disjoint,
            parts,
        })
    }

    /// Creates a split named `all` with all clips for training and none for testing, for a model that will be used,
    /// after models like it were measured. [`Split::inner`] can still divide it.
    ///
    /// # Errors
    /// [`Error::EmptyPart`] if the corpus has no clips.
    pub fn untested(corpus: &Corpus, disjoint: Disjoint) -> Result<Split> {
        let name = "all".to_owned();
        if corpus.is_empty() {
            let part = "train";
            return Err(Error::EmptyPart { split: name, part });
        }
        let parts = Parts {
            train: (0..corpus.len()).collect(),
            ..Parts::default()
        };
        Ok(Split {
            name,
            disjoint,
            parts,
        })
    }

    /// Returns the same split with its validation clips added to the training clips, for training with a fixed
    /// schedule, which has nothing to choose.
    #[must_use]
    pub fn without_validation(&self) -> Split {
        let mut split = self.clone();
        split.parts.train.append(&mut split.parts.validation);
        split.parts.train.sort_unstable();
        split
    }

    /// Returns the name of the split within its protocol, such as `fold-1`; it can be used as a file name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the parts of the split do not share.
    pub fn disjoint(&self) -> Disjoint {
        self.disjoint
    }

    /// Returns the indices of the training clips, ascending.
    pub fn train(&self) -> &[usize] {
        &self.parts.train
    }

    /// Returns the indices of the validation clips, ascending.
    pub fn validation(&self) -> &[usize] {
        &self.parts.validation
    }

    /// Returns the indices of the test clips, ascending.
    pub fn test(&self) -> &[usize] {
        &self.parts.test
    }

    /// Writes the split as CSV with the columns `name` (of the clip), `content` and `part`.
    ///
    /// Name and content identify the clip wherever the corpus is stored.
    ///
    /// # Errors
    /// The file cannot be written, or the split belongs to a larger corpus.
    pub fn write_csv(&self, corpus: &Corpus, path: impl AsRef<Path>) -> Result<()> {
        self.parts.check_indices(corpus, &self.name)?;
        let clips = corpus.clips();
        write_csv(path.as_ref(), |csv| {
            csv.write_record(["name", "content", "part"])?;
            for (part, indices) in PARTS.into_iter().zip(self.parts.all()) {
                for &index in indices {
                    csv.write_record([&clips[index].name, &clips[index].content, part])?;
                }
            }
            Ok(())
        })
    }

    /// Reads the file of a split that [`Split::write_csv`] wrote, and checks the split as [`Split::new`] does.
    ///
    /// # Errors
    /// A clip that the corpus does not have, an unknown part, or the errors of [`Split::new`].
    pub fn read_csv(
        corpus: &Corpus,
        name: &str,
        path: impl AsRef<Path>,
        disjoint: Disjoint,
    ) -> Result<Split> {
        let clips = corpus.clips().iter().zip(0..);
        let by_name: HashMap<(&str, &str), usize> = clips
            // A table keeps no blanks around a field.
            .map(|(clip, index)| ((clip.name.trim(), clip.content.as_str()), index))
            .collect();
        let table = Table::open(path.as_ref(), &["name", "content", "part"])?;
        let mut parts = Parts::default();
        for row in table.rows() {
            let clip = (row.required("name")?, row.required("content")?);
            let side = Side::find(row.required("part")?);
            let side = side.ok_or_else(|| row.wrong("part", "train, validation or test"))?;
            let index = by_name.get(&clip).copied();
            parts.side(side).push(
                index
                    .ok_or_else(|| row.wrong("name", "a clip of the corpus, with this content"))?,
            );
        }
        Split::new(corpus, name, parts, disjoint)
    }
}

/// Checks that no property of the clips occurs in two parts. Within a part, only the clip itself must not occur twice.
fn check_disjoint<'a, K: Ord>(
    corpus: &'a Corpus,
    split: &str,
    parts: &Parts,
    shared: Shared,
    key: impl Fn(usize, &'a Clip) -> K,
) -> Result<()> {
    let clips = corpus.clips();
    let mut first_seen: BTreeMap<K, Vec<(&'static str, usize)>> = BTreeMap::new();
    let mut found = Vec::new();
    for (part, indices) in PARTS.into_iter().zip(parts.all()) {
        for &index in indices {
            let seen = first_seen.entry(key(index, &clips[index])).or_default();
            let in_this_part = seen.iter().any(|(other, _)| *other == part);
            if in_this_part && shared != Shared::Clip {
                continue;
            }
            found.extend(seen.iter().map(|&(other, earlier)| SharedClips {
                first: (other, clips[earlier].name.clone()),
                second: (part, clips[index].name.clone()),
            }));
            seen.push((part, index));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::Overlap {
        split: split.to_owned(),
        shared,
        clips: found,
    })
}
