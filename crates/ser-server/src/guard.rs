//! Access control, rate limits, and the log of requests.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use crate::problem::Problem;
use crate::service::Service;

/// Number of addresses that are remembered at a time.
const ADDRESSES: usize = 1 << 16;

/// The headers of every response that restrict browsers: no content from elsewhere, no guessing of types, no frames.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Prefix of the subprotocol that carries a token, percent-encoded. A browser that opens a WebSocket can set no header except the
/// subprotocols, which may not contain `/` or `=`, for example.
const SUBPROTOCOL: &str = "bearer.";

/// Middleware that refuses requests that are not allowed.
pub(crate) async fn admit(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    match check(&service, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(service: &Service, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let host = text(headers, header::HOST);
    if service.0.is_local && !host.is_some_and(is_here) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "other-host",
            "the request is meant for another host",
            "send it to 127.0.0.1 or localhost, or bind the service to an address that other machines can reach",
        ));
    }
    let origin = text(headers, header::ORIGIN).and_then(|origin| origin.split_once("://"));
    if headers.contains_key(header::ORIGIN) && origin.map(|(_, origin)| origin) != host {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "other-origin",
            "the request comes from a page of another origin",
            "serve the page from the origin of the service, for example through one proxy for both",
        ));
    }
    // Requests with a wrong token count too, so that nobody can try token after token.
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if let Some(ConnectInfo(address)) = address {
        let taken = service.0.rates.take(address.ip());
        taken.map_err(|wait| {
            let seconds = wait.as_secs_f64().ceil() as u64;
            Problem {
                retry_after: Some(seconds),
                ..Problem::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too-many-requests",
                    "this address has sent more requests than allowed",
                    format!("try again in {seconds} s"),
                )
            }
        })?;
    }
    if !service.knows(token(headers).as_deref()) {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "no-token",
            "the request has no known token",
            "send `Authorization: Bearer TOKEN`",
        ));
    }
    Ok(())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a host is `localhost` or a loopback address, which always mean this machine.
fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn token(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let bearer = text(headers, header::AUTHORIZATION);
    if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
        return Some(token.into());
    }
    let protocols = text(headers, header::SEC_WEBSOCKET_PROTOCOL)?;
    let mut protocols = protocols.split(',').map(str::trim);
    let token = protocols.find_map(|protocol| protocol.strip_prefix(SUBPROTOCOL))?;
    percent_decode_str(token).decode_utf8().ok()
}

/// Middleware that counts and logs a request, without its content and without names, and adds the headers for browsers to
/// the response.
pub(crate) async fn watch(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let in_flight = service.0.metrics.begin();
    let mut response = next.run(request).await;
    drop(in_flight);
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    service.0.metrics.end(&route, status, seconds);
    tracing::info!(%method, route, status, milliseconds = (1000.0 * seconds).round(), "answered");
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        // The page has its own policy.
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Returns the address that stands for all addresses of one client. An IPv6 client usually has a /64 network, so all its addresses
/// count as one.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

/// The number of requests that each address may still send: a token bucket that is filled at `per_minute`.
pub(crate) struct RateLimiter {
    per_minute: Option<u32>,
    buckets: Mutex<HashMap<IpAddr, (f64, Instant)>>,
}

impl RateLimiter {
    pub(crate) fn new(per_minute: Option<u32>) -> Self {
        Self {
            per_minute,
            buckets: Mutex::default(),
        }
    }

    /// Takes one request of an address.
    ///
    /// # Errors
    /// The time to wait if the address has no request left.
    pub(crate) fn take(&self, address: IpAddr) -> Result<(), Duration> {
        let Some(per_minute) = self.per_minute else {
            return Ok(());
        };
        let address = client_of(address);
        let (most, now) = (f64::from(per_minute.max(1)), Instant::now());
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = |(left, at): (f64, Instant)| {
            let seconds = now.duration_since(at).as_secs_f64();
            (left + most * seconds / 60.0).min(most)
        };
        if buckets.len() >= ADDRESSES {
            buckets.retain(|_, bucket| filled(*bucket) < most);
        }
        // The addresses for which there is no bucket left share one.
        let is_known = buckets.contains_key(&address);
        let address = if is_known || buckets.len() < ADDRESSES {
            address
        } else {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        };
        let left = filled(*buckets.get(&address).unwrap_or(&(most, now)));
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) * 60.0 / most));
        }
        buckets.insert(address, (left - 1.0, now));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_this_machine_by_its_own_names_alone() {
        for here in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:1",
            "[::1]",
        ] {
            assert!(is_here(here), "{here}");
        }
        for other in [
            "",
            "example.org",
            "localhost.example.org",
            "10.0.0.1:80",
            "127.0.0.1.example.org",
            "[::2]:1",
        ] {
            assert!(!is_here(other), "{other}");
        }
    }

    #[test]
    fn addresses_beyond_the_limit_share_a_bucket() {
        let rates = RateLimiter::new(Some(1));
        let take = |number: u32| rates.take(Ipv4Addr::from_bits(number).into());
        for number in 1..=ADDRESSES as u32 {
            assert_eq!(take(number), Ok(()));
        }
        assert_eq!(take(u32::MAX), Ok(()));
        assert!(take(u32::MAX - 1).is_err());
    }

    #[test]
    fn an_address_has_so_many_requests_a_minute() {
        let rates = RateLimiter::new(Some(3));
        let (one, other) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
        assert_eq!([(); 3].map(|()| rates.take(one)), [Ok(()); 3]);
        let wait = rates.take(one).unwrap_err().as_secs_f64();
        assert!((14.0..=20.0).contains(&wait), "{wait}");
        assert_eq!(rates.take(other), Ok(()));
        assert_eq!(RateLimiter::new(None).take(one), Ok(()));
    }

    #[test]
    fn the_addresses_of_one_client_share_a_bucket() {
        let rates = RateLimiter::new(Some(1));
        let is_allowed = |address: &str| rates.take(address.parse().unwrap()).is_ok();
        assert!(is_allowed("2001:db8:0:1::1"));
        assert!(!is_allowed("2001:db8:0:1:2:3:4:5"));
        assert!(is_allowed("2001:db8:0:2::1"));
        // A socket for both protocols shows IPv4 addresses in this form.
        assert!(is_allowed("::ffff:10.0.0.1"));
        assert!(!is_allowed("10.0.0.1"));
        assert!(is_allowed("::ffff:10.0.0.2"));
    }
}
