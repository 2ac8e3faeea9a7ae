//! The part of Thrift's compact protocol that Parquet metadata needs.
//!
//! # References
//! Apache Thrift, *Thrift Compact Protocol*.

/// The types of fields, as the protocol numbers them.
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A struct that is being serialised. Its fields are added in the order of their numbers.
#[derive(Default)]
pub(crate) struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

impl Struct {
    pub(crate) fn i32(self, field: u8, value: i32) -> Self {
        self.field(field, I32, &varint(zigzag(value.into())))
    }

    pub(crate) fn i64(self, field: u8, value: i64) -> Self {
        self.field(field, I64, &varint(zigzag(value)))
    }

    pub(crate) fn text(self, field: u8, text: &str) -> Self {
        self.field(field, BINARY, &binary(text))
    }

    pub(crate) fn nested(self, field: u8, value: Struct) -> Self {
        self.field(field, STRUCT, &value.end())
    }

    pub(crate) fn i32s(self, field: u8, values: &[i32]) -> Self {
        let values = values.iter().map(|&value| varint(zigzag(value.into())));
        self.list(field, I32, values.collect())
    }

    pub(crate) fn texts(self, field: u8, texts: &[&str]) -> Self {
        self.list(
            field,
            BINARY,
            texts.iter().map(|text| binary(text)).collect(),
        )
    }

    pub(crate) fn structs(self, field: u8, values: impl IntoIterator<Item = Struct>) -> Self {
        self.list(field, STRUCT, values.into_iter().map(Struct::end).collect())
    }

    /// Returns the bytes of the complete struct.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    fn list(self, field: u8, kind: u8, values: Vec<Vec<u8>>) -> Self {
        let head = match values.len() {
            few @ 0..15 => vec![(few as u8) << 4 | kind],
            many => [vec![0xf0 | kind], varint(many as u64)].concat(),
        };
        self.field(field, LIST, &[head, values.concat()].concat())
    }

    /// Adds a field; its number is written as the distance from the previous field.
    fn field(mut self, field: u8, kind: u8, value: &[u8]) -> Self {
        self.bytes.push((field - self.last) << 4 | kind);
        self.bytes.extend(value);
        self.last = field;
        self
    }
}

fn binary(text: &str) -> Vec<u8> {
    [varint(text.len() as u64), text.as_bytes().to_vec()].concat()
}

/// Maps signed numbers to unsigned ones so that small numbers of either sign stay small.
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// Encodes seven bits per byte, the lowest first; the top bit says that more bytes follow.
pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the specification.
    #[test]
    fn numbers_are_as_specified() {
        assert_eq!(varint(50_399), [0xdf, 0x89, 0x03]);
        let coded = [0, -1, 1, -2, i64::MAX, i64::MIN].map(zigzag);
        assert_eq!(coded, [0, 1, 2, 3, u64::MAX - 1, u64::MAX]);
    }
}
