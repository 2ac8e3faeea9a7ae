use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use ser_audio::{Channels, Waveform};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::files::is_table;
use crate::ravdess::EMOTIONS;
use crate::{Audit, Error, Excerpt, Recording, Result, Side, manifest, scan};

/// One recording with its labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clip {
    /// What tells it from the other clips of its corpus, which gives it ([`Corpus::new`]): the file name without its
    /// extension, with as many of the folders above as it takes where files are called the same, and with beginning
    /// and end in seconds where it is a part of one: `talk@1.500-3.250`.
    pub name: String,
    /// Where the file lies.
    pub path: PathBuf,
    /// The part of the file that is the clip; `None`: all of it.
    pub excerpt: Option<Excerpt>,
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
    /// The side of a split that a manifest gives it, for [`Protocol::Given`](crate::Protocol::Given).
    pub split: Option<Side>,
    /// What else a manifest says of it, by column: everything that is no other field.
    pub attributes: BTreeMap<String, String>,
    /// Hash of format and samples, in hex, see [`ser_audio::probe`]. Clips with equal `content` sound the same, whatever
    /// else their files hold. Of a part of a file it is a hash of the mixed-down samples, known only to other parts.
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

    /// Where its sound lies.
    pub fn recording(&self) -> Recording<'_> {
        Recording {
            path: &self.path,
            excerpt: self.excerpt,
        }
    }

    /// Its sound, mixed down to the mean of its channels, at the file's rate. [`read_each`](crate::read_each) reads many.
    ///
    /// # Errors
    /// Those of [`Recording::read`].
    pub fn read(&self) -> Result<Waveform> {
        self.recording().read(Channels::Mean)
    }

    /// Beginning and end of its part of the file, in seconds; `None` for a whole file.
    pub fn span(&self) -> Option<(f64, f64)> {
        let seconds = |samples: u64| samples as f64 / f64::from(self.sample_rate);
        let part = self.excerpt?;
        Some((seconds(part.start), seconds(part.end)))
    }
}

/// Where a corpus comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// A folder with clips, or a manifest.
    pub path: &'a Path,
    /// The folder in which relative paths of a manifest are looked up first; the manifest's own is the second, and without
    /// a root the only one.
    pub root: Option<&'a Path>,
}

impl<'a> From<&'a Path> for Origin<'a> {
    fn from(path: &'a Path) -> Self {
        Self { path, root: None }
    }
}

/// The labels that become one, by the one that they become: `happy` with `Happy` and `joy`. A label of one corpus alone has the
/// corpus and a colon in front of it, as in `jl:excited`: a corpus by its [name](crate::corpora::KnownCorpus::name), by what a
/// manifest has in its column `corpus`, or else by the manifest's own name. It goes before what is said of the label in all.
pub type LabelMap = BTreeMap<String, Vec<String>>;

/// What a label that a [`LabelMap`] names was found on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// The label as it is written.
    pub from: String,
    /// The label that it becomes.
    pub to: String,
    /// How many clips have it.
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

/// A corpus and what was seen while it was indexed.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The clips that were taken.
    pub corpus: Corpus,
    /// What was found, and what was not taken.
    pub audit: Audit,
}

impl Corpus {
    /// Sorts clips into a corpus, by file name, and by path where file names are equal, and names them.
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

    /// A folder is scanned, a file called `.csv` or `.tsv` ([`is_table`]) is read as a manifest.
    ///
    /// # Errors
    /// Those of [`Corpus::scan`] and [`Corpus::read_manifest`].
    pub fn load(path: impl AsRef<Path>) -> Result<Scan> {
        Self::load_with(path.as_ref().into(), &LabelMap::new())
    }

    /// As [`Corpus::load`], with labels renamed before anything else is done with them: spellings that the map joins
    /// are one label. [`Audit::renamed`] has what became of each.
    ///
    /// # Errors
    /// Those of [`Corpus::load`]; [`Error::RootWithoutManifest`].
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

