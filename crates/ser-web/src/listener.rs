//! Answers for live sound.

use ser_predict::{Span, SpanLine};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::options::Asked;
use crate::types::SpanObjects;
use crate::{Result, object};

/// Answers live sound, block by block.
#[wasm_bindgen]
pub struct Listener {
    listener: ser_predict::Listener,
    labels: Vec<String>,
}

impl Listener {
    pub(crate) fn new(rate: u32, asked: &Asked) -> Result<Self> {
        let speaker = asked.speaker.as_ref();
        Ok(Self {
            listener: ser_predict::Listener::new(&asked.predictor, rate, speaker)?,
            labels: asked.predictor.model().labels.clone(),
        })
    }

    fn lines(&self, spans: &[Span]) -> Result<SpanObjects> {
        let line = |span| SpanLine::new(&self.labels, span);
        let lines: Vec<SpanLine> = spans.iter().map(line).collect();
        Ok(object(&lines)?.unchecked_into())
    }
}

#[wasm_bindgen]
impl Listener {
    /// Takes the next samples, of one channel, and returns the spans that are now complete.
    pub fn push(&mut self, samples: &[f32]) -> Result<SpanObjects> {
        let spans = self.listener.push(samples)?;
        self.lines(&spans)
    }

    /// Ends the sound, and returns the last spans.
    pub fn finish(&mut self) -> Result<SpanObjects> {
        let spans = self.listener.finish()?;
        self.lines(&spans)
    }
}
