//! Figures for answers whose true labels are known.

use std::collections::BTreeMap;

use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ser_eval::{Evaluation, Prediction, Predictions};

use crate::answers::dict;

/// Computes the content of `metrics.json`. `truth` is the position of each true label in `labels`; `probabilities` is
/// `[clips, labels]`; `speakers` names the speaker of each clip.
#[pyfunction]
pub(crate) fn evaluate<'py>(
    labels: Vec<String>,
    truth: Vec<usize>,
    probabilities: PyReadonlyArray2<'py, f32>,
    speakers: Vec<String>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = probabilities.py();
    let width = probabilities.shape()[1];
    let each = probabilities.as_slice()?.chunks(width.max(1));
    let rows = truth.into_iter().zip(each).zip(speakers).enumerate();
    let rows = rows.map(|(number, ((truth, probabilities), speaker))| Prediction {
        clip: number.to_string(),
        speaker,
        truth,
        probabilities: probabilities.to_vec(),
        split: "all".to_owned(),
        gender: None,
        intensity: None,
        statement: None,
        attributes: BTreeMap::new(),
    });
    let rows = rows.collect();
    let evaluation = py.detach(|| {
        let predictions = Predictions::new(labels, rows)?;
        Evaluation::compute(&predictions)
    });
    let evaluation = evaluation.map_err(|error| PyValueError::new_err(error.to_string()))?;
    dict(py, &evaluation)
}
