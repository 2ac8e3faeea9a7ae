//! `ser predict --out`: answers in a file, each kept as soon as it is computed.
//!
//! Until the last answer is there, the answers are in `<file>.unfinished` beside the file: a heading in one line of JSON that
//! identifies the model and the options, then one line for each recording. A program that is stopped leaves this file
//! behind, with at worst a torn last line, and the next call continues it. At the end the whole file is written from it.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use ser_predict::{AnswerLine, Enrolment, Predictor};
use ser_tables::TableWriter;
use serde::{Deserialize, Serialize};

use crate::recordings::is_stdin;
use crate::row;
use crate::tally::Tally;

/// Version of the format of the unfinished file. It is raised when a file of an older program cannot be continued.
const FORMAT: u32 = 4;

/// The answers of a call that writes them to a file.
pub struct Answers {
    path: PathBuf,
    form: Form,
    labels: Vec<String>,
    unfinished: PathBuf,
    /// Whether a stopped call has left answers.
    is_taken_up: bool,
    kept: Mutex<Kept>,
}

enum Form {
    Table(ser_tables::Form),
    Json,
    JsonLines,
}

struct Kept {
    /// The unfinished file, which is locked while it is open.
    file: File,
    rows: Rows,
    /// The stamps of the recordings that this call answers.
    stamps: HashMap<String, Option<Stamp>>,
}

/// For the [`key`] of each recording, its stamp when it was answered, and the answer.
type Rows = HashMap<String, (Option<Stamp>, AnswerLine)>;

/// The size of a file in bytes and the time of its last change. If either differs, the recording has changed.
type Stamp = (u64, SystemTime);

