#![doc = include_str!("../README.md")]

mod answerer;
mod answers;
mod asked;
mod corpus;
mod error;
mod explanation;
mod features;
mod files;
mod listener;
mod metrics;
mod model;
mod recording;
mod signal;
mod speaker;
mod threads;
mod timeline;

use pyo3::pymodule;

/// The compiled part of the package `ser_speech`.
#[pymodule(name = "_native")]
mod native {
    use std::ffi::OsString;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::answerer::Answerer;
    #[pymodule_export]
    use crate::corpus::Corpus;
    #[pymodule_export]
    use crate::features::{FeatureExtractor, delta};
    #[pymodule_export]
    use crate::listener::{Listener, SpanIterator};
    #[pymodule_export]
    use crate::metrics::evaluate;
    #[pymodule_export]
    use crate::model::Model;
    #[pymodule_export]
    use crate::speaker::Speaker;

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        ser_cli::tell_panics();
        Ok(())
    }

    /// Runs the program `ser` with the arguments, of which the first is its own name, and ends the process.
    #[pyfunction]
    fn program(py: Python<'_>, args: Vec<OsString>) {
        py.detach(|| ser_cli::main(args))
    }
}
