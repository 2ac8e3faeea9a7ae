//! Reads and writes a corpus as a CSV table.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use ser_audio::{Channels, Probe, probe};

use crate::audit::{Skip, SkipKind};
use crate::corpus::{mapped, renamed};
use crate::files::write_csv;
use crate::joined::CORPUS;
use crate::table::{MOST_SECONDS, Row, Table};
use crate::{
    Audit, Clip, Corpus, Error, Excerpt, LabelMap, Origin, Recording, Result, Scan, Side,
    read_each, recording,
};

/// The columns that are always written.
const COLUMNS: [&str; 12] = [
    "path",
    "emotion",
    "speaker",
    "gender",
    "intensity",
    "statement",
    "repetition",
    "content",
    "sample_rate",
    "channels",
    "frames",
    "synthetic",
];
/// The columns that are written if any clip has a value for them.
const OPTIONAL: [&str; 3] = [START, END, SPLIT];
const START: &str = "start";
const END: &str = "end";
const SPLIT: &str = "split";
const REQUIRED: [&str; 3] = ["path", "emotion", "speaker"];

/// A clip and the row that lists it.
struct Entry<'a> {
    row: Row<'a>,
    clip: Clip,
    /// The canonical path of its file, so that different spellings in rows compare equal.
    file: PathBuf,
    /// The part of the file that the row names.
    span: Option<Span>,
}

/// Start and end of a part of a file, in seconds; without an end, the part ends with the file.
#[derive(Clone, Copy)]
struct Span {
    start: f64,
    end: Option<f64>,
}

/// The shortest part of a file, in seconds. A shorter one is a mistake, and names of parts have a resolution of 1 ms.
const SHORTEST: f64 = 0.01;
/// Tolerance in samples: a part that is written as it was rounded to samples may be shorter by one.
const ROUNDING: f64 = 1.0;
/// Tolerance in seconds, which is that of a sample at the lowest sampling rate of a recording.
const ROUNDING_SECONDS: f64 = ROUNDING / 4000.0;
/// How far a part may end after its file, in seconds: tables round, and codecs pad.
const BEYOND: f64 = 0.1;

/// The folders in which relative paths are looked up: the root, if there is one, then the manifest's folder.
struct Places<'a> {
    root: Option<&'a Path>,
    folder: &'a Path,
}

impl Places<'_> {
    /// Returns the path that exists, or else the first one that was tried. Tables from Windows separate folders with
    /// `\`.
    fn find(&self, written: &str) -> PathBuf {
        let found = self.look_up(written);
        if !written.contains('\\') || found.exists() {
            return found;
        }
        let slashed = self.look_up(&written.replace('\\', "/"));
        if slashed.exists() { slashed } else { found }
    }

    fn look_up(&self, written: &str) -> PathBuf {
        let beside = self.folder.join(written);
        match self.root.map(|root| root.join(written)) {
            Some(path) if path.exists() || !beside.exists() => path,
            _ => beside,
        }
    }

    /// Says where else a missing file was looked up, or how to look elsewhere.
    fn sought(&self, written: &str) -> String {
        let beside = self.folder.join(written);
        match self.root {
            _ if Path::new(written).is_absolute() => String::new(),
            Some(_) => format!("; {} does not exist either", beside.display()),
            None => "; relative paths in a manifest are looked up in its folder, or in --root DIR"
                .to_owned(),
        }
    }
}

