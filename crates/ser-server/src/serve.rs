//! The server: accepts connections, limits them, and shuts down.

use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::limits::semaphore;
use crate::linger::Lingering;
use crate::router;
use crate::service::Service;

/// How long to wait when the system cannot accept another connection.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until `stop` completes. Then accepts no more connections, and waits up to [`Limits::grace`](crate::Limits::grace)
/// for the requests and live streams in progress.
pub async fn serve(listener: TcpListener, service: Service, stop: impl Future<Output = ()>) {
    let limits = service.0.limits.clone();
    let app = router(service.clone());
    let places = semaphore(limits.connections);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, address)) = accepted else {
            // For example, too many files are open.
            sleep(BREATH).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let stream = Lingering::new(stream, service.clone());
        let app = app.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(address));
            app.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.idle)
            .serve_connection(TokioIo::new(stream), answer)
            .with_upgrades();
        let service = service.clone();
        tokio::spawn(async move {
            let _place = place;
            let mut connection = std::pin::pin!(connection);
            // Errors of a connection concern only its client.
            tokio::select! {
                _ = connection.as_mut() => return,
                () = service.ending() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
    }
    drop(listener);
    service.end();
    tracing::info!("shutting down: finishing the requests in progress");
    let finished = async {
        // A connection gives back its place when it becomes a live stream, which has a place of its own.
        for (places, count) in [
            (&places, limits.connections),
            (&service.0.streams, limits.streams),
        ] {
            let all = u32::try_from(count).unwrap_or(u32::MAX);
            let _ = places.acquire_many(all).await;
        }
    };
    if timeout(limits.grace, finished).await.is_err() {
        tracing::warn!(
            "cut off the requests that took longer than {:?}",
            limits.grace
        );
    }
}