    /// Finds the clips of a known corpus that lie anywhere under a folder.
    ///
    /// The corpus is the one of [`corpora::ALL`](crate::corpora::ALL) to which most recordings belong, by the names of the files;
    /// clips are taken in any format that [`ser_audio::read`] reads. Of RAVDESS, speech and song are two corpora. A second copy of a
    /// clip (same name, same audio) counts once, as in archives that hold everything twice. Every recording that is not taken
    /// stands in [`Audit::skipped`] with its reason. Each file is read once, on all threads of the current rayon pool.
    ///
    /// # Errors
    /// The folder cannot be read, or holds no clip. A bad file is no error.
    pub fn scan(folder: impl AsRef<Path>) -> Result<Scan> {
        scan::scan(folder.as_ref(), &LabelMap::new())
    }

    /// Reads a manifest: this is how a corpus that is not known by name comes in.
    ///
    /// A table in UTF-8, or in UTF-16 with its byte order mark, with a header, and with commas, semicolons or tabs
    /// between the columns.
    ///
    /// Columns, in any order: `path` (of a recording of any format that [`ser_audio::read`] reads; absolute, or
    /// relative to the manifest's folder), `emotion` and `speaker` (free
    /// text) are required. `gender`, `intensity`, `statement`, `repetition`, `split` ([`Side`]) and `synthetic` (`true`
    /// or `false`) may be there; others are kept as [`Clip::attributes`]. `start` and `end`, together or one of them,
    /// in seconds, make the row a part of a file; parts of one file may not overlap. Where `content`, `sample_rate`, `channels` and `frames` are all given, the row is
    /// believed and the audio is not read.
    ///
    /// # Errors
    /// [`Error::Csv`] with line and column, or no clip at all. A bad audio file is no error: it stands in
    /// [`Audit::skipped`].
    pub fn read_manifest(path: impl AsRef<Path>) -> Result<Scan> {
        manifest::read(path.as_ref().into(), &LabelMap::new())
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

    /// Places of the clips whose sentence is said several times in their corpus, but in one emotion alone: its words tell the
    /// emotion, whoever says them, and a model that knows the words from another speaker needs no voice.
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

    /// Without the clips of [`Corpus::sentence_bound`].
    pub fn with_shared_sentences(&self) -> Corpus {
        let bound = self.sentence_bound();
        self.filter(|i| bound.binary_search(&i).is_err())
    }

    /// The clips whose places are to be kept, under the names that they have here, and the labels that they have.
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

    /// Hash, in hex, over what the clips are called, all their labels and their content, which is everything that splits
    /// and trainings depend on; independent of location and order.
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

/// The entry of a map that renames a label of a corpus: what it becomes, and how the map writes it.
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

/// What a label of a corpus is called after a map.
pub(crate) fn mapped(labels: &LabelMap, corpus: &str, label: &str) -> String {
    entry(labels, corpus, label)
        .map_or(label, |(to, _)| to)
        .to_owned()
}

/// What a map renames among labels as they are written, each with its corpus.
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

/// Names sorted clips.
fn give_names(clips: &mut [Clip]) {
    let mut groups: HashMap<Option<OsString>, Vec<usize>> = HashMap::new();
    for (index, clip) in clips.iter().enumerate() {
        let called = clip.path.file_stem().map(OsStr::to_owned);
        groups.entry(called).or_default().push(index);
    }
    for group in groups.into_values() {
        let deepest = group.iter().map(|&i| clips[i].path.iter().count()).max();
        let part = |i: usize| {
            let span = clips[i].span();
            let part = span.map(|(start, end)| format!("@{start:.3}-{end:.3}"));
            part.unwrap_or_default()
        };
        let named = |folders: usize| -> Vec<String> {
            let path = |&i: &usize| below(&clips[i].path.with_extension(""), folders) + &part(i);
            group.iter().map(path).collect()
        };
        let is_enough =
            |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        let names = (0..deepest.unwrap_or(0)).map(named).find(is_enough);
        // Only the extension tells `a.wav` and `a.WAV` of one folder apart.
        let whole = || {
            let path = |&i: &usize| clips[i].path.to_string_lossy().into_owned() + &part(i);
            group.iter().map(path).collect()
        };
        for (index, name) in group.iter().zip(names.unwrap_or_else(whole)) {
            clips[*index].name = name;
        }
    }
}

/// The end of a path: so many folders, and what lies in them.
fn below(path: &Path, folders: usize) -> String {
    let parts: Vec<_> = path.iter().map(OsStr::to_string_lossy).collect();
    parts[parts.len().saturating_sub(folders + 1)..].join("/")
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
