use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use ser_audio::{Channels, Waveform};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::files::is_table;
use crate::ravdess::EMOTIONS;
use crate::{Audit, Error, Excerpt, Recording, Result, Side, manifest, scan};

/// One recording, or a part of one, with its labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clip {
    /// A name that is unique within the corpus; [`Corpus::new`] sets it. It is the file name without its extension,
    /// preceded by as many parent folders as it takes to distinguish files of the same name, and followed by start and
    /// end in seconds if the clip is a part of a file: `talk@1.500-3.250`.
    pub name: String,
    /// Path of the file.
    pub path: PathBuf,
    /// The part of the file that the clip consists of; `None` for the whole file.
    pub excerpt: Option<Excerpt>,
    /// The label.
    pub emotion: String,
    /// The speaker; RAVDESS: `"01"` to `"24"`.
    pub speaker: String,
    /// RAVDESS: `"male"` or `"female"`.
    pub gender: Option<String>,
    /// RAVDESS: `"normal"` or `"strong"`.
    pub intensity: Option<String>,
    /// RAVDESS: `"kids"` or `"dogs"`.
    pub statement: Option<String>,
    /// Number of the repetition; RAVDESS counts from 1.
    pub repetition: Option<u8>,
    /// The side of the split that a manifest assigns, for [`Protocol::Given`](crate::Protocol::Given).
    pub split: Option<Side>,
    /// The other columns of a manifest, by name.
    pub attributes: BTreeMap<String, String>,
    /// Hash of the audio format and the samples, in hexadecimal, see [`ser_audio::probe`]. Clips with equal `content`
    /// have the same audio, whatever else their files contain. For a part of a file it is a hash of the mixed-down
    /// samples, and can only be compared with that of other parts.
    pub content: String,
    /// Samples per second and channel.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Samples per channel.
    pub frames: u64,
}

impl Clip {
    /// Duration in seconds.
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.sample_rate)
    }

    /// Returns the location of the clip's audio.
    pub fn recording(&self) -> Recording<'_> {
        Recording {
            path: &self.path,
            excerpt: self.excerpt,
        }
    }

    /// Reads the audio, mixed down to the mean of its channels, at the file's sampling rate. To read many clips, use
    /// [`read_each`](crate::read_each).
    ///
    /// # Errors
    /// The errors of [`Recording::read`].
    pub fn read(&self) -> Result<Waveform> {
        self.recording().read(Channels::Mean)
    }

    /// Returns start and end of the clip within its file, in seconds, or `None` if it is the whole file.
    pub fn span(&self) -> Option<(f64, f64)> {
        let seconds = |samples: u64| samples as f64 / f64::from(self.sample_rate);
        let part = self.excerpt?;
        Some((seconds(part.start), seconds(part.end)))
    }
}

/// The source of a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// A folder with clips, or a manifest.
    pub path: &'a Path,
    /// The folder against which relative paths in a manifest are resolved first. The second is the manifest's own
    /// folder, which is the only one if there is no root.
    pub root: Option<&'a Path>,
}

impl<'a> From<&'a Path> for Origin<'a> {
    fn from(path: &'a Path) -> Self {
        Self { path, root: None }
    }
}

/// Maps each label to the labels that are renamed to it: `happy` to `Happy` and `joy`, for example.
///
/// A label of one corpus alone is written with the corpus and a colon in front, as in `jl:excited`. The corpus is given
/// by its [name](crate::corpora::KnownCorpus::name), by the value in the column `corpus` of a manifest, or, without
/// that column, by the name of the manifest. Such an entry takes precedence over an entry for the same label in all
/// corpora.
pub type LabelMap = BTreeMap<String, Vec<String>>;

/// A label that a [`LabelMap`] renames, with the number of clips that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// The label as the map writes it.
    pub from: String,
    /// The label that it is renamed to.
    pub to: String,
    /// Number of clips that have the old label.
    pub clips: usize,
}

/// A set of labelled clips, sorted by file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    name: String,
    synthetic: bool,
    labels: Vec<String>,
    clips: Vec<Clip>,
}

/// A corpus with the audit of its indexing.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The clips that were taken.
    pub corpus: Corpus,
    /// What indexing found, and the files that it skipped.
    pub audit: Audit,
}

