//! Parquet by the crate `parquet`, with plain encoding and without compression, since features look like noise.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, FloatType};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::{Column, Kind, Value};

/// A row group ends after this many bytes of values or this many rows: large enough to be read quickly, small enough
/// for memory.
const GROUP_BYTES: usize = 16 << 20;
const GROUP_ROWS: usize = 1 << 16;

pub(crate) struct Parquet<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Held>,
    /// Number of rows in the columns, and number of bytes.
    rows: usize,
    bytes: usize,
}

/// A column, with the values that wait for their row group.
struct Held {
    column: Column,
    /// 1 for each row that has a value, 0 for each that has none.
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    Text(Vec<ByteArray>),
    Bool(Vec<bool>),
    Float(Vec<f32>),
    Double(Vec<f64>),
}

impl<W: Write + Send> Parquet<W> {
    pub(crate) fn new(writer: W, columns: &[Column]) -> io::Result<Self> {
        let fields = columns.iter().map(|column| {
            let (kind, logical) = match column.kind {
                Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                Kind::Bool => (Physical::BOOLEAN, None),
                Kind::Float => (Physical::FLOAT, None),
                Kind::Double => (Physical::DOUBLE, None),
            };
            let field = Type::primitive_type_builder(&column.name, kind)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical);
            field.build().map(Arc::new)
        });
        let fields = fields.collect::<Result<_, _>>().map_err(of_writer)?;
        let schema = Type::group_type_builder("table").with_fields(fields);
        let properties = WriterProperties::builder()
            .set_created_by(concat!("ser version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None);
        let schema = Arc::new(schema.build().map_err(of_writer)?);
        let writer = SerializedFileWriter::new(writer, schema, Arc::new(properties.build()));
        let held = |column: &Column| Held {
            column: column.clone(),
            levels: Vec::new(),
            values: match column.kind {
                Kind::Text => Values::Text(Vec::new()),
                Kind::Bool => Values::Bool(Vec::new()),
                Kind::Float => Values::Float(Vec::new()),
                Kind::Double => Values::Double(Vec::new()),
            },
        };
        Ok(Self {
            writer: writer.map_err(of_writer)?,
            columns: columns.iter().map(held).collect(),
            rows: 0,
            bytes: 0,
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
            self.group().map_err(of_writer)?;
        }
        Ok(())
    }

    /// Writes the waiting rows as a row group.
    fn group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for held in &mut self.columns {
            let Some(mut column) = group.next_column()? else {
                break;
            };
            let levels = Some(&held.levels[..]);
            match &mut held.values {
                Values::Text(values) => {
                    let writer = column.typed::<ByteArrayType>();
                    writer.write_batch(values, levels, None)?;
                    values.clear();
                }
                Values::Bool(values) => {
                    let writer = column.typed::<BoolType>();
                    writer.write_batch(values, levels, None)?;
                    values.clear();
                }
                Values::Float(values) => {
                    let writer = column.typed::<FloatType>();
                    writer.write_batch(values, levels, None)?;
                    values.clear();
                }
                Values::Double(values) => {
                    let writer = column.typed::<DoubleType>();
                    writer.write_batch(values, levels, None)?;
                    values.clear();
                }
            }
            held.levels.clear();
            column.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.group().map_err(of_writer)?;
        }
        self.writer.into_inner().map_err(of_writer)?.flush()
    }
}

impl Held {
    /// Refuses a value that the column cannot hold.
    fn check(&self, value: Value<'_>) -> io::Result<()> {
        match (self.column.kind, value) {
            (_, Value::Missing)
            | (Kind::Bool, Value::Bool(_))
            | (Kind::Float, Value::Float(_))
            | (Kind::Double, Value::Double(_))
            | (Kind::Text, Value::Text(_) | Value::Path(_)) => Ok(()),
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
        self.levels.push(i16::from(value != Value::Missing));
        match (&mut self.values, value) {
            (Values::Text(values), Value::Text(text) | Value::Path(text)) => {
                values.push(text.into());
                text.len()
            }
            (Values::Bool(values), Value::Bool(value)) => {
                values.push(value);
                1
            }
            (Values::Float(values), Value::Float(value)) => {
                values.push(value);
                4
            }
            (Values::Double(values), Value::Double(value)) => {
                values.push(value);
                8
            }
            _ => 0,
        }
    }
}

/// Returns the error of the writer, such as that the disk is full.
fn of_writer(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        other => io::Error::other(other),
    }
}

fn wrong(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
