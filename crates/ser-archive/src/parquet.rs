//! Parquet manifests, as Spark, pandas, DuckDB and others write them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;
use ser_data::MOST_SECONDS;

use crate::error::{Error, Result};
use crate::manifest::{COLUMNS, PATH, Written};

/// Returns the row number by which a user finds the row at a position.
pub(crate) fn place(position: u64) -> String {
    format!("row {}", position + 1)
}

/// Calls `take` with each row of a file. Memory holds one page of each column.
pub(crate) fn each(
    path: &Path,
    file: impl ChunkReader + 'static,
    take: &mut dyn FnMut(&Written<'_>),
) -> Result<()> {
    let read = AssertUnwindSafe(|| read(path, file, take));
    // The reader panics on some damaged files.
    catch_unwind(read).unwrap_or_else(|_| Err(unread(path, "it is damaged")))
}

fn unread(path: &Path, reason: impl ToString) -> Error {
    Error::Parquet {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

fn read(
    path: &Path,
    file: impl ChunkReader + 'static,
    take: &mut dyn FnMut(&Written<'_>),
) -> Result<()> {
    let unread = |error: ParquetError| unread(path, error);
    let reader = SerializedFileReader::new(file).map_err(unread)?;
    let schema = reader.metadata().file_metadata().schema();
    let is_wanted = |column: &&Arc<Type>| known(column.name()).is_some();
    let wanted: Vec<_> = schema.get_fields().iter().filter(is_wanted).collect();
    let refused = |column: &str, expected: &str, found: Vec<&str>| Error::Row {
        path: path.to_owned(),
        place: "its schema".to_owned(),
        column: column.to_owned(),
        expected: expected.to_owned(),
        actual: found.join(", "),
    };
    for column in COLUMNS {
        let names = wanted.iter().map(|column| column.name());
        let names: Vec<_> = names.filter(|name| known(name) == Some(column)).collect();
        if names.is_empty() && column == PATH {
            let names = schema.get_fields().iter().map(|column| column.name());
            return Err(refused(PATH, "a column of that name", names.collect()));
        }
        if names.len() > 1 {
            let expected = "one column of that name, in any case";
            return Err(refused(column, expected, names));
        }
    }
    let wanted = wanted.into_iter().cloned().collect();
    let projection = Type::group_type_builder(schema.name()).with_fields(wanted);
    let projection = projection.build().map_err(unread)?;
    let rows = reader.get_row_iter(Some(projection)).map_err(unread)?;
    for (position, row) in (0..).zip(rows) {
        let row = row.map_err(unread)?;
        let mut written = Written::default();
        for (name, field) in row.get_column_iter() {
            let set = set(&mut written, known(name).unwrap_or_default(), field);
            set.map_err(|expected| wrong(path, position, name, expected, field))?;
        }
        if written.path.is_empty() {
            return Err(wrong(path, position, PATH, "a value", &Field::Null));
        }
        take(&written);
    }
    Ok(())
}

/// Returns the column of a manifest that has this name, in any case.
fn known(name: &str) -> Option<&'static str> {
    COLUMNS
        .into_iter()
        .find(|column| name.eq_ignore_ascii_case(column))
}

fn wrong(path: &Path, position: u64, column: &str, expected: &str, found: &Field) -> Error {
    Error::Row {
        path: path.to_owned(),
        place: place(position),
        column: column.to_owned(),
        expected: expected.to_owned(),
        actual: found.to_string().chars().take(300).collect(),
    }
}

/// Sets a field of a row, or returns what was expected in its place.
fn set<'a>(row: &mut Written<'a>, column: &str, field: &'a Field) -> Result<(), &'static str> {
    match column {
        "id" => row.id = text(field)?,
        PATH => row.path = text(field)?.unwrap_or_default(),
        "speaker" => row.speaker = text(field)?,
        "start" => row.start = seconds(field)?,
        "end" => row.end = seconds(field)?,
        "channel" => row.channel = channel(field)?,
        _ => {}
    }
    Ok(())
}

fn text(field: &Field) -> Result<Option<&str>, &'static str> {
    let text = match field {
        Field::Null => return Ok(None),
        Field::Str(text) => text.as_str(),
        // Some programs write text without the annotation that it is text.
        Field::Bytes(bytes) => bytes.as_utf8().map_err(|_| "text in UTF-8")?,
        _ => return Err("text"),
    };
    Ok((!text.is_empty()).then_some(text))
}

/// Returns the number in a field. pandas writes missing numbers as NaN.
fn number(field: &Field) -> Option<Option<f64>> {
    let number = match *field {
        Field::Null => return Some(None),
        Field::Double(number) => number,
        Field::Float(number) => number.into(),
        Field::Float16(number) => number.into(),
        Field::Byte(number) => number.into(),
        Field::Short(number) => number.into(),
        Field::Int(number) => number.into(),
        Field::Long(number) => number as f64,
        Field::UByte(number) => number.into(),
        Field::UShort(number) => number.into(),
        Field::UInt(number) => number.into(),
        Field::ULong(number) => number as f64,
        // A literal such as 0.5 is a decimal in SQL.
        Field::Decimal(_) => field.to_string().parse().ok()?,
        _ => return None,
    };
    Some((!number.is_nan()).then_some(number))
}

fn seconds(field: &Field) -> Result<Option<f64>, &'static str> {
    match number(field) {
        Some(None) => Ok(None),
        Some(Some(seconds)) if (0.0..=MOST_SECONDS).contains(&seconds) => Ok(Some(seconds)),
        _ => Err("seconds from 0 to 1000000"),
    }
}

fn channel(field: &Field) -> Result<Option<u16>, &'static str> {
    match number(field) {
        Some(None) => Ok(None),
        Some(Some(number))
            if number >= 1.0 && number <= f64::from(u16::MAX) && number.fract() == 0.0 =>
        {
            Ok(Some(number as u16))
        }
        _ => Err("a whole number from 1 to 65535"),
    }
}
