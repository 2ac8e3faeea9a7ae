//! Manifests: the rows of a table, and the shard of them that is to be answered.

use std::collections::BTreeSet;
use std::fs::File;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ser_data::{Table, is_table};
use ser_tables::Form;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::error::{Error, Result};
use crate::parquet;
use crate::row::{Row, Sound};
use crate::shard::Shard;
use crate::storage;

/// The columns of a manifest, in any case and order. `path` is required; other columns are ignored.
pub(crate) const COLUMNS: [&str; 6] = ["id", PATH, "start", "end", "speaker", "channel"];
pub(crate) const PATH: &str = "path";
/// Largest size in bytes of a Parquet manifest in object storage, about a hundred million rows. It is read as a whole.
const MOST_BYTES: u64 = 2 << 30;

/// One shard of a manifest. Memory holds the rows of the shard and, while the manifest is read, 24 to 48 bytes for each row of
/// all shards.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The rows of the shard.
    pub rows: Vec<Row>,
    /// The shard.
    pub shard: Shard,
    /// Number of rows in all shards.
    pub count: u64,
    /// Hash of all rows, with where their recordings are. It does not depend on the file format or on other columns.
    pub fingerprint: String,
    /// The names of the speakers in all rows.
    pub speakers: BTreeSet<String>,
}

/// A row as it stands in the table.
#[derive(Debug, Default)]
pub(crate) struct Written<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) start: Option<f64>,
    pub(crate) end: Option<f64>,
    pub(crate) speaker: Option<&'a str>,
    pub(crate) channel: Option<u16>,
}

impl Manifest {
    /// Reads a table: Parquet, or CSV separated by commas, semicolons or tabs. A relative path starts at `root`, or else at
    /// the folder of the manifest. The default of a missing `id` is the path as it is written.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, and [`Error::NoManifest`] if its name is not that of a table.
    /// [`Error::Table`], [`Error::Parquet`] or [`Error::Row`] if its content is invalid. [`Error::Twice`] if two rows have the
    /// same id, and [`Error::Empty`] if there is no row.
    pub fn read(path: &Path, root: Option<&Path>, shard: Shard) -> Result<Self> {
        let source = Source::open(path)?;
        let root = root.unwrap_or(path.parent().unwrap_or(Path::new("")));
        let whole = if root == Path::new("") {
            Path::new(".")
        } else {
            root
        };
        let mut rows = Rows {
            root,
            // The URL of a bucket and a folder that does not exist stay as they are written.
            whole: whole.canonicalize().unwrap_or(whole.to_owned()),
            manifest: Self {
                rows: Vec::new(),
                shard,
                count: 0,
                fingerprint: String::new(),
                speakers: BTreeSet::new(),
            },
            hash: Xxh3::new(),
            ids: Vec::new(),
        };
        source.each(&mut |row| rows.take(row))?;
        let path = path.to_owned();
        match rows.twins() {
            Some([first, second]) => Err(Error::Twice {
                path,
                id: source.id(first)?,
                first: source.place(first),
                second: source.place(second),
            }),
            None if rows.manifest.count == 0 => Err(Error::Empty { path }),
            None => Ok(Self {
                fingerprint: format!("{:032x}", rows.hash.digest128()),
                ..rows.manifest
            }),
        }
    }
}

/// The table that rows are read from.
enum Source<'a> {
    Csv(Table),
    Parquet(&'a Path),
    /// The bytes of a Parquet file in object storage.
    StoredParquet(&'a Path, Bytes),
}

impl<'a> Source<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        if is_table(path) {
            let table = if storage::is_object(path) {
                Table::read(path, storage::read(path, Table::MOST_BYTES)?, &[PATH])?
            } else {
                Table::open(path, &[PATH])?
            };
            return Ok(Self::Csv(table));
        }
        match Form::of(path) {
            Some(Form::Parquet) if storage::is_object(path) => {
                let bytes = storage::read(path, MOST_BYTES)?;
                Ok(Self::StoredParquet(path, bytes.into()))
            }
            Some(Form::Parquet) => Ok(Self::Parquet(path)),
            _ => Err(Error::NoManifest {
                path: path.to_owned(),
            }),
        }
    }

    fn each(&self, take: &mut dyn FnMut(&Written<'_>)) -> Result<()> {
        match self {
            Self::Csv(table) => table
                .rows()
                .try_for_each(|row| written(&row).map(|row| take(&row))),
            Self::Parquet(path) => {
                let file = File::open(path).map_err(ser_files::Error::at(path))?;
                parquet::each(path, file, take)
            }
            Self::StoredParquet(path, bytes) => parquet::each(path, bytes.clone(), take),
        }
    }

    /// Returns the id of the row at a position.
    fn id(&self, position: u64) -> Result<String> {
        let (mut at, mut id) = (0, String::new());
        self.each(&mut |row| {
            if at == position {
                row.id().clone_into(&mut id);
            }
            at += 1;
        })?;
        Ok(id)
    }

    /// Returns the line or row number by which a user finds a row.
    fn place(&self, position: u64) -> String {
        match self {
            Self::Csv(table) => {
                let row = table.rows().nth(position as usize);
                format!("line {}", row.map_or(0, |row| row.line()))
            }
            Self::Parquet(_) | Self::StoredParquet(..) => parquet::place(position),
        }
    }
}

fn written<'a>(row: &ser_data::Row<'a>) -> Result<Written<'a>> {
    let channel = row.parsed::<NonZeroU16>("channel", "a whole number from 1 to 65535")?;
    Ok(Written {
        id: row.optional("id"),
        path: row.required(PATH)?,
        start: row.seconds("start")?,
        end: row.seconds("end")?,
        speaker: row.optional("speaker"),
        channel: channel.map(NonZeroU16::get),
    })
}

impl Written<'_> {
    fn id(&self) -> &str {
        self.id.unwrap_or(self.path)
    }
}

/// The state while rows are read.
struct Rows<'a> {
    root: &'a Path,
    /// The root, however it is written.
    whole: PathBuf,
    manifest: Manifest,
    hash: Xxh3,
    /// For each row the two halves of the hash of its id, and its position.
    ids: Vec<(u64, u64, u64)>,
}

impl Rows<'_> {
    fn take(&mut self, row: &Written<'_>) {
        let (id, position) = (row.id(), self.manifest.count);
        self.manifest.count += 1;
        let hash = xxh3_128(id.as_bytes());
        self.ids.push(((hash >> 64) as u64, hash as u64, position));
        // The `Debug` text delimits the fields, so two different rows never have the same text.
        let path = storage::join(&self.whole, row.path);
        let text = format!(
            "{:?}",
            (id, path, row.start, row.end, row.speaker, row.channel)
        );
        self.hash.update(text.as_bytes());
        if let Some(speaker) = row.speaker
            && !self.manifest.speakers.contains(speaker)
        {
            self.manifest.speakers.insert(speaker.to_owned());
        }
        if self.manifest.shard.holds(position) {
            self.manifest.rows.push(Row {
                start: row.start,
                end: row.end,
                speaker: row.speaker.map(str::to_owned),
                channel: row.channel,
                ..Row::new(id, Sound::File(storage::join(self.root, row.path)))
            });
        }
    }

    /// Returns the positions of two rows with the same id.
    fn twins(&mut self) -> Option<[u64; 2]> {
        let mut ids = std::mem::take(&mut self.ids);
        ids.sort_unstable();
        let mut pairs = ids.windows(2);
        pairs.find_map(|pair| match *pair {
            [(a, b, first), (c, d, second)] if (a, b) == (c, d) => Some([first, second]),
            _ => None,
        })
    }
}
