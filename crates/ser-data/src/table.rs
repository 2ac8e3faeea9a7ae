//! Tables with named columns, separated by commas, semicolons or tabs. Errors name line and column.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::{ByteRecord, ErrorKind, Position, Reader, ReaderBuilder, StringRecord, Trim};

use crate::{Error, Result};

/// The possible separators. Spreadsheets write semicolons if the decimal mark is a comma, and tabs into what they call
/// Unicode text.
const SEPARATORS: [u8; 3] = [b',', SEMICOLON, b'\t'];
const SEMICOLON: u8 = b';';
/// Largest number of seconds in a table: eleven days. More is a mistake, such as milliseconds.
pub const MOST_SECONDS: f64 = 1e6;

/// A table, read as a whole, of at most 256 MiB. Names of columns are matched without regard to case, and an empty
/// field counts as missing.
pub struct Table {
    source: Source,
    separator: u8,
    header: StringRecord,
    columns: HashMap<String, usize>,
    records: Vec<StringRecord>,
}

/// The text in UTF-8 without a byte order mark, and its path for errors.
struct Source {
    path: PathBuf,
    text: Vec<u8>,
}

impl Table {
    /// Maximum size of a table in bytes, enough for more than a million rows; a table is read as a whole.
    pub const MOST_BYTES: u64 = 256 << 20;

    /// Reads a table that has the `required` columns, separated by commas, semicolons or tabs, in UTF-8 or UTF-16.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, is a pipe or a device, or is larger than
    /// [`MOST_BYTES`](Self::MOST_BYTES), and [`Error::Csv`] with line and column.
    pub fn open(path: &Path, required: &[&str]) -> Result<Self> {
        let read = || {
            let there = std::fs::metadata(path)?;
            if there.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            // Reading a pipe would wait until somebody writes into it, and some devices never end.
            if !there.is_file() || there.len() > Self::MOST_BYTES {
                let most = Self::MOST_BYTES >> 20;
                let expected = format!("expected a table of at most {most} MiB in a file");
                return Err(io::Error::other(if there.is_file() {
                    format!("{expected}, found {} MiB: split it", there.len() >> 20)
                } else {
                    format!("{expected}, found a pipe or a device: save it as a file")
                }));
            }
            std::fs::read(path)
        };
        Self::read(path, read().map_err(ser_files::Error::at(path))?, required)
    }

    /// Reads a table as [`open`](Self::open) does, from memory; `path` only appears in errors.
    ///
    /// # Errors
    /// [`Error::Csv`] with line and column.
    pub fn read(path: &Path, text: impl Into<Vec<u8>>, required: &[&str]) -> Result<Self> {
        let source = Source::decode(path, text.into())?;
        // The separator is the one that yields the required columns.
        let is_whole = |&separator: &u8| {
            let header = source.header(separator);
            header.is_ok_and(|header| missing(&columns(&header), required).is_none())
        };
        let separator = SEPARATORS.into_iter().find(is_whole);
        let separator = separator.unwrap_or(SEPARATORS[0]);
        let header = source.header(separator)?;
        let columns = columns(&header);
        let wrong = |column: &str, expected: String| Error::Csv {
            path: source.path.clone(),
            line: 1,
            column: column.to_owned(),
            expected,
            actual: header.iter().collect::<Vec<_>>().join(","),
        };
        if let Some(column) = missing(&columns, required) {
            let required = required.join(", ");
            let expected = format!(
                "a header with the columns {required}, separated by commas, semicolons or tabs"
            );
            return Err(wrong(column, expected));
        }
        let is_twice = |(name, place): (&str, usize)| {
            let last = columns.get(&name.to_ascii_lowercase());
            !name.is_empty() && last.is_some_and(|&last| last != place)
        };
        if let Some(name) = header.iter().zip(0..).find(|&c| is_twice(c)) {
            return Err(wrong(name.0, "each column once".to_owned()));
        }
        let mut reader = source.reader(separator);
        // The header is read separately: an error in the first row would otherwise be reported as one in the header.
        reader
            .byte_headers()
            .map_err(|error| source.error(error, separator))?;
        let records = reader.into_records();
        let records: Vec<StringRecord> = records
            .collect::<Result<_, _>>()
            .map_err(|error| source.error(error, separator))?;
        if let Some(last) = records.last() {
            source.refuse_unclosed(last.position(), separator)?;
        }
        Ok(Self {
            source,
            separator,
            header,
            columns,
            records,
        })
    }

