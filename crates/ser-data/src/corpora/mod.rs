//! Corpora that are recognised by the names of their files, one file of this module for each.
//!
//! [`Corpus::scan`](crate::Corpus::scan) takes the corpus to which most recordings of a folder belong. Emotions get the
//! words of RAVDESS if they mean the same: `fearful` for fear, `surprised` for pleasant surprise. To rename them, use a
//! [`LabelMap`](crate::LabelMap).

mod aesdd;
mod ased;
mod cafe;
mod crema_d;
mod emo_db;
mod emogator;
mod emov_db;
mod emovo;
mod esd;
mod iemocap;
mod jl;
mod meld;
mod mesd;
mod nemo;
mod ravdess;
mod savee;
mod shemo;
mod subesco;
mod tess;
mod urdu;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ser_audio::is_recording;
use serde::Serialize;

use crate::{Result, is_table, synth};

/// The name of the speech clips of RAVDESS.
pub(crate) const RAVDESS: &str = ravdess::SPEECH.name;

/// A corpus that is recognised by its file names.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct KnownCorpus {
    /// The name by which it is requested: `crema-d`.
    pub name: &'static str,
    /// The name that its authors use.
    pub title: &'static str,
    /// The spoken language.
    pub language: &'static str,
    /// Number of recordings in the complete corpus.
    pub recordings: usize,
    /// Number of speakers in the complete corpus.
    pub speakers: usize,
    /// One or two sentences about its recordings: sentences, takes, defects.
    pub notes: &'static str,
    /// The terms under which it is distributed.
    pub licence: &'static str,
    /// The publication that describes it.
    pub citation: &'static str,
    /// Address of the page from which it can be obtained.
    pub address: &'static str,
    /// Whether a program may download it.
    pub access: Access,
    /// The name of one of its files.
    pub example: &'static str,
    #[serde(skip)]
    pub(crate) labelling: Labelling,
}

/// How to obtain the recordings of a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// A zip archive that anybody may download, without a registration or a licence to sign.
    Archive {
        /// Address of the archive.
        url: &'static str,
        /// Its size in bytes, if it is published.
        size: Option<u64>,
        /// Its MD5 in hexadecimal, if it is published.
        md5: Option<&'static str>,
    },
    /// A program cannot download it; holds the reason.
    ByHand(&'static str),
}

/// Where the labels of a corpus are found.
#[derive(Debug)]
pub(crate) enum Labelling {
    /// In the path of each recording. The function returns `None` for a file that does not belong to the corpus.
    Name(fn(&Path) -> Option<Labels>),
    /// In tables among the files of the corpus. The function gets all files and returns the labels of the recordings.
    Tables(fn(&[PathBuf]) -> Result<HashMap<PathBuf, Labels>>),
}

/// The labels of one recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    /// Identifies the recording within the corpus. Of two files with the same value, one is a copy, or they contradict
    /// each other.
    pub(crate) recording: String,
    pub(crate) emotion: &'static str,
    pub(crate) speaker: String,
    pub(crate) gender: Option<&'static str>,
    pub(crate) intensity: Option<&'static str>,
    pub(crate) statement: Option<String>,
    pub(crate) repetition: Option<u8>,
}

/// All known corpora, RAVDESS first.
pub const ALL: [&KnownCorpus; 21] = [
    &ravdess::SPEECH,
    &ravdess::SONG,
    &aesdd::CORPUS,
    &ased::CORPUS,
    &cafe::CORPUS,
    &crema_d::CORPUS,
    &emo_db::CORPUS,
    &emogator::CORPUS,
    &emov_db::CORPUS,
    &emovo::CORPUS,
    &esd::CORPUS,
    &iemocap::CORPUS,
    &jl::CORPUS,
    &meld::CORPUS,
    &mesd::CORPUS,
    &nemo::CORPUS,
    &savee::CORPUS,
    &shemo::CORPUS,
    &subesco::CORPUS,
    &tess::CORPUS,
    &urdu::CORPUS,
];

/// Returns the corpus with this name.
pub fn named(name: &str) -> Option<&'static KnownCorpus> {
    ALL.into_iter().find(|known| known.name == name)
}

