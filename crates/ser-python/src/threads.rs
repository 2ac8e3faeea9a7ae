//! Where answers are computed: beside the interpreter.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The threads on all cores, and the process that has them.
///
/// They are not rayon's own: of a process that was forked off, as `multiprocessing` does on Linux, these would be said to be
/// there and are not, so that it would wait for ever.
static ALL_CORES: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// So many threads, or one for each core.
pub(crate) fn pool(threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    match threads {
        Some(0) => Err(PyValueError::new_err("threads: expected 1 or more, got 0")),
        Some(threads) => build(threads),
        None => all_cores(),
    }
}

fn all_cores() -> PyResult<Arc<ThreadPool>> {
    let mut all_cores = ALL_CORES.lock().unwrap_or_else(PoisonError::into_inner);
    match &*all_cores {
        Some((process, pool)) if *process == process::id() => Ok(pool.clone()),
        _ => {
            let pool = build(0)?;
            // Threads of another process cannot be ended.
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

/// Computes on all cores, while Python goes on in its other threads.
pub(crate) fn compute<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = all_cores()?;
    Ok(py.detach(|| pool.install(work)))
}
