//! Answers as Python objects.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use serde::Serialize;

/// Converts a line of output to a dictionary. It goes through the JSON that the program prints, so that numbers have the same digits.
pub(crate) fn dict<'py>(py: Python<'py>, line: &impl Serialize) -> PyResult<Bound<'py, PyDict>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let json = serde_json::to_string(line);
    let json = json.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
    let loads = LOADS.import(py, "json", "loads")?;
    Ok(loads.call1((json,))?.cast_into()?)
}

/// Converts a line of output to an `Answer` or a `Span`. JSON sorts the labels, so the probabilities get the model's order again.
pub(crate) fn answer<'py>(
    py: Python<'py>,
    class: &str,
    line: &impl Serialize,
    labels: &[String],
) -> PyResult<Bound<'py, PyAny>> {
    let fields = dict(py, line)?;
    let sorted = fields.as_any().get_item("probabilities")?;
    let probabilities = PyDict::new(py);
    for label in labels {
        probabilities.set_item(label, sorted.get_item(label)?)?;
    }
    fields.set_item("probabilities", probabilities)?;
    instance(class, &fields)
}

/// Makes an instance of a class of `answers.py`.
pub(crate) fn instance<'py>(
    class: &str,
    fields: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let classes = fields.py().import("ser_speech.answers")?;
    classes.getattr(class)?.call((), Some(fields))
}
