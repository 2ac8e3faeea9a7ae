//! The limits of a service.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Largest sampling rate in Hz. A second of sound at a higher rate would take more memory than the service expects.
const HIGHEST_RATE: u32 = 192_000;

/// Returns a semaphore with this many permits, or the largest possible number of them.
pub(crate) fn semaphore(permits: usize) -> Arc<Semaphore> {
    // `acquire_many`, which waits for all of them when the service stops, counts in 32 bits.
    let most = Semaphore::MAX_PERMITS.min(u32::MAX as usize);
    Arc::new(Semaphore::new(permits.min(most)))
}

/// Checks that a sampling rate is not too high.
///
/// # Errors
/// A [`Problem`] with status 422.
pub(crate) fn allowed(rate: u32) -> Result<(), Problem> {
    if rate <= HIGHEST_RATE {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "high-rate",
        format!("expected a sampling rate of at most {HIGHEST_RATE} Hz, found {rate} Hz"),
        "resample to 48 000 Hz; speech has nothing above",
    ))
}

/// The limits of a service, so that no client can exhaust it.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Largest size of a request body, in bytes.
    pub body_bytes: usize,
    /// Number of bytes that the bodies of all requests may take at a time. Each request reserves its length before its body
    /// is read.
    pub memory_bytes: usize,
    /// Longest recording, in seconds.
    pub seconds: f64,
    /// Number of requests that may wait for memory. Further requests are refused with 503.
    pub waiting: usize,
    /// How long a request waits for memory, and then for a core, before it is refused with 503.
    pub patience: Duration,
    /// How long a client may pause while it sends a request or reads a response, and how long it may keep sending after it
    /// was refused.
    pub idle: Duration,
    /// Number of bytes per second that a client must send on average, after the time of `idle`.
    pub least_rate: usize,
    /// Number of requests per minute from one address, or from one IPv6 network of 64 bits; `None` for no limit. A router
    /// that [`serve`](crate::serve) does not run knows the addresses only from axum's `ConnectInfo<SocketAddr>`, without
    /// which there is no limit.
    pub per_minute: Option<u32>,
    /// Number of connections at a time. Further ones wait to be accepted.
    pub connections: usize,
    /// Number of live streams at a time. Further ones are refused with 503.
    pub streams: usize,
    /// How long the requests and live streams in progress may take when the service stops.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 << 20,
            memory_bytes: 256 << 20,
            seconds: 2.0 * 3600.0,
            waiting: 64,
            patience: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            least_rate: 16 << 10,
            per_minute: None,
            connections: 1024,
            streams: 32,
            grace: Duration::from_secs(20),
        }
    }
}
