//! Serves the page that `cargo xtask page` made, which computes answers in the browser.

use std::io::Read;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::read::GzDecoder;

use crate::problem::Problem;
use crate::service::{Service, Shared};

/// Name, ETag and gzip-compressed bytes of each file.
const FILES: &[(&str, &str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The Content-Security-Policy of the page: it may run its own scripts and WebAssembly, and send requests to its origin.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' blob:; media-src blob:; worker-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Returns the routes of the page at `/`, of its files, and of its model, which is the model of the service.
pub(crate) fn routes() -> Router<Service> {
    // The first request creates the model file; later ones get the same bytes.
    let written = Arc::new(OnceLock::new());
    let model = move |State(service): State<Service>| model(service, written.clone());
    let mut router = Router::new().route("/model.safetensors", get(model));
    for &(name, tag, bytes) in FILES {
        let answer = move |headers: HeaderMap| async move { file(name, tag, bytes, &headers) };
        if name == "index.html" {
            router = router.route("/", get(answer));
        }
        router = router.route(&format!("/{name}"), get(answer));
    }
    router
}

fn file(name: &str, tag: &'static str, bytes: &'static [u8], headers: &HeaderMap) -> Response {
    let says = |header, text: &str| {
        let value = headers.get(header).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains(text))
    };
    let head = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CONTENT_TYPE, kind(name)),
        // A browser keeps the file but revalidates it, because the next build has other files.
        (header::CACHE_CONTROL, "no-cache"),
        (header::ETAG, tag),
        (header::VARY, "accept-encoding"),
    ];
    if says(header::IF_NONE_MATCH, tag) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    if says(header::ACCEPT_ENCODING, "gzip") {
        return (head, [(header::CONTENT_ENCODING, "gzip")], bytes).into_response();
    }
    let mut plain = Vec::new();
    match GzDecoder::new(bytes).read_to_end(&mut plain) {
        Ok(_) => (head, plain).into_response(),
        Err(_) => Problem::broken().into_response(),
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

async fn model(service: Service, written: Arc<OnceLock<Bytes>>) -> Result<Response, Problem> {
    let bytes = match written.get() {
        Some(bytes) => bytes.clone(),
        None => {
            let write = |shared: &Shared| Ok(shared.predictor.model().to_bytes()?);
            let bytes: Vec<u8> = service.compute(write).await?;
            written.get_or_init(|| bytes.into()).clone()
        }
    };
    let head = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((head, bytes).into_response())
}
