#![doc = include_str!("../README.md")]

mod decoder;
mod engine;
mod listener;
mod options;
mod recording;
mod timeline;
mod types;

pub use decoder::Decoder;
pub use engine::Engine;
pub use listener::Listener;
pub use timeline::Timeline;

use js_sys::JSON;
use serde::Serialize;
use wasm_bindgen::{JsError, JsValue};

/// The result of a call. An error is thrown as an `Error` with its message and those of its causes.
pub(crate) type Result<T> = std::result::Result<T, JsError>;

/// Converts a value to a JavaScript object, through the JSON that the program prints.
pub(crate) fn object(value: &impl Serialize) -> Result<JsValue> {
    let json = serde_json::to_string(value)?;
    JSON::parse(&json).map_err(|_| JsError::new("JavaScript cannot read the JSON of the answer"))
}