pub(crate) fn read(origin: Origin<'_>, labels: &LabelMap) -> Result<Scan> {
    let Origin { path, root } = origin;
    let table = Table::open(path, &REQUIRED)?;
    if let Some(root) = root {
        std::fs::read_dir(root).map_err(ser_files::Error::at(root))?;
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let places = Places { root, folder };
    let mut seen = HashSet::new();
    let mut synthetic = false;
    let mut entries = Vec::new();
    for row in table.rows() {
        synthetic |= is_synthetic(&row)?;
        let mut clip = clip(&row, &places)?;
        let of = clip.corpus().unwrap_or(&name);
        clip.emotion = mapped(labels, of, &clip.emotion);
        let file = clip.path.canonicalize();
        let file = file.unwrap_or_else(|_| clip.path.clone());
        let (span, known) = (span(&row)?, probe_in(&row)?);
        match (span, &known) {
            (None, _) if !seen.insert(file.clone()) => {
                return Err(row.wrong("path", "each file once, or `start` and `end` of its parts"));
            }
            (Some(span), Some(known)) => clip.excerpt = Some(span.of_known(known, &row)?),
            _ => {}
        }
        let entry = Entry {
            row,
            clip,
            file,
            span,
        };
        entries.push((entry, known));
    }
    let named = entries.iter().map(|(entry, _)| entry);
    let named = named.filter(|entry| entry.clip.corpus().is_some());
    refuse_spellings(named, CORPUS, "use one spelling", |clip| {
        clip.corpus().unwrap_or_default()
    })?;
    let corpus_of = |clip: &Clip| clip.corpus().unwrap_or(&name).to_owned();
    let corpora = entries.iter().map(|(entry, _)| corpus_of(&entry.clip));
    if corpora.collect::<HashSet<_>>().len() > 1 {
        for (Entry { clip, .. }, _) in &mut entries {
            clip.set_corpus(&corpus_of(clip));
        }
    }
    let listed = || entries.iter().map(|(entry, _)| entry);
    refuse_spellings(listed(), "speaker", "use one spelling", |clip| {
        &clip.speaker
    })?;
    let join = "use one spelling, or let `labels` in the [task] of a recipe merge them";
    refuse_spellings(listed(), "emotion", join, |clip| &clip.emotion)?;

    let (mut entries, mut skipped) = complete(entries, &places);
    hash_parts(&mut entries, &mut skipped);
    refuse_overlaps(&entries)?;
    refuse_twins(&entries)?;
    let written = entries.iter().filter_map(|entry| {
        Some((
            corpus_of(&entry.clip),
            entry.row.optional("emotion")?.to_owned(),
        ))
    });
    let renamed = renamed(labels, &written.collect::<Vec<_>>());
    let clips: Vec<Clip> = entries.into_iter().map(|entry| entry.clip).collect();
    if clips.is_empty() {
        return Err(Error::NoClips {
            path: path.to_owned(),
            skipped,
        });
    }

    let synthetic =
        synthetic || crate::synth::is_marked(clips.iter().map(|clip| clip.path.as_path()))?;
    let corpus = Corpus::new(name, synthetic, clips);
    let audit = Audit::new(&corpus, renamed, skipped);
    Ok(Scan { corpus, audit })
}

/// Returns true if the row says that the clip is generated. Spreadsheets write `TRUE`.
fn is_synthetic(row: &Row<'_>) -> Result<bool> {
    match row
        .optional("synthetic")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(row.wrong("synthetic", "true or false")),
    }
}

/// Reads the labels of a row; the fields that [`complete`] sets are still empty.
fn clip(row: &Row<'_>, places: &Places<'_>) -> Result<Clip> {
    let text = |column| row.optional(column).map(str::to_owned);
    let split = row.optional(SPLIT).map(|side| {
        let expected = "train, dev (or validation, val) or test";
        Side::find(side).ok_or_else(|| row.wrong(SPLIT, expected))
    });
    let is_other = |name: &str| {
        let name = name.to_ascii_lowercase();
        !COLUMNS.contains(&name.as_str()) && !OPTIONAL.contains(&name.as_str())
    };
    let others = row.filled().filter(|(name, _)| is_other(name));
    Ok(Clip {
        path: places.find(row.required("path")?),
        emotion: row.required("emotion")?.to_owned(),
        speaker: row.required("speaker")?.to_owned(),
        gender: text("gender"),
        intensity: text("intensity"),
        statement: text("statement"),
        repetition: row.parsed("repetition", "a number from 0 to 255")?,
        split: split.transpose()?,
        attributes: others
            .map(|(name, field)| (attribute(name).to_owned(), field.to_owned()))
            .collect(),
        ..Clip::default()
    })
}

/// Returns the name of an additional column: as written, except for [`CORPUS`], which is looked up by this name.
fn attribute(column: &str) -> &str {
    if column.eq_ignore_ascii_case(CORPUS) {
        CORPUS
    } else {
        column
    }
}

/// Returns the properties of the audio if the row has all of them.
fn probe_in(row: &Row<'_>) -> Result<Option<Probe>> {
    let content = row.optional("content").map(str::to_owned);
    let sample_rate =
        row.parsed::<std::num::NonZeroU32>("sample_rate", "a sample rate in hertz")?;
    let channels = row.parsed::<std::num::NonZeroU16>("channels", "a number of channels")?;
    let frames = row.parsed("frames", "a number of samples per channel")?;
    Ok((|| {
        Some(Probe {
            content: content?,
            sample_rate: sample_rate?.get(),
            channels: channels?.get(),
            frames: frames?,
            damage: None,
        })
    })())
}

