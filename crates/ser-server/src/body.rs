//! Reads the bodies of requests within limits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::time::timeout;

use crate::limits::Limits;
use crate::problem::Problem;

/// A recording and the file name that was sent with it.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) bytes: Arc<Vec<u8>>,
}

/// Checks that a body arrives fast enough and does not exceed the allowed size.
pub(crate) struct Pace<'l> {
    limits: &'l Limits,
    begun: Instant,
    taken: usize,
}

impl<'l> Pace<'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            begun: Instant::now(),
            taken: 0,
        }
    }

    pub(crate) fn limits(&self) -> &'l Limits {
        self.limits
    }

    /// Waits for the next part of a body.
    pub(crate) async fn next<T>(&mut self, part: impl Future<Output = T>) -> Result<T, Problem> {
        let rate = self.limits.least_rate.max(1) as f64;
        let due = self.limits.idle + Duration::from_secs_f64(self.taken as f64 / rate);
        if self.begun.elapsed() > due {
            return Err(slow());
        }
        timeout(self.limits.idle, part).await.map_err(|_| slow())
    }

    /// Adds the number of bytes that have arrived.
    pub(crate) fn took(&mut self, bytes: usize) -> Result<(), Problem> {
        self.taken += bytes;
        if self.taken <= self.limits.body_bytes {
            Ok(())
        } else {
            Err(too_large(self.limits))
        }
    }
}

fn slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "too-slow",
        "the body arrived too slowly",
        "send it over a faster connection, or in a smaller format such as Opus",
    )
}

pub(crate) fn too_large(limits: &Limits) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        format!(
            "expected a body of at most {} bytes, found more",
            limits.body_bytes
        ),
        "send it in a smaller format such as FLAC or Opus, or in parts",
    )
}
