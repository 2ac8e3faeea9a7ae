//! What is listened to: a file, or a signal in memory.

use std::path::{Path, PathBuf};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use ser_audio::{AudioStream, Channels, Error as Audio, Waveform};
use ser_features::Error as Features;
use ser_predict::{Error, Kind, Result};

use crate::error::raised;
use crate::signal::{Signal, rate};
use crate::threads::compute;

/// What answers call a signal, which has no file.
pub(crate) const SIGNAL: &str = "signal";

pub(crate) enum Recording<'py> {
    File(PathBuf),
    Signal(Signal<'py>, u32),
}

impl<'py> Recording<'py> {
    /// A path, or a signal and its rate.
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

    /// What answers call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Signal(..) => SIGNAL.to_owned(),
        }
    }

    /// What is computed of all of it, in memory.
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

    /// The exception for an error that was met with it. What a signal itself is to blame for is a wrong argument.
    pub(crate) fn raised(&self, py: Python<'_>, error: &Error) -> PyErr {
        let is_of_rate = matches!(
            error,
            Error::SampleRate { .. } | Error::Features(Features::Audio(Audio::Resample { .. }))
        );
        match self {
            Self::Signal(..) if is_of_rate || error.kind() == Kind::TooShort => {
                PyValueError::new_err(error.to_string())
            }
            _ => raised(py, error, self.path()),
        }
    }

    /// Where it is, if it is a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Signal(..) => None,
        }
    }
}

/// Opens a file: one channel of it, or all of them compared.
pub(crate) fn open(path: &Path, channel: Option<u16>) -> Result<AudioStream> {
    Ok(AudioStream::open(path)?.with(Channels::chosen(channel))?)
}
