//! What a service takes on.

use std::time::Duration;

/// What a service takes on, so that no client can use it up.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes that the bodies of all requests may take at a time. Each reserves its length before any of it is read.
    pub memory_bytes: usize,
    /// Seconds of a recording.
    pub seconds: f64,
    /// Requests that may wait for memory. Whoever comes when they do is sent away with 503.
    pub waiting: usize,
    /// How long a request waits for memory before it is sent away with 503.
    pub patience: Duration,
    /// How long a client may send nothing of what it has begun, and how long it may go on sending when it was refused.
    pub idle: Duration,
    /// Bytes a second that a client must send on average, after the time of `idle`.
    pub least_rate: usize,
    /// Requests a minute from one address; as many as come without.
    pub per_minute: Option<u32>,
    /// Connections at a time. Further ones wait to be accepted.
    pub connections: usize,
    /// Live streams at a time.
    pub streams: usize,
    /// How long requests that have begun may take when the service ends.
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
