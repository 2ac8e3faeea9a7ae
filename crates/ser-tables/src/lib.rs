#![doc = include_str!("../README.md")]

#[cfg(feature = "parquet")]
mod parquet;

use std::io::{self, Write};
use std::path::Path;

#[cfg(feature = "parquet")]
use crate::parquet::Parquet;

/// The format of a table file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text, one line per row, with commas between the fields.
    Csv,
    /// Parquet: columns in binary. Needs the feature `parquet`.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Form {
    /// Returns the format by the file name, `.csv` or `.parquet` in any case, or `None` for another name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_string_lossy();
        match extension.to_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            #[cfg(feature = "parquet")]
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// The type of the values in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, including file names.
    Text,
    /// A Boolean.
    Bool,
    /// A 32-bit floating-point number.
    Float,
    /// A 64-bit floating-point number.
    Double,
}

/// A column with its name and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    name: String,
    kind: Kind,
}

impl Column {
    /// Creates a column.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the type of the values.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// A field of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value: an empty field in CSV, a null in Parquet.
    Missing,
    /// Text in a column of [`Kind::Text`]. In CSV, text that a spreadsheet would run as a formula gets an apostrophe in
    /// front, and so does the name of a column. Numbers and a lone `-` are not formulas.
    ///
    /// # References
    /// OWASP, *CSV Injection*.
    Text(&'a str),
    /// The name of a file in a column of [`Kind::Text`]. Instead of the apostrophe it gets `./`, and still names the
    /// same file.
    Path(&'a str),
    /// A value of a column of [`Kind::Bool`].
    Bool(bool),
    /// A value of a column of [`Kind::Float`].
    Float(f32),
    /// A value of a column of [`Kind::Double`].
    Double(f64),
}

/// Writes a table row by row. For Parquet, it holds one row group in memory, of about 16 MB, or more if a single row is larger.
pub struct TableWriter<W: Write + Send>(Written<W>);

enum Written<W: Write + Send> {
    Csv(Box<csv::Writer<W>>),
    #[cfg(feature = "parquet")]
    Parquet(Box<Parquet<W>>),
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table, and for CSV writes the header.
    ///
    /// # Errors
    /// The errors of the writer.
    pub fn new(writer: W, form: Form, columns: &[Column]) -> io::Result<Self> {
        Ok(Self(match form {
            Form::Csv => {
                // The fields are quoted already.
                let mut csv = csv::WriterBuilder::new()
                    .quote_style(csv::QuoteStyle::Never)
                    .from_writer(writer);
                let names = columns
                    .iter()
                    .map(|column| field(Value::Text(&column.name)));
                csv.write_record(names).map_err(of_writer)?;
                Written::Csv(Box::new(csv))
            }
            #[cfg(feature = "parquet")]
            Form::Parquet => Written::Parquet(Box::new(Parquet::new(writer, columns)?)),
        }))
    }

    /// Adds a row, with one value for each column.
    ///
    /// # Errors
    /// The errors of the writer, and [`io::ErrorKind::InvalidInput`] if the number of values differs from the number of
    /// columns or, in Parquet, if a value does not have the type of its column.
    pub fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        match &mut self.0 {
            Written::Csv(csv) => {
                let fields = values.iter().map(|value| field(*value));
                csv.write_record(fields).map_err(of_writer)
            }
            #[cfg(feature = "parquet")]
            Written::Parquet(parquet) => parquet.row(values),
        }
    }

    /// Flushes buffered CSV. Parquet is not flushed, since it is written in whole row groups.
    ///
    /// # Errors
    /// The errors of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Written::Csv(csv) => csv.flush(),
            #[cfg(feature = "parquet")]
            Written::Parquet(_) => Ok(()),
        }
    }

    /// Writes the remaining rows and the end of the table.
    ///
    /// # Errors
    /// The errors of the writer.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Written::Csv(mut csv) => csv.flush(),
            #[cfg(feature = "parquet")]
            Written::Parquet(parquet) => parquet.finish(),
        }
    }
}

/// Returns the error of the writer, such as that the disk is full.
fn of_writer(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidInput, format!("{other:?}")),
    }
}

/// Returns a field of CSV with the quotes that it needs. Spreadsheets in many languages separate fields with semicolons,
/// and would run what follows one, so a field that contains one is quoted as well.
fn field(value: Value<'_>) -> String {
    let text = text(value);
    if text.contains([',', ';', '\t', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Returns the text of a field of CSV. Numbers can be read back with the same bits.
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

/// Returns true if a spreadsheet would run the field as a formula.
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
        for formula in ["a;=1+1.wav", "a\t=1+1.wav", "a,=1+1.wav", "a\n=1+1.wav"] {
            assert_eq!(field(Value::Path(formula)), format!("\"{formula}\""));
        }
        assert_eq!(field(Value::Path("\";=1+1")), "\"\"\";=1+1\"");
    }
}
