//! Answers as Python objects.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use serde::Serialize;

/// Converts a line of output to a dictionary. It goes through the JSON that the program prints, so that numbers have the same digits.
pub(crate) fn dict<'py>(py: Python<'py>, line: &impl Serialize) -> PyResult<Bound<'py, PyDict>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let json = serde_json::to_string(line);
    let json = json.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
    let loads = LOADS.import(py, "json", "loads")?;
    Ok(loads.call1((json,))?.cast_into()?)
}

/// Converts an `AnswerLine` to an `Answer`.
pub(crate) fn answer<'py>(py: Python<'py>, line: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "ser_speech.answers", "Answer")?;
    class.call((), Some(&dict(py, line)?))
}

/// Converts a `SpanLine` to a `Span`.
pub(crate) fn span<'py>(py: Python<'py>, line: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "ser_speech.answers", "Span")?;
    class.call((), Some(&dict(py, line)?))
}
