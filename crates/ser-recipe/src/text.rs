//! Conversion from and to TOML, and the line of a value.

use serde::Serialize;
use toml::de::DeTable;

use crate::error::{Error, Result};

pub(crate) fn from_toml<T: serde::de::DeserializeOwned>(text: &str, origin: &str) -> Result<T> {
    toml::from_str(text).map_err(|e| Error::Syntax {
        origin: origin.to_owned(),
        message: e.to_string(),
    })
}

/// Adds to an error the line of the recipe's text on which the value is.
pub(crate) fn with_line(error: Error, text: &str) -> Error {
    match error {
        Error::Value {
            origin,
            key,
            expected,
            actual,
            ..
        } => Error::Value {
            line: line_of(text, &key),
            origin,
            key,
            expected,
            actual,
        },
        error => error,
    }
}

/// Returns the line of a dotted key, or of the table to which it would belong.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = Some(document.get_ref());
    let mut start = None;
    for part in key.split('.') {
        let Some((name, value)) = table.and_then(|t| t.get_key_value(part)) else {
            break;
        };
        start = Some(name.span().start);
        table = value.get_ref().as_table();
    }
    Some(1 + text.get(..start?)?.matches('\n').count())
}

pub(crate) fn to_toml(value: &impl Serialize, name: &str) -> Result<String> {
    toml::to_string(value).map_err(|e| Error::Syntax {
        origin: name.to_owned(),
        message: e.to_string(),
    })
}
