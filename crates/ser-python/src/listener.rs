//! Answers for live sound.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use ser_audio::{Channels, Mixer};
use ser_predict::{Result, Span, SpanLine};

use crate::answers::answer;
use crate::asked::Asked;
use crate::error::raised;
use crate::signal::{Signal, rate};
use crate::threads::pool;

/// Answers live sound, block by block. The spans do not depend on how the sound is divided into blocks.
///
/// A block is an array `[samples]` or `[channels, samples]` of any length.
#[pyclass(frozen, module = "ser_speech")]
pub(crate) struct Listener {
    state: Mutex<State>,
    labels: Vec<String>,
    channel: Option<u16>,
}

struct State {
    listener: ser_predict::Listener,
    /// Mixes the channels, if the sound has several.
    mixer: Option<Mixer>,
}

impl Listener {
    pub(crate) fn new(
        sampling_rate: &Bound<'_, PyAny>,
        asked: &Asked,
        channel: Option<u16>,
    ) -> PyResult<Self> {
        let rate = rate(Some(sampling_rate))?;
        let listener = ser_predict::Listener::new(&asked.predictor, rate, asked.speaker());
        let listener = listener.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            state: Mutex::new(State {
                listener,
                mixer: None,
            }),
            labels: asked.predictor.model().labels.clone(),
            channel,
        })
    }

    /// Runs `work` on the listener, and returns the spans that it yields as Python objects.
    fn spans<'py>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(&mut State) -> Result<Vec<Span>> + Send,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let pool = pool(None)?;
        let spans = py.detach(|| {
            // Lock before entering the pool: a pool thread that waited for the lock would be missing to the thread that holds it.
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let state = &mut *state;
            pool.install(|| work(state))
        });
        let spans = spans.map_err(|error| raised(py, &error, None))?;
        let labels = &self.labels;
        let line = |heard| answer(py, "Span", &SpanLine::new(labels, heard), labels);
        spans.iter().map(line).collect()
    }
}

#[pymethods]
impl Listener {
    /// Takes the next samples, and returns the spans that are now complete.
    fn push<'py>(&self, block: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let py = block.py();
        let signal = Signal::new(block)?;
        let samples = signal.samples()?;
        if let Some(number) = self.channel {
            let channel = samples.channel(number)?;
            return self.spans(py, |state| state.listener.push(channel));
        }
        self.spans(py, |state| {
            if let (Some(only), None) = (samples.only(), &state.mixer) {
                return state.listener.push(only);
            }
            let count = samples.count;
            let mixer = state
                .mixer
                .get_or_insert_with(|| Mixer::new(Channels::Compared, count));
            let mut mixed = Vec::with_capacity(samples.length);
            mixer.push(&samples.interleaved(), count, &mut mixed);
            state.listener.push(&mixed)
        })
    }

    /// Ends the sound, and returns the last spans.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.spans(py, |state| {
            let mut mixed = Vec::new();
            if let Some(mixer) = &mut state.mixer {
                mixer.finish(&mut mixed);
            }
            let mut spans = state.listener.push(&mixed)?;
            spans.extend(state.listener.finish()?);
            Ok(spans)
        })
    }

    /// Iterates over the spans of an iterable of blocks. Each span comes as soon as it is complete.
    #[pyo3(name = "spans")]
    fn over(listener: Py<Self>, blocks: &Bound<'_, PyAny>) -> PyResult<SpanIterator> {
        Ok(SpanIterator {
            listener,
            blocks: Some(blocks.try_iter()?.unbind()),
            waiting: VecDeque::new(),
        })
    }
}

/// The iterator that `Listener.spans` returns.
#[pyclass(module = "ser_speech")]
pub(crate) struct SpanIterator {
    listener: Py<Listener>,
    /// The source of blocks, or `None` after its end.
    blocks: Option<Py<PyIterator>>,
    /// Complete spans that were not yet returned.
    waiting: VecDeque<Py<PyAny>>,
}

#[pymethods]
impl SpanIterator {
    fn __iter__(iterator: Py<Self>) -> Py<Self> {
        iterator
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        while self.waiting.is_empty() {
            let Some(blocks) = &self.blocks else {
                return Ok(None);
            };
            let listener = self.listener.bind(py).get();
            let spans = match blocks.bind(py).clone().next() {
                Some(block) => listener.push(&block?)?,
                None => {
                    self.blocks = None;
                    listener.finish(py)?
                }
            };
            self.waiting.extend(spans.into_iter().map(Bound::unbind));
        }
        Ok(self.waiting.pop_front())
    }
}
