//! Features of arrays and files. An extractor is planned once and used for many signals.

use std::path::PathBuf;

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use numpy::{PyUntypedArrayMethods, ToPyArray};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_features::{
    Error, Extra, FeatureConfig, Features, MelNorm, MelScale, Result, Scratch, ScratchPool,
};
use serde::de::DeserializeOwned;

use crate::error::raised;
use crate::signal::{Signal, rate};
use crate::threads::compute;

/// Number of rows that are computed on all cores between two checks for Ctrl-C.
const AT_ONCE: usize = 64;

/// Computes features from samples. Any number of threads may use it at once.
#[pyclass(frozen, module = "ser_speech._native")]
pub(crate) struct FeatureExtractor {
    extractor: ser_features::FeatureExtractor,
    scratch: ScratchPool<Scratch>,
}

#[pymethods]
impl FeatureExtractor {
    /// `output` names the result: `mfcc`, `mel` or `functionals`.
    #[new]
    #[pyo3(signature = (
        output, *, sr, n_fft=2048, hop_length=512, win_length=None, window="hann", center=true, pad_mode="constant", power=2.0,
        n_mels=128, fmin=0.0, fmax=None, htk=false, norm=Some("slaney"), reference=1.0, amin=1e-10, top_db=Some(80.0),
        n_mfcc=20, lifter=0.0, voice=false, relative_level=true
    ))]
    #[allow(clippy::too_many_arguments, reason = "Python names them")]
    fn new(
        output: &str,
        sr: &Bound<'_, PyAny>,
        n_fft: i64,
        hop_length: i64,
        win_length: Option<i64>,
        window: &str,
        center: bool,
        pad_mode: &str,
        power: f64,
        n_mels: i64,
        fmin: f64,
        fmax: Option<f64>,
        htk: bool,
        norm: Option<&str>,
        reference: f64,
        amin: f64,
        top_db: Option<f64>,
        n_mfcc: i64,
        lifter: f64,
        voice: bool,
        relative_level: bool,
    ) -> PyResult<Self> {
        let config = FeatureConfig {
            sample_rate: rate(Some(sr))?,
            n_fft: count("n_fft", n_fft)?,
            hop_length: count("hop_length", hop_length)?,
            win_length: win_length
                .map(|length| count("win_length", length))
                .transpose()?,
            window: word("window", window)?,
            center,
            pad_mode: word("pad_mode", pad_mode)?,
            power,
            n_mels: count("n_mels", n_mels)?,
            mel_scale: if htk { MelScale::Htk } else { MelScale::Slaney },
            mel_norm: match norm {
                Some(norm) => word("norm", norm)?,
                None => MelNorm::None,
            },
            fmin,
            fmax,
            output: word("output", output)?,
            reference,
            amin,
            top_db,
            n_mfcc: count("n_mfcc", n_mfcc)?,
            lifter,
            extras: if voice {
                Extra::VOICE.to_vec()
            } else {
                Vec::new()
            },
            relative_level,
            ..FeatureConfig::default()
        };
        let extractor = ser_features::FeatureExtractor::new(&config).map_err(|e| wrong(&e))?;
        Ok(Self {
            extractor,
            scratch: ScratchPool::default(),
        })
    }

    /// The names of the values of a row.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.extractor.config().coefficient_names()
    }

    /// Computes the features of a signal: `[samples]` → `[frames, coefficients]`; functionals are one row.
    fn extract<'py>(&self, signal: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let py = signal.py();
        let signal = Signal::new(signal)?;
        let samples = signal.one_channel()?;
        let features = py.detach(|| {
            self.with_scratch(|scratch, features| {
                self.extractor.extract_into(samples, scratch, features)
            })
        });
        array(py, features.map_err(|error| wrong(&error))?)
    }

    /// Computes the functionals of many signals `[samples]` on all cores: `[signals, coefficients]`.
    fn extract_signals<'py>(
        &self,
        py: Python<'py>,
        signals: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        self.extract_rows(py, &signals, |signals| {
            let signals = signals.iter().map(Signal::new);
            let signals = signals.collect::<PyResult<Vec<_>>>()?;
            let samples = signals.iter().map(Signal::one_channel);
            let samples = samples.collect::<PyResult<Vec<_>>>()?;
            let rows = compute(py, || {
                self.extract_each(&samples, |samples, scratch, features| {
                    self.extractor.extract_into(samples, scratch, features)
                })
            })?;
            rows.map_err(|(_, error)| wrong(&error))
        })
    }

    /// Computes the functionals of many files on all cores: `[files, coefficients]`.
    fn extract_files<'py>(
        &self,
        py: Python<'py>,
        paths: Vec<PathBuf>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        self.extract_rows(py, &paths, |paths| {
            let rows = compute(py, || {
                self.extract_each(paths, |path, scratch, features| {
                    self.extractor.extract_file_into(path, scratch, features)
                })
            })?;
            rows.map_err(|(path, error)| raised(py, &error.into(), Some(path)))
        })
    }

    /// Computes the mel spectrogram of a spectrogram: `[frames, n_fft/2 + 1]` → `[frames, n_mels]`.
    fn mel<'py>(
        &self,
        spectrogram: PyReadonlyArray2<'py, f32>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let py = spectrogram.py();
        let features = features(&spectrogram)?;
        let mel = ser_features::MelFilterbank::new(self.extractor.config())
            .and_then(|bank| bank.apply(&features));
        array(py, mel.map_err(|error| wrong(&error))?)
    }

    /// Computes the cepstral coefficients of log-mel levels: `[frames, n_mels]` → `[frames, n_mfcc]`.
    fn mfcc<'py>(&self, levels: PyReadonlyArray2<'py, f32>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let py = levels.py();
        let mfcc = ser_features::mfcc(self.extractor.config(), &features(&levels)?);
        array(py, mfcc.map_err(|error| wrong(&error))?)
    }

    /// Converts power to dB.
    fn power_to_db<'py>(
        &self,
        power: PyReadonlyArray1<'py, f32>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let py = power.py();
        let values = numbers(power.as_slice()?)?.to_vec();
        let count = values.len();
        let levels = Features::from_parts(values, 1, count).and_then(|mut power| {
            ser_features::power_to_db(self.extractor.config(), &mut power)?;
            Ok(power.into_vec())
        });
        Ok(levels.map_err(|error| wrong(&error))?.to_pyarray(py))
    }
}

