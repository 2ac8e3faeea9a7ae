//! The samples of a recording.

use ser_audio::AudioStream;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Result;

/// Decodes a recording block by block, to play a format that the browser cannot play, or to cut out a piece.
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
    /// Returns the next samples, of one channel, or `undefined` at the end.
    #[wasm_bindgen(js_name = next)]
    pub fn next_block(&mut self) -> Result<Option<Vec<f32>>> {
        let mut samples = Vec::new();
        Ok(self.stream.next_block(&mut samples)?.then_some(samples))
    }

    /// Sampling rate in Hz.
    #[wasm_bindgen(getter)]
    pub fn rate(&self) -> u32 {
        self.stream.sample_rate()
    }
}
