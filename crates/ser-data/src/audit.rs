use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ser_audio::Damage;
use serde::{Serialize, Serializer};

use crate::corpora::KnownCorpus;
use crate::ravdess::{ACTORS, Channel, Modality, Name};
use crate::{Clip, Corpus, Error, Renamed};

/// The findings of an indexing run: counts, oddities, and every skipped file with its reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// The corpus that the file names identify; `None` for a manifest and for several corpora.
    pub known: Option<&'static KnownCorpus>,
    /// Number of clips in the corpus.
    pub clips: usize,
    /// Total duration in seconds.
    pub seconds: f64,
    /// Whether any clip is generated, as in [`Corpus::is_synthetic`].
    pub synthetic: bool,
    /// Clips per emotion.
    pub emotions: BTreeMap<String, usize>,
    /// Clips per speaker.
    pub speakers: BTreeMap<String, usize>,
    /// Clips per gender, among the clips that have one.
    pub genders: BTreeMap<String, usize>,
    /// Clips per intensity, among the clips that have one.
    pub intensities: BTreeMap<String, usize>,
    /// Clips per sampling rate in hertz.
    pub sample_rates: BTreeMap<u32, usize>,
    /// Names of the clips whose sampling rate is not the most common one.
    pub odd_sample_rates: Vec<String>,
    /// Names of the clips with more than one channel.
    pub stereo: Vec<String>,
    /// Groups of clip names with the same audio content.
    pub duplicates: Vec<Vec<String>>,
    /// Names of the clips in [`Corpus::sentence_bound`]; empty unless the corpus has several emotions.
    pub sentence_bound: Vec<String>,
    /// The labels that a [`LabelMap`](crate::LabelMap) renames, including those that no clip has.
    pub renamed: Vec<Renamed>,
    /// The RAVDESS speech clips that this corpus lacks; `None` unless all clips have names of RAVDESS speech.
    pub missing: Option<Vec<MissingClips>>,
    /// Clips that were taken although part of their audio is missing, each with a description of the damage.
    pub damaged: Vec<Skip>,
    /// Files that were skipped.
    pub skipped: Vec<Skip>,
}

impl Audit {
    /// Audits a corpus. `skipped` holds the files that were skipped and those that were taken although they are
    /// damaged.
    pub(crate) fn new(corpus: &Corpus, renamed: Vec<Renamed>, skipped: Vec<Skip>) -> Self {
        let (mut damaged, skipped): (Vec<Skip>, Vec<Skip>) = skipped
            .into_iter()
            .partition(|skip| skip.kind == SkipKind::Damaged);
        // A file can be listed once for each of its parts.
        damaged.sort_by(|a, b| a.path.cmp(&b.path));
        damaged.dedup();
        let clips = corpus.clips();
        let sample_rates = count(clips.iter().map(|clip| clip.sample_rate));
        let usual_rate = sample_rates
            .iter()
            .max_by_key(|(_, clips)| **clips)
            .map(|(rate, _)| *rate);
        let names_of = |odd: &dyn Fn(&Clip) -> bool| {
            clips
                .iter()
                .filter(|clip| odd(clip))
                .map(|clip| clip.name.clone())
                .collect::<Vec<_>>()
        };
        Self {
            known: None,
            clips: clips.len(),
            seconds: clips.iter().map(Clip::seconds).sum(),
            synthetic: corpus.is_synthetic(),
            emotions: count(clips.iter().map(|clip| clip.emotion.clone())),
            speakers: count(clips.iter().map(|clip| clip.speaker.clone())),
            genders: count(clips.iter().filter_map(|clip| clip.gender.clone())),
            intensities: count(clips.iter().filter_map(|clip| clip.intensity.clone())),
            odd_sample_rates: names_of(&|clip| Some(clip.sample_rate) != usual_rate),
            sample_rates,
            stereo: names_of(&|clip| clip.channels > 1),
            duplicates: duplicates(clips),
            sentence_bound: match corpus.labels().len() {
                0 | 1 => Vec::new(),
                _ => {
                    let bound = corpus.sentence_bound().into_iter();
                    bound.map(|i| clips[i].name.clone()).collect()
                }
            },
            renamed,
            missing: missing(clips),
            damaged,
            skipped,
        }
    }
}

fn count<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}

fn duplicates(clips: &[Clip]) -> Vec<Vec<String>> {
    let mut by_content: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for clip in clips {
        by_content
            .entry(&clip.content)
            .or_default()
            .push(clip.name.clone());
    }
    let mut groups: Vec<_> = by_content
        .into_values()
        .filter(|names| names.len() > 1)
        .collect();
    groups.sort();
    groups
}

fn missing(clips: &[Clip]) -> Option<Vec<MissingClips>> {
    let speech = |clip: &Clip| {
        let name: Name = clip.name.parse().ok()?;
        let is_audio = name.modality == Modality::Audio;
        (is_audio && name.channel == Channel::Speech).then_some(name)
    };
    let present: BTreeSet<Name> = clips.iter().map(speech).collect::<Option<_>>()?;
    let per_actor = (1..=ACTORS).map(|actor| {
        let absent = Name::speech_of(actor)
            .into_iter()
            .filter(|name| !present.contains(name));
        MissingClips {
            speaker: format!("{actor:02}"),
            names: absent.map(|name| name.to_string()).collect(),
        }
    });
    Some(per_actor.filter(|actor| !actor.names.is_empty()).collect())
}

/// The clips of one actor that are missing from the 60 in RAVDESS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingClips {
    /// The actor, `"01"` to `"24"`.
    pub speaker: String,
    /// Stems of the missing files.
    pub names: Vec<String>,
}

/// Serializes a path as text. Without this, a path that is not UTF-8 would be an error.
///
/// # Errors
/// Those of the serializer.
pub fn path_as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// A file that was skipped or is damaged, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// The file or folder.
    #[serde(serialize_with = "path_as_text")]
    pub path: PathBuf,
    /// The kind of reason.
    pub kind: SkipKind,
    /// The reason as text, without the path.
    pub reason: String,
}

impl Skip {
    /// Creates the entry for a file that is taken although part of its audio is missing.
    pub(crate) fn damaged(path: &Path, damage: Damage) -> Self {
        Self {
            path: path.to_owned(),
            kind: SkipKind::Damaged,
            reason: damage.to_string(),
        }
    }

    /// Creates the entry for a file that cannot be read; the reason does not repeat the path that begins the error.
    pub(crate) fn unreadable(path: PathBuf, error: Error) -> Self {
        let reason = ser_files::without_path(&error.to_string(), &path).to_owned();
        Self {
            path,
            kind: SkipKind::Unreadable,
            reason,
        }
    }
}

/// The kinds of reasons for a [`Skip`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipKind {
    /// Part of the audio is missing; the clip is taken all the same.
    Damaged,
    /// The file or folder cannot be read, or it is not a recording that can be decoded.
    Unreadable,
    /// The file name is not one of the corpus, or nothing gives its emotion.
    ForeignName,
    /// A RAVDESS file that is not audio-only speech, in a folder of speech.
    NotSpeech,
    /// A second copy of a clip: same name, and the same audio or a compressed form of it.
    Copy,
    /// Same name as a clip that was taken, but different audio.
    Conflict,
}
