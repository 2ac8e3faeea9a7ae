//! CSV with named columns, whose errors say line and column.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Trim};

use crate::{Error, Result};

pub(crate) struct Table {
    source: Source,
    columns: HashMap<String, usize>,
    records: Vec<StringRecord>,
}

/// The text and where it lies, for the errors.
struct Source {
    path: PathBuf,
    text: Vec<u8>,
}

impl Table {
    pub(crate) fn open(path: &Path, required: &[&str]) -> Result<Self> {
        let text = std::fs::read(path).map_err(ser_files::Error::at(path))?;
        Self::read(path, text, required)
    }

    /// `path` only stands in the errors.
    pub(crate) fn read(path: &Path, text: impl Into<Vec<u8>>, required: &[&str]) -> Result<Self> {
        let source = Source {
            path: path.to_owned(),
            text: text.into(),
        };
        let mut reader = ReaderBuilder::new()
            .trim(Trim::All)
            .from_reader(source.text.as_slice());
        let header = reader.headers().map_err(|error| source.error(error))?;
        let columns: HashMap<String, usize> = header
            .iter()
            .map(str::to_ascii_lowercase)
            .zip(0..)
            .collect();
        if let Some(absent) = required
            .iter()
            .find(|&&column| !columns.contains_key(column))
        {
            return Err(Error::Csv {
                path: source.path,
                line: 1,
                column: (*absent).to_owned(),
                expected: format!("a header with the columns {}", required.join(", ")),
                actual: header.iter().collect::<Vec<_>>().join(","),
            });
        }
        let records = reader
            .records()
            .collect::<Result<_, _>>()
            .map_err(|error| source.error(error))?;
        Ok(Self {
            source,
            columns,
            records,
        })
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.records.iter().map(|record| Row {
            table: self,
            record,
        })
    }
}

pub(crate) struct Row<'a> {
    table: &'a Table,
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// The field, unless it is empty or its column is absent.
    pub(crate) fn optional(&self, column: &str) -> Option<&'a str> {
        let field = self.record.get(*self.table.columns.get(column)?)?;
        (!field.is_empty()).then_some(field)
    }

    pub(crate) fn required(&self, column: &str) -> Result<&'a str> {
        self.optional(column)
            .ok_or_else(|| self.wrong(column, "a value"))
    }

    pub(crate) fn parsed<T: FromStr>(&self, column: &str, expected: &str) -> Result<Option<T>> {
        self.optional(column)
            .map(|field| field.parse().map_err(|_| self.wrong(column, expected)))
            .transpose()
    }

    /// The error that this field does not hold what is expected.
    pub(crate) fn wrong(&self, column: &str, expected: &str) -> Error {
        Error::Csv {
            path: self.table.source.path.clone(),
            line: self.table.source.line(self.record.position()),
            column: column.to_owned(),
            expected: expected.to_owned(),
            actual: self.optional(column).unwrap_or_default().to_owned(),
        }
    }
}

impl Source {
    /// The line on which a record starts. The reader's own count stands before the blank lines it skips.
    fn line(&self, position: Option<&Position>) -> u64 {
        let start = position.map_or(0, |position| position.byte() as usize);
        let blank = self
            .text
            .iter()
            .skip(start)
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let above = self.text.iter().take(start + blank);
        1 + above.filter(|&&byte| byte == b'\n').count() as u64
    }

    fn error(&self, error: csv::Error) -> Error {
        let line = self.line(error.position());
        let malformed = |column: String, expected: String, actual: String| Error::Csv {
            path: self.path.clone(),
            line,
            column,
            expected,
            actual,
        };
        match error.into_kind() {
            ErrorKind::Io(source) => ser_files::Error::at(&self.path)(source).into(),
            ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => malformed(
                format!("{}", len.min(expected_len) + 1),
                format!("{expected_len} fields"),
                format!("{len} fields"),
            ),
            ErrorKind::Utf8 { err, .. } => malformed(
                format!("{}", err.field() + 1),
                "UTF-8 text".to_owned(),
                err.to_string(),
            ),
            other => malformed(String::new(), "CSV".to_owned(), format!("{other:?}")),
        }
    }
}
