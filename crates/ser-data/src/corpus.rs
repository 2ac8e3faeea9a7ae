use std::path::{Path, PathBuf};

use crate::{Audit, Result};

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
    /// Sorts clips into a corpus.
    pub fn new(_name: impl Into<String>, _synthetic: bool, _clips: Vec<Clip>) -> Self {
        todo!()
    }

    /// A folder is scanned, a `.csv` file is read as a manifest.
    ///
    /// # Errors
    /// Those of [`Corpus::scan`] and [`Corpus::read_manifest`].
    pub fn load(_path: impl AsRef<Path>) -> Result<Scan> {
        todo!()
    }

    /// Finds the RAVDESS speech clips that lie anywhere under a folder.
    ///
    /// # Errors
    /// The folder cannot be read, or holds no clip. A bad file is no error: it is skipped and stands in the audit.
    pub fn scan(_folder: impl AsRef<Path>) -> Result<Scan> {
        todo!()
    }

    /// Reads a CSV manifest.
    ///
    /// # Errors
    /// [`Error::Csv`](crate::Error::Csv) with line and column.
    pub fn read_manifest(_path: impl AsRef<Path>) -> Result<Scan> {
        todo!()
    }

    /// Writes the manifest that [`Corpus::read_manifest`] reads.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_manifest(&self, _path: impl AsRef<Path>) -> Result<()> {
        todo!()
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

    /// Index of the label of each clip in [`Corpus::labels`].
    pub fn targets(&self) -> Vec<usize> {
        todo!()
    }

    /// The speakers, sorted.
    pub fn speakers(&self) -> Vec<String> {
        todo!()
    }

    /// Only the clips with these labels; [`Corpus::labels`] then has this order.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`](crate::Error::UnknownLabel).
    pub fn select(&self, _labels: &[&str]) -> Result<Corpus> {
        todo!()
    }

    /// Renames labels, so that several become one: `&[("calm", "neutral")]`.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`](crate::Error::UnknownLabel).
    pub fn merge_labels(&self, _renames: &[(&str, &str)]) -> Result<Corpus> {
        todo!()
    }

    /// Hash over name, label and content of all clips, in hex; independent of location and order.
    pub fn checksum(&self) -> String {
        todo!()
    }
}
