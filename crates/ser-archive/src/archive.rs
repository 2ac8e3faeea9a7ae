//! The folder that holds one file of answers per shard.

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

/// The file that records what produced a folder. Programs that read a folder of tables skip names that begin with `_`.
pub const HEADING: &str = "_archive.json";

/// Version of the archive format. It is raised when shards of an older program cannot share a folder with those of this
/// program.
const FORMAT: u32 = 2;

/// Largest size of a [`HEADING`] in object storage, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// Number of rows that are answered at a time, on all cores. Their answers are written before the next rows are answered.
const AT_ONCE: usize = 256;

/// A folder with the answers of one model to one manifest, one table per shard.
#[derive(Debug)]
pub struct Archive {
    folder: PathBuf,
    form: Form,
}

/// The outcome of a call on a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// This call answered the shard and wrote its complete file.
    Written(PathBuf),
    /// The file of the shard already existed.
    Before(PathBuf),
    /// Another program is answering the shard.
    Elsewhere(PathBuf),
}

/// The properties that all shards of a folder share.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Heading {
    format: u32,
    /// Fingerprint of the rows of the manifest; `rows` is their number.
    manifest: String,
    rows: u64,
    shards: u32,
    /// `csv` or `parquet`.
    form: String,
    /// Name of the model; `weights` is its fingerprint.
    model: String,
    weights: String,
    /// The labels that answers may have.
    labels: Vec<String>,
    /// Fingerprint of the speakers that rows name.
    speakers: String,
}

impl Archive {
    /// Opens the folder for the answers to a manifest. Creates it if necessary and records in [`HEADING`] what it is for, or
    /// compares an existing [`HEADING`] with this call. Any number of programs may do so at the same time.
    ///
    /// # Errors
    /// [`Error::Io`] from the file system or the object storage. [`Error::Another`] if the folder holds the answers to
    /// another manifest or root, of another model, set of labels or speakers, in another number of shards or another file
    /// format.
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
        // If several programs start at once, one of them writes the file, and all compare theirs with it.
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

    /// Returns the path of the file that holds the answers of a shard once it is complete.
    #[must_use]
    pub fn path(&self, shard: Shard) -> PathBuf {
        let name = format!("{}.{}", shard.name(), extension(self.form));
        self.folder.join(name)
    }

    /// Answers the rows of a manifest's shard and writes them to its file, unless the file exists or another program is
    /// answering the shard. Calls `told` with each answer, in the order of the rows. A program that is killed leaves nothing
    /// under the name of the file, and the next call starts the shard again. In object storage no program locks a shard: if
    /// several answer it, the first write wins, and the others return [`Done::Before`].
    ///
    /// # Errors
    /// [`Error::Io`] from the file system or the object storage, also if a recording cannot be read because its disk fails
    /// or its storage does not respond.
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
            return Ok(if storage::write_new(&path, table)? {
                Done::Written(path)
            } else {
                Done::Before(path)
            });
        }
        let claim = match Claim::take(&path)? {
            Claimed::Mine(claim) => claim,
            Claimed::Others => return Ok(Done::Elsewhere(path)),
            Claimed::Written => return Ok(Done::Before(path)),
        };
        claim.write(|file| self.fill(file, manifest, answerer, told))?;
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
                if let Some(outage) = answered.outage() {
                    return Err(io::Error::other(outage.words.clone()));
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

/// Returns [`Error::Another`] if a folder was started with something other than `expected`.
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
        ("archive format", |heading| heading.format.to_string()),
        ("manifest or root", |heading| {
            format!("{} rows ({})", heading.rows, heading.manifest)
        }),
        ("number of shards", |heading| heading.shards.to_string()),
        ("file format", |heading| heading.form.clone()),
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
