//! Answers for the rows of archives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyOSError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use rayon::ThreadPool;
use ser_archive::{Answered, Row, Sound};
use ser_tables::{Kind, Value};

use crate::asked::Asked;
use crate::model::Model;
use crate::speaker::Speaker;
use crate::threads::pool;

/// Answers rows of archives; `ser_speech.archive` is the public module.
#[pyclass(frozen, module = "ser_speech._native")]
pub(crate) struct Answerer {
    answerer: ser_archive::Answerer,
    pool: Arc<ThreadPool>,
}

/// A row: `(id, sound, start, end, speaker, channel)`.
type Asks<'py> = (
    String,
    Bound<'py, PyAny>,
    Option<f64>,
    Option<f64>,
    Option<String>,
    Option<u16>,
);

#[pymethods]
impl Answerer {
    /// Creates an answerer of a model, the only labels to choose from, the speakers that rows may name, and a number of threads,
    /// by default one for each core.
    #[new]
    fn new(
        py: Python<'_>,
        model: &Model,
        labels: Option<Vec<String>>,
        speakers: BTreeMap<String, Bound<'_, Speaker>>,
        threads: Option<i64>,
    ) -> PyResult<Self> {
        let asked = Asked::new(py, &model.predictor, labels, None)?;
        let speaker = |(name, speaker): (String, Bound<'_, Speaker>)| {
            Ok((name, speaker.get().of(&asked.predictor)?))
        };
        let speakers = speakers.into_iter().map(speaker);
        let speakers = speakers.collect::<PyResult<_>>()?;
        Ok(Self {
            answerer: ser_archive::Answerer::new(asked.predictor, speakers),
            pool: pool(threads)?,
        })
    }

    /// The columns of the answers, each as its name and the Arrow name of its type.
    #[getter]
    fn columns(&self) -> Vec<(String, &'static str)> {
        let columns = self.answerer.columns().into_iter();
        let columns = columns.map(|column| {
            let kind = match column.kind() {
                Kind::Text => "string",
                Kind::Bool => "bool",
                Kind::Float => "float32",
                Kind::Double => "float64",
            };
            (column.name().to_owned(), kind)
        });
        columns.collect()
    }

    /// Answers rows, in their order: returns a list of values for each row, in the order of the columns.
    ///
    /// A row is `(id, sound, start, end, speaker, channel)`. A sound is the path of a file, the bytes of a file, or an
    /// exception that says why it could not be fetched. If a disk fails, raises `OSError`.
    fn answer<'py>(
        &self,
        py: Python<'py>,
        rows: Vec<Asks<'py>>,
    ) -> PyResult<Vec<Vec<Bound<'py, PyAny>>>> {
        let rows = rows.into_iter().map(row).collect::<PyResult<Vec<_>>>()?;
        let answered = py.detach(|| self.pool.install(|| self.answerer.answer(&rows)));
        if let Some(outage) = answered.iter().find_map(Answered::outage) {
            return Err(PyOSError::new_err(outage.words.clone()));
        }
        let values = |answered| -> PyResult<Vec<_>> {
            let values = self.answerer.values(answered).into_iter();
            values.map(|value| object(py, value)).collect()
        };
        answered.iter().map(values).collect()
    }
}

fn row((id, sound, start, end, speaker, channel): Asks<'_>) -> PyResult<Row> {
    let sound = if let Ok(bytes) = sound.cast::<PyBytes>() {
        Sound::Bytes(bytes.as_bytes().into())
    } else if sound.is_instance_of::<PyString>() {
        Sound::File(sound.extract::<PathBuf>()?)
    } else if sound.is_instance_of::<pyo3::exceptions::PyException>() {
        Sound::Unread(sound.to_string())
    } else {
        return Err(PyTypeError::new_err(format!(
            "sound: expected a path, bytes or an exception, got {}",
            sound.get_type()
        )));
    };
    Ok(Row {
        start,
        end,
        speaker,
        channel,
        ..Row::new(id, sound)
    })
}

fn object<'py>(py: Python<'py>, value: Value<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Missing => py.None().into_bound(py),
        Value::Text(text) | Value::Path(text) => text.into_pyobject(py)?.into_any(),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Value::Float(value) => value.into_pyobject(py)?.into_any(),
        Value::Double(value) => value.into_pyobject(py)?.into_any(),
    })
}
