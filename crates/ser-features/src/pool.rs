//! Buffers for any number of threads.

use std::sync::{Mutex, PoisonError};

/// A pool of buffers that threads reuse from call to call. It holds as many as threads have used at the same time.
///
/// ```
/// use ser_features::ScratchPool;
///
/// let pool = ScratchPool::<Vec<f32>>::default();
/// pool.with(|buffer| buffer.resize(100, 0.0));
/// assert!(pool.with(|buffer| buffer.capacity()) >= 100);
/// ```
#[derive(Debug, Default)]
pub struct ScratchPool<T>(Mutex<Vec<T>>);

impl<T: Default> ScratchPool<T> {
    /// Lends a buffer that no other thread uses at the moment, with whatever the last call left in it, or a new one.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let idle = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = idle().pop().unwrap_or_default();
        let result = work(&mut buffer);
        idle().push(buffer);
        result
    }
}
