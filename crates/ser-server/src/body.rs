//! Bodies of requests, read within limits.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use ser_audio::Stored;
use tokio::time::timeout;

use crate::limits::Limits;
use crate::problem::Problem;

/// A recording as it was sent. It stays in memory, and is read where it lies.
pub(crate) struct Sent(pub(crate) Vec<u8>);

impl Stored for Sent {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.0.get(at..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// A recording, by the name under which it was sent.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) bytes: Arc<Sent>,
}

/// Sees to it that a body comes fast enough, and no more of it than allowed.
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

    /// The next part of a body, once it is there.
    pub(crate) async fn next<T>(&mut self, part: impl Future<Output = T>) -> Result<T, Problem> {
        let rate = self.limits.least_rate.max(1) as f64;
        let due = self.limits.idle + Duration::from_secs_f64(self.taken as f64 / rate);
        if self.begun.elapsed() > due {
            return Err(slow());
        }
        timeout(self.limits.idle, part).await.map_err(|_| slow())
    }

    /// So many bytes more have come.
    pub(crate) fn took(&mut self, bytes: usize) -> Result<(), Problem> {
        self.taken += bytes;
        match self.taken <= self.limits.body_bytes {
            true => Ok(()),
            false => Err(too_large(self.limits)),
        }
    }
}

fn slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "too-slow",
        "the body came too slowly",
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
