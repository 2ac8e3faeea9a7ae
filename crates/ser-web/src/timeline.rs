//! Emotions of a recording in time.

use ser_audio::{AudioStream, Peaks};
use ser_predict::SpanLine;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::engine::outline;
use crate::options::Asked;
use crate::types::{PeaksObject, SpanObjects};
use crate::{Result, object};

/// Hears a recording step by step, in memory that does not grow with its length.
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
    /// Hears the next seconds, and gives the spans that are complete then; `undefined` behind the end.
    pub fn next(&mut self, seconds: f64) -> Result<Option<SpanObjects>> {
        let Some(spans) = self.timeline.step(seconds)? else {
            return Ok(None);
        };
        self.peaks.push(self.timeline.samples());
        let line = |span| SpanLine::new(&self.labels, span);
        let lines: Vec<SpanLine> = spans.iter().map(line).collect();
        Ok(Some(object(&lines)?.unchecked_into()))
    }

    /// Seconds heard up to here; at the end, its length.
    #[wasm_bindgen(getter)]
    pub fn heard(&self) -> f64 {
        self.timeline.heard()
    }

    /// Its length in seconds, where the recording states it.
    #[wasm_bindgen(getter)]
    pub fn duration(&self) -> Option<f64> {
        self.timeline.stream().duration()
    }

    /// Number of its channels.
    #[wasm_bindgen(getter)]
    pub fn channels(&self) -> u16 {
        self.timeline.stream().channels()
    }

    /// Whether its channels have nothing in common up to here, as in a call: each is to be heard by itself.
    #[wasm_bindgen(getter, js_name = isCall)]
    pub fn is_call(&self) -> bool {
        self.timeline.stream().are_channels_apart()
    }

    /// What it lacks up to here, in words.
    #[wasm_bindgen(getter)]
    pub fn damage(&self) -> Option<String> {
        self.timeline.stream().damage().map(|d| d.to_string())
    }

    /// Its outline up to here.
    pub fn peaks(&self) -> Result<PeaksObject> {
        outline(&self.peaks, self.timeline.stream().sample_rate())
    }
}
