//! A minimal Parquet writer: one page per column in each row group, plain encoding, no compression.
//!
//! Every Parquet reader can read this. The crate `parquet` would increase the build time of the program by more than a
//! quarter, for encodings that do not make features smaller, since features look like noise.
//!
//! # References
//! Apache Parquet, *File Format* and *parquet.thrift*; the numbers of types and encodings are from the latter.

use std::io::{self, Write};

use crate::thrift::{Struct, varint};
use crate::{Column, Kind, Value};

const MAGIC: &[u8] = b"PAR1";
/// Encoding of the values, and encoding of the bits that say which values are present.
const PLAIN: i32 = 0;
const RLE: i32 = 3;
/// Every value may be missing.
const OPTIONAL: i32 = 1;
/// Byte arrays that are UTF-8.
const UTF8: i32 = 0;

/// A row group ends after this many bytes of values or this many rows: large enough to be read quickly, small enough
/// for memory.
const GROUP_BYTES: usize = 16 << 20;
const GROUP_ROWS: usize = 1 << 16;

impl Kind {
    fn number(self) -> i32 {
        match self {
            Self::Bool => 0,
            Self::Float => 4,
            Self::Double => 5,
            Self::Text => 6,
        }
    }
}

pub(crate) struct Parquet<W> {
    writer: W,
    /// Number of bytes written so far.
    at: usize,
    columns: Vec<Held>,
    /// Number of rows in the columns, and number of bytes.
    rows: usize,
    bytes: usize,
    groups: Vec<Struct>,
    /// Number of rows in the groups that are written.
    written: usize,
}

/// A column, with the values that wait for their row group.
struct Held {
    column: Column,
    is_there: Bits,
    values: Vec<u8>,
    bools: Bits,
}

/// Bits, with the lowest bit of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.count.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.count % 8);
        }
        self.count += 1;
    }
}

impl<W: Write> Parquet<W> {
    pub(crate) fn new(mut writer: W, columns: &[Column]) -> io::Result<Self> {
        writer.write_all(MAGIC)?;
        let held = |column: &Column| Held {
            column: column.clone(),
            is_there: Bits::default(),
            values: Vec::new(),
            bools: Bits::default(),
        };
        Ok(Self {
            writer,
            at: MAGIC.len(),
            columns: columns.iter().map(held).collect(),
            rows: 0,
            bytes: 0,
            groups: Vec::new(),
            written: 0,
        })
    }

    pub(crate) fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        if values.len() != self.columns.len() {
            let (expected, found) = (self.columns.len(), values.len());
            return Err(wrong(format!("expected {expected} values, found {found}")));
        }
        // A row that is refused leaves no values behind.
        for (held, value) in self.columns.iter().zip(values) {
            held.check(*value)?;
        }
        for (held, value) in self.columns.iter_mut().zip(values) {
            self.bytes += held.push(*value);
        }
        self.rows += 1;
        if self.bytes >= GROUP_BYTES || self.rows == GROUP_ROWS {
            self.group()?;
        }
        Ok(())
    }

    /// Writes the waiting rows as a row group.
    fn group(&mut self) -> io::Result<()> {
        let (rows, start) = (self.rows, self.at);
        let mut chunks = Vec::with_capacity(self.columns.len());
        for held in &mut self.columns {
            let page = held.page(rows)?;
            let size = page.len() as i64;
            let about = Struct::default()
                .i32(1, held.column.kind.number())
                .i32s(2, &[PLAIN, RLE])
                .texts(3, &[&held.column.name])
                .i32(4, 0)
                .i64(5, rows as i64)
                .i64(6, size)
                .i64(7, size)
                .i64(9, self.at as i64);
            chunks.push(Struct::default().i64(2, self.at as i64).nested(3, about));
            self.writer.write_all(&page)?;
            self.at += page.len();
        }
        let group = Struct::default()
            .structs(1, chunks)
            .i64(2, (self.at - start) as i64)
            .i64(3, rows as i64);
        self.groups.push(group);
        self.written += rows;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.group()?;
        }
        let root = Struct::default()
            .text(4, "table")
            .i32(5, self.columns.len() as i32);
        let columns = self.columns.iter().map(|Held { column, .. }| {
            let of = Struct::default()
                .i32(1, column.kind.number())
                .i32(3, OPTIONAL)
                .text(4, &column.name);
            match column.kind {
                Kind::Text => of.i32(6, UTF8),
                _ => of,
            }
        });
        let footer = Struct::default()
            .i32(1, 1)
            .structs(2, std::iter::once(root).chain(columns))
            .i64(3, self.written as i64)
            .structs(4, self.groups)
            .text(6, concat!("ser version ", env!("CARGO_PKG_VERSION")))
            .end();
        self.writer.write_all(&footer)?;
        self.writer.write_all(&size(footer.len())?.to_le_bytes())?;
        self.writer.write_all(MAGIC)?;
        self.writer.flush()
    }
}

impl Held {
    /// Refuses a value that the column cannot hold.
    fn check(&self, value: Value<'_>) -> io::Result<()> {
        match (self.column.kind, value) {
            (_, Value::Missing)
            | (Kind::Bool, Value::Bool(_))
            | (Kind::Float, Value::Float(_))
            | (Kind::Double, Value::Double(_)) => Ok(()),
            (Kind::Text, Value::Text(text) | Value::Path(text)) => size(text.len()).map(drop),
            (kind, value) => {
                let name = &self.column.name;
                Err(wrong(format!(
                    "column `{name}`: expected {kind:?}, found {value:?}"
                )))
            }
        }
    }

    /// Adds a [checked](Self::check) value and returns its size in bytes.
    fn push(&mut self, value: Value<'_>) -> usize {
        let before = self.values.len();
        match value {
            Value::Missing => {}
            Value::Bool(value) => self.bools.push(value),
            Value::Float(value) => self.values.extend(value.to_le_bytes()),
            Value::Double(value) => self.values.extend(value.to_le_bytes()),
            Value::Text(text) | Value::Path(text) => {
                self.values.extend((text.len() as u32).to_le_bytes());
                self.values.extend(text.as_bytes());
            }
        }
        self.is_there.push(value != Value::Missing);
        self.values.len() - before
    }

    /// Returns all waiting values as a page with its header.
    fn page(&mut self, rows: usize) -> io::Result<Vec<u8>> {
        let is_there = std::mem::take(&mut self.is_there);
        let bools = std::mem::take(&mut self.bools);
        let values = std::mem::take(&mut self.values);
        // One run of whole bytes, preceded by their number.
        let run = varint((is_there.bytes.len() as u64) << 1 | 1);
        let levels = [run, is_there.bytes].concat();
        let length = size(levels.len())?.to_le_bytes();
        let body = [&length[..], &levels, &values, &bools.bytes].concat();
        let about = Struct::default()
            .i32(1, size(rows)?)
            .i32(2, PLAIN)
            .i32(3, RLE)
            .i32(4, RLE);
        let header = Struct::default()
            .i32(1, 0)
            .i32(2, size(body.len())?)
            .i32(3, size(body.len())?)
            .nested(5, about);
        Ok([header.end(), body].concat())
    }
}

/// Converts a length to the 32 bits that the format has for it.
fn size(length: usize) -> io::Result<i32> {
    i32::try_from(length).map_err(|_| wrong(format!("{length} bytes are too many for Parquet")))
}

fn wrong(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