impl FeatureExtractor {
    fn with_scratch(
        &self,
        extract: impl FnOnce(&mut Scratch, &mut Features) -> Result<()>,
    ) -> Result<Features> {
        let mut features = Features::default();
        self.scratch
            .with(|scratch| extract(scratch, &mut features))?;
        Ok(features)
    }

    /// Extracts the features of each item in parallel, concatenated in their order.
    ///
    /// # Errors
    ///
    /// An item that failed, with its error.
    fn extract_each<'a, T: Sync>(
        &self,
        each: &'a [T],
        extract: impl Fn(&T, &mut Scratch, &mut Features) -> Result<()> + Sync,
    ) -> Result<Vec<f32>, (&'a T, Error)> {
        let features = each.par_iter().map(|one| {
            let features = self.with_scratch(|scratch, features| extract(one, scratch, features));
            features.map_err(|error| (one, error))
        });
        let features = features.collect::<Result<Vec<_>, _>>()?;
        let values = features.into_iter().flat_map(Features::into_vec);
        Ok(values.collect())
    }

    /// Extracts a row for each item, `AT_ONCE` items at a time, and checks for Ctrl-C in between.
    fn extract_rows<'py, T>(
        &self,
        py: Python<'py>,
        each: &[T],
        extract: impl Fn(&[T]) -> PyResult<Vec<f32>>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let coefficients = self.extractor.config().coefficients();
        let mut values = Vec::with_capacity(each.len() * coefficients);
        for some in each.chunks(AT_ONCE) {
            values.extend(extract(some)?);
            py.check_signals()?;
        }
        PyArray1::from_vec(py, values).reshape([each.len(), coefficients])
    }
}

/// Computes the derivative along the first axis: `[frames, coefficients]` → the same shape.
#[pyfunction]
pub(crate) fn delta<'py>(
    rows: PyReadonlyArray2<'py, f32>,
    width: i64,
    order: i64,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let width = count("width", width)?;
    let order = u8::try_from(order)
        .map_err(|_| PyValueError::new_err(format!("order: expected 1 or 2, got {order}")))?;
    let features = features(&rows)?;
    let delta = ser_features::delta(&features, width, order);
    array(rows.py(), delta.map_err(|error| wrong(&error))?)
}

fn features(rows: &PyReadonlyArray2<'_, f32>) -> PyResult<Features> {
    let (values, shape) = (numbers(rows.as_slice()?)?, rows.shape());
    let features = Features::from_parts(values.to_vec(), shape[0], shape[1]);
    features.map_err(|error| wrong(&error))
}

fn array(py: Python<'_>, features: Features) -> PyResult<Bound<'_, PyArray2<f32>>> {
    let shape = [features.frames(), features.coefficients()];
    PyArray1::from_vec(py, features.into_vec()).reshape(shape)
}

fn numbers(values: &[f32]) -> PyResult<&[f32]> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(values),
        Some(value) => Err(PyValueError::new_err(format!(
            "expected an array of numbers, got one with {value}"
        ))),
    }
}

fn count(argument: &str, given: i64) -> PyResult<usize> {
    usize::try_from(given).map_err(|_| {
        PyValueError::new_err(format!(
            "{argument}: expected a number of 1 or more, got {given}"
        ))
    })
}

/// Parses an argument that is one of several words.
fn word<T: DeserializeOwned>(argument: &str, given: &str) -> PyResult<T> {
    let known = serde_json::from_value(given.into());
    known.map_err(|error| PyValueError::new_err(format!("{argument}: {error}")))
}

/// The exception for a wrong argument, with its name in Python.
fn wrong(error: &Error) -> PyErr {
    let Error::Config {
        key,
        expected,
        actual,
    } = error
    else {
        return PyValueError::new_err(error.to_string());
    };
    let argument = match *key {
        "delta_width" => "width",
        "deltas" => "order",
        "extras" => "voice",
        key => key,
    };
    let expected = match *key {
        // A file of settings turns the limit off with `false`.
        "top_db" => "a number from 0, or None",
        _ => expected.as_str(),
    };
    PyValueError::new_err(format!("{argument}: expected {expected}, got {actual}"))
}
