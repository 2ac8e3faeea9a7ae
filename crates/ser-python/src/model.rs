//! The Python class `Model`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use numpy::{PyArray1, ToPyArray};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};
use ser_audio::restored;
use ser_predict::{AnswerLine, Enroller, Error, ModelLine, Predictor};

use crate::answers::{self, dict};
use crate::asked::{Asked, channel};
use crate::error::{object, raised, with_consequence};
use crate::explanation;
use crate::files::Files;
use crate::listener::Listener;
use crate::recording::{Recording, open};
use crate::speaker::Speaker;
use crate::threads::{compute, pool};
use crate::timeline;

/// A model that is ready to answer. Any number of threads may use it at once.
#[pyclass(frozen, module = "ser_speech")]
pub(crate) struct Model {
    pub(crate) predictor: Predictor,
}

#[pymethods]
impl Model {
    /// Reads a model file, or the built-in model if `path` is `None`.
    #[staticmethod]
    #[pyo3(signature = (path=None))]
    fn load(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Self> {
        let model = py.detach(|| match &path {
            Some(path) => ser_predict::Model::load(path),
            None => ser_predict::Model::built_in(),
        });
        Self::of(py, model, path.as_deref())
    }

    /// Reads a model from the bytes that `to_bytes` returned.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let model = py.detach(|| ser_predict::Model::from_bytes(data, "model".as_ref()));
        Self::of(py, model, None)
    }

    /// Returns the content of a model file.
    fn to_bytes(&self, py: Python<'_>) -> PyResult<Cow<'static, [u8]>> {
        let bytes = py.detach(|| self.predictor.model().to_bytes());
        Ok(bytes.map_err(|error| raised(py, &error, None))?.into())
    }

    /// Supports pickle, which sends models to other processes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let read = slf.get_type().getattr("from_bytes")?;
        (read, (slf.get().to_bytes(slf.py())?,)).into_pyobject(slf.py())
    }

    /// The name of the model.
    #[getter]
    fn name(&self) -> &str {
        &self.predictor.model().name
    }

    /// The labels that the model can predict.
    #[getter]
    fn labels(&self) -> Vec<String> {
        self.predictor.model().labels.clone()
    }

    /// A fingerprint of the weights, which differs between models.
    #[getter]
    fn fingerprint(&self) -> String {
        self.predictor.model().fingerprint()
    }

