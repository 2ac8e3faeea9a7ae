use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use crate::ravdess::EMOTIONS;
use crate::{Audit, Error, Result, manifest, scan};

/// One recording with its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Where the file lies.
    pub path: PathBuf,
    /// The label.
    pub emotion: String,
    /// Who speaks; RAVDESS: `"01"` to `"24"`.
    pub speaker: String,
    /// RAVDESS: `"male"` or `"female"`.
    pub gender: Option<String>,
    /// RAVDESS: `"normal"` or `"strong"`.
    pub intensity: Option<String>,
    /// RAVDESS: `"kids"` or `"dogs"`.
    pub statement: Option<String>,
    /// Number of the repetition, from 1.
    pub repetition: Option<u8>,
    /// Hash of format and samples, in hex. Clips with equal `content` sound the same, whatever else their files hold.
    pub content: String,
    /// Samples per second and channel.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Samples per channel.
    pub frames: u64,
}

impl Clip {
    /// The file name without its extension.
    pub fn name(&self) -> String {
        self.path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Duration in seconds.
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.sample_rate)
    }
}

/// A set of labelled clips, sorted by file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    name: String,
    synthetic: bool,
    labels: Vec<String>,
    clips: Vec<Clip>,
}

/// A corpus and what was seen while it was indexed.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The clips that were taken.
    pub corpus: Corpus,
    /// What was found, and what was not taken.
    pub audit: Audit,
}

impl Corpus {
    /// Sorts clips into a corpus: by file name, and by path where names are equal.
    pub fn new(name: impl Into<String>, synthetic: bool, mut clips: Vec<Clip>) -> Self {
        clips.sort_by(|a, b| (a.path.file_name(), &a.path).cmp(&(b.path.file_name(), &b.path)));
        let found: BTreeSet<&str> = clips.iter().map(|clip| clip.emotion.as_str()).collect();
        let known = EMOTIONS.into_iter().filter(|label| found.contains(label));
        let others = found
            .iter()
            .copied()
            .filter(|label| !EMOTIONS.contains(label));
        let labels = known.chain(others).map(str::to_owned).collect();
        Self {
            name: name.into(),
            synthetic,
            labels,
            clips,
        }
    }

    /// A folder is scanned, a `.csv` file is read as a manifest.
    ///
    /// # Errors
    /// Those of [`Corpus::scan`] and [`Corpus::read_manifest`].
    pub fn load(path: impl AsRef<Path>) -> Result<Scan> {
        let path = path.as_ref();
        let is_csv = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_csv && !path.is_dir() {
            manifest::read(path)
        } else {
            scan::scan(path)
        }
    }

    /// Finds the RAVDESS speech clips that lie anywhere under a folder.
    ///
    /// Only audio-only speech (`03-01-…`) is taken. A second copy of a clip (same name, same audio) counts once, as in
    /// archives that hold all actors twice. Every file that is not taken stands in [`Audit::skipped`] with its reason.
    /// Each file is read once, on all threads of the current rayon pool.
    ///
    /// # Errors
    /// The folder cannot be read, or holds no clip. A bad file is no error.
    pub fn scan(folder: impl AsRef<Path>) -> Result<Scan> {
        scan::scan(folder.as_ref())
    }

    /// Reads a CSV manifest: this is how a corpus other than RAVDESS comes in.
    ///
    /// Columns, in any order: `path` (absolute, or relative to the manifest's folder), `emotion` and `speaker` (free
    /// text) are required. `gender`, `intensity`, `statement`, `repetition` and `synthetic` (`true` or `false`) may be
    /// there, and others are ignored. Where `content`, `sample_rate`, `channels` and `frames` are all given, the row is
    /// believed and the audio is not read.
    ///
    /// # Errors
    /// [`Error::Csv`] with line and column, or no clip at all. A bad audio file is no error: it stands in
    /// [`Audit::skipped`].
    pub fn read_manifest(path: impl AsRef<Path>) -> Result<Scan> {
        manifest::read(path.as_ref())
    }

