//! Enrolled speakers.

use std::borrow::Cow;
use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use ser_predict::{Enrolment, Error, Predictor};

use crate::error::raised;
use crate::model::Model;

/// How a speaker sounds on average to a model. `Model.enroll` returns it, and `speaker=` takes it.
#[pyclass(frozen, module = "ser_speech")]
pub(crate) struct Speaker {
    /// The predictor whose model the speaker was enrolled with.
    predictor: Predictor,
    enrolment: Enrolment,
    /// The errors of the recordings that could not be used.
    skipped: Vec<Py<PyAny>>,
}

impl Speaker {
    pub(crate) fn new(
        predictor: &Predictor,
        enrolment: Enrolment,
        skipped: Vec<Py<PyAny>>,
    ) -> Self {
        Self {
            predictor: predictor.clone(),
            enrolment,
            skipped,
        }
    }

    /// Returns the enrolment for a predictor.
    ///
    /// # Errors
    ///
    /// `ValueError` if the speaker was enrolled with another model.
    pub(crate) fn of(&self, predictor: &Predictor) -> PyResult<Enrolment> {
        let (own, other) = (self.predictor.model(), predictor.model());
        if !std::ptr::eq(own, other) && own.fingerprint() != other.fingerprint() {
            return Err(PyValueError::new_err(format!(
                "speaker: expected one enrolled with this model, {}, got one enrolled with another, {}: enroll again",
                other.name, own.name
            )));
        }
        Ok(self.enrolment.clone())
    }
}

#[pymethods]
impl Speaker {
    /// Reads a file that `save` or `ser enroll` wrote.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf, model: &Model) -> PyResult<Self> {
        let enrolment = Enrolment::load(model.predictor.model(), &path);
        let enrolment = enrolment.map_err(|error| raised(py, &error, Some(&path)))?;
        Ok(Self::new(&model.predictor, enrolment, Vec::new()))
    }

    /// Reads a speaker from the bytes that `to_bytes` returned.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8], model: &Model) -> PyResult<Self> {
        let enrolment = Enrolment::from_json(model.predictor.model(), data, "speaker".as_ref());
        let enrolment = enrolment.map_err(|error| raised(py, &error, None))?;
        Ok(Self::new(&model.predictor, enrolment, Vec::new()))
    }

    /// Writes a file for `load`, in the format of `ser enroll`. On Unix only its owner may read it.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let written = ser_files::write_private(&path, &*self.to_bytes()?);
        written.map_err(|error| raised(py, &Error::Io(error), Some(&path)))
    }

    /// Returns the bytes that `save` writes.
    fn to_bytes(&self) -> PyResult<Cow<'static, [u8]>> {
        let json = self.enrolment.to_json(self.predictor.model());
        let json = json.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(json.into_bytes().into())
    }

    /// The number of recordings that the speaker was enrolled from; a longer recording counts as several pieces.
    #[getter]
    fn clips(&self) -> usize {
        self.enrolment.clips()
    }

    /// The errors of the recordings that could not be used, each as a `SerError`.
    #[getter]
    fn skipped(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let skipped = self.skipped.iter();
        skipped.map(|error| error.clone_ref(py)).collect()
    }

    fn __repr__(&self) -> String {
        let model = &self.predictor.model().name;
        format!("Speaker(clips={}, model={model:?})", self.clips())
    }
}
