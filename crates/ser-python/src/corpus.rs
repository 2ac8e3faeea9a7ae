//! Corpora and their splits.

use std::path::PathBuf;

use numpy::{PyArray1, ToPyArray};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use ser_data::{Audit, Disjoint, LabelMap, Origin, Parts, Protocol, Split};

use crate::answers::dict;
use crate::error::raised_by_data;
use crate::threads::compute;

/// Labelled clips; `ser_speech.corpora.Corpus` is the public class.
#[pyclass(frozen, module = "ser_speech._native")]
pub(crate) struct Corpus {
    corpus: ser_data::Corpus,
    audit: Audit,
}

#[pymethods]
impl Corpus {
    /// Scans a folder or reads a manifest.
    #[staticmethod]
    fn open(
        py: Python<'_>,
        path: PathBuf,
        root: Option<PathBuf>,
        labels: LabelMap,
    ) -> PyResult<Self> {
        let scan = compute(py, || {
            let origin = Origin {
                path: &path,
                root: root.as_deref(),
            };
            ser_data::Corpus::load_with(origin, &labels)
        })?;
        let scan = scan.map_err(|error| raised_by_data(py, error))?;
        Ok(Self {
            corpus: scan.corpus,
            audit: scan.audit,
        })
    }

    #[getter]
    fn name(&self) -> &str {
        self.corpus.name()
    }

    #[getter]
    fn synthetic(&self) -> bool {
        self.corpus.is_synthetic()
    }

    #[getter]
    fn labels(&self) -> Vec<String> {
        self.corpus.labels().to_vec()
    }

    #[getter]
    fn targets<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        indices(py, &self.corpus.targets())
    }

    #[getter]
    fn checksum(&self) -> String {
        self.corpus.checksum()
    }

    #[getter]
    fn audit<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, &self.audit)
    }

    /// Returns the clips, each as a `Clip`.
    fn clips<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let class = CLASS.import(py, "ser_speech.corpora", "Clip")?;
        let clip = |clip: &ser_data::Clip| {
            let fields = PyDict::new(py);
            let span = clip.span();
            fields.set_item("name", &clip.name)?;
            fields.set_item("file", clip.path.as_os_str())?;
            fields.set_item("start", span.map(|(start, _)| start))?;
            fields.set_item("end", span.map(|(_, end)| end))?;
            fields.set_item("emotion", &clip.emotion)?;
            fields.set_item("speaker", &clip.speaker)?;
            fields.set_item("gender", &clip.gender)?;
            fields.set_item("intensity", &clip.intensity)?;
            fields.set_item("statement", &clip.statement)?;
            fields.set_item("repetition", clip.repetition)?;
            fields.set_item("seconds", clip.seconds())?;
            fields.set_item("content", &clip.content)?;
            fields.set_item("attributes", &clip.attributes)?;
            class.call((), Some(&fields))
        };
        self.corpus.clips().iter().map(clip).collect()
    }

    /// Returns the samples of a clip and their sampling rate in Hz.
    fn read<'py>(
        &self,
        py: Python<'py>,
        index: usize,
    ) -> PyResult<(Bound<'py, PyArray1<f32>>, u32)> {
        let clip = self.corpus.clips().get(index);
        let clip = clip.ok_or_else(|| PyIndexError::new_err("no such clip"))?;
        let sound = py.detach(|| clip.read());
        let sound = sound.map_err(|error| raised_by_data(py, error))?;
        Ok((PyArray1::from_vec(py, sound.samples), sound.sample_rate))
    }

    /// Returns the corpus with only the clips of these labels.
    fn select(&self, py: Python<'_>, labels: Vec<String>) -> PyResult<Self> {
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        self.changed(py, self.corpus.select(&labels))
    }

    /// Returns the corpus with renamed labels: the first of each pair becomes the second.
    fn merge_labels(&self, py: Python<'_>, renames: Vec<(String, String)>) -> PyResult<Self> {
        let renames = renames
            .iter()
            .map(|(from, to)| (from.as_str(), to.as_str()));
        let renames: Vec<_> = renames.collect();
        self.changed(py, self.corpus.merge_labels(&renames))
    }

    /// Returns the splits of a protocol, each as a `Split`.
    fn splits<'py>(
        &self,
        py: Python<'py>,
        protocol: &str,
        seed: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let seed: u64 = seed.extract().map_err(|_| {
            PyValueError::new_err(format!(
                "seed: expected a number from 0 to 2**64 - 1, got {seed}"
            ))
        })?;
        let splits = protocol
            .parse()
            .and_then(|protocol: Protocol| protocol.splits(&self.corpus, seed));
        let splits = splits.map_err(|error| raised_by_data(py, error))?;
        splits.iter().map(|split| object(py, split)).collect()
    }

    /// Returns a `Split` of given positions, checked for leaks.
    fn split<'py>(
        &self,
        py: Python<'py>,
        name: String,
        train: Vec<i64>,
        validation: Vec<i64>,
        test: Vec<i64>,
        share_speakers: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let parts = Parts {
            train: self.positions(&train)?,
            validation: self.positions(&validation)?,
            test: self.positions(&test)?,
        };
        let disjoint = if share_speakers {
            Disjoint::Audio
        } else {
            Disjoint::SpeakersAndAudio
        };
        let split = Split::new(&self.corpus, name, parts, disjoint);
        object(py, &split.map_err(|error| raised_by_data(py, error))?)
    }
}

impl Corpus {
    fn changed(
        &self,
        py: Python<'_>,
        corpus: ser_data::Result<ser_data::Corpus>,
    ) -> PyResult<Self> {
        Ok(Self {
            corpus: corpus.map_err(|error| raised_by_data(py, error))?,
            audit: self.audit.clone(),
        })
    }

    fn positions(&self, given: &[i64]) -> PyResult<Vec<usize>> {
        let count = self.corpus.len();
        let position = |&index: &i64| {
            let position = usize::try_from(index).ok();
            position.filter(|&index| index < count).ok_or_else(|| {
                PyValueError::new_err(format!(
                    "expected positions of clips, from 0 to {}, got {index}",
                    count.saturating_sub(1)
                ))
            })
        };
        given.iter().map(position).collect()
    }
}

fn object<'py>(py: Python<'py>, split: &Split) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "ser_speech.corpora", "Split")?;
    class.call1((
        split.name(),
        indices(py, split.train()),
        indices(py, split.validation()),
        indices(py, split.test()),
    ))
}

fn indices<'py>(py: Python<'py>, positions: &[usize]) -> Bound<'py, PyArray1<i64>> {
    let positions: Vec<i64> = positions.iter().map(|&index| index as i64).collect();
    positions.to_pyarray(py)
}