impl Corpus {
    /// Creates a corpus from clips: sorts them by file name, and by path if file names are equal, and sets their names.
    ///
    /// ```
    /// # use ser_data::{Clip, Corpus};
    /// # let clip = |path: &str| Clip {
    /// #     path: path.into(), emotion: "sad".into(), speaker: "a".into(), content: path.into(),
    /// #     sample_rate: 16_000, channels: 1, frames: 16_000, ..Clip::default()
    /// # };
    /// let clips = ["corpus/DC/a01.wav", "corpus/JE/a01.wav", "corpus/JE/a02.wav"].map(clip);
    /// let corpus = Corpus::new("own", false, clips.to_vec());
    /// let names: Vec<&str> = corpus.clips().iter().map(|clip| clip.name.as_str()).collect();
    /// assert_eq!(names, ["DC/a01", "JE/a01", "a02"]);
    /// ```
    pub fn new(name: impl Into<String>, synthetic: bool, mut clips: Vec<Clip>) -> Self {
        clips.sort_by(|a, b| {
            (a.path.file_name(), &a.path, a.excerpt).cmp(&(b.path.file_name(), &b.path, b.excerpt))
        });
        give_names(&mut clips);
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

    /// Loads a corpus: scans a folder ([`Corpus::scan`]), or reads a manifest, a file whose name ends in `.csv` or `.tsv`
    /// ([`is_table`]), for corpora that are not recognised by their file names.
    ///
    /// A manifest is a table in UTF-8 or UTF-16 with a header; commas, semicolons or tabs separate the columns.
    ///
    /// The columns may be in any order. `path`, `emotion` and `speaker` are required: the path of a recording in any
    /// format that [`ser_audio::read`] reads, absolute or relative to the manifest's folder, and any text for the other
    /// two. `gender`, `intensity`, `statement`, `repetition`, `split` ([`Side`]) and `synthetic` (`true` or `false`)
    /// are optional; any other column is kept in [`Clip::attributes`]. If the rows name several corpora in the column
    /// [`CORPUS`](crate::CORPUS), each speaker becomes `corpus/speaker`, since two corpora may use the same name for a speaker; a row without
    /// one belongs to the corpus that the manifest is named after. `start` and `end` in seconds, one or both, make
    /// the row a part of a file; parts of one file must not overlap. If `content`, `sample_rate`, `channels` and
    /// `frames` are all given, they are trusted and the audio is not read.
    ///
    /// # Errors
    /// The errors of [`Corpus::scan`] for a folder. For a manifest, [`Error::Csv`] with line and column, or
    /// [`Error::NoClips`] if no clip is usable. A bad audio file is not an error: [`Audit::skipped`] lists it.
    pub fn load(path: impl AsRef<Path>) -> Result<Scan> {
        Self::load_with(path.as_ref().into(), &LabelMap::new())
    }

    /// Loads a corpus as [`Corpus::load`] does, and renames labels before any other step, so that the spellings that
    /// the map joins are one label. [`Audit::renamed`] says how many clips each renaming changed.
    ///
    /// # Errors
    /// The errors of [`Corpus::load`], and [`Error::RootWithoutManifest`] if there is a root but no manifest.
    pub fn load_with(origin: Origin<'_>, labels: &LabelMap) -> Result<Scan> {
        let Origin { path, root } = origin;
        if is_table(path) && !path.is_dir() {
            return manifest::read(origin, labels);
        }
        match root {
            None => scan::scan(path, labels),
            Some(_) => Err(Error::RootWithoutManifest {
                path: path.to_owned(),
            }),
        }
    }

    /// Finds the clips of a known corpus anywhere under a folder.
    ///
    /// The corpus is the one in [`corpora::ALL`](crate::corpora::ALL) to which most recordings belong, judged by the
    /// file names. Clips may have any format that [`ser_audio::read`] reads. RAVDESS speech and RAVDESS song are two
    /// corpora. A second copy of a clip (same name, same audio) is skipped, since some archives contain everything
    /// twice. [`Audit::skipped`] lists every skipped recording with its reason. Each file is read once, on all threads
    /// of the current rayon pool.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::NoCorpus`] if the folder cannot be read, [`Error::NoClips`] if it contains no usable
    /// clip. A bad file is not an error.
    pub fn scan(folder: impl AsRef<Path>) -> Result<Scan> {
        scan::scan(folder.as_ref(), &LabelMap::new())
    }

    /// Writes the corpus as a manifest that [`Corpus::load`] reads. Paths below the manifest's folder are
    /// written relative to it.
    ///
    /// # Errors
    /// The file cannot be written, or the path of a clip is not UTF-8.
    pub fn write_manifest(&self, path: impl AsRef<Path>) -> Result<()> {
        manifest::write(self, path.as_ref())
    }

    /// Returns the name of the folder or manifest that the corpus was loaded from; several are joined by `+`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns true if any clip is generated. Everything made from such a corpus must say so.
    pub fn is_synthetic(&self) -> bool {
        self.synthetic
    }

    /// Returns the clips, sorted by file name.
    pub fn clips(&self) -> &[Clip] {
        &self.clips
    }

    /// Returns the number of clips.
    pub fn len(&self) -> usize {
        self.clips.len()
    }

    /// Returns true if there is no clip.
    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }

