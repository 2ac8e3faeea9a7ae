//! Answers for live sound.

use ser_audio::mean_square;
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
    level: f64,
}

impl Listener {
    pub(crate) fn new(rate: u32, asked: &Asked) -> Result<Self> {
        let listener = ser_predict::Listener::new(&asked.predictor, rate)?;
        Ok(Self {
            listener: listener.of(asked.speaker.as_ref()),
            labels: asked.predictor.model().labels.clone(),
            level: f64::NEG_INFINITY,
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
        self.level = 10.0 * f64::from(mean_square(samples, samples.len())).log10();
        let spans = self.listener.push(samples)?;
        self.lines(&spans)
    }

    /// Ends the sound, and returns the last spans.
    pub fn finish(&mut self) -> Result<SpanObjects> {
        let spans = self.listener.finish()?;
        self.lines(&spans)
    }

    /// Level of the last block of samples in dB relative to full scale; minus infinity for silence.
    #[wasm_bindgen(getter)]
    pub fn level(&self) -> f64 {
        self.level
    }
}
