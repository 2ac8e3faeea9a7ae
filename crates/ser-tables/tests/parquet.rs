//! Reads the written Parquet with the crate `parquet`.
#![allow(clippy::unwrap_used, clippy::panic)]

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use ser_tables::{Column, Form, Kind, TableWriter, Value};

fn columns() -> [Column; 4] {
    [
        Column::new("path", Kind::Text),
        Column::new("is it", Kind::Bool),
        Column::new("share", Kind::Float),
        Column::new("seconds", Kind::Double),
    ]
}

/// Returns a file with these rows, and its number of row groups.
fn written(rows: &[[Value<'_>; 4]]) -> (Vec<Vec<Field>>, usize) {
    let mut bytes = Vec::new();
    let mut table = TableWriter::new(&mut bytes, Form::Parquet, &columns()).unwrap();
    for row in rows {
        table.row(row).unwrap();
    }
    table.finish().unwrap();
    found(bytes)
}

/// Returns the rows of a file, and its number of row groups.
fn found(bytes: Vec<u8>) -> (Vec<Vec<Field>>, usize) {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let about = reader.metadata();
    let names: Vec<String> = columns().iter().map(|c| c.name().to_owned()).collect();
    let found = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let (own, fields): (Vec<String>, Vec<Field>) = row
            .get_column_iter()
            .map(|(name, field)| (name.clone(), field.clone()))
            .unzip();
        assert_eq!(own, names);
        fields
    });
    let found: Vec<_> = found.collect();
    assert_eq!(about.file_metadata().num_rows(), found.len() as i64);
    (found, about.num_row_groups())
}

/// Returns a value as the reader represents it.
fn field(value: Value<'_>) -> Field {
    match value {
        Value::Missing => Field::Null,
        Value::Text(text) | Value::Path(text) => Field::Str(text.to_owned()),
        Value::Bool(value) => Field::Bool(value),
        Value::Float(value) => Field::Float(value),
        Value::Double(value) => Field::Double(value),
    }
}

#[test]
fn every_value_comes_back() {
    let missing = [Value::Missing; 4];
    let row = |path, is_it, share, seconds| {
        [
            Value::Path(path),
            Value::Bool(is_it),
            Value::Float(share),
            Value::Double(seconds),
        ]
    };
    let mut rows = vec![
        row("=1+1.wav", true, 0.1, 1.0 / 3.0),
        missing,
        row("", false, f32::MIN_POSITIVE, -1e300),
        row("a,\"b\"\n\u{1f600}.wav", true, -0.0, f64::INFINITY),
    ];
    rows[2][1] = Value::Missing;
    // More than one byte of everything that is written in bits.
    for i in 0..200 {
        let mut row = row(["x", "yy", "zzz"][i % 3], i % 5 == 0, i as f32, i as f64);
        row[i % 4] = Value::Missing;
        rows.push(row);
    }
    let (found, groups) = written(&rows);
    let expected = rows.iter().map(|row| row.map(field).to_vec());
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert_eq!(groups, 1);
}

#[test]
fn many_rows_are_several_groups_and_none_is_a_table_too() {
    let text = "x".repeat(1000);
    let rows = vec![
        [
            Value::Text(&text),
            Value::Bool(true),
            Value::Float(1.0),
            Value::Missing
        ];
        40_000
    ];
    let (found, groups) = written(&rows);
    assert_eq!((found.len(), groups), (40_000, 3));
    assert!(found.iter().all(|row| row[..] == rows[0].map(field)));
    assert_eq!(written(&[]), (Vec::new(), 0));
}

#[test]
fn a_value_of_another_kind_is_refused_and_its_row_left_out() {
    let mut bytes = Vec::new();
    let mut table = TableWriter::new(&mut bytes, Form::Parquet, &columns()).unwrap();
    let missing = Value::Missing;
    let row = [
        Value::Text("a"),
        Value::Bool(true),
        missing,
        Value::Double(1.0),
    ];
    let wrong = [
        Value::Text("b"),
        Value::Bool(false),
        missing,
        Value::Text("c"),
    ];
    let said = table.row(&wrong).unwrap_err().to_string();
    assert!(
        said.contains("`seconds`") && said.contains("Double"),
        "{said}"
    );
    let said = table.row(&row[1..]).unwrap_err().to_string();
    assert!(said.contains("4 values, found 3"), "{said}");
    table.row(&row).unwrap();
    table.finish().unwrap();
    assert_eq!(found(bytes), (vec![row.map(field).to_vec()], 1));
}