/// Reads the part of the file that a row names.
fn span(row: &Row<'_>) -> Result<Option<Span>> {
    let (start, end) = (row.seconds(START)?, row.seconds(END)?);
    if start.is_none() && end.is_none() {
        return Ok(None);
    }
    let start = start.unwrap_or(0.0);
    if end.is_some_and(|end| end - start < SHORTEST - ROUNDING_SECONDS) {
        let expected = format!("an end at least {SHORTEST} s after the start");
        return Err(row.wrong(END, &expected));
    }
    Ok(Some(Span { start, end }))
}

impl Span {
    /// Converts to samples, with the properties of the part that the row gives.
    fn of_known(self, part: &Probe, row: &Row<'_>) -> Result<Excerpt> {
        let rate = f64::from(part.sample_rate);
        let start = (self.start * rate).round() as u64;
        let last = ((MOST_SECONDS * rate) as u64).saturating_sub(start);
        let end = start + part.frames.min(last);
        let is_end = |seconds: f64| (seconds * rate).round() as u64 == end;
        if part.frames > last
            || (part.frames as f64) < SHORTEST * rate - ROUNDING
            || !self.end.is_none_or(is_end)
        {
            let expected = "the number of samples from start to end; if content, sample_rate, channels and frames are empty, \
                            they are read from the file";
            return Err(row.wrong("frames", expected));
        }
        Ok(Excerpt { start, end })
    }

    /// Converts to samples of a file. The error says why the file does not have this part.
    fn of_file(self, file: &Probe) -> Result<Excerpt, String> {
        let rate = f64::from(file.sample_rate);
        let samples = |seconds: f64| (seconds * rate).round() as u64;
        let start = samples(self.start);
        let end = self.end.map_or(file.frames, samples);
        let whole = file.frames as f64 / rate;
        let is_too_short = (file.frames.saturating_sub(start) as f64) < SHORTEST * rate - ROUNDING;
        if is_too_short || end as f64 > (whole + BEYOND) * rate {
            let end = self
                .end
                .map_or(String::new(), |end| format!(" to {end:.3} s"));
            return Err(format!(
                "expected the part from {:.3} s{end}, found a recording of {whole:.3} s",
                self.start
            ));
        }
        let end = end.min(file.frames);
        Ok(Excerpt { start, end })
    }
}

/// Adds the properties of the audio from the rows, or else from the files, each of which is read once. A bad file
/// becomes a skip. Parts of files have no content hash yet.
fn complete<'a>(
    entries: Vec<(Entry<'a>, Option<Probe>)>,
    places: &Places<'_>,
) -> (Vec<Entry<'a>>, Vec<Skip>) {
    let mut files: BTreeMap<&Path, bool> = BTreeMap::new();
    for (entry, known) in &entries {
        *files.entry(&entry.clip.path).or_default() |= known.is_none();
    }
    let look = |(path, is_wanted): (&Path, bool)| (path.to_owned(), look(path, is_wanted));
    let found: HashMap<PathBuf, _> = files.into_par_iter().map(look).collect();
    let (mut completed, mut skipped) = (Vec::new(), Vec::new());
    for (mut entry, known) in entries {
        let clip = &mut entry.clip;
        let is_known = known.is_some();
        let probe = match (&found[&clip.path], known) {
            (Ok(_), Some(probe)) => probe,
            (Ok(Some(probe)), None) => probe.clone(),
            // This cannot happen: a file is probed if any row needs it.
            (Ok(None), None) => continue,
            (Err(skip), _) => {
                let mut skip = skip.clone();
                if !skip.path.exists() {
                    let written = entry.row.optional("path").unwrap_or_default();
                    skip.reason += &places.sought(written);
                }
                skipped.push(skip);
                continue;
            }
        };
        (clip.sample_rate, clip.channels) = (probe.sample_rate, probe.channels);
        let damage = probe.damage;
        skipped.extend(damage.map(|damage| Skip::damaged(&clip.path, damage)));
        match entry.span {
            Some(span) if !is_known => match span.of_file(&probe) {
                Ok(part) => {
                    clip.excerpt = Some(part);
                    clip.frames = part.end - part.start;
                }
                Err(reason) => {
                    skipped.push(Skip {
                        path: clip.path.clone(),
                        kind: SkipKind::Unreadable,
                        reason,
                    });
                    continue;
                }
            },
            _ => (clip.content, clip.frames) = (probe.content, probe.frames),
        }
        completed.push(entry);
    }
    (completed, skipped)
}

