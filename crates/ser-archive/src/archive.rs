//! A folder of shards.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ser_files::{Claim, Claimed};
use ser_tables::{Form, TableWriter};
use serde::{Deserialize, Serialize};

use crate::answerer::{Answered, Answerer};
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::shard::Shard;
use crate::storage;

/// The file that says what a folder holds. What reads a folder of tables passes over names that begin so.
pub const HEADING: &str = "_archive.json";

/// Raised when shards of an older program could not lie beside those of this one.
const FORMAT: u32 = 1;

/// The most that a [`HEADING`] may hold in object storage.
const MOST_BYTES: u64 = 64 << 20;

/// Rows answered at a time, on all cores; their answers are written before the next are read.
const AT_ONCE: usize = 256;

/// A folder of the answers to one manifest by one model: a table a shard.
#[derive(Debug)]
pub struct Archive {
    folder: PathBuf,
    form: Form,
}

/// What came of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It was answered and is there, whole.
    Written(PathBuf),
    /// It was there before.
    Before(PathBuf),
    /// Another program is answering it.
    Elsewhere(PathBuf),
}

/// What all shards of a folder have in common.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Heading {
    format: u32,
    /// Fingerprint of its rows, and their number.
    manifest: String,
    rows: u64,
    shards: u32,
    /// `csv` or `parquet`.
    form: String,
    /// Name of the model, and its fingerprint.
    model: String,
    weights: String,
    /// The labels that can be.
    labels: Vec<String>,
    /// Fingerprint of those whom rows name.
    speakers: String,
}

impl Archive {
    /// Takes a folder for the answers to a manifest: makes it and says in [`HEADING`] what it is for, or holds that against what
    /// is there. Any number of programs may do so at once.
    ///
    /// # Errors
    /// Those of the file system, and [`Error::Another`] for a folder of answers to another manifest, by another model, in
    /// another number of shards or another form.
    pub fn open(
        folder: &Path,
        manifest: &Manifest,
        answerer: &Answerer,
        form: Form,
    ) -> Result<Self> {
        let predictor = answerer.predictor();
        let heading = Heading {
            format: FORMAT,
            manifest: manifest.fingerprint.clone(),
            rows: manifest.count,
            shards: manifest.shard.count(),
            form: extension(form).to_owned(),
            model: predictor.model().name.clone(),
            weights: predictor.model().fingerprint(),
            labels: predictor.allowed().map(str::to_owned).collect(),
            speakers: answerer.fingerprint_of_speakers(),
        };
        let path = folder.join(HEADING);
        let mut text = serde_json::to_string_pretty(&heading).unwrap_or_default();
        text.push('\n');
        // Of those who come at once one writes it, and all hold theirs against it.
        let there = if storage::is_object(folder) {
            if !storage::exists(&path)? {
                storage::write_new(&path, text)?;
            }
            storage::read(&path, MOST_BYTES)?
        } else {
            fs::create_dir_all(folder).map_err(ser_files::Error::at(folder))?;
            if !path.exists() {
                ser_files::write_new(&path, &text)?;
            }
            fs::read(&path).map_err(ser_files::Error::at(&path))?
        };
        check(&path, &heading, &there)?;
        Ok(Self {
            folder: folder.to_owned(),
            form,
        })
    }

    /// Where the answers of a shard lie when all of them are there.
    #[must_use]
    pub fn path(&self, shard: Shard) -> PathBuf {
        let name = format!("{}.{}", shard.name(), extension(self.form));
        self.folder.join(name)
    }

    /// Answers the rows of a manifest's shard into its file, unless they are there or another program is at it. `told` gets each
    /// answer, in the order of the rows. Whoever is killed over it leaves nothing under the file's name, and the next begins the
    /// shard anew. In object storage nobody holds a shard: of several who answer it the first has written it, and the others find
    /// it there.
    ///
    /// # Errors
    /// Those of the file system and of object storage, also where a recording lies there and the storage does not answer.
    pub fn answer(
        &self,
        manifest: &Manifest,
        answerer: &Answerer,
        told: impl FnMut(&Answered),
    ) -> Result<Done> {
        let path = self.path(manifest.shard);
        if storage::is_object(&path) {
            if storage::exists(&path)? {
                return Ok(Done::Before(path));
            }
            let mut table = Vec::new();
            self.fill(&mut table, manifest, answerer, told)
                .map_err(ser_files::Error::at(&path))?;
            return Ok(match storage::write_new(&path, table)? {
                true => Done::Written(path),
                false => Done::Before(path),
            });
        }
        let claim = match Claim::take(&path)? {
            Claimed::Mine(claim) => claim,
            Claimed::Others => return Ok(Done::Elsewhere(path)),
            Claimed::Written => return Ok(Done::Before(path)),
        };
        let written = claim.write(|file| self.fill(file, manifest, answerer, told));
        written.map_err(ser_files::Error::at(&path))?;
        Ok(Done::Written(path))
    }

    /// Writes the answers to the rows of a manifest's shard as a table.
    fn fill(
        &self,
        file: impl Write + Send,
        manifest: &Manifest,
        answerer: &Answerer,
        mut told: impl FnMut(&Answered),
    ) -> io::Result<()> {
        let mut table = TableWriter::new(file, self.form, &answerer.columns())?;
        for rows in manifest.rows.chunks(AT_ONCE) {
            for answered in answerer.answer(rows) {
                // It says nothing of the recording, which the same command may read.
                if let Err(failed) = &answered.answer
                    && failed.is_outage
                {
                    return Err(io::Error::other(failed.words.clone()));
                }
                table.row(&answerer.values(&answered))?;
                told(&answered);
            }
        }
        table.finish()
    }
}

fn extension(form: Form) -> &'static str {
    match form {
        Form::Csv => "csv",
        Form::Parquet => "parquet",
    }
}

/// Refuses what another call has begun.
fn check(path: &Path, expected: &Heading, there: &[u8]) -> Result<()> {
    let another = |what, expected: String, actual: String| Error::Another {
        path: path.to_owned(),
        what,
        expected,
        actual,
    };
    let Ok(found) = serde_json::from_slice::<Heading>(there) else {
        let expected = "what `ser predict --manifest` writes".to_owned();
        return Err(another("file", expected, "something else".to_owned()));
    };
    type Told = fn(&Heading) -> String;
    let parts: [(&'static str, Told); 6] = [
        ("format", |heading| heading.format.to_string()),
        ("manifest", |heading| {
            format!("{} rows ({})", heading.rows, heading.manifest)
        }),
        ("number of shards", |heading| heading.shards.to_string()),
        ("form", |heading| heading.form.clone()),
        ("model", |heading| {
            let labels = heading.labels.join(" ");
            format!("{} ({}: {labels})", heading.model, heading.weights)
        }),
        ("speakers", |heading| heading.speakers.clone()),
    ];
    for (what, told) in parts {
        if told(expected) != told(&found) {
            return Err(another(what, told(expected), told(&found)));
        }
    }
    Ok(())
}
