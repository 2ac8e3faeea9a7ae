//! Corpora that are told by the names of their files, a file of this module each.
//!
//! [`Corpus::scan`](crate::Corpus::scan) takes the corpus to which most recordings of a folder belong. Emotions get the words of
//! RAVDESS where they mean the same: `fearful` for fear, `surprised` for pleasant surprise; whoever wants others renames them with a
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

/// What is known of a corpus.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct KnownCorpus {
    /// By which it is asked for: `crema-d`.
    pub name: &'static str,
    /// As its authors call it.
    pub title: &'static str,
    /// What is spoken.
    pub language: &'static str,
    /// Recordings of the whole.
    pub recordings: usize,
    /// Speakers of the whole.
    pub speakers: usize,
    /// What else there is to know of its recordings, in a sentence or two: sentences, takes, defects.
    pub notes: &'static str,
    /// Under which terms it is given away.
    pub licence: &'static str,
    /// Who made it, and where they tell of it.
    pub citation: &'static str,
    /// Where it is to be had.
    pub address: &'static str,
    /// Whether a program may fetch it from there.
    pub access: Access,
    /// How one of its files is called.
    pub example: &'static str,
    #[serde(skip)]
    pub(crate) labelling: Labelling,
}

/// How the recordings of a corpus are to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// As an archive in zip that anybody may fetch, without a registration or a licence to sign.
    Archive {
        /// Where it is.
        url: &'static str,
        /// Its size in bytes, where it is published.
        size: Option<u64>,
        /// Its MD5 in hexadecimal, where it is published.
        md5: Option<&'static str>,
    },
    /// Not by a program, and why.
    ByHand(&'static str),
}

/// Where labels are found.
#[derive(Debug)]
pub(crate) enum Labelling {
    /// In the path of each recording.
    Name(fn(&Path) -> Option<Labels>),
    /// In tables that are among the files of the corpus.
    Tables(fn(&[PathBuf]) -> Result<HashMap<PathBuf, Labels>>),
}

/// What the name of a file tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    /// Which recording of the corpus it is: of two files with the same, one is a copy, or they contradict each other.
    pub(crate) recording: String,
    pub(crate) emotion: &'static str,
    pub(crate) speaker: String,
    pub(crate) gender: Option<&'static str>,
    pub(crate) intensity: Option<&'static str>,
    pub(crate) statement: Option<String>,
    pub(crate) repetition: Option<u8>,
}

/// All corpora that are known, RAVDESS first.
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

/// The corpus of this name.
pub fn named(name: &str) -> Option<&'static KnownCorpus> {
    ALL.into_iter().find(|known| known.name == name)
}

impl PartialEq for KnownCorpus {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl KnownCorpus {
    /// Whether a file of this name is of use: a recording of it, or, where tables tell of recordings, any recording and text; and what
    /// marks a synthetic corpus as one.
    pub fn wants(&self, path: &Path) -> bool {
        if path.file_name().is_some_and(|name| name == synth::MARKER) {
            return true;
        }
        match self.labelling {
            Labelling::Name(_) => is_recording(path) && self.tells(path),
            Labelling::Tables(_) => is_recording(path) || is_text(path),
        }
    }

    /// Whether a recording of this name belongs to it. Of a corpus that tables tell of, no name says so.
    pub fn tells(&self, path: &Path) -> bool {
        match self.labelling {
            Labelling::Name(labels) => labels(path).is_some(),
            Labelling::Tables(_) => false,
        }
    }
}

/// The corpus to which most of some files belong, with what is known of each; RAVDESS where there is none.
pub(crate) fn recognise(files: &[PathBuf]) -> Result<(&'static KnownCorpus, Vec<Option<Labels>>)> {
    let mut best = (&ravdess::SPEECH, vec![None; files.len()]);
    let mut most = 0;
    for known in ALL {
        let labels: Vec<Option<Labels>> = match known.labelling {
            Labelling::Name(labels) => files.iter().map(|path| labels(path)).collect(),
            Labelling::Tables(labels) => {
                let mut labels = labels(files)?;
                files.iter().map(|path| labels.remove(path)).collect()
            }
        };
        let recordings = files.iter().zip(&labels);
        let count = recordings.filter(|(path, labels)| labels.is_some() && is_recording(path));
        let count = count.count();
        if count > most {
            (best, most) = ((known, labels), count);
        }
    }
    spell_alike(best.1.iter_mut().flatten());
    Ok(best)
}

/// Gives each speaker and each recording one spelling, that of its first file. Systems that know no case rename files, and `eb0`
/// beside `EB0` would be one voice on both sides of a split.
fn spell_alike<'a>(labels: impl Iterator<Item = &'a mut Labels>) {
    fn first(names: &mut HashMap<String, String>, name: &mut String) {
        let spelling = names.entry(name.to_lowercase());
        name.clone_from(spelling.or_insert_with(|| name.clone()));
    }
    let (mut speakers, mut recordings) = (HashMap::new(), HashMap::new());
    for labels in labels {
        first(&mut speakers, &mut labels.speaker);
        first(&mut recordings, &mut labels.recording);
    }
}

/// Whether a file is one of those that tables are read from, but not what macOS leaves beside it.
fn is_text(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let is_txt = path.extension().is_some_and(|extension| extension == "txt");
    !name.starts_with(b"._") && (is_txt || is_table(path))
}

const FEMALE: &str = "female";
const MALE: &str = "male";

/// The name of a file without its extension.
fn stem(path: &Path) -> Option<&str> {
    path.file_stem()?.to_str()
}

/// The parts of text between separators, if there are so many.
fn fields<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

/// What a code stands for, whatever its case.
fn decoded(codes: &[(&str, &'static str)], code: &str) -> Option<&'static str> {
    let found = codes
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(code));
    found.map(|&(_, word)| word)
}

/// A number that is written with so many digits and lies in a range.
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