/// Checks that a file exists, and probes it if `is_wanted`.
fn look(path: &Path, is_wanted: bool) -> Result<Option<Probe>, Skip> {
    // Reading a pipe would wait until somebody writes into it.
    let is_file = std::fs::metadata(path).and_then(|found| match found.is_file() {
        true => Ok(()),
        false if found.is_dir() => Err(std::io::ErrorKind::IsADirectory.into()),
        false => Err(std::io::Error::other(
            "expected a file, found a pipe or a device",
        )),
    });
    let is_file = is_file.map_err(|source| ser_files::Error::at(path)(source).into());
    let found = is_file.and_then(|()| Ok(is_wanted.then(|| probe(path)).transpose()?));
    found.map_err(|error| Skip::unreadable(path.to_owned(), error))
}

/// Adds the content hash of parts of files. A part that cannot be read becomes a skip.
fn hash_parts(entries: &mut Vec<Entry<'_>>, skipped: &mut Vec<Skip>) {
    let parts = entries.iter().map(|entry| &entry.clip);
    let parts: Vec<Recording<'_>> = parts
        .filter(|clip| clip.content.is_empty())
        .map(Clip::recording)
        .collect();
    let found = read_each(&parts, Channels::Mean, |_, sound| {
        sound.map(|sound| recording::content(&sound))
    });
    let clips = entries.iter_mut().map(|entry| &mut entry.clip);
    for (clip, content) in clips.filter(|clip| clip.content.is_empty()).zip(found) {
        match content {
            Ok(content) => clip.content = content,
            Err(error) => skipped.push(Skip::unreadable(clip.path.clone(), error)),
        }
    }
    entries.retain(|entry| !entry.clip.content.is_empty());
}

/// Refuses parts of one file that overlap: otherwise the same audio could be in the training and the test part of a
/// split.
fn refuse_overlaps(entries: &[Entry<'_>]) -> Result<()> {
    let parts = entries.iter();
    let parts = parts.map(|entry| (entry.file.as_path(), entry.clip.excerpt, entry));
    let Some((one, other)) = overlap(parts.collect()) else {
        return Ok(());
    };
    let (line, other_line) = (one.row.line(), other.row.line());
    let (row, line) = if line < other_line {
        (other.row, line)
    } else {
        (one.row, other_line)
    };
    let expected = format!(
        "a part of the file that does not overlap the one in line {line}: the same audio must not be in two clips"
    );
    let column = [START, END].into_iter().find(|c| row.optional(c).is_some());
    Err(row.wrong(column.unwrap_or("path"), &expected))
}

/// Returns two of the given values whose files are the same, and whose parts of the file overlap. Without a part, the whole file
/// is meant.
pub(crate) fn overlap<T: Copy>(mut parts: Vec<(&Path, Option<Excerpt>, T)>) -> Option<(T, T)> {
    let whole = Excerpt {
        start: 0,
        end: u64::MAX,
    };
    parts.sort_by_key(|&(file, part, _)| (file, part.unwrap_or(whole)));
    // Of sorted parts, two neighbours overlap if any two do.
    let mut neighbours = parts.iter().zip(parts.iter().skip(1));
    let found = neighbours.find(|((file, part, _), (next_file, next, _))| {
        file == next_file && next.unwrap_or(whole).start < part.unwrap_or(whole).end
    });
    found.map(|((_, _, one), (_, _, other))| (*one, *other))
}

/// Refuses two spellings that differ only as typing errors do: one speaker would be on two sides of a split, or one
/// emotion would become two labels.
fn refuse_spellings<'a>(
    entries: impl Iterator<Item = &'a Entry<'a>>,
    column: &str,
    way_out: &str,
    name: impl Fn(&Clip) -> &str,
) -> Result<()> {
    let named = entries.map(|entry| (name(&entry.clip), entry));
    let Some((before, entry)) = other_spelling(named) else {
        return Ok(());
    };
    let (known, line) = (name(&before.clip), before.row.line());
    let expected = format!("`{known}` as in line {line}: {way_out}");
    Err(entry.row.wrong(column, &expected))
}

/// Returns the first of the given values whose name was spelled in another way before, after the value with that spelling.
pub(crate) fn other_spelling<'n, T: Copy>(
    mut named: impl Iterator<Item = (&'n str, T)>,
) -> Option<(T, T)> {
    let mut first: HashMap<String, (&str, T)> = HashMap::new();
    named.find_map(|(name, value)| {
        let (known, before) = *first.entry(spelling(name)).or_insert((name, value));
        (known != name).then_some((before, value))
    })
}

