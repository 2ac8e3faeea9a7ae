//! Explanations of answers.

use std::ops::ControlFlow;
use std::path::Path;

use numpy::{PyArray1, PyArrayMethods, ToPyArray};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use ser_audio::Waveform;
use ser_predict::{Explanation, ExplanationLine, LONG, Result};
use ser_report::plots;

use crate::answers::{dict, instance};
use crate::asked::Asked;
use crate::recording::{Recording, open};
use crate::threads::compute;

/// Explains the answer for a recording: returns an `Explanation`.
pub(crate) fn explain<'py>(
    py: Python<'py>,
    recording: &Recording<'py>,
    asked: &Asked,
    channel: Option<u16>,
) -> PyResult<Bound<'py, PyAny>> {
    let (predictor, model) = (&asked.predictor, asked.predictor.model());
    let title = match recording.path().and_then(Path::file_name) {
        Some(file) => file.to_string_lossy().into_owned(),
        None => recording.name(),
    };
    let drawn = |sound: &Waveform, explanation: Explanation| -> Result<_> {
        let levels = explanation.spectrogram(sound)?;
        let svg = plots::explanation(model, &title, sound, &explanation, &levels);
        Ok((explanation, svg))
    };
    let speaker = asked.speaker();
    let explained = match recording {
        // A longer file is refused before all of it is decoded.
        Recording::File(path) => compute(py, || {
            let stream = open(path, channel)?.at_most(LONG);
            let go_on = |_| ControlFlow::Continue(());
            let (sound, explanation) = predictor.explain_stream(stream, speaker, go_on)?;
            drawn(&sound, explanation)
        }),
        Recording::Signal(..) => recording.compute(py, channel, |sound| {
            drawn(sound, predictor.explain(sound, speaker)?)
        }),
    }?;
    let (explanation, svg) = explained.map_err(|error| recording.raised(py, &error))?;
    let svg = svg.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;

    // A patch is centred where the cells of the grid meet. The patches are ordered by time, then by band, but the Python array has
    // frequencies first.
    let inner = |edges: &[f64]| edges[1..edges.len() - 1].to_pyarray(py);
    let (times, frequencies) = (inner(&explanation.seconds), inner(&explanation.hertz));
    let drops: Vec<f32> = explanation.patches.iter().map(|patch| patch.drop).collect();
    let drops = PyArray1::from_vec(py, drops);
    let shape = [explanation.seconds.len() - 2, explanation.hertz.len() - 2];
    let drops = drops.reshape(shape)?.transpose()?;

    let line = dict(
        py,
        &ExplanationLine::new(model, recording.name(), &explanation),
    )?;
    line.set_item("drops", drops)?;
    line.set_item("times", times)?;
    line.set_item("frequencies", frequencies)?;
    line.set_item("svg", svg)?;
    instance("Explanation", &line)
}
