//! The state that all requests share.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use ser_predict::{ModelLine, Predictor};

use crate::guard::RateLimiter;
use crate::limits::{Limits, semaphore};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::speakers::Speakers;

/// Number of bytes in one unit of the memory for bodies.
const UNIT: usize = 1 << 10;
/// Least number of bytes that a request reserves, since a short body can hold a long recording: about as much as 20 s of
/// sound at 48 kHz take when they are decoded. A request that computes may take more, such as 60 MB to explain 30 s at 48 kHz
/// and 85 MB at 192 kHz, but only as many compute at a time as there are cores.
const LEAST: usize = 4 << 20;

/// The settings of a service.
pub struct Settings {
    /// The model that answers.
    pub predictor: Predictor,
    /// The store of enrolled speakers.
    pub speakers: Speakers,
    /// The tokens, of which a request must send one as `Authorization: Bearer TOKEN`. If there are none, every request is
    /// allowed.
    pub tokens: Vec<String>,
    /// Whether the `Host` of a request must be a name of this machine itself (`localhost`, `127.0.0.1`, `[::1]`). If so, no
    /// web page reaches a service on the user's machine through a DNS name that resolves to it.
    pub is_local: bool,
    /// The limits.
    pub limits: Limits,
}

/// A service. A clone shares the state of the original.
#[derive(Clone)]
pub struct Service(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) predictor: Predictor,
    /// The description of the model, which takes too long to compute for each request: it has a hash of all weights.
    pub(crate) model: ModelLine,
    pub(crate) speakers: Speakers,
    /// Hashes of the tokens. The time it takes to compare hashes reveals nothing about a token.
    tokens: Vec<[u8; 32]>,
    pub(crate) is_local: bool,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) rates: RateLimiter,
    /// Memory for bodies, in units of [`UNIT`] bytes.
    memory: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// One permit for each core.
    cores: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
    is_ending: watch::Sender<bool>,
}

impl Service {
    /// Creates a service.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let limits = settings.limits;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Shared {
            model: ModelLine::new(settings.predictor.model()),
            predictor: settings.predictor,
            speakers: settings.speakers,
            tokens: settings.tokens.iter().map(|token| hash(token)).collect(),
            is_local: settings.is_local,
            metrics: Metrics::new(),
            rates: RateLimiter::new(limits.per_minute),
            memory: semaphore(limits.memory_bytes.div_ceil(UNIT)),
            waiting: semaphore(limits.waiting),
            cores: semaphore(cores),
            streams: semaphore(limits.streams),
            is_ending: watch::Sender::new(false),
            limits,
        }))
    }

    /// Tells the requests in progress that the service shuts down.
    pub(crate) fn end(&self) {
        self.0.is_ending.send_replace(true);
    }

    /// Waits until the service shuts down.
    pub(crate) async fn ending(&self) {
        let mut is_ending = self.0.is_ending.subscribe();
        let _ = is_ending.wait_for(|is_ending| *is_ending).await;
    }

    /// Reserves memory for a body of this length, and waits for it if necessary.
    ///
    /// # Errors
    /// A [`Problem`] with status 503 if too many requests wait already, or if the memory does not become free in time.
    pub(crate) async fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let shared = &self.0;
        let units = bytes
            .max(LEAST)
            .min(shared.limits.memory_bytes)
            .div_ceil(UNIT);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        if let Ok(permit) = shared.memory.clone().try_acquire_many_owned(units) {
            return Ok(permit);
        }
        let patience = shared.limits.patience;
        let busy = || Problem::busy(patience.as_secs().max(1));
        let _place = shared.waiting.try_acquire().map_err(|_| busy())?;
        let permit = shared.memory.clone().acquire_many_owned(units);
        match timeout(patience, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(busy()),
        }
    }

    /// Runs a computation on one of the cores, and waits for a core if necessary. A panic ends only its own request.
    ///
    /// # Errors
    /// Those of the computation, and a [`Problem`] with status 503 if no core becomes free in time.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Shared) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let patience = self.0.limits.patience;
        let Ok(Ok(core)) = timeout(patience, self.0.cores.clone().acquire_owned()).await else {
            return Err(Problem::busy(patience.as_secs().max(1)));
        };
        let shared = self.0.clone();
        let job = tokio::task::spawn_blocking(move || {
            let _core = core;
            job(&shared)
        });
        job.await.unwrap_or_else(|_| Err(Problem::broken()))
    }

    /// Whether a request with this token is allowed.
    pub(crate) fn knows(&self, token: Option<&str>) -> bool {
        let tokens = &self.0.tokens;
        let given = token.map(hash);
        tokens.is_empty() || given.is_some_and(|given| tokens.contains(&given))
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Reports that the process is running.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "The process is running.")))]
pub(crate) async fn healthz() -> &'static str {
    "alive\n"
}

/// Reports whether the service accepts requests.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses((status = 200, description = "The service accepts requests.")))]
pub(crate) async fn readyz() -> &'static str {
    // A service that shuts down accepts no connection that could ask.
    "ready\n"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn service(limits: Limits) -> Service {
        Service::new(Settings {
            predictor: Predictor::built_in().unwrap(),
            speakers: Speakers::default(),
            tokens: Vec::new(),
            is_local: true,
            limits,
        })
    }

    #[tokio::test]
    async fn a_panic_in_a_computation_ends_only_its_own_request() {
        let service = service(Limits::default());
        let cores = service.0.cores.available_permits();
        for _ in 0..=cores {
            let ended: Result<(), Problem> = service.compute(|_| panic!("a decoder")).await;
            assert_eq!(ended, Err(Problem::broken()));
        }
        assert_eq!(service.compute(|_| Ok(())).await, Ok(()));
    }

    #[tokio::test]
    async fn a_request_that_gets_no_core_in_time_is_told_to_try_again() {
        let service = service(Limits {
            patience: Duration::from_millis(10),
            ..Limits::default()
        });
        let cores = service.0.cores.available_permits();
        let taken = service.0.cores.clone().acquire_many_owned(cores as u32);
        let taken = taken.await.unwrap();
        assert_eq!(service.compute(|_| Ok(())).await, Err(Problem::busy(1)));
        drop(taken);
        assert_eq!(service.compute(|_| Ok(())).await, Ok(()));
    }
}