    /// Returns the rows that are not empty: spreadsheets write empty rows after the last one.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let records = self.records.iter();
        let filled = records.filter(|record| record.iter().any(|field| !field.is_empty()));
        filled.map(|record| Row {
            table: self,
            record,
        })
    }
}

/// Returns the position of each column by its name in lower case.
fn columns(header: &StringRecord) -> HashMap<String, usize> {
    let names = header.iter().map(str::to_ascii_lowercase);
    names.zip(0..).collect()
}

fn missing<'a>(columns: &HashMap<String, usize>, required: &[&'a str]) -> Option<&'a str> {
    let mut required = required.iter().copied();
    required.find(|&column| !columns.contains_key(column))
}

/// A row of a [`Table`].
#[derive(Clone, Copy)]
pub struct Row<'a> {
    table: &'a Table,
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// Returns the line on which the row starts, counted from 1. It counts the lines each time, so use it for errors
    /// only.
    pub fn line(&self) -> u64 {
        let position = self.record.position();
        let start = position.map_or(0, |position| position.byte() as usize);
        self.table.source.line(start)
    }

    /// Returns the fields that are not empty, with the names of their columns as they are written.
    pub(crate) fn filled(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let fields = self.table.header.iter().zip(self.record);
        fields.filter(|(name, field)| !name.is_empty() && !field.is_empty())
    }

    /// Returns the field, unless it is empty or its column is missing.
    pub fn optional(&self, column: &str) -> Option<&'a str> {
        let field = self.record.get(*self.table.columns.get(column)?)?;
        (!field.is_empty()).then_some(field)
    }

    /// Returns the field.
    ///
    /// # Errors
    /// [`Error::Csv`] if it is empty.
    pub fn required(&self, column: &str) -> Result<&'a str> {
        self.optional(column)
            .ok_or_else(|| self.wrong(column, "a value"))
    }

    /// Parses the field; the error says that it should be `expected`.
    ///
    /// # Errors
    /// [`Error::Csv`] if it cannot be parsed.
    pub fn parsed<T: FromStr>(&self, column: &str, expected: &str) -> Result<Option<T>> {
        self.optional(column)
            .map(|field| field.parse().map_err(|_| self.wrong(column, expected)))
            .transpose()
    }

    /// Parses the field as seconds from 0 to [`MOST_SECONDS`]. If semicolons separate the columns, the decimal mark may be a
    /// comma.
    ///
    /// # Errors
    /// [`Error::Csv`] if it is not such a number.
    pub fn seconds(&self, column: &str) -> Result<Option<f64>> {
        let Some(field) = self.optional(column) else {
            return Ok(None);
        };
        let seconds = match self.table.separator {
            SEMICOLON => field.replace(',', ".").parse(),
            _ => field.parse::<f64>(),
        };
        match seconds {
            Ok(seconds) if (0.0..=MOST_SECONDS).contains(&seconds) => Ok(Some(seconds)),
            _ => {
                let expected = format!("seconds from 0 to {MOST_SECONDS}, such as 1.25");
                Err(self.wrong(column, &expected))
            }
        }
    }

    /// Creates the error for a field that is not as expected.
    pub fn wrong(&self, column: &str, expected: &str) -> Error {
        Error::Csv {
            path: self.table.source.path.clone(),
            line: self.line(),
            column: column.to_owned(),
            expected: expected.to_owned(),
            actual: self.optional(column).unwrap_or_default().to_owned(),
        }
    }
}

