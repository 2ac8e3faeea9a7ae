//! Serves the page that `cargo xtask page` made, which computes answers in the browser.

use std::io::Read;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

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
    let model = move |State(service): State<Service>, headers: HeaderMap| {
        model(service, written.clone(), headers)
    };
    let mut router = Router::new().route("/model.safetensors", get(model));
    for &(name, tag, bytes) in FILES {
        let plain = Arc::new(OnceLock::new());
        let answer =
            move |headers: HeaderMap| async move { file(name, tag, bytes, &plain, &headers) };
        if name == "index.html" {
            router = router.route("/", get(answer.clone()));
        }
        router = router.route(&format!("/{name}"), get(answer));
    }
    router
}

/// Answers with a file. The first client that does not take gzip has it inflated into `plain`, for all such clients.
fn file(
    name: &str,
    tag: &'static str,
    bytes: &'static [u8],
    plain: &OnceLock<Option<Bytes>>,
    headers: &HeaderMap,
) -> Response {
    let head = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CONTENT_TYPE, kind(name)),
        // A browser keeps the file but revalidates it, because the next build has other files.
        (header::CACHE_CONTROL, "no-cache"),
        (header::ETAG, tag),
        (header::VARY, "accept-encoding"),
    ];
    if says(headers, header::IF_NONE_MATCH, tag) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    if says(headers, header::ACCEPT_ENCODING, "gzip") {
        return (head, [(header::CONTENT_ENCODING, "gzip")], bytes).into_response();
    }
    match plain.get_or_init(|| inflated(bytes)) {
        Some(plain) => (head, plain.clone()).into_response(),
        None => Problem::broken().into_response(),
    }
}

fn says(headers: &HeaderMap, header: HeaderName, text: &str) -> bool {
    let value = headers.get(header).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.contains(text))
}

fn inflated(bytes: &[u8]) -> Option<Bytes> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).ok()?;
    Some(plain.into())
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

/// A model file and its ETag.
type Written = (Bytes, String);

async fn model(
    service: Service,
    written: Arc<OnceLock<Written>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (bytes, tag) = match written.get() {
        Some(written) => written.clone(),
        None => {
            let write = |shared: &Shared| {
                let bytes = shared.predictor.model().to_bytes()?;
                let hash = Sha256::digest(&bytes);
                let tag = hash.iter().map(|byte| format!("{byte:02x}"));
                Ok((bytes.into(), format!("\"{}\"", tag.collect::<String>())))
            };
            let new: Written = service.compute(write).await?;
            written.get_or_init(|| new).clone()
        }
    };
    let is_known = says(&headers, header::IF_NONE_MATCH, &tag);
    let head = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag),
    ];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    Ok((head, bytes).into_response())
}
