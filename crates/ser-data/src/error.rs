use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Skip, is_table};

/// An error of this crate.
///
/// Each variant corresponds to what the caller can do about it: correct a path, correct a table, choose another
/// protocol.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system reported an error.
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
        /// Which part cannot be read, and why.
        reason: String,
    },

    /// A file stem is not a RAVDESS name.
    #[error("`{name}` is not a RAVDESS name: expected {expected}, found `{actual}`")]
    Name {
        /// The whole stem.
        name: String,
        /// The values that the failing field may have.
        expected: String,
        /// The value that it has.
        actual: String,
    },

    /// The folder or manifest contains no usable clip.
    #[error("{}: no usable clip{}{}", path.display(), first_reason(skipped), wanted(path, skipped))]
    NoClips {
        /// The folder or manifest.
        path: PathBuf,
        /// The files that were examined and skipped.
        skipped: Vec<Skip>,
    },

    /// A file was given as a corpus, but its name is not that of a manifest.
    #[error(
        "{}: expected a folder with clips, or a manifest whose name ends in .csv or .tsv (a spreadsheet can save CSV), found another file",
        path.display()
    )]
    NoCorpus {
        /// The file.
        path: PathBuf,
    },

    /// A root for relative paths was given together with a folder or a recording.
    #[error(
        "{}: this is not a manifest, and a root is only for the relative paths in a manifest: leave the root out, or give \
         the manifest",
        path.display()
    )]
    RootWithoutManifest {
        /// The folder or recording.
        path: PathBuf,
    },

    /// A CSV file contains an unexpected value.
    #[error(
        "{}, line {line}, column `{}`: expected {}, found {}",
        path.display(), cut(column), cut(expected), found(actual)
    )]
    Csv {
        /// The CSV file.
        path: PathBuf,
        /// Line, counted from 1 with the header as line 1.
        line: u64,
        /// Name of the column, or its number if a row has too few or too many fields.
        column: String,
        /// The values that the field may have.
        expected: String,
        /// The value that it has.
        actual: String,
    },

    /// The same corpus was given twice.
    #[error("{}: the corpus `{name}` is given twice: give each corpus once", path.display())]
    SameCorpus {
        /// The path of the second one.
        path: PathBuf,
        /// The name of both.
        name: String,
    },

    /// Two corpora contain the same part of a file.
    #[error(
        "{}: the corpora `{}` and `{}` both contain this sound, which would be learned from one and tested in the other: list it once",
        path.display(), corpora[0], corpora[1]
    )]
    SharedSound {
        /// The file.
        path: PathBuf,
        /// The names of the corpora.
        corpora: [String; 2],
    },

    /// Two corpora spell a label in two ways.
    #[error(
        "{}: the label `{found}` is spelled `{known}` elsewhere: use one spelling, or let `labels` in the [task] of a recipe merge them",
        path.display()
    )]
    Spellings {
        /// A clip with the second spelling.
        path: PathBuf,
        /// The first spelling.
        known: String,
        /// The second spelling.
        found: String,
    },

    /// The corpus does not have this label.
    #[error("no clip is labelled `{label}`; the labels are {}", known.join(", "))]
    UnknownLabel {
        /// The label that was asked for.
        label: String,
        /// The labels of the corpus.
        known: Vec<String>,
    },

    /// There is no protocol of this name.
    #[error("there is no protocol `{name}`; the protocols are {}", known.join(", "))]
    UnknownProtocol {
        /// The name that was asked for.
        name: String,
        /// The names of all protocols.
        known: Vec<String>,
    },

    /// A split contains an index that the corpus does not have.
    #[error("split {split}: clip index {index}, but the corpus has {len} clips")]
    Index {
        /// Name of the split.
        split: String,
        /// The index.
        index: usize,
        /// Number of clips in the corpus.
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

    /// Two parts of a split share something that they must not share.
    #[error("split {split}: {shared} on both sides: {}", shorten(clips))]
    Overlap {
        /// Name of the split.
        split: String,
        /// What they share.
        shared: Shared,
        /// The clips that are concerned.
        clips: Vec<SharedClips>,
    },

    /// Two parts of a split given by a manifest share something that they must not share; holds an [`Error::Overlap`].
    #[error(
        "{0}; put all clips of a speaker, and all copies of a recording, on one side in the column `split`, or use the \
         protocol speakers-5, which divides the speakers itself"
    )]
    GivenOverlap(Box<Error>),

    /// The corpus has speakers that the folds of the protocol do not include.
    #[error(
        "protocol {protocol} is defined for the RAVDESS speakers 01 to 24, and does not include: {}; \
         `speakers-5` makes speaker-disjoint folds of any corpus",
        unknown.join(", ")
    )]
    UnknownSpeakers {
        /// Name of the protocol.
        protocol: String,
        /// The speakers that the folds do not include.
        unknown: Vec<String>,
    },

    /// The corpus has none of the speakers of a fold.
    #[error("protocol {protocol}, fold {fold}: none of its speakers is in the corpus: {}", missing.join(", "))]
    MissingSpeakers {
        /// Name of the protocol.
        protocol: String,
        /// Number of the fold, from 1.
        fold: usize,
        /// The speakers of the fold.
        missing: Vec<String>,
    },

    /// The corpus is too small or too uniform for the protocol.
    #[error("{protocol} needs {expected}; the corpus has {actual}")]
    Unsuited {
        /// Name of the protocol, or of another method that divides the corpus.
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
        /// The allowed values.
        expected: &'static str,
        /// The value that was given.
        actual: String,
    },

    /// The synthetic corpus would replace other files.
    #[error("{}: {reason}; choose an empty or a new folder", path.display())]
    SynthFolder {
        /// The folder.
        path: PathBuf,
        /// What the folder contains.
        reason: String,
    },
}

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The property that two parts of a split have in common in an [`Error::Overlap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// The same clip.
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

/// One pair of clips in an [`Error::Overlap`], each with its part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedClips {
    /// A part, and the name of the clip in it.
    pub first: (&'static str, String),
    /// Another part, and the name of the clip in it.
    pub second: (&'static str, String),
}

impl fmt::Display for SharedClips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((a, first), (b, second)) = (&self.first, &self.second);
        write!(f, "{first} ({a}) = {second} ({b})")
    }
}

/// Returns what the message asks for. For a manifest with skipped clips, their reasons say enough.
fn wanted(path: &Path, skipped: &[Skip]) -> &'static str {
    match is_table(path) {
        true if skipped.is_empty() => "; expected a row for each clip below the header",
        true => "",
        false => {
            "; expected names of a known corpus such as 03-01-05-01-02-01-11.wav of RAVDESS (docs/corpora.md has all), or a CSV \
             manifest with the columns path, emotion, speaker"
        }
    }
}

/// Formats the value of a field.
fn found(field: &str) -> String {
    match field {
        "" => "nothing".to_owned(),
        _ => format!("`{}`", cut(field)),
    }
}

/// Shortens a text to 300 characters, so that a message stays readable if a field has a million.
fn cut(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 300;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Formats the first reason; it often holds for all skipped files.
fn first_reason(skipped: &[Skip]) -> String {
    match skipped {
        [] => String::new(),
        [first, ..] => {
            format!(
                " ({} skipped; the first is {}: {})",
                skipped.len(),
                first.path.display(),
                first.reason
            )
        }
    }
}

/// Formats at most five pairs of clips, so that the message stays readable; the error itself contains all of them.
fn shorten(clips: &[SharedClips]) -> String {
    let shown: Vec<String> = clips.iter().take(5).map(ToString::to_string).collect();
    match clips.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
