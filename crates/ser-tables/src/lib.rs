#![doc = include_str!("../README.md")]

mod parquet;
mod thrift;

use std::io::{self, Write};
use std::path::Path;

use crate::parquet::Parquet;

/// What a file of a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text, a line a row, with commas between.
    Csv,
    /// Columns in binary.
    Parquet,
}

impl Form {
    /// What a file holds by its name, `.csv` or `.parquet` in any case; `None` for another.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_string_lossy();
        match extension.to_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, file names among it.
    Text,
    /// Yes or no.
    Bool,
    /// A number of 32 bits.
    Float,
    /// A number of 64 bits.
    Double,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    name: String,
    kind: Kind,
}

impl Column {
    /// A column of a name.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its values are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// A field of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing is known: an empty field of CSV, a null of Parquet.
    Missing,
    /// Text of a column of [`Kind::Text`]. In CSV such that a spreadsheet would run as a formula gets an apostrophe in
    /// front, names of columns too; numbers and a lone `-` are no formulas.
    ///
    /// # References
    /// OWASP, *CSV Injection*.
    Text(&'a str),
    /// The name of a file in such a column. Instead of the apostrophe it gets `./`, and still names the file.
    Path(&'a str),
    /// Of a column of [`Kind::Bool`].
    Bool(bool),
    /// Of a column of [`Kind::Float`].
    Float(f32),
    /// Of a column of [`Kind::Double`].
    Double(f64),
}

/// Writes a table as its rows come. In memory is a part of Parquet's, of a few megabytes.
pub struct TableWriter<W: Write>(Written<W>);

enum Written<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Parquet(Box<Parquet<W>>),
}

impl<W: Write> TableWriter<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(writer: W, form: Form, columns: &[Column]) -> io::Result<Self> {
        Ok(Self(match form {
            Form::Csv => {
                let mut csv = csv::Writer::from_writer(writer);
                let names = columns.iter().map(|column| text(Value::Text(&column.name)));
                csv.write_record(names).map_err(of_writer)?;
                Written::Csv(Box::new(csv))
            }
            Form::Parquet => Written::Parquet(Box::new(Parquet::new(writer, columns)?)),
        }))
    }

    /// Adds a row: a value for each column.
    ///
    /// # Errors
    /// Those of the writer; [`io::ErrorKind::InvalidInput`] where a value is not of its column's kind, or there are more
    /// or fewer than columns.
    pub fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        match &mut self.0 {
            Written::Csv(csv) => {
                let fields = values.iter().map(|value| text(*value));
                csv.write_record(fields).map_err(of_writer)
            }
            Written::Parquet(parquet) => parquet.row(values),
        }
    }

    /// Hands on what CSV holds back; Parquet keeps it for whole groups of rows.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Written::Csv(csv) => csv.flush(),
            Written::Parquet(_) => Ok(()),
        }
    }

    /// Writes what is left, and whatever ends the table.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Written::Csv(mut csv) => csv.flush(),
            Written::Parquet(parquet) => parquet.finish(),
        }
    }
}

/// What the writer said, such as that a disk is full.
fn of_writer(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidInput, format!("{other:?}")),
    }
}

/// A field of CSV. Numbers come back with the same bits.
fn text(value: Value<'_>) -> String {
    match value {
        Value::Missing => String::new(),
        Value::Text(text) if is_formula(text) => format!("'{text}"),
        Value::Path(path) if is_formula(path) => format!("./{path}"),
        Value::Text(text) | Value::Path(text) => text.to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
    }
}

/// Whether a spreadsheet would run a field.
fn is_formula(field: &str) -> bool {
    let begins = [
        '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    field.starts_with(begins) && field != "-" && field.parse::<f64>().is_err()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula() {
        for formula in ["=1+1.wav", "+a", "-a.wav", "@a", "\t=1", "\r=1", "＝1"] {
            assert_eq!(text(Value::Path(formula)), format!("./{formula}"));
            assert_eq!(text(Value::Text(formula)), format!("'{formula}"));
        }
        for field in [
            "-", "a=b.wav", "/=a.wav", "./=a.wav", "à.wav", "-0.5", "+1e3", "",
        ] {
            assert_eq!(text(Value::Path(field)), field);
            assert_eq!(text(Value::Text(field)), field);
        }
        let mut csv = Vec::new();
        let columns = [Column::new("=1+1", Kind::Text)];
        let table = TableWriter::new(&mut csv, Form::Csv, &columns).unwrap();
        table.finish().unwrap();
        assert_eq!(csv, b"'=1+1\n");
    }
}