    /// Returns the labels: those of RAVDESS in their order, then the others sorted. After [`Corpus::select`] they have
    /// the order given there.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Returns, for each clip, the index of its emotion in [`Corpus::labels`].
    pub fn targets(&self) -> Vec<usize> {
        let index: HashMap<&str, usize> = self.labels.iter().map(String::as_str).zip(0..).collect();
        self.clips
            .iter()
            .map(|clip| index[clip.emotion.as_str()])
            .collect()
    }

    /// Returns the speakers, sorted.
    pub fn speakers(&self) -> Vec<String> {
        let speakers: BTreeSet<&String> = self.clips.iter().map(|clip| &clip.speaker).collect();
        speakers.into_iter().cloned().collect()
    }

    /// Returns, for each clip, the index of its speaker in [`Corpus::speakers`].
    pub fn speaker_numbers(&self) -> Vec<usize> {
        let speakers = self.speakers();
        let index: HashMap<&String, usize> = speakers.iter().zip(0..).collect();
        self.clips.iter().map(|clip| index[&clip.speaker]).collect()
    }

    /// Returns the clips with these labels; [`Corpus::labels`] then has this order.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`] if the corpus does not have one of the labels.
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

    /// Renames labels, so that several can become one: `&[("calm", "neutral")]`. A merged label takes the position of
    /// the first label that it was made from.
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

    /// Returns the indices of the clips whose sentence occurs several times in their corpus, but in only one emotion.
    /// The words of such a sentence reveal the emotion, whoever says them: a model that has learned the words from
    /// another speaker needs no voice.
    pub fn sentence_bound(&self) -> Vec<usize> {
        fn sentence(clip: &Clip) -> Option<(Option<&str>, &str)> {
            Some((clip.corpus(), clip.statement.as_deref()?))
        }
        let mut said: BTreeMap<_, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for clip in &self.clips {
            if let Some(sentence) = sentence(clip) {
                let (times, emotions) = said.entry(sentence).or_default();
                *times += 1;
                emotions.insert(&clip.emotion);
            }
        }
        let is_bound = |clip: &Clip| {
            let said = sentence(clip).and_then(|sentence| said.get(&sentence));
            said.is_some_and(|(times, emotions)| *times > 1 && emotions.len() == 1)
        };
        let clips = self.clips.iter().enumerate();
        clips
            .filter(|(_, clip)| is_bound(clip))
            .map(|(i, _)| i)
            .collect()
    }

    /// Returns the corpus without the clips in [`Corpus::sentence_bound`].
    pub fn with_shared_sentences(&self) -> Corpus {
        let bound = self.sentence_bound();
        self.filter(|i| bound.binary_search(&i).is_err())
    }

