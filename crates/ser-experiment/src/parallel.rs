//! Trainings side by side.

use std::sync::{Mutex, PoisonError};

use ser_recipe::Recipe;

use crate::error::{Error, Result};

/// Does the trainings of a recipe that `work` stands for, as many at a time as fit the cores.
pub(crate) fn side_by_side<T: Sync>(
    items: &[T],
    recipe: &Recipe,
    jobs: Option<usize>,
    work: impl Fn(&T) -> Result<()> + Sync,
) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = usize::try_from(recipe.training.threads).unwrap_or(1);
    // Small networks gain little from a second thread: one training a core beats one training
    // on all of them.
    let jobs = jobs.unwrap_or(cores / threads).clamp(1, items.len().max(1));
    let queue = Mutex::new(items.iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || -> Result<()> {
        while let Some(item) = next() {
            work(item)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or(Err(Error::Panicked)))
    })
}