/// Returns the name of the corpus that has the speakers of this one. The actors of RAVDESS both speak and sing.
pub(crate) fn voices(name: &str) -> &str {
    if name == ravdess::SONG.name {
        RAVDESS
    } else {
        name
    }
}

impl PartialEq for KnownCorpus {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl KnownCorpus {
    /// Returns true if a download should keep a file of this name: a recording of this corpus, the file that marks a
    /// synthetic corpus, or, for a corpus with labels in tables, any recording and any table or text file.
    pub fn wants(&self, path: &Path) -> bool {
        if path.file_name().is_some_and(|name| name == synth::MARKER) {
            return true;
        }
        match self.labelling {
            Labelling::Name(_) => is_recording(path) && self.tells(path),
            Labelling::Tables(_) => is_recording(path) || is_text(path),
        }
    }

    /// Returns true if a recording of this name belongs to the corpus. If the labels are in tables, no name is enough,
    /// and this returns false.
    pub fn tells(&self, path: &Path) -> bool {
        match self.labelling {
            Labelling::Name(labels) => labels(path).is_some(),
            Labelling::Tables(_) => false,
        }
    }
}

/// Returns the corpus to which most of the files belong, with the labels of each file, or RAVDESS if no file belongs to
/// any.
pub(crate) fn recognise(files: &[PathBuf]) -> Result<(&'static KnownCorpus, Vec<Option<Labels>>)> {
    let mut best = (&ravdess::SPEECH, vec![None; files.len()]);
    let (mut most, mut unread) = (0, None);
    for known in ALL {
        let labels: Vec<Option<Labels>> = match known.labelling {
            Labelling::Name(labels) => files.iter().map(|path| labels(path)).collect(),
            Labelling::Tables(labels) => match labels(files) {
                Ok(mut labels) => files.iter().map(|path| labels.remove(path)).collect(),
                Err(error) => {
                    unread = Some(error);
                    continue;
                }
            },
        };
        let recordings = files.iter().zip(&labels);
        let count = recordings.filter(|(path, labels)| labels.is_some() && is_recording(path));
        let count = count.count();
        if count > most {
            (best, most) = ((known, labels), count);
        }
    }
    // Another corpus may have a table of that name beside its recordings.
    if let (0, Some(error)) = (most, unread) {
        return Err(error);
    }
    spell_alike(best.1.iter_mut().flatten());
    Ok(best)
}

/// Gives each speaker, recording and sentence one spelling, that of its first file. A file system without case can rename
/// files, and `eb0` beside `EB0` would put one voice on both sides of a split.
fn spell_alike<'a>(labels: impl Iterator<Item = &'a mut Labels>) {
    fn first(names: &mut HashMap<String, String>, name: &mut String) {
        let spelling = names.entry(name.to_lowercase());
        name.clone_from(spelling.or_insert_with(|| name.clone()));
    }
    let (mut speakers, mut recordings) = (HashMap::new(), HashMap::new());
    let mut sentences = HashMap::new();
    for labels in labels {
        first(&mut speakers, &mut labels.speaker);
        first(&mut recordings, &mut labels.recording);
        if let Some(sentence) = &mut labels.statement {
            first(&mut sentences, sentence);
        }
    }
}

/// Returns true for files that tables are read from, but not for what macOS leaves beside them.
fn is_text(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let is_txt = path.extension().is_some_and(|extension| extension == "txt");
    !name.starts_with(b"._") && (is_txt || is_table(path))
}

const FEMALE: &str = "female";
const MALE: &str = "male";

/// Returns the file name without its extension.
fn stem(path: &Path) -> Option<&str> {
    path.file_stem()?.to_str()
}

/// Splits a text into exactly `N` fields.
fn fields<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

/// Returns the word for a code, ignoring case.
fn decoded(codes: &[(&str, &'static str)], code: &str) -> Option<&'static str> {
    let found = codes
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(code));
    found.map(|&(_, word)| word)
}

/// Parses a number that has this many digits and lies in the range.
fn number<T: FromStr + PartialOrd>(
    text: &str,
    digits: usize,
    range: RangeInclusive<T>,
) -> Option<T> {
    (text.len() == digits && is_number(text)).then_some(())?;
    let number = text.parse().ok()?;
    range.contains(&number).then_some(number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
