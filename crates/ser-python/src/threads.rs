//! The threads that compute answers while the interpreter is free.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The pool of threads on all cores, and the id of the process that it belongs to.
///
/// This is not rayon's global pool: in a forked process, as `multiprocessing` creates on Linux, that pool would seem to exist while
/// its threads do not, and the process would wait for ever.
static ALL_CORES: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// Returns a pool of `threads` threads, or the pool on all cores.
pub(crate) fn pool(threads: Option<i64>) -> PyResult<Arc<ThreadPool>> {
    match threads.map(usize::try_from) {
        Some(Ok(threads)) if threads > 0 => build(threads),
        None => all_cores(),
        Some(_) => {
            let threads = threads.unwrap_or_default();
            let message = format!("threads: expected 1 or more, got {threads}");
            Err(PyValueError::new_err(message))
        }
    }
}

fn all_cores() -> PyResult<Arc<ThreadPool>> {
    let mut all_cores = ALL_CORES.lock().unwrap_or_else(PoisonError::into_inner);
    match &*all_cores {
        Some((process, pool)) if *process == process::id() => Ok(pool.clone()),
        _ => {
            let pool = build(0)?;
            // The threads of another process cannot be joined, so the old pool must not be dropped.
            std::mem::forget(all_cores.replace((process::id(), pool.clone())));
            Ok(pool)
        }
    }
}

fn build(threads: usize) -> PyResult<Arc<ThreadPool>> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(Arc::new(pool.map_err(|error| {
        PyRuntimeError::new_err(error.to_string())
    })?))
}

/// Computes on all cores with the interpreter lock released, so that other Python threads can run.
pub(crate) fn compute<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = all_cores()?;
    Ok(py.detach(|| pool.install(work)))
}