/// Returns a key that is equal for names which differ only in case, blanks, `-`, `_` and leading zeros: the words and
/// numbers of the name in their order. Two numbers stay separated, so that speaker 1 of group 11 is not speaker 11 of
/// group 1, and a number keeps its sign, so that -1 is not 1.
pub(crate) fn spelling(name: &str) -> String {
    let is_negative = name
        .strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let mut key = String::from(if is_negative { "-" } else { "" });
    let mut rest = name;
    while let Some(next) = rest.chars().next() {
        let is_digit = next.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit);
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        let mark = |c: char| c.is_whitespace() || c == '-' || c == '_';
        match is_digit {
            true => key.push_str(match run.trim_start_matches('0') {
                "" => "0",
                number => number,
            }),
            false if run.chars().all(mark) && !key.is_empty() && !after.is_empty() => key.push(' '),
            false => key.extend(
                run.chars()
                    .filter(|&c| !mark(c))
                    .flat_map(char::to_lowercase),
            ),
        }
        rest = after;
    }
    key
}

/// Refuses one recording with two speakers or two labels: one of the two must be wrong.
fn refuse_twins(entries: &[Entry<'_>]) -> Result<()> {
    let mut first: HashMap<&str, &Entry<'_>> = HashMap::new();
    for entry in entries {
        let twin = *first.entry(&entry.clip.content).or_insert(entry);
        for (column, known, written) in [
            ("speaker", &twin.clip.speaker, &entry.clip.speaker),
            ("emotion", &twin.clip.emotion, &entry.clip.emotion),
        ] {
            if known != written {
                let line = twin.row.line();
                let expected =
                    format!("`{known}`, as in line {line}, which lists the same recording");
                return Err(entry.row.wrong(column, &expected));
            }
        }
    }
    Ok(())
}

pub(crate) fn write(corpus: &Corpus, path: &Path) -> Result<()> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(ser_files::Error::at(path));
    let manifest = absolute(path)?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let mut paths = Vec::with_capacity(corpus.len());
    for clip in corpus.clips() {
        let clip_path = absolute(&clip.path)?;
        let written = match clip_path.strip_prefix(folder) {
            Ok(relative) => with_slashes(relative),
            Err(_) => clip_path.to_str().map(str::to_owned),
        };
        // A path that is not UTF-8 would be read back as a different one.
        let refused = || {
            let reason = "its path is not UTF-8, so a manifest cannot hold it: rename the file";
            ser_files::Error::at(&clip.path)(std::io::Error::other(reason))
        };
        paths.push(written.ok_or_else(refused)?);
    }
    let clips = corpus.clips();
    let optional = |clip: &Clip| {
        let (start, end) = clip.span().unzip();
        [
            start.map(|seconds| seconds.to_string()),
            end.map(|seconds| seconds.to_string()),
            clip.split.map(|side| side.as_str().to_owned()),
        ]
    };
    let is_there = |&column: &usize| clips.iter().any(|clip| optional(clip)[column].is_some());
    let there: Vec<usize> = (0..OPTIONAL.len()).filter(is_there).collect();
    // Several manifests may write the same column with another case.
    let mut attributes: BTreeMap<String, &str> = BTreeMap::new();
    for name in clips.iter().flat_map(|clip| clip.attributes.keys()) {
        attributes.entry(name.to_lowercase()).or_insert(name);
    }
    write_csv(path, |csv| {
        let further = there.iter().map(|&column| OPTIONAL[column]);
        let further = further.chain(attributes.values().copied());
        csv.write_record(COLUMNS.into_iter().chain(further))?;
        for (clip, path) in clips.iter().zip(&paths) {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let fields = [
                path.clone(),
                clip.emotion.clone(),
                clip.speaker.clone(),
                text(&clip.gender),
                text(&clip.intensity),
                text(&clip.statement),
                clip.repetition
                    .map(|number| number.to_string())
                    .unwrap_or_default(),
                clip.content.clone(),
                clip.sample_rate.to_string(),
                clip.channels.to_string(),
                clip.frames.to_string(),
                corpus.is_synthetic().to_string(),
            ];
            let optional = optional(clip);
            let further = there.iter().map(|&column| optional[column].as_deref());
            let attribute = |column: &String| {
                let mut own = clip.attributes.iter();
                own.find_map(|(name, value)| (name.to_lowercase() == *column).then_some(&**value))
            };
            let further = further.chain(attributes.keys().map(attribute));
            let further = further.map(Option::unwrap_or_default);
            csv.write_record(fields.iter().map(String::as_str).chain(further))?;
        }
        Ok(())
    })
}

/// Writes a relative path with `/`, the same on every system, so that a manifest can travel with its corpus. Returns
/// `None` if the path is not UTF-8.
fn with_slashes(relative: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
    let path = parts?.join("/");
    // A blank at the beginning of a field is not read.
    let begins_blank = path.starts_with(char::is_whitespace);
    Some(if begins_blank {
        format!("./{path}")
    } else {
        path
    })
}
