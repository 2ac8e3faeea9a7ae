//! Emotions of live sound.

use ser_audio::mean_square;
use ser_predict::{Span, SpanLine};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::options::Asked;
use crate::types::SpanObjects;
use crate::{Result, object};

/// Listens to live sound.
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
    /// Takes the next samples, of one channel, and gives the spans that are complete now.
    pub fn push(&mut self, samples: &[f32]) -> Result<SpanObjects> {
        self.level = 10.0 * f64::from(mean_square(samples, samples.len())).log10();
        let spans = self.listener.push(samples)?;
        self.lines(&spans)
    }

    /// Says that no more samples come, and gives the last spans.
    pub fn finish(&mut self) -> Result<SpanObjects> {
        let spans = self.listener.finish()?;
        self.lines(&spans)
    }

    /// Level of the samples that came last, in dB of full scale; minus infinity in silence.
    #[wasm_bindgen(getter)]
    pub fn level(&self) -> f64 {
        self.level
    }
}