    /// Returns the clips for whose index `keep` returns true. They keep their names; a label that no remaining clip has
    /// is dropped.
    pub fn filter(&self, keep: impl Fn(usize) -> bool) -> Corpus {
        let kept = self.clips.iter().enumerate().filter(|&(i, _)| keep(i));
        let kept: Vec<Clip> = kept.map(|(_, clip)| clip.clone()).collect();
        let is_there = |label: &&String| kept.iter().any(|clip| clip.emotion == **label);
        Corpus {
            name: self.name.clone(),
            synthetic: self.synthetic,
            labels: self.labels.iter().filter(is_there).cloned().collect(),
            clips: kept,
        }
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

    /// Returns a hash, in hexadecimal, of everything that splits and trainings depend on: the name, emotion, speaker,
    /// gender, intensity, statement, content, side and corpus of every clip. It does not depend on the location of the
    /// files or on their order.
    pub fn checksum(&self) -> String {
        let line = |clip: &Clip| {
            let labels = [&clip.gender, &clip.intensity, &clip.statement];
            let [gender, intensity, statement] = labels.map(|label| label.as_deref().unwrap_or(""));
            let (name, emotion, speaker) = (&clip.name, &clip.emotion, &clip.speaker);
            let fields = [
                name,
                emotion,
                speaker,
                gender,
                intensity,
                statement,
                &clip.content,
            ];
            let side = clip.split.map(|side| format!("\0{}", side.as_str()));
            let corpus = clip.corpus().map(|corpus| format!("\0corpus {corpus}"));
            let further = [side, corpus].map(Option::unwrap_or_default).concat();
            format!("{}{further}\n", fields.join("\0"))
        };
        let mut lines: Vec<String> = self.clips.iter().map(line).collect();
        lines.sort_unstable();
        format!("{:032x}", xxh3_128(lines.concat().as_bytes()))
    }
}

/// Finds the entry of a map that renames a label of a corpus: the new label, and the old one as the map writes it.
fn entry<'a>(labels: &'a LabelMap, corpus: &str, label: &str) -> Option<(&'a String, &'a String)> {
    let pairs = || {
        labels
            .iter()
            .flat_map(|(to, from)| from.iter().map(move |from| (to, from)))
    };
    let own = format!("{corpus}:{label}");
    let written = |as_written: &str| pairs().find(|(_, from)| *from == as_written);
    written(&own).or_else(|| written(label))
}

/// Returns the name of a label of a corpus after renaming.
pub(crate) fn mapped(labels: &LabelMap, corpus: &str, label: &str) -> String {
    entry(labels, corpus, label)
        .map_or(label, |(to, _)| to)
        .to_owned()
}

/// Counts the clips that each entry of a map renames. `written` holds the corpus and the original label of every clip.
pub(crate) fn renamed(labels: &LabelMap, written: &[(String, String)]) -> Vec<Renamed> {
    let found = written.iter();
    let found = found.filter_map(|(corpus, label)| Some(entry(labels, corpus, label)?.1));
    let found: Vec<&String> = found.collect();
    let of = |(to, from): (&String, &String)| Renamed {
        from: from.clone(),
        to: to.clone(),
        clips: found.iter().filter(|label| **label == from).count(),
    };
    let entries = labels.iter();
    let pairs = entries.flat_map(|(to, from)| from.iter().map(move |from| (to, from)));
    pairs.map(of).collect()
}

/// Sets the names of sorted clips.
fn give_names(clips: &mut [Clip]) {
    let mut groups: HashMap<Option<OsString>, Vec<usize>> = HashMap::new();
    for (index, clip) in clips.iter().enumerate() {
        let called = clip.path.file_stem().map(OsStr::to_owned);
        groups.entry(called).or_default().push(index);
    }
    for group in groups.into_values() {
        let files: Vec<PathBuf> = group.iter().map(|&i| clips[i].path.clone()).collect();
        let stems: Vec<PathBuf> = files.iter().map(|file| file.with_extension("")).collect();
        let part = |i: usize| {
            let span = clips[i].span();
            let part = span.map(|(start, end)| format!("@{start:.3}-{end:.3}"));
            part.unwrap_or_default()
        };
        let named = |paths: &[PathBuf], folders: usize| -> Vec<String> {
            let paths = paths.iter().zip(&group);
            paths
                .map(|(path, &i)| below(path, folders) + &part(i))
                .collect()
        };
        let is_enough =
            |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        let deepest = files.iter().map(|file| file.iter().count()).max();
        let deepest = deepest.unwrap_or(0);
        // If `a.wav` and `a.WAV` are in one folder, only the extension distinguishes them.
        let mut names = (0..deepest).map(|folders| named(&stems, folders));
        let mut longer = (0..deepest).map(|folders| named(&files, folders));
        let names = names.find(is_enough).or_else(|| longer.find(is_enough));
        let names = names.unwrap_or_else(|| named(&files, deepest));
        for (index, name) in group.iter().zip(names) {
            clips[*index].name = name;
        }
    }
}

/// Returns the end of a path: the last component with `folders` parent folders.
fn below(path: &Path, folders: usize) -> String {
    let parts: Vec<_> = path.iter().map(OsStr::to_string_lossy).collect();
    parts[parts.len().saturating_sub(folders + 1)..].join("/")
}

/// Removes repeated labels and keeps the order of first appearance.
fn distinct(labels: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for label in labels {
        if !seen.contains(&label) {
            seen.push(label);
        }
    }
    seen
}
