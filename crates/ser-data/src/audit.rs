use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// What indexing found: counts, oddities, and every file that was not taken, with its reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// Number of clips of the corpus.
    pub clips: usize,
    /// Total duration in seconds.
    pub seconds: f64,
    /// True if anything of the corpus is generated.
    pub synthetic: bool,
    /// Clips per emotion.
    pub emotions: BTreeMap<String, usize>,
    /// Clips per speaker.
    pub speakers: BTreeMap<String, usize>,
    /// Clips per gender, of the clips that have one.
    pub genders: BTreeMap<String, usize>,
    /// Clips per intensity, of the clips that have one.
    pub intensities: BTreeMap<String, usize>,
    /// Clips per sample rate in hertz.
    pub sample_rates: BTreeMap<u32, usize>,
    /// Names of the clips with another sample rate than most.
    pub odd_sample_rates: Vec<String>,
    /// Names of the clips with two channels.
    pub stereo: Vec<String>,
    /// Groups of clips (by name) with the same audio content.
    pub duplicates: Vec<Vec<String>>,
    /// What the full RAVDESS has and this corpus has not; `None` if the clips do not carry RAVDESS names.
    pub missing: Option<Vec<MissingClips>>,
    /// Files that were not taken.
    pub skipped: Vec<Skip>,
}

/// The clips of one actor that are missing from the 60 of RAVDESS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingClips {
    /// The actor, `"01"` to `"24"`.
    pub speaker: String,
    /// Stems of the missing files.
    pub names: Vec<String>,
}

/// A file that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// The file or folder.
    pub path: PathBuf,
    /// The sort of reason.
    pub kind: SkipKind,
    /// The reason in words.
    pub reason: String,
}

/// Sorts of reasons for a [`Skip`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipKind {
    /// The file or folder cannot be read, or is no sound WAV file.
    Unreadable,
    /// The file name is not a RAVDESS name.
    ForeignName,
    /// A RAVDESS file, but not audio-only speech.
    NotSpeech,
    /// A second copy of a clip: same name, same audio.
    Copy,
    /// Same name as a clip that was taken, but other audio.
    Conflict,
}
