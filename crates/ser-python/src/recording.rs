//! A recording: a file, or a signal in memory.

use std::path::{Path, PathBuf};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use ser_audio::{AudioStream, Channels, Error as Audio, Waveform};
use ser_features::Error as Features;
use ser_predict::{Error, Kind, Result};

use crate::error::raised;
use crate::signal::{Signal, rate};
use crate::threads::compute;

/// The name of a signal in answers, since it has no file.
pub(crate) const SIGNAL: &str = "signal";

pub(crate) enum Recording<'py> {
    File(PathBuf),
    Signal(Signal<'py>, u32),
}

impl<'py> Recording<'py> {
    /// Reads a path, or a signal with its sampling rate.
    pub(crate) fn new(
        recording: &Bound<'py, PyAny>,
        sampling_rate: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        if let Ok(path) = recording.extract() {
            return match sampling_rate {
                None => Ok(Self::File(path)),
                Some(rate) => Err(PyValueError::new_err(format!(
                    "sampling_rate: expected none, as a file has its own, got {rate}"
                ))),
            };
        }
        let rate = rate(sampling_rate)?;
        let signal = Signal::new(recording)?;
        if signal.is_empty() {
            return Err(PyValueError::new_err(
                "expected an array [samples] or [channels, samples], got one without samples",
            ));
        }
        Ok(Self::Signal(signal, rate))
    }

    /// The name of the recording in answers.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Signal(..) => SIGNAL.to_owned(),
        }
    }

    /// Reads the whole recording into memory, and applies `work` to it.
    pub(crate) fn compute<T: Send>(
        &self,
        py: Python<'py>,
        channel: Option<u16>,
        work: impl FnOnce(&Waveform) -> Result<T> + Send,
    ) -> PyResult<Result<T>> {
        match self {
            Self::File(path) => compute(py, || work(&open(path, channel)?.read_to_end()?)),
            Self::Signal(signal, rate) => {
                let samples = signal.samples()?.mixed(py, channel)?;
                let sound = Waveform::new(samples.into_owned(), *rate);
                compute(py, || work(&sound))
            }
        }
    }

    /// Converts an error that occurred with this recording to an exception. A signal with a wrong rate or length is a wrong
    /// argument, a `ValueError`.
    pub(crate) fn raised(&self, py: Python<'_>, error: &Error) -> PyErr {
        let is_of_rate = matches!(
            error,
            Error::SampleRate { .. } | Error::Features(Features::Audio(Audio::Resample { .. }))
        );
        match self {
            Self::Signal(..)
                if is_of_rate || matches!(error.kind(), Kind::TooShort | Kind::TooLong) =>
            {
                PyValueError::new_err(error.to_string())
            }
            _ => raised(py, error, self.path()),
        }
    }

    /// The path, if the recording is a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Signal(..) => None,
        }
    }
}

/// Opens a file with one channel, or with all channels compared.
pub(crate) fn open(path: &Path, channel: Option<u16>) -> Result<AudioStream> {
    Ok(AudioStream::open(path)?.with(Channels::chosen(channel))?)
}
