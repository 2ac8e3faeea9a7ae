//! Recordings that JavaScript provides.

use std::io;
use std::path::Path;
use std::sync::Arc;

use js_sys::Uint8Array;
use send_wrapper::SendWrapper;
use ser_audio::{AudioStream, Stored};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::options::Asked;

#[wasm_bindgen]
extern "C" {
    /// The TypeScript type `Recording`.
    #[wasm_bindgen(typescript_type = "Recording")]
    pub type Recording;

    #[wasm_bindgen(method, getter)]
    fn size(this: &Recording) -> f64;
    #[wasm_bindgen(method, catch)]
    fn read(this: &Recording, at: f64, length: usize) -> std::result::Result<Uint8Array, JsValue>;
}

/// Opens a recording with the name and the channels that the options give.
pub(crate) fn open(recording: Recording, asked: &Asked) -> ser_audio::Result<AudioStream> {
    let name = Path::new(&asked.name);
    let stream = match recording.dyn_ref::<Uint8Array>() {
        Some(bytes) => AudioStream::from_bytes(bytes.to_vec().into(), name)?,
        None => AudioStream::from_stored(Arc::new(Elsewhere::new(recording)), name)?,
    };
    stream.with(asked.channels)
}

/// Returns the message of what JavaScript has thrown.
fn message(thrown: &JsValue) -> String {
    let error = thrown.dyn_ref::<js_sys::Error>();
    error
        .map(|error| error.message().into())
        .or_else(|| thrown.as_string())
        .unwrap_or_else(|| "JavaScript cannot read it, and does not say why".to_owned())
}

/// A recording that JavaScript reads. The `SendWrapper` is sound because WebAssembly in a page has a single thread.
struct Elsewhere {
    recording: SendWrapper<Recording>,
    size: u64,
}

impl Elsewhere {
    fn new(recording: Recording) -> Self {
        Self {
            size: recording.size() as u64,
            recording: SendWrapper::new(recording),
        }
    }
}

impl Stored for Elsewhere {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(at);
        let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if length == 0 {
            return Ok(0);
        }
        let bytes = self.recording.read(at as f64, length);
        let bytes = bytes.map_err(|thrown| io::Error::other(message(&thrown)))?;
        let read = (bytes.length() as usize).min(length);
        bytes.subarray(0, read as u32).copy_to(&mut buffer[..read]);
        Ok(read)
    }
}
