//! Tests of manifests in CSV and Parquet, valid and invalid.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use ser_archive::{Error, Manifest, Row, Shard, Sound};

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn read(path: &Path) -> Result<Manifest, Error> {
    Manifest::read(path, None, Shard::ALL)
}

/// Returns a Parquet file with this number of rows as Spark writes it: with Snappy and a dictionary, in several groups.
/// Channel numbers have 64 bits, and every third row has no part and no speaker.
fn parquet(rows: usize) -> Vec<u8> {
    let schema = "message spark { optional binary path (UTF8); optional binary id (UTF8); optional double start; \
                  optional float end; optional binary speaker (UTF8); optional int64 Channel; optional binary other; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
    let all: Vec<usize> = (0..rows).collect();
    for rows in all.chunks(1000) {
        let mut group = writer.next_row_group().unwrap();
        let texts = |of: &dyn Fn(usize) -> String| -> Vec<parquet::data_type::ByteArray> {
            rows.iter().map(|&row| of(row).as_str().into()).collect()
        };
        let some: Vec<usize> = rows.iter().copied().filter(|row| row % 3 > 0).collect();
        let all_there = vec![1; rows.len()];
        let some_there: Vec<i16> = rows.iter().map(|row| i16::from(row % 3 > 0)).collect();
        let mut number = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    let (values, there) = match number {
                        0 => (texts(&|row| format!("{row}.wav")), &all_there),
                        1 => (texts(&|row| format!("id {row}")), &all_there),
                        4 => {
                            let name = "anna".into();
                            (vec![name; some.len()], &some_there)
                        }
                        _ => (texts(&|_| "other".to_owned()), &all_there),
                    };
                    writer.write_batch(&values, Some(there), None).unwrap();
                }
                ColumnWriter::DoubleColumnWriter(writer) => {
                    let starts: Vec<f64> = some.iter().map(|&row| row as f64 / 4.0).collect();
                    writer
                        .write_batch(&starts, Some(&some_there), None)
                        .unwrap();
                }
                ColumnWriter::FloatColumnWriter(writer) => {
                    // pandas writes missing numbers as NaN.
                    let ends = rows.iter().map(|&row| match row % 3 {
                        0 => f32::NAN,
                        _ => row as f32 + 0.5,
                    });
                    let ends: Vec<f32> = ends.collect();
                    writer.write_batch(&ends, Some(&all_there), None).unwrap();
                }
                ColumnWriter::Int64ColumnWriter(writer) => {
                    writer
                        .write_batch(&vec![2; rows.len()], Some(&all_there), None)
                        .unwrap();
                }
                _ => unreachable!(),
            }
            column.close().unwrap();
            number += 1;
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// Returns the same rows as CSV.
fn csv(rows: usize) -> String {
    let row = |row: usize| match row % 3 {
        0 => format!("{row}.wav;id {row};;;;2\n"),
        _ => format!("{row}.wav;id {row};{};{}.5;anna;2\n", row as f64 / 4.0, row),
    };
    "Path;ID;Start;End;Speaker;Channel\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

#[test]
fn seconds_may_be_decimals_as_literals_in_sql_are() {
    let schema =
        "message duckdb { optional binary path (UTF8); optional int32 start (DECIMAL(9,2)); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                let path = ["a.wav".into()];
                writer.write_batch(&path, Some(&[1]), None).unwrap();
            }
            ColumnWriter::Int32ColumnWriter(writer) => {
                writer.write_batch(&[150], Some(&[1]), None).unwrap();
            }
            _ => unreachable!(),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let table = write(folder.path(), "m.parquet", writer.into_inner().unwrap());
    assert_eq!(read(&table).unwrap().rows[0].start, Some(1.5));
}

#[test]
fn parquet_and_csv_are_the_same_rows_and_shards_share_them_out() {
    let folder = tempfile::tempdir().unwrap();
    let rows = 2_500;
    let table = write(folder.path(), "m.parquet", parquet(rows));
    let text = write(folder.path(), "m.csv", csv(rows));
    let (whole, of_text) = (read(&table).unwrap(), read(&text).unwrap());
    assert_eq!(whole.rows, of_text.rows);
    assert_eq!(whole.fingerprint, of_text.fingerprint);
    assert_eq!((whole.count, whole.rows.len()), (2_500, 2_500));
    let row = &whole.rows[1_001];
    let expected = Row {
        start: Some(250.25),
        end: Some(1001.5),
        speaker: Some("anna".to_owned()),
        channel: Some(2),
        ..Row::new("id 1001", Sound::File(folder.path().join("1001.wav")))
    };
    assert_eq!(*row, expected);
    assert_eq!((whole.rows[3].start, whole.rows[3].end), (None, None));
    assert_eq!(whole.speakers.iter().collect::<Vec<_>>(), ["anna"]);

    let mut dealt: Vec<Option<Row>> = vec![None; rows];
    for shard in 0..7 {
        let shard = format!("{shard}/7").parse().unwrap();
        let part = Manifest::read(&table, Some(folder.path()), shard).unwrap();
        assert_eq!(part.fingerprint, whole.fingerprint);
        for row in part.rows {
            let number: usize = row.id["id ".len()..].parse().unwrap();
            assert_eq!(dealt[number].replace(row), None, "dealt twice");
        }
    }
    let dealt: Vec<Row> = dealt.into_iter().flatten().collect();
    assert_eq!(dealt, whole.rows);

    let other = write(folder.path(), "n.csv", csv(rows).replace("7.5", "7.6"));
    assert_ne!(read(&other).unwrap().fingerprint, whole.fingerprint);
}

