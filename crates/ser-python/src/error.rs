//! The exceptions: `SerError` for problems with recordings and files, `ValueError` for wrong arguments.

use std::path::Path;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use ser_audio::Error as Audio;
use ser_data::Error as Data;
use ser_features::Error as Features;
use ser_predict::{Error, LONG, SHORTEST_EXPLAINED};

/// Converts an error to an exception. `path` is the recording that it occurred with, if there is one.
pub(crate) fn raised(py: Python<'_>, error: &Error, path: Option<&Path>) -> PyErr {
    if let Error::Labels { .. } = error {
        return PyValueError::new_err(error.to_string());
    }
    match object(py, error, path) {
        Ok(exception) => PyErr::from_value(exception),
        Err(other) => other,
    }
}

/// Converts an error to a `SerError`.
pub(crate) fn object<'py>(
    py: Python<'py>,
    error: &Error,
    path: Option<&Path>,
) -> PyResult<Bound<'py, PyAny>> {
    let Parts {
        path: named,
        expected,
        actual,
    } = Parts::of(error);
    let mut message = error.to_string();
    let path = match (path, named) {
        (Some(path), None) => {
            message = format!("{}: {message}", path.display());
            Some(path)
        }
        (_, named) => named,
    };
    let path = path.map(|path| path.display().to_string());
    class(py)?.call1((message, error.kind().word(), path, expected, actual))
}

/// Returns a `SerError` as an exception whose message begins with what follows from it.
pub(crate) fn with_consequence(consequence: &str, error: &Bound<'_, PyAny>) -> PyErr {
    let exception = || {
        let message = format!("{consequence}: {error}");
        let field = |name| error.getattr(name);
        let fields = (
            message,
            field("kind")?,
            field("path")?,
            field("expected")?,
            field("actual")?,
        );
        class(error.py())?.call1(fields)
    };
    match exception() {
        Ok(exception) => PyErr::from_value(exception),
        Err(other) => other,
    }
}

fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "ser_speech.errors", "SerError")
}

/// Converts an error of a corpus to an exception: a `SerError` for its files and for leaks, a `ValueError` for wrong arguments.
pub(crate) fn raised_by_data(py: Python<'_>, error: Data) -> PyErr {
    let message = error.to_string();
    let (kind, parts, pairs) = match &error {
        Data::Excerpt { path, .. } => ("not-read", Parts::at(path), &[][..]),
        Data::NoClips { path, .. } => ("no-clips", Parts::at(path), &[][..]),
        Data::Csv {
            path,
            expected,
            actual,
            ..
        } => {
            let parts = Parts {
                path: Some(path),
                ..Parts::but(expected, actual)
            };
            ("wrong-table", parts, &[][..])
        }
        Data::Overlap { clips, .. } => ("leak", Parts::default(), &clips[..]),
        Data::GivenOverlap(overlap) => match &**overlap {
            Data::Overlap { clips, .. } => ("leak", Parts::default(), &clips[..]),
            _ => ("leak", Parts::default(), &[][..]),
        },
        _ => {
            return match error {
                Data::Io(error) => raised(py, &error.into(), None),
                Data::Audio(error) => raised(py, &error.into(), None),
                _ => PyValueError::new_err(message),
            };
        }
    };
    let pairs = pairs.iter().map(|pair| (&pair.first, &pair.second));
    let path = parts.path.map(|path| path.display().to_string());
    let fields = (
        message,
        kind,
        path,
        parts.expected,
        parts.actual,
        pairs.collect::<Vec<_>>(),
    );
    match class(py).and_then(|class| class.call1(fields)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(other) => other,
    }
}

/// The fields of a `SerError` that an error has.
#[derive(Default)]
struct Parts<'e> {
    path: Option<&'e Path>,
    expected: Option<String>,
    actual: Option<String>,
}

impl<'e> Parts<'e> {
    fn of(error: &'e Error) -> Self {
        match error {
            Error::Io(error) => Self::at(&error.path),
            Error::ModelFile {
                path,
                expected,
                actual,
                ..
            } => Self {
                path: Some(path),
                ..Self::but(expected, actual)
            },
            Error::Weights {
                expected, actual, ..
            }
            | Error::Shape {
                expected, actual, ..
            }
            | Error::Labels { expected, actual } => Self::but(expected, actual),
            Error::ExplainedLength { seconds } => Self::but(
                format!("{SHORTEST_EXPLAINED} to {LONG} s"),
                format!("{seconds:.2} s"),
            ),
            Error::SampleRate { lowest, actual } => {
                Self::but(format!("{lowest} Hz or more"), format!("{actual} Hz"))
            }
            Error::Audio(error) => Self::of_audio(error),
            Error::Features(error) => Self::of_features(error),
            Error::Conditions(ser_audio::conditions::Error::Clip {
                expected, actual, ..
            }) => Self::but(expected, actual),
            _ => Self::default(),
        }
    }

    fn of_audio(error: &'e Audio) -> Self {
        match error {
            Audio::Io(error) => Self::at(&error.path),
            Audio::Wav { path, .. }
            | Audio::Unsupported { path, .. }
            | Audio::Damaged { path, .. } => Self::at(path),
            Audio::OutOfRange { path, value, .. } => Self {
                path: Some(path),
                ..Self::but("a number within ±1e10", value)
            },
            Audio::Channel {
                path,
                number,
                count,
            } => Self {
                path: Some(path),
                ..Self::but(format!("a channel from 1 to {count}"), number)
            },
            Audio::TooLong { path, limit } => Self {
                path: Some(path),
                ..Self::but(format!("at most {limit} samples"), "more")
            },
            Audio::Longer { path, seconds } => Self {
                path: Some(path),
                ..Self::but(format!("at most {seconds} s"), "more")
            },
            _ => Self::default(),
        }
    }

    fn of_features(error: &'e Features) -> Self {
        match error {
            Features::Audio(error) => Self::of_audio(error),
            Features::InFile { path, source } => Self {
                path: Some(path),
                ..Self::of_features(source)
            },
            Features::TooShort {
                unit,
                expected,
                actual,
                ..
            } => Self::but(format!("at least {expected} {unit}"), actual),
            _ => Self::default(),
        }
    }

    fn at(path: &'e Path) -> Self {
        Self {
            path: Some(path),
            ..Self::default()
        }
    }

    fn but(expected: impl ToString, actual: impl ToString) -> Self {
        Self {
            path: None,
            expected: Some(expected.to_string()),
            actual: Some(actual.to_string()),
        }
    }
}