    /// Describes the model: name, labels, parameters, fingerprint, enrolls, synthetic.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, &ModelLine::new(self.predictor.model()))
    }

    fn __repr__(&self) -> String {
        format!("Model({:?})", self.name())
    }

    /// Predicts the emotion of a recording as a whole: an `Answer`.
    #[pyo3(signature = (recording, sampling_rate=None, *, labels=None, speaker=None, channel=None))]
    fn predict<'py>(
        &self,
        recording: &Bound<'py, PyAny>,
        sampling_rate: Option<&Bound<'py, PyAny>>,
        labels: Option<Vec<String>>,
        speaker: Option<&Speaker>,
        channel: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = recording.py();
        let asked = Asked::new(py, &self.predictor, labels, speaker)?;
        let channel = self::channel(channel)?;
        let recording = Recording::new(recording, sampling_rate)?;
        let answer = match &recording {
            Recording::File(path) => compute(py, || asked.answer_file(path, channel)),
            Recording::Signal(signal, rate) => {
                let (samples, speaker) = (signal.samples()?.mixed(py, channel)?, asked.speaker());
                compute(py, || {
                    asked.predictor.answer_samples(&samples, *rate, speaker)
                })
            }
        };
        let answer = answer?.map_err(|error| recording.raised(py, &error))?;
        let model = asked.predictor.model();
        let line = AnswerLine::new(model, recording.name(), &answer);
        answers::answer(py, "Answer", &line, &model.labels)
    }

    /// Predicts the emotion of each file as a whole: `Answers`, in which a file without an answer is a `SerError`.
    #[pyo3(signature = (paths, *, threads=None, progress=None, labels=None, speaker=None, channel=None, adapt=false))]
    #[allow(clippy::too_many_arguments, reason = "Python names them")]
    fn predict_files<'py>(
        &self,
        paths: &Bound<'py, PyAny>,
        threads: Option<i64>,
        progress: Option<&Bound<'py, PyAny>>,
        labels: Option<Vec<String>>,
        speaker: Option<&Speaker>,
        channel: Option<i64>,
        adapt: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let py = paths.py();
        if adapt && speaker.is_some() {
            return Err(PyValueError::new_err(
                "adapt: expected no speaker beside it, because the files themselves take its place",
            ));
        }
        let mut files = Files {
            asked: Asked::new(py, &self.predictor, labels, speaker)?,
            channel: self::channel(channel)?,
            paths: files(paths)?,
            progress: progress.map(|progress| progress.clone().unbind()),
        };
        let pool = pool(threads)?;
        let answers = if adapt {
            self.must_enrol()?;
            files.answers_adapted(py, &pool)?
        } else {
            files.answers(py, &pool)?
        };
        let model = files.asked.predictor.model();
        let row = |(path, answer): (&PathBuf, &_)| match answer {
            Ok(answer) => {
                let name = path.display().to_string();
                let line = AnswerLine::new(model, name, answer);
                answers::answer(py, "Answer", &line, &model.labels)
            }
            Err(error) => object(py, error, Some(path)),
        };
        let rows = files.paths.iter().zip(&answers).map(row);
        let rows = rows.collect::<PyResult<Vec<_>>>()?;
        let class = CLASS.import(py, "ser_speech.tables", "Answers")?;
        let facts = PyDict::new(py);
        facts.set_item("labels", &model.labels)?;
        class.call((rows,), Some(&facts))
    }

    /// Finds the speech in a recording, and predicts the emotion of each piece: `Spans`.
    #[pyo3(signature = (recording, sampling_rate=None, *, labels=None, speaker=None, channel=None))]
    fn timeline<'py>(
        &self,
        recording: &Bound<'py, PyAny>,
        sampling_rate: Option<&Bound<'py, PyAny>>,
        labels: Option<Vec<String>>,
        speaker: Option<&Speaker>,
        channel: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = recording.py();
        let asked = Asked::new(py, &self.predictor, labels, speaker)?;
        let recording = Recording::new(recording, sampling_rate)?;
        timeline::hear(py, &recording, &asked, channel)
    }

    /// Returns a listener for live sound with the given sampling rate in Hz.
    #[pyo3(signature = (sampling_rate, *, labels=None, speaker=None, channel=None))]
    fn listen(
        &self,
        sampling_rate: &Bound<'_, PyAny>,
        labels: Option<Vec<String>>,
        speaker: Option<&Speaker>,
        channel: Option<i64>,
    ) -> PyResult<Listener> {
        let py = sampling_rate.py();
        let asked = Asked::new(py, &self.predictor, labels, speaker)?;
        Listener::new(sampling_rate, &asked, self::channel(channel)?)
    }

    /// Returns the embedding of a recording: one vector, the embeddings of all networks, concatenated.
    #[pyo3(signature = (recording, sampling_rate=None, *, channel=None))]
    fn embed<'py>(
        &self,
        recording: &Bound<'py, PyAny>,
        sampling_rate: Option<&Bound<'py, PyAny>>,
        channel: Option<i64>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let py = recording.py();
        let recording = Recording::new(recording, sampling_rate)?;
        let embeddings = recording.compute(py, self::channel(channel)?, |sound| {
            let features = self.predictor.features(&restored(sound))?;
            self.predictor.model().embeddings(&[&features])
        })?;
        let embeddings = embeddings.map_err(|error| recording.raised(py, &error))?;
        Ok(embeddings.concat().concat().to_pyarray(py))
    }

    /// Explains the answer for a recording of 0.2 to 30 s: an `Explanation`.
    #[pyo3(signature = (recording, sampling_rate=None, *, labels=None, speaker=None, channel=None))]
    fn explain<'py>(
        &self,
        recording: &Bound<'py, PyAny>,
        sampling_rate: Option<&Bound<'py, PyAny>>,
        labels: Option<Vec<String>>,
        speaker: Option<&Speaker>,
        channel: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = recording.py();
        let asked = Asked::new(py, &self.predictor, labels, speaker)?;
        let recording = Recording::new(recording, sampling_rate)?;
        explanation::explain(py, &recording, &asked, self::channel(channel)?)
    }

    /// Enrols a speaker from recordings without labels: a `Speaker`, which is how the voice sounds on average.
    #[pyo3(signature = (recordings, *, channel=None))]
    fn enroll(&self, recordings: &Bound<'_, PyAny>, channel: Option<i64>) -> PyResult<Speaker> {
        let py = recordings.py();
        let channel = self::channel(channel)?;
        if is_path(recordings) {
            return Err(one_path("recordings"));
        }
        self.must_enrol()?;
        let mut enroller = Enroller::new(self.predictor.model());
        let mut skipped = Vec::new();
        for recording in recordings.try_iter()? {
            let recording = recording?;
            let recording = match recording.cast::<PyTuple>() {
                Ok(pair) => {
                    let (signal, rate) = pair.extract::<(Bound<PyAny>, Bound<PyAny>)>()?;
                    Recording::new(&signal, Some(&rate))?
                }
                Err(_) => Recording::new(&recording, None)?,
            };
            let speech = match &recording {
                Recording::File(path) => {
                    compute(py, || self.predictor.speech_stream(open(path, channel)?))
                }
                Recording::Signal(..) => {
                    recording.compute(py, channel, |sound| self.predictor.speech(sound))
                }
            }?;
            match speech.and_then(|speech| enroller.add(&speech)) {
                Ok(()) => {}
                Err(error) => skipped.push(object(py, &error, recording.path())?.unbind()),
            }
            py.check_signals()?;
        }
        if enroller.recordings() == 0 {
            let Some(first) = skipped.first() else {
                let none = "nobody is enrolled: expected one recording or more, got none";
                return Err(raised(py, &Error::NotSpeech(none.to_owned()), None));
            };
            return Err(with_consequence("nobody is enrolled", first.bind(py)));
        }
        Ok(Speaker::new(&self.predictor, enroller.finish(), skipped))
    }
}

impl Model {
    fn of(
        py: Python<'_>,
        model: ser_predict::Result<ser_predict::Model>,
        path: Option<&Path>,
    ) -> PyResult<Self> {
        let predictor = model.and_then(Predictor::new);
        let predictor = predictor.map_err(|error| raised(py, &error, path))?;
        Ok(Self { predictor })
    }

    /// Checks that the model was trained with enrolment.
    ///
    /// # Errors
    ///
    /// `ValueError` if it was not.
    fn must_enrol(&self) -> PyResult<()> {
        let checked = self.predictor.model().check_enrols();
        checked.map_err(|error| PyValueError::new_err(error.to_string()))
    }
}

/// Reads a list of paths, and refuses a single path, which Python would iterate over.
fn files(paths: &Bound<'_, PyAny>) -> PyResult<Vec<PathBuf>> {
    if is_path(paths) {
        return Err(one_path("paths"));
    }
    paths.try_iter()?.map(|path| path?.extract()).collect()
}

fn is_path(given: &Bound<'_, PyAny>) -> bool {
    given.extract::<PathBuf>().is_ok()
}

fn one_path(argument: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{argument}: expected a list of paths, got one path"
    ))
}
