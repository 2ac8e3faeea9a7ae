//! The timeline of a recording.

use ser_audio::{AudioStream, Peaks};
use ser_predict::SpanLine;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::engine::outline;
use crate::options::Asked;
use crate::types::{PeaksObject, SpanObjects};
use crate::{Result, object};

/// Answers a recording step by step. Its memory does not grow with the length of the recording.
#[wasm_bindgen]
pub struct Timeline {
    timeline: ser_predict::Timeline,
    labels: Vec<String>,
    peaks: Peaks,
}

impl Timeline {
    pub(crate) fn new(stream: AudioStream, peaks: usize, asked: &Asked) -> Result<Self> {
        let speaker = asked.speaker.as_ref();
        Ok(Self {
            timeline: ser_predict::Timeline::new(&asked.predictor, stream, speaker)?,
            labels: asked.predictor.model().labels.clone(),
            peaks: Peaks::new(peaks),
        })
    }
}

#[wasm_bindgen]
impl Timeline {
    /// Processes the next seconds, and returns the spans that are then complete, or `undefined` at the end.
    pub fn next(&mut self, seconds: f64) -> Result<Option<SpanObjects>> {
        let Some(spans) = self.timeline.step(seconds)? else {
            return Ok(None);
        };
        self.peaks.push(self.timeline.samples());
        let line = |span| SpanLine::new(&self.labels, span);
        let lines: Vec<SpanLine> = spans.iter().map(line).collect();
        Ok(Some(object(&lines)?.unchecked_into()))
    }

    /// Seconds processed so far; at the end, the length of the recording.
    #[wasm_bindgen(getter)]
    pub fn heard(&self) -> f64 {
        self.timeline.heard()
    }

    /// Length in seconds, if the recording states it.
    #[wasm_bindgen(getter)]
    pub fn duration(&self) -> Option<f64> {
        self.timeline.stream().duration()
    }

    /// Number of channels.
    #[wasm_bindgen(getter)]
    pub fn channels(&self) -> u16 {
        self.timeline.stream().channels()
    }

    /// Whether some channels have had nothing in common so far, as in a call. Each should then be answered separately.
    #[wasm_bindgen(getter, js_name = channelsApart)]
    pub fn channels_apart(&self) -> bool {
        self.timeline.stream().are_channels_apart()
    }

    /// What is missing from a damaged recording so far, in words.
    #[wasm_bindgen(getter)]
    pub fn damage(&self) -> Option<String> {
        self.timeline.stream().damage().map(|d| d.to_string())
    }

    /// Returns the outline of the recording so far.
    pub fn peaks(&self) -> Result<PeaksObject> {
        outline(&self.peaks, self.timeline.stream().sample_rate())
    }
}