#[test]
fn a_path_is_its_id_and_is_seen_from_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let text = write(folder.path(), "m.csv", "path\na.wav\n/b.wav\n");
    let manifest = Manifest::read(&text, Some(Path::new("root")), Shard::ALL).unwrap();
    let file = |path: &str| Sound::File(path.into());
    let expected = [
        Row::new("a.wav", file("root/a.wav")),
        Row::new("/b.wav", file("/b.wav")),
    ];
    assert_eq!(manifest.rows, expected);
}

#[test]
fn the_same_rows_with_another_root_are_another_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("noisy")).unwrap();
    let fingerprint = |manifest: &Path, root: Option<&Path>| {
        let manifest = Manifest::read(manifest, root, Shard::ALL);
        manifest.unwrap().fingerprint
    };
    let text = write(folder.path(), "m.csv", "path\na.wav\n");
    let here = fingerprint(&text, None);
    assert_eq!(fingerprint(&text, Some(&at("noisy/.."))), here);
    assert_ne!(fingerprint(&text, Some(&at("noisy"))), here);
    // Nothing is seen from the root.
    let text = write(folder.path(), "m.csv", "path\n/a.wav\n");
    let here = fingerprint(&text, None);
    assert_eq!(fingerprint(&text, Some(&at("noisy"))), here);
}

#[test]
fn parquet_with_a_column_twice_is_refused() {
    use ser_tables::{Column, Form, Kind, TableWriter};

    let folder = tempfile::tempdir().unwrap();
    for twice in [["path", "Path"], ["id", "ID"]] {
        let names = ["path", "id"].into_iter().filter(|&name| name != twice[0]);
        let columns = names.chain(twice).map(|name| Column::new(name, Kind::Text));
        let columns: Vec<_> = columns.collect();
        let mut bytes = Vec::new();
        let table = TableWriter::new(&mut bytes, Form::Parquet, &columns).unwrap();
        table.finish().unwrap();
        let refused = read(&write(folder.path(), "m.parquet", bytes)).unwrap_err();
        let said = refused.to_string();
        let expected = format!("column `{}`: expected one column", twice[0]);
        assert!(said.contains(&expected), "{said}");
        assert!(
            said.ends_with(&format!("found {}", twice.join(", "))),
            "{said}"
        );
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let twice = csv(50).replace("id 40", "id 12");
    for (name, bytes, parts) in [
        ("a.csv", twice.as_str(), ["line 14", "line 42", "\"id 12\""]),
        (
            "b.csv",
            "path\na.wav\n\n\nb.wav\na.wav\n",
            ["line 2", "line 6", "a.wav"],
        ),
        ("c.csv", "path\n", ["c.csv", "expected a row", "none"]),
        ("d.csv", "file\na.wav\n", ["line 1", "path", "file"]),
        ("e.csv", "path,start\na.wav,-1\n", ["line 2", "start", "-1"]),
        (
            "f.csv",
            "path,channel\na.wav,0\n",
            ["line 2", "channel", "from 1"],
        ),
        ("g.csv", "id,path\na,\n", ["line 2", "path", "a value"]),
        ("h.xlsx", "PK", ["h.xlsx", ".parquet", ".csv"]),
        (
            "i.parquet",
            "PAR1",
            ["i.parquet", "not a readable Parquet file", "as CSV"],
        ),
    ] {
        let path = write(folder.path(), name, bytes);
        let said = read(&path).unwrap_err().to_string();
        for part in parts {
            assert!(said.contains(part), "{name}: {part} is not in {said}");
        }
    }
    let gone = read(&folder.path().join("gone.parquet")).unwrap_err();
    assert!(gone.to_string().contains("No such file"), "{gone}");
}

#[test]
fn parquet_that_is_damaged_anywhere_is_refused_or_read_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let whole = parquet(40);
    let mut refused = 0;
    for place in (0..whole.len()).step_by(3) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        let path = write(folder.path(), "m.parquet", &damaged);
        refused += u32::from(read(&path).is_err());
        let path = write(folder.path(), "cut.parquet", &whole[..place]);
        read(&path).unwrap_err();
    }
    assert!(refused > 0);
}

#[test]
fn parquet_of_other_types_and_with_ids_twice_is_refused_by_row() {
    use ser_tables::{Column, Form, Kind, TableWriter, Value};

    let folder = tempfile::tempdir().unwrap();
    let columns = [
        Column::new("path", Kind::Text),
        Column::new("start", Kind::Text),
    ];
    let read = |rows: &[[Value<'_>; 2]]| {
        let mut bytes = Vec::new();
        let mut table = TableWriter::new(&mut bytes, Form::Parquet, &columns).unwrap();
        rows.iter().for_each(|row| table.row(row).unwrap());
        table.finish().unwrap();
        read(&write(folder.path(), "m.parquet", bytes))
            .unwrap_err()
            .to_string()
    };
    let path = Value::Text;
    let said = read(&[[path("a"), Value::Missing], [path("b"), Value::Text("1")]]);
    assert!(
        said.contains("row 2, column `start`: expected seconds"),
        "{said}"
    );
    let said = read(&[[path("a"), Value::Missing], [Value::Missing; 2]]);
    assert!(
        said.contains("row 2, column `path`: expected a value"),
        "{said}"
    );
    let said = read(&[
        [path("a"), Value::Missing],
        [path("b"), Value::Missing],
        [path("a"), Value::Missing],
    ]);
    assert!(
        said.contains("row 1 and row 3") && said.contains("\"a\""),
        "{said}"
    );
    let said = read(&[]);
    assert!(said.contains("expected a row"), "{said}");
}
