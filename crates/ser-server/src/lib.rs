#![doc = include_str!("../README.md")]

mod accept;
mod answers;
mod body;
mod guard;
mod limits;
mod linger;
mod listen;
mod metrics;
mod openapi;
#[cfg(feature = "page")]
mod page;
mod problem;
mod serve;
mod service;
mod speakers;
mod upload;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};

pub use limits::Limits;
pub use serve::serve;
pub use service::{Service, Settings};
pub use speakers::Speakers;

/// Whether the service has a page at `/`, which is the feature `page`.
pub const HAS_PAGE: bool = cfg!(feature = "page");

/// Returns the router with all endpoints of the service, for [`serve`] or for nesting in another router.
pub fn router(service: Service) -> Router {
    // For forms. Other bodies are counted as they are read.
    let body_limit = DefaultBodyLimit::max(service.0.limits.body_bytes);
    let guarded = Router::new()
        .route("/v1/predict", post(answers::predict))
        .route("/v1/timeline", post(answers::timeline))
        .route("/v1/explain", post(answers::explain))
        .route(
            "/v1/speakers/{name}",
            put(speakers::enroll)
                .get(speakers::enrolled)
                .delete(speakers::forget),
        )
        .route("/v1/model", get(answers::model))
        .route("/v1/listen", get(listen::listen))
        .route("/metrics", get(metrics::metrics))
        .layer(from_fn_with_state(service.clone(), guard::admit));
    let open = Router::new();
    #[cfg(feature = "page")]
    let open = open.merge(page::routes());
    open.route("/healthz", get(service::healthz))
        .route("/readyz", get(service::readyz))
        .route("/openapi.json", get(openapi::openapi))
        .route("/docs", get(openapi::docs))
        .merge(guarded)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::not_allowed)
        .layer(body_limit)
        .layer(from_fn_with_state(service.clone(), guard::watch))
        .with_state(service)
}
