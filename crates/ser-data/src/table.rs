//! CSV with named columns, whose errors say line and column.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use crate::{Error, Result};

pub(crate) struct Table {
    path: PathBuf,
    columns: HashMap<String, usize>,
    records: Vec<StringRecord>,
}

impl Table {
    pub(crate) fn open(path: &Path, required: &[&str]) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::io(path, source))?;
        Self::read(path, file, required)
    }

    /// `path` only stands in the errors.
    pub(crate) fn read(path: &Path, content: impl Read, required: &[&str]) -> Result<Self> {
        let failed = |error: csv::Error| csv_error(path, error);
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(content);
        let header = reader.headers().map_err(failed)?;
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
                path: path.to_owned(),
                line: 1,
                column: (*absent).to_owned(),
                expected: format!("a header with the columns {}", required.join(", ")),
                actual: header.iter().collect::<Vec<_>>().join(","),
            });
        }
        let records = reader.records().collect::<Result<_, _>>().map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
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
            path: self.table.path.clone(),
            line: self.record.position().map_or(0, csv::Position::line),
            column: column.to_owned(),
            expected: expected.to_owned(),
            actual: self.optional(column).unwrap_or_default().to_owned(),
        }
    }
}

fn csv_error(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    let malformed = |column: String, expected: String, actual: String| Error::Csv {
        path: path.to_owned(),
        line,
        column,
        expected,
        actual,
    };
    match error.into_kind() {
        ErrorKind::Io(source) => Error::io(path, source),
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
