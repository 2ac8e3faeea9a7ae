//! Runs trainings in parallel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use ser_recipe::Recipe;

use crate::error::{Error, Result};

/// Calls `work` for each item, which trains a recipe: `jobs` at a time, or as many as there are cores for.
pub(crate) fn side_by_side<T: Sync>(
    items: &[T],
    recipe: &Recipe,
    jobs: Option<usize>,
    work: impl Fn(&T) -> Result<()> + Sync,
) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = usize::try_from(recipe.training.threads).unwrap_or(1);
    // Small networks gain little from a second thread: one training per core is faster than one training on all
    // cores.
    let jobs = jobs.unwrap_or(cores / threads).clamp(1, items.len().max(1));
    let queue = Mutex::new(items.iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    // An error such as a full disk would occur again, so the other workers stop after their current training.
    let has_failed = AtomicBool::new(false);
    let worker = || -> Result<()> {
        while !has_failed.load(Ordering::Relaxed)
            && let Some(item) = next()
        {
            work(item).inspect_err(|_| has_failed.store(true, Ordering::Relaxed))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        // All are joined before the first error is returned: the scope panics if one that panicked was not joined.
        let joined: Vec<_> = joined.collect();
        joined
            .into_iter()
            .try_for_each(|worked| worked.unwrap_or(Err(Error::Panicked)))
    })
}