fn stamp(file: &Path) -> Option<Stamp> {
    let found = file.metadata().ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// The first line of the unfinished file. All rows are answers of the same model for the same speaker or collection, from
/// the same channels.
#[derive(Serialize, Deserialize, PartialEq)]
struct Heading {
    format: u32,
    model: String,
    labels: Vec<String>,
    /// The labels that answers may have.
    #[serde(default)]
    allowed: Vec<String>,
    /// Fingerprint of the model.
    weights: String,
    /// Fingerprint of the speaker or of the average of the collection.
    speaker: Option<String>,
    /// Number of recordings of the collection that the answers are adapted to.
    #[serde(default)]
    collection: Option<usize>,
    /// The only channel that was used, counted from 1; `None` for all channels, compared.
    channel: Option<u16>,
}

impl Answers {
    /// Prepares to write `path`, which [`may_write`] has accepted, and reads the answers that a stopped call has left for it.
    ///
    /// # Errors
    /// If the unfinished file cannot be opened, if another program is writing it, or if it holds anything other than the
    /// answers of the same call.
    pub fn open(
        path: &Path,
        predictor: &Predictor,
        speaker: Option<&Enrolment>,
        collection: Option<usize>,
        channel: Option<u16>,
    ) -> Result<Self> {
        let model = predictor.model();
        let form = form(path)?;
        let unfinished = path.with_added_extension("unfinished");
        let heading = Heading {
            format: FORMAT,
            model: model.name.clone(),
            labels: model.labels.clone(),
            allowed: predictor.allowed().map(str::to_owned).collect(),
            weights: model.fingerprint(),
            speaker: speaker.map(Enrolment::fingerprint),
            collection,
            channel,
        };
        let named = || unfinished.display().to_string();
        ensure!(
            unfinished.metadata().map_or(true, |there| there.is_file()),
            "{}: expected the unfinished file of a stopped `ser predict --out`, found a folder, a pipe or a device: name another --out",
            unfinished.display()
        );
        let mut options = File::options();
        let file = options.read(true).append(true).create(true);
        let file = file.open(&unfinished).with_context(named)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{}: another `ser predict` is writing this file: wait until it has ended, or name another --out",
                path.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(named),
        }
        let rows = take_up(&file, &heading).with_context(named)?;
        Ok(Self {
            is_taken_up: !rows.is_empty(),
            path: path.to_owned(),
            form,
            labels: heading.labels,
            kept: Mutex::new(Kept {
                file,
                rows,
                stamps: HashMap::new(),
            }),
            unfinished,
        })
    }

    /// Adds the recordings that are answered already and have not changed since to `tally`, and returns the others.
    pub fn left(&self, files: &[PathBuf], tally: &mut Tally) -> Result<Vec<PathBuf>> {
        let mut kept = self.kept();
        let mut left = Vec::new();
        for file in files {
            let (key, stamp) = (key(file)?, stamp(file));
            match kept.rows.get(&key) {
                Some((before, row)) if *before == stamp => {
                    tally.answer(row.uncertain, row.warnings.iter().map(String::as_str));
                    continue;
                }
                _ => left.push(file.clone()),
            }
            kept.rows.remove(&key);
            kept.stamps.insert(key, stamp);
        }
        Ok(left)
    }

    /// Keeps an answer. An answer for standard input is not written to the unfinished file, because the next call reads
    /// other data.
    pub fn keep(&self, file: &Path, row: AnswerLine) -> Result<()> {
        let mut kept = self.kept();
        let key = key(file)?;
        let stamp = kept.stamps.get(&key).copied().flatten();
        if !is_stdin(file) {
            let mut line = serde_json::to_vec(&(&key, &stamp, &row))?;
            line.push(b'\n');
            let written = kept.file.write_all(&line);
            written.with_context(|| self.unfinished.display().to_string())?;
        }
        kept.rows.insert(key, (stamp, row));
        Ok(())
    }

    /// Writes the file with the answers for these recordings, in this order, and returns its path.
    pub fn finish(self, files: &[PathBuf]) -> Result<PathBuf> {
        let kept = self
            .kept
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<String> = files.iter().map(|file| key(file)).collect::<Result<_>>()?;
        let rows = keys.iter().filter_map(|key| Some(&kept.rows.get(key)?.1));
        ser_files::write(&self.path, |file| match self.form {
            Form::Table(form) => table(file, form, &self.labels, rows),
            Form::JsonLines => json(file, ["", "", ""], rows),
            Form::Json => json(file, ["[\n", ",", "]\n"], rows),
        })?;
        // Windows does not remove an open file.
        drop(kept.file);
        ser_files::remove_file(self.unfinished)?;
        Ok(self.path)
    }

    /// Removes the unfinished file, and writes no other. Answers of an earlier call are kept: their recordings may only be away,
    /// on a drive that is not mounted.
    pub fn discard(self) -> Result<()> {
        drop(self.kept);
        if self.is_taken_up {
            return Ok(());
        }
        Ok(ser_files::remove_file(self.unfinished)?)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks that the answers for these recordings can be written to `path`.
///
/// # Errors
/// If the name of `path` has another ending, or if it cannot be written or is one of the recordings.
pub fn may_write(path: &Path, recordings: &[PathBuf]) -> Result<()> {
    form(path)?;
    let recordings: Vec<&Path> = recordings.iter().map(PathBuf::as_path).collect();
    Ok(ser_files::may_write(path, &recordings)?)
}

/// Returns the format of the file, from the ending of its name.
fn form(path: &Path) -> Result<Form> {
    if let Some(form) = ser_tables::Form::of(path) {
        return Ok(Form::Table(form));
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    Ok(match extension.to_lowercase().as_str() {
        "json" => Form::Json,
        "jsonl" => Form::JsonLines,
        _ => bail!(
            "{}: the name must end in .csv, .parquet, .json (an array) or .jsonl (one object per line)",
            path.display()
        ),
    })
}

/// Returns the key that identifies a recording: its absolute path, escaped so that a path that is not UTF-8 is preserved.
fn key(file: &Path) -> Result<String> {
    Ok(format!("{:?}", std::path::absolute(file)?))
}

/// Reads the rows of an unfinished file, and removes a torn last line. Writes the heading of a new file.
fn take_up(mut file: &File, heading: &Heading) -> Result<Rows> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut expected = serde_json::to_vec(heading)?;
    expected.push(b'\n');
    if bytes.len() < expected.len() && expected.starts_with(&bytes) {
        file.set_len(0)?;
        file.write_all(&expected)?;
        return Ok(HashMap::new());
    }
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    check(first, heading)?;
    let (mut rows, mut whole) = (HashMap::new(), first.len());
    for line in lines {
        let Some((key, stamp, row)) = line.strip_suffix(b"\n").and_then(|line| {
            serde_json::from_slice::<(String, Option<Stamp>, AnswerLine)>(line).ok()
        }) else {
            break;
        };
        rows.insert(key, (stamp, row));
        whole += line.len();
    }
    file.set_len(whole as u64)?;
    Ok(rows)
}

/// Fails if the first line of an unfinished file differs from the heading of this call.
fn check(first: &[u8], expected: &Heading) -> Result<()> {
    const WAYS_OUT: &str = "remove it to start again, or name another --out";
    let Ok(found) = serde_json::from_slice::<Heading>(first) else {
        bail!(
            "expected the unfinished file of a stopped `ser predict --out`, found something else: {WAYS_OUT}"
        );
    };
    let whose = |heading: &Heading| match (&heading.speaker, heading.collection) {
        (Some(mean), Some(recordings)) => format!("{recordings} recordings ({mean})"),
        (Some(speaker), None) => format!("an enrolled speaker ({speaker})"),
        (None, _) => "no enrolled speaker".to_owned(),
    };
    let which = |heading: &Heading| match heading.channel {
        Some(channel) => channel.to_string(),
        None => "all channels".to_owned(),
    };
    let who = |heading: &Heading| {
        let (weights, labels) = (&heading.weights, heading.labels.join(" "));
        format!("{} ({weights}: {labels})", heading.model)
    };
    let (what, expected, found) = if found.format != expected.format {
        let format = |heading: &Heading| heading.format.to_string();
        ("format", format(expected), format(&found))
    } else if who(&found) != who(expected) {
        ("model", who(expected), who(&found))
    } else if found.allowed != expected.allowed {
        let allowed = |heading: &Heading| heading.allowed.join(", ");
        ("labels", allowed(expected), allowed(&found))
    } else if found.channel != expected.channel {
        ("channel", which(expected), which(&found))
    } else if found.collection.or(expected.collection).is_some() && whose(&found) != whose(expected)
    {
        let what = "collection (with --adapt each answer depends on all recordings, so none may be added, removed or changed)";
        (what, whose(expected), whose(&found))
    } else if found.speaker != expected.speaker {
        ("speaker", whose(expected), whose(&found))
    } else {
        return Ok(());
    };
    bail!(
        "another call started the answers here, {what}: expected {expected}, found {found}: continue that call, {WAYS_OUT}"
    )
}

fn table<'r>(
    file: impl Write + Send,
    form: ser_tables::Form,
    labels: &[String],
    mut rows: impl Iterator<Item = &'r AnswerLine>,
) -> io::Result<()> {
    let mut table = TableWriter::new(file, form, &row::columns(labels))?;
    rows.try_for_each(|row| row::write(row, labels, &mut table))?;
    table.finish()
}

/// Writes one object per line, with `open` before the first, `between` after each except the last, and `close` at the end.
fn json<'r>(
    mut file: impl Write,
    [open, between, close]: [&str; 3],
    rows: impl Iterator<Item = &'r AnswerLine>,
) -> io::Result<()> {
    let mut rows = rows.peekable();
    file.write_all(open.as_bytes())?;
    while let Some(row) = rows.next() {
        serde_json::to_writer(&mut file, row)?;
        let behind = if rows.peek().is_some() { between } else { "" };
        writeln!(file, "{behind}")?;
    }
    file.write_all(close.as_bytes())
}
