//! The samples of a recording.

use ser_audio::AudioStream;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Result;

/// Decodes a recording block by block: what a browser's own player cannot play, or a piece of it.
#[wasm_bindgen]
pub struct Decoder {
    stream: AudioStream,
}

impl Decoder {
    pub(crate) fn new(stream: AudioStream) -> Self {
        Self { stream }
    }
}

#[wasm_bindgen]
impl Decoder {
    /// The next samples, of one channel; `undefined` behind the end.
    #[wasm_bindgen(js_name = next)]
    pub fn next_block(&mut self) -> Result<Option<Vec<f32>>> {
        let mut samples = Vec::new();
        Ok(self.stream.next_block(&mut samples)?.then_some(samples))
    }

    /// Samples a second.
    #[wasm_bindgen(getter)]
    pub fn rate(&self) -> u32 {
        self.stream.sample_rate()
    }
}
