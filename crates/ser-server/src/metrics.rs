//! Metrics for Prometheus.

use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::problem::{Problem, Refused};
use crate::service::Service;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
    status: u32,
}

pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Route, Counter>,
    seconds: Histogram,
    in_flight: Gauge,
    pub(crate) streams: Gauge,
    heard: Counter<f64, AtomicU64>,
}

/// A request in progress; it is counted until this value is dropped.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("ser");
        let requests = Family::default();
        let seconds = Histogram::new(exponential_buckets(0.001, 2.0, 18));
        let (in_flight, streams, heard) = (Gauge::default(), Gauge::default(), Counter::default());
        registry.register("requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "request",
            "Time from the header of a request to the header of its response",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests in progress",
            in_flight.clone(),
        );
        registry.register("streams", "Open live streams", streams.clone());
        registry.register_with_unit("sound", "Sound processed", Unit::Seconds, heard.clone());
        Self {
            registry,
            requests,
            seconds,
            in_flight,
            streams,
            heard,
        }
    }

    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    pub(crate) fn end(&self, route: &str, status: u16, seconds: f64) {
        let route = Route {
            route: route.to_owned(),
            status: status.into(),
        };
        self.requests.get_or_create(&route).inc();
        self.seconds.observe(seconds);
    }

    /// Counts processed sound.
    pub(crate) fn heard(&self, seconds: f64) {
        self.heard.inc_by(seconds);
    }
}

/// Returns counters for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, description = "The counters in the text format of OpenMetrics.", content_type = "application/openmetrics-text"),
    Refused,
))]
pub(crate) async fn metrics(State(service): State<Service>) -> Result<impl IntoResponse, Problem> {
    let mut text = String::new();
    encode(&mut text, &service.0.metrics.registry).map_err(|_| Problem::broken())?;
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, form)], text))
}