impl Source {
    /// Removes a byte order mark and converts UTF-16 to UTF-8. UTF-16 without a byte order mark is recognised if its
    /// first two characters are below U+0100.
    fn decode(path: &Path, mut bytes: Vec<u8>) -> Result<Self> {
        let (units, rest): (Vec<u16>, &[u8]) = match bytes.as_slice() {
            [0xff, 0xfe, text @ ..] | text @ [_, 0, _, 0, ..] => {
                let (pairs, rest) = text.as_chunks::<2>();
                (
                    pairs.iter().copied().map(u16::from_le_bytes).collect(),
                    rest,
                )
            }
            [0xfe, 0xff, text @ ..] | text @ [0, _, 0, _, ..] => {
                let (pairs, rest) = text.as_chunks::<2>();
                (
                    pairs.iter().copied().map(u16::from_be_bytes).collect(),
                    rest,
                )
            }
            _ => {
                if bytes.starts_with("\u{feff}".as_bytes()) {
                    bytes.drain(..'\u{feff}'.len_utf8());
                }
                return Ok(Self {
                    path: path.to_owned(),
                    text: bytes,
                });
            }
        };
        let mut text = String::with_capacity(units.len());
        let decoded = char::decode_utf16(units).map(|unit| unit.map_err(|half| half.to_string()));
        let cut = (!rest.is_empty()).then(|| Err("half a character at the end".to_owned()));
        for character in decoded.chain(cut) {
            match character {
                Ok(character) => text.push(character),
                Err(actual) => {
                    let column = text.rsplit('\n').next().unwrap_or_default();
                    return Err(Error::Csv {
                        path: path.to_owned(),
                        line: 1 + text.matches('\n').count() as u64,
                        column: format!("{}", 1 + column.matches([',', ';', '\t']).count()),
                        expected: "UTF-16 text".to_owned(),
                        actual,
                    });
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            text: text.into_bytes(),
        })
    }

    fn reader(&self, separator: u8) -> Reader<&[u8]> {
        ReaderBuilder::new()
            .delimiter(separator)
            .trim(Trim::All)
            .from_reader(self.text.as_slice())
    }

    fn header(&self, separator: u8) -> Result<StringRecord> {
        let mut reader = self.reader(separator);
        let header = reader
            .headers()
            .map_err(|error| self.error(error, separator))?;
        Ok(header.clone())
    }

    /// Returns the line on which a record starts. The reader's own position lies before the blank lines that it skips.
    fn line(&self, start: usize) -> u64 {
        let blank = self
            .text
            .iter()
            .skip(start)
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let above = self.text.iter().take(start + blank);
        1 + above.filter(|&&byte| byte == b'\n').count() as u64
    }

    /// Refuses a record with a quotation mark that is never closed, since the rest of the file would become one field.
    /// For such a record, an additional quotation mark at the end of the text closes the field and changes nothing
    /// else.
    fn refuse_unclosed(&self, start: Option<&Position>, separator: u8) -> Result<()> {
        let start = start.map_or(0, |position| position.byte() as usize);
        let rest = self.text.get(start..).unwrap_or_default();
        let two = |text: &mut dyn Read| -> Vec<ByteRecord> {
            let mut reader = ReaderBuilder::new();
            let reader = reader
                .delimiter(separator)
                .has_headers(false)
                .flexible(true);
            let records = reader.from_reader(text).into_byte_records();
            records.take(2).flatten().collect()
        };
        let as_is = two(&mut &rest[..]);
        match as_is.as_slice() {
            [only] if as_is == two(&mut rest.chain(&b"\""[..])) => Err(self.malformed(
                start,
                only.len(),
                "a quotation mark that closes the field".to_owned(),
                "none before the end of the file".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// Creates an error; `column` is counted from 1.
    fn malformed(&self, start: usize, column: usize, expected: String, actual: String) -> Error {
        Error::Csv {
            path: self.path.clone(),
            line: self.line(start),
            column: column.to_string(),
            expected,
            actual,
        }
    }

    fn error(&self, error: csv::Error, separator: u8) -> Error {
        let position = error.position().cloned();
        if let Err(unclosed) = self.refuse_unclosed(position.as_ref(), separator) {
            return unclosed;
        }
        let start = position.map_or(0, |position| position.byte() as usize);
        let malformed = |column, expected, actual| self.malformed(start, column, expected, actual);
        match error.into_kind() {
            ErrorKind::Io(source) => ser_files::Error::at(&self.path)(source).into(),
            ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => malformed(
                (len.min(expected_len) + 1) as usize,
                format!(
                    "{expected_len} fields, as in the header; put quotation marks around a field that contains a separator"
                ),
                format!("{len} field{}", if len == 1 { "" } else { "s" }),
            ),
            ErrorKind::Utf8 { err, .. } => malformed(
                err.field() + 1,
                "UTF-8: save the table in that encoding".to_owned(),
                format!(
                    "another encoding in byte {} of the field",
                    err.valid_up_to() + 1
                ),
            ),
            other => malformed(1, "CSV".to_owned(), format!("{other:?}")),
        }
    }
}