    /// Writes the manifest that [`Corpus::read_manifest`] reads, with paths relative to its folder where they lie under
    /// it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_manifest(&self, path: impl AsRef<Path>) -> Result<()> {
        manifest::write(self, path.as_ref())
    }

    /// Name of the folder or manifest it came from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True if anything in it is generated. Whatever is made from such a corpus must say so.
    pub fn is_synthetic(&self) -> bool {
        self.synthetic
    }

    /// The clips, sorted by file name.
    pub fn clips(&self) -> &[Clip] {
        &self.clips
    }

    /// Number of clips.
    pub fn len(&self) -> usize {
        self.clips.len()
    }

    /// True if there is no clip.
    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }

    /// The labels: in RAVDESS order, others sorted behind them; after [`Corpus::select`] in the order given there.
    pub fn labels(&self) -> Vec<String> {
        self.labels.clone()
    }

    /// For each clip the index of its emotion in [`Corpus::labels`].
    pub fn targets(&self) -> Vec<usize> {
        let index: HashMap<&str, usize> = self.labels.iter().map(String::as_str).zip(0..).collect();
        self.clips
            .iter()
            .map(|clip| index[clip.emotion.as_str()])
            .collect()
    }

    /// The speakers, sorted.
    pub fn speakers(&self) -> Vec<String> {
        let speakers: BTreeSet<&String> = self.clips.iter().map(|clip| &clip.speaker).collect();
        speakers.into_iter().cloned().collect()
    }

    /// Only the clips with these labels; [`Corpus::labels`] then has this order.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`].
    pub fn select(&self, labels: &[&str]) -> Result<Corpus> {
        self.check_labels(labels)?;
        let clips = self
            .clips
            .iter()
            .filter(|clip| labels.contains(&clip.emotion.as_str()));
        Ok(Corpus {
            name: self.name.clone(),
            synthetic: self.synthetic,
            labels: distinct(labels.iter().map(|label| (*label).to_owned())),
            clips: clips.cloned().collect(),
        })
    }

    /// Renames labels, so that several become one: `&[("calm", "neutral")]`. A merged label stands where the first of
    /// those it was made of stood.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`] if the corpus does not have a label that is to be renamed.
    pub fn merge_labels(&self, renames: &[(&str, &str)]) -> Result<Corpus> {
        let from: Vec<&str> = renames.iter().map(|(from, _)| *from).collect();
        self.check_labels(&from)?;
        let rename = |label: &String| match renames.iter().find(|(from, _)| from == label) {
            Some((_, to)) => (*to).to_owned(),
            None => label.clone(),
        };
        let clips = self.clips.iter();
        Ok(Corpus {
            name: self.name.clone(),
            synthetic: self.synthetic,
            labels: distinct(self.labels.iter().map(rename)),
            clips: clips
                .map(|clip| Clip {
                    emotion: rename(&clip.emotion),
                    ..clip.clone()
                })
                .collect(),
        })
    }

    fn check_labels(&self, labels: &[&str]) -> Result<()> {
        match labels
            .iter()
            .find(|label| !self.labels.iter().any(|known| known == *label))
        {
            None => Ok(()),
            Some(label) => Err(Error::UnknownLabel {
                label: (*label).to_owned(),
                known: self.labels.clone(),
            }),
        }
    }

    /// Hash over name, label and content of all clips, in hex; independent of location and order.
    pub fn checksum(&self) -> String {
        let mut lines: Vec<String> = self
            .clips
            .iter()
            .map(|clip| format!("{}\0{}\0{}\n", clip.name(), clip.emotion, clip.content))
            .collect();
        lines.sort_unstable();
        format!("{:032x}", xxh3_128(lines.concat().as_bytes()))
    }
}

/// Without repetitions, in order of first appearance.
fn distinct(labels: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for label in labels {
        if !seen.contains(&label) {
            seen.push(label);
        }
    }
    seen
}
