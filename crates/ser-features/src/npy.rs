//! Arrays in the file format of NumPy.
//!
//! Supports only what features need: little-endian floats in row-major order.
//!
//! # References
//!
//! [The format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), version 1.0.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::features::Features;

const MAGIC: &[u8] = b"\x93NUMPY";

/// An array that was read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct NpyArray {
    /// Length of each dimension.
    pub shape: Vec<usize>,
    /// All values, with the last dimension varying fastest. Single precision is widened to double.
    pub data: Vec<f64>,
}

/// Writes features as an array `[coefficients, frames]`, which is librosa's layout.
///
/// The file appears under its name only when it is complete, and replaces a file of that name.
///
/// # Errors
///
/// [`Error::Io`] with the path if the file cannot be written.
pub fn write_npy(path: impl AsRef<Path>, features: &Features) -> Result<()> {
    let (frames, coefficients) = (features.frames(), features.coefficients());
    let mut header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({coefficients}, {frames}), }}"
    );
    // The values begin at a multiple of 64 bytes: 10 bytes before the header, the header, its padding, a line feed.
    let padding = 63 - (10 + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let values = features.as_slice();
    ser_files::write(path.as_ref(), |file| {
        file.write_all(MAGIC)?;
        file.write_all(&[1, 0])?;
        file.write_all(&(header.len() as u16).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for coefficient in 0..coefficients {
            for value in values.iter().skip(coefficient).step_by(coefficients) {
                file.write_all(&value.to_le_bytes())?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// Reads a little-endian array of single or double precision in C order.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be read, [`Error::Unsupported`] if it holds anything else.
pub fn read_npy(path: impl AsRef<Path>) -> Result<NpyArray> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(ser_files::Error::at(path))?;
    let unsupported = |actual: &str| Error::Unsupported {
        path: path.to_path_buf(),
        expected: "a .npy file of little-endian f4 or f8 in C order".into(),
        actual: actual.into(),
    };

    let header_length = match bytes.get(..12) {
        Some([.., 1, _, a, b, _, _]) if bytes.starts_with(MAGIC) => {
            2 + usize::from(u16::from_le_bytes([*a, *b]))
        }
        Some([.., 2 | 3, _, a, b, c, d]) if bytes.starts_with(MAGIC) => {
            4 + u32::from_le_bytes([*a, *b, *c, *d]) as usize
        }
        _ => return Err(unsupported("another kind of file")),
    };
    let Some((header, data)) = bytes[8..].split_at_checked(header_length) else {
        return Err(unsupported("a file cut short in its header"));
    };
    let header = String::from_utf8_lossy(header);
    let field = |name: &str| {
        let (_, value) = header.split_once(&format!("'{name}':"))?;
        Some(value.trim_start())
    };
    let shape: Option<Vec<usize>> = field("shape")
        .and_then(|value| value.strip_prefix('(')?.split_once(')'))
        .and_then(|(inside, _)| {
            let numbers = inside.split(',').map(str::trim).filter(|n| !n.is_empty());
            numbers.map(|n| n.parse().ok()).collect()
        });
    let Some(shape) =
        shape.filter(|_| field("fortran_order").is_some_and(|v| v.starts_with("False")))
    else {
        return Err(unsupported(header.trim_end()));
    };
    let values = match field("descr") {
        Some(descr) if descr.starts_with("'<f4'") => widen(data, |b| f32::from_le_bytes(b).into()),
        Some(descr) if descr.starts_with("'<f8'") => widen(data, f64::from_le_bytes),
        _ => return Err(unsupported(header.trim_end())),
    };
    let Some(data) = values else {
        return Err(unsupported("a file cut short in its values"));
    };
    let expected = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    if expected != Some(data.len()) {
        return Err(unsupported(&format!(
            "shape {shape:?} with {} values",
            data.len()
        )));
    }
    Ok(NpyArray { shape, data })
}

/// Converts all values; returns `None` if the last one is incomplete.
fn widen<const BYTES: usize>(data: &[u8], convert: fn([u8; BYTES]) -> f64) -> Option<Vec<f64>> {
    let (values, rest) = data.as_chunks();
    rest.is_empty()
        .then(|| values.iter().map(|&bytes| convert(bytes)).collect())
}
