//! The timeline of a recording.

use std::path::Path;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use ser_predict::{Listener, Result, Span, SpanLine, Timeline};

use crate::answers::answer;
use crate::asked::{self, Asked};
use crate::recording::{Recording, open};
use crate::signal::Samples;
use crate::threads::compute;

/// Seconds of sound that are answered at a time: enough pieces for all cores, but few enough that Ctrl-C takes effect soon.
const AT_ONCE: u32 = 60;

/// The timeline of one channel or of all channels.
struct Heard {
    spans: Vec<Span>,
    /// Length of the recording.
    seconds: f64,
    /// What is missing from a damaged recording, in words.
    damage: Option<String>,
    /// Number of channels of the recording.
    channels: u16,
}

/// Computes the `Spans` of all channels mixed, of one channel, or of `each` channel separately.
pub(crate) fn hear<'py>(
    py: Python<'py>,
    recording: &Recording<'py>,
    asked: &Asked,
    channel: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let is_each = match channel.map(|channel| channel.extract::<&str>()) {
        Some(Ok("each")) => true,
        Some(Ok(other)) => return Err(asked::no_channel(other)),
        _ => false,
    };
    if is_each && asked.speaker.is_some() {
        return Err(PyValueError::new_err(
            "speaker: one person, and with channel=\"each\" another one speaks on every channel: give the number of the speaker's \
             channel",
        ));
    }
    let Heard {
        spans,
        seconds,
        damage,
        ..
    } = if is_each {
        let mut first = one(py, recording, asked, Some(1))?;
        let mut spans = vec![std::mem::take(&mut first.spans)];
        for channel in 2..=first.channels {
            spans.push(one(py, recording, asked, Some(channel))?.spans);
        }
        let spans = Span::of_channels(spans);
        Heard { spans, ..first }
    } else {
        let channel = channel.map(PyAnyMethods::extract).transpose()?;
        one(py, recording, asked, asked::channel(channel)?)?
    };
    let labels = &asked.predictor.model().labels;
    let rows = spans
        .iter()
        .map(|heard| answer(py, "Span", &SpanLine::new(labels, heard), labels));
    let rows = rows.collect::<PyResult<Vec<_>>>()?;
    let facts = PyDict::new(py);
    facts.set_item("labels", labels)?;
    facts.set_item("file", recording.name())?;
    facts.set_item("seconds", seconds)?;
    facts.set_item("damage", damage)?;
    let class = CLASS.import(py, "ser_speech.tables", "Spans")?;
    class.call((rows,), Some(&facts))
}

/// Computes the timeline of one channel, or of all channels mixed.
fn one(
    py: Python<'_>,
    recording: &Recording<'_>,
    asked: &Asked,
    channel: Option<u16>,
) -> PyResult<Heard> {
    let heard = match recording {
        Recording::File(path) => of_file(py, path, asked, channel)?,
        Recording::Signal(signal, rate) => {
            of_samples(py, signal.samples()?, *rate, asked, channel)?
        }
    };
    heard.map_err(|error| recording.raised(py, &error))
}

fn of_file(
    py: Python<'_>,
    path: &Path,
    asked: &Asked,
    channel: Option<u16>,
) -> PyResult<Result<Heard>> {
    let timeline = compute(py, || {
        Timeline::new(&asked.predictor, open(path, channel)?, asked.speaker())
    })?;
    let mut timeline = match timeline {
        Ok(timeline) => timeline,
        Err(error) => return Ok(Err(error)),
    };
    let mut spans = Vec::new();
    loop {
        match compute(py, || timeline.step(f64::from(AT_ONCE)))? {
            Ok(Some(complete)) => spans.extend(complete),
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        }
        py.check_signals()?;
    }
    Ok(Ok(Heard {
        spans,
        seconds: timeline.heard(),
        damage: timeline.stream().damage().map(|damage| damage.to_string()),
        channels: timeline.stream().channels(),
    }))
}

fn of_samples(
    py: Python<'_>,
    samples: Samples<'_>,
    rate: u32,
    asked: &Asked,
    channel: Option<u16>,
) -> PyResult<Result<Heard>> {
    let mut listener = match Listener::new(&asked.predictor, rate, asked.speaker()) {
        Ok(listener) => listener,
        Err(error) => return Ok(Err(error)),
    };
    let mixed = samples.mixed(py, channel)?;
    let mut spans = Vec::new();
    for block in mixed.chunks((AT_ONCE * rate) as usize) {
        match compute(py, || listener.push(block))? {
            Ok(complete) => spans.extend(complete),
            Err(error) => return Ok(Err(error)),
        }
        py.check_signals()?;
    }
    let rest = compute(py, || listener.finish())?;
    Ok(rest.map(|rest| {
        spans.extend(rest);
        Heard {
            spans,
            seconds: samples.length as f64 / f64::from(rate),
            damage: None,
            channels: samples.count as u16,
        }
    }))
}
