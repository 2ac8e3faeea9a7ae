use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Skip, is_table};

/// What can go wrong in this crate.
///
/// The cut follows what a caller can do about it: mend a path, mend a table, choose another protocol.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] ser_files::Error),

    /// A recording cannot be read.
    #[error(transparent)]
    Audio(#[from] ser_audio::Error),

    /// A part of a recording cannot be read.
    #[error("{}: {reason}", path.display())]
    Excerpt {
        /// The file.
        path: PathBuf,
        /// Which part, and why.
        reason: String,
    },

    /// A file stem is not a RAVDESS name.
    #[error("`{name}` is not a RAVDESS name: expected {expected}, found `{actual}`")]
    Name {
        /// The whole stem.
        name: String,
        /// What the failing field may hold.
        expected: String,
        /// What it holds.
        actual: String,
    },

    /// No usable clip was found.
    #[error("{}: no clip to use{}{}", path.display(), first_reason(skipped), wanted(path, skipped))]
    NoClips {
        /// The folder or manifest.
        path: PathBuf,
        /// The files that were looked at and not taken.
        skipped: Vec<Skip>,
    },

    /// A corpus is to be read from a file that is no manifest by its name.
    #[error(
        "{}: expected a folder with clips, or a manifest, whose name ends in .csv or .tsv (spreadsheets save as CSV), found another file",
        path.display()
    )]
    NoCorpus {
        /// The file.
        path: PathBuf,
    },

    /// A root for relative paths came with a folder or a recording.
    #[error(
        "{}: what is no manifest has no use for a root, in which the relative paths of a manifest are looked up: leave it out, or \
         give the manifest",
        path.display()
    )]
    RootWithoutManifest {
        /// The folder or recording.
        path: PathBuf,
    },

    /// A CSV file holds something unexpected.
    #[error(
        "{}, line {line}, column `{}`: expected {}, found {}",
        path.display(), cut(column), cut(expected), found(actual)
    )]
    Csv {
        /// The CSV file.
        path: PathBuf,
        /// Line, counted from 1 with the header as line 1.
        line: u64,
        /// Name of the column, or its number where a row has too few or too many fields.
        column: String,
        /// What the field may hold.
        expected: String,
        /// What it holds.
        actual: String,
    },

    /// One corpus was given twice.
    #[error("{}: expected another corpus, found `{name}` again: name each once", path.display())]
    SameCorpus {
        /// The second.
        path: PathBuf,
        /// What both are called.
        name: String,
    },

    /// A label that the corpus does not have.
    #[error("no clip is labelled `{label}`; the labels are {}", known.join(", "))]
    UnknownLabel {
        /// The label asked for.
        label: String,
        /// The labels there are.
        known: Vec<String>,
    },

    /// A name that no protocol has.
    #[error("no protocol is called `{name}`; there are {}", known.join(", "))]
    UnknownProtocol {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },

    /// A split holds an index that the corpus does not have.
    #[error("split {split}: clip index {index}, but the corpus has {len} clips")]
    Index {
        /// Name of the split.
        split: String,
        /// The index.
        index: usize,
        /// Number of clips of the corpus.
        len: usize,
    },

    /// A split has no training or no test clips.
    #[error("split {split}: the {part} part is empty")]
    EmptyPart {
        /// Name of the split.
        split: String,
        /// The empty part.
        part: &'static str,
    },

    /// Two parts of a split share what they must not share.
    #[error("split {split}: {shared} on both sides: {}", shorten(clips))]
    Overlap {
        /// Name of the split.
        split: String,
        /// What is shared.
        shared: Shared,
        /// The clips on both sides.
        clips: Vec<SharedClips>,
    },

    /// Two parts of the split that a manifest gives share what they must not share: an [`Error::Overlap`].
    #[error(
        "{0}; give all clips of a speaker, and all copies of a recording, one side in the column `split`, or take the \
         protocol speakers-5, which divides the speakers itself"
    )]
    GivenOverlap(Box<Error>),

    /// The corpus has speakers that the protocol's table does not name.
    #[error(
        "protocol {protocol} is defined for the RAVDESS speakers 01 to 24, and does not know: {}; \
         `speakers-5` makes speaker-disjoint folds of any corpus",
        unknown.join(", ")
    )]
    UnknownSpeakers {
        /// Name of the protocol.
        protocol: String,
        /// The speakers it does not know.
        unknown: Vec<String>,
    },

    /// The corpus has none of the speakers that a fold is to be tested on.
    #[error("protocol {protocol}, fold {fold}: none of its speakers is in the corpus: {}", missing.join(", "))]
    MissingSpeakers {
        /// Name of the protocol.
        protocol: String,
        /// Number of the fold, from 1.
        fold: usize,
        /// The speakers of that fold.
        missing: Vec<String>,
    },

    /// The corpus is too small or too uniform for the protocol.
    #[error("{protocol} needs {expected}; the corpus has {actual}")]
    Unsuited {
        /// Name of the protocol, or what else divides the corpus.
        protocol: String,
        /// What the protocol needs.
        expected: String,
        /// What the corpus has.
        actual: String,
    },

    /// A setting of the synthetic corpus is out of range.
    #[error("synthetic corpus: {setting} must be {expected}, not {actual}")]
    SynthConfig {
        /// Name of the setting.
        setting: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it was.
        actual: String,
    },

    /// The synthetic corpus would be written over something else.
    #[error("{}: {reason}; choose an empty or a new folder", path.display())]
    SynthFolder {
        /// The folder.
        path: PathBuf,
        /// What is in the way.
        reason: String,
    },
}

/// Short form used throughout the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What two parts of a split have in common in an [`Error::Overlap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// The very same clip.
    Clip,
    /// Different clips of one speaker.
    Speaker,
    /// Different clips with the same audio content.
    Audio,
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shared::Clip => "the same clip",
            Shared::Speaker => "the same speaker",
            Shared::Audio => "the same audio",
        })
    }
}

/// One pair of clips of an [`Error::Overlap`], each with the part it lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedClips {
    /// A part and the name of the clip in it.
    pub first: (&'static str, String),
    /// Another part and the name of the clip in it.
    pub second: (&'static str, String),
}

impl fmt::Display for SharedClips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((a, first), (b, second)) = (&self.first, &self.second);
        write!(f, "{first} ({a}) = {second} ({b})")
    }
}

/// What a corpus is to be, where it is a folder: a manifest's clips have their reasons.
fn wanted(path: &Path, skipped: &[Skip]) -> &'static str {
    match is_table(path) {
        true if skipped.is_empty() => "; expected a row for each below the header",
        true => "",
        false => {
            "; expected names of a known corpus such as 03-01-05-01-02-01-11.wav of RAVDESS (docs/corpora.md has all), or a CSV \
             manifest with the columns path, emotion, speaker"
        }
    }
}

/// What a field holds.
fn found(field: &str) -> String {
    match field {
        "" => "nothing".to_owned(),
        _ => format!("`{}`", cut(field)),
    }
}

/// A message stays readable where a field has a million letters.
fn cut(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 300;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// One reason is often the reason of all.
fn first_reason(skipped: &[Skip]) -> String {
    match skipped {
        [] => String::new(),
        [first, ..] => {
            format!(
                " ({} skipped, the first, {}, because: {})",
                skipped.len(),
                first.path.display(),
                first.reason
            )
        }
    }
}

/// A message stays readable with hundreds of clips; the error itself holds them all.
fn shorten(clips: &[SharedClips]) -> String {
    let shown: Vec<String> = clips.iter().take(5).map(ToString::to_string).collect();
    match clips.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
