//! A corpus as a CSV table.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use ser_audio::{Probe, probe};

use crate::audit::Skip;
use crate::files::write_csv;
use crate::table::{Row, Table};
use crate::{Audit, Clip, Corpus, Error, Result, Scan, Side};

/// What every manifest is written with.
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
/// What is written where a clip has it.
const SPLIT: &str = "split";
const REQUIRED: [&str; 3] = ["path", "emotion", "speaker"];

/// A clip and where it was listed.
struct Entry<'a> {
    row: Row<'a>,
    clip: Clip,
}

pub(crate) fn read(path: &Path) -> Result<Scan> {
    let table = Table::open(path, &REQUIRED)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut seen = HashSet::new();
    let mut synthetic = false;
    let mut entries = Vec::new();
    for row in table.rows() {
        synthetic |= row.parsed("synthetic", "true or false")?.unwrap_or(false);
        let clip = clip(&row, folder)?;
        // However the row spells it.
        let path = clip.path.canonicalize();
        if !seen.insert(path.unwrap_or_else(|_| clip.path.clone())) {
            return Err(row.wrong("path", "each file once"));
        }
        entries.push((Entry { row, clip }, probe_in(&row)?));
    }
    let listed = || entries.iter().map(|(entry, _)| entry);
    refuse_spellings(listed(), "speaker", |clip| &clip.speaker)?;
    refuse_spellings(listed(), "emotion", |clip| &clip.emotion)?;

    let entries = entries.into_par_iter();
    let completed: Vec<_> = entries
        .map(|(entry, known)| complete(entry, known))
        .collect();
    let mut entries = Vec::new();
    let mut skipped = Vec::new();
    for outcome in completed {
        match outcome {
            Ok(entry) => entries.push(entry),
            Err(skip) => skipped.push(skip),
        }
    }
    refuse_twins(&entries)?;
    let clips: Vec<Clip> = entries.into_iter().map(|entry| entry.clip).collect();
    if clips.is_empty() {
        return Err(Error::NoClips {
            path: path.to_owned(),
            skipped,
        });
    }

    let synthetic =
        synthetic || crate::synth::is_marked(clips.iter().map(|clip| clip.path.as_path()))?;
    let corpus = Corpus::new(
        path.file_stem().unwrap_or_default().to_string_lossy(),
        synthetic,
        clips,
    );
    let audit = Audit::new(&corpus, skipped);
    Ok(Scan { corpus, audit })
}

/// The labels of a row; what [`complete`] adds is still empty.
fn clip(row: &Row<'_>, folder: &Path) -> Result<Clip> {
    let text = |column| row.optional(column).map(str::to_owned);
    let split = row.optional(SPLIT).map(|side| {
        let expected = "train, dev (or validation, val) or test";
        Side::find(side).ok_or_else(|| row.wrong(SPLIT, expected))
    });
    let is_other = |name: &str| {
        let name = name.to_ascii_lowercase();
        !COLUMNS.contains(&name.as_str()) && name != SPLIT
    };
    let others = row.filled().filter(|(name, _)| is_other(name));
    Ok(Clip {
        path: folder.join(row.required("path")?),
        emotion: row.required("emotion")?.to_owned(),
        speaker: row.required("speaker")?.to_owned(),
        gender: text("gender"),
        intensity: text("intensity"),
        statement: text("statement"),
        repetition: row.parsed("repetition", "a number from 0 to 255")?,
        split: split.transpose()?,
        attributes: others
            .map(|(name, field)| (name.to_owned(), field.to_owned()))
            .collect(),
        ..Clip::default()
    })
}

/// What the row says of the audio, if it says everything.
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
        })
    })())
}

/// Adds what the row knows of the audio, or else looks into the file. A bad file is a skip.
fn complete(Entry { row, clip }: Entry<'_>, known: Option<Probe>) -> Result<Entry<'_>, Skip> {
    // Nobody may ever write into a pipe that a row names.
    let is_file = std::fs::metadata(&clip.path).and_then(|found| match found.is_file() {
        true => Ok(()),
        false => Err(std::io::Error::other("not a file")),
    });
    let is_file = is_file.map_err(|source| ser_files::Error::at(&clip.path)(source).into());
    let probe = is_file.and_then(|()| match known {
        Some(probe) => Ok(probe),
        None => probe(&clip.path).map_err(Error::from),
    });
    match probe {
        Ok(Probe {
            content,
            sample_rate,
            channels,
            frames,
        }) => {
            let clip = Clip {
                content,
                sample_rate,
                channels,
                frames,
                ..clip
            };
            Ok(Entry { row, clip })
        }
        Err(error) => Err(Skip::unreadable(clip.path, error)),
    }
}

/// Refuses two names that only somebody who types makes two of: one speaker would be on two sides of a split, one
/// emotion two labels.
fn refuse_spellings<'a>(
    entries: impl Iterator<Item = &'a Entry<'a>>,
    column: &str,
    name: impl Fn(&Clip) -> &String,
) -> Result<()> {
    let mut first: HashMap<String, &Entry> = HashMap::new();
    for entry in entries {
        let written = name(&entry.clip);
        let before = *first.entry(spelling(written)).or_insert(entry);
        let known = name(&before.clip);
        if known != written {
            let line = before.row.line();
            let expected = format!("`{known}` as in line {line}: spell the same {column} alike");
            return Err(entry.row.wrong(column, &expected));
        }
    }
    Ok(())
}

/// What names have in common that differ in case, blanks, `-`, `_` and leading zeros only: words and numbers in
/// their order. Between two numbers something must stand, so that speaker 1 of group 11 is not speaker 11 of group 1.
fn spelling(name: &str) -> String {
    let mut key = String::new();
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

/// Refuses one recording under two speakers or two labels: one of the two is wrong.
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
                let expected = format!("`{known}`, as line {line} lists the same recording");
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
        paths.push(match clip_path.strip_prefix(folder) {
            Ok(relative) => with_slashes(relative),
            Err(_) => clip_path,
        });
    }
    let clips = corpus.clips();
    let has_split = clips.iter().any(|clip| clip.split.is_some());
    let attributes = clips.iter().flat_map(|clip| clip.attributes.keys());
    let attributes: BTreeSet<&str> = attributes.map(String::as_str).collect();
    write_csv(path, |csv| {
        let split = has_split.then_some(SPLIT);
        let further = split.into_iter().chain(attributes.iter().copied());
        csv.write_record(COLUMNS.into_iter().chain(further))?;
        for (clip, path) in clips.iter().zip(&paths) {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let fields = [
                // A path that is not UTF-8 would come back as another one.
                path.to_str()
                    .ok_or_else(|| std::io::Error::other("a clip's path is not UTF-8"))?
                    .to_owned(),
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
            let split = has_split.then(|| clip.split.map_or("", Side::as_str));
            let attribute = |name: &&str| clip.attributes.get(*name).map_or("", String::as_str);
            let further = split.into_iter().chain(attributes.iter().map(attribute));
            csv.write_record(fields.iter().map(String::as_str).chain(further))?;
        }
        Ok(())
    })
}

/// Relative paths are written alike on every system, so that a manifest can travel with its corpus.
fn with_slashes(relative: &Path) -> PathBuf {
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    PathBuf::from(parts.join("/"))
}
