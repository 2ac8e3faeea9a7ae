//! Tests of the service, over a socket of this machine.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ser_audio::{AudioStream, Channels};
use ser_predict::{AnswerLine, ExplanationLine, Predictor, Span, SpanLine, Timeline, captions};
use ser_server::{Limits, Service, Settings, Speakers, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

mod connections;
mod live;
mod speakers;

const RATE: u32 = 16_000;
/// How long a test waits for the service before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn predictor() -> &'static Predictor {
    static PREDICTOR: OnceLock<Predictor> = OnceLock::new();
    PREDICTOR.get_or_init(|| Predictor::built_in().unwrap())
}

/// A running service on its own port.
struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            predictor: predictor().clone(),
            speakers: Speakers::default(),
            tokens: Vec::new(),
            is_local: true,
            limits: Limits::default(),
        };
        change(&mut settings);
        let (stop, stopped) = oneshot::channel();
        let (send_address, address) = std::sync::mpsc::channel();
        let ended = std::thread::spawn(move || {
            Runtime::new().unwrap().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                send_address.send(listener.local_addr().unwrap()).unwrap();
                let stop = async { drop(stopped.await) };
                serve(listener, Service::new(settings), stop).await;
            });
        });
        Self {
            address: address.recv().unwrap(),
            stop: Some(stop),
            ended: Some(ended),
        }
    }

    fn plain() -> Self {
        Self::new(|_| {})
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        let host = self.address.to_string();
        for (name, value) in [("Connection", "close"), ("Host", &host)] {
            if !headers.iter().any(|(given, _)| *given == name) {
                head += &format!("{name}: {value}\r\n");
            }
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        let mut socket = connect(self);
        socket.write_all(head.as_bytes()).unwrap();
        // The write fails if the service has refused the request already.
        let _ = socket.write_all(body);
        Answer::read(socket)
    }

    fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.request("POST", path, &[], body)
    }

    /// Waits until this number of requests is in progress.
    fn wait_for(&self, requests: usize) {
        let told = format!("ser_requests_in_flight {}\n", requests + 1);
        let begun = Instant::now();
        while !self.get("/metrics").text().contains(&told) {
            assert!(begun.elapsed() < PATIENCE, "{told}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.ended.take().unwrap().join().unwrap();
    }
}

/// Connects to a service. A read or a write that takes longer than [`PATIENCE`] fails.
fn connect(service: &Running) -> TcpStream {
    let socket = TcpStream::connect(service.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A response.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn read(mut socket: TcpStream) -> Self {
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).unwrap();
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(bytes[..end].to_vec())
            .unwrap()
            .to_lowercase();
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(found, value)| (found == name).then_some(value))
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Asserts the status and the kind of a problem, and that it has a reason and a next step. Returns the problem.
    fn assert_problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["type"], format!("urn:ser:problem:{kind}"));
        assert_eq!(problem["status"], status);
        for words in ["title", "detail", "next"] {
            assert!(!problem[words].as_str().unwrap().is_empty(), "{problem}");
        }
        problem
    }
}

/// Returns a WAV file of a voice.
fn wav(seconds: f64, pitch: f64) -> Vec<u8> {
    wav_of(ser_fixtures::voice(RATE, seconds, pitch))
}

fn wav_of(samples: Vec<f32>) -> Vec<u8> {
    wav_at(RATE, samples)
}

fn wav_at(rate: u32, samples: Vec<f32>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("voice.wav");
    ser_fixtures::write_wav_f32(&file, rate, samples);
    std::fs::read(file).unwrap()
}

/// Returns a value after a round trip through JSON text, so that its numbers are those that JSON writes.
fn written(value: &impl serde::Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn stream(bytes: &[u8]) -> AudioStream {
    let stream = AudioStream::from_bytes(bytes.into(), Path::new("recording")).unwrap();
    stream.with(Channels::Compared).unwrap()
}

/// Returns the content type and the body of a form with recordings and other fields.
fn form(recordings: &[&[u8]], fields: &[(&str, &str)]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for recording in recordings {
        body.extend(
            b"--limit\r\nContent-Disposition: form-data; name=\"recording\"; filename=\"/tmp/a b.wav\"\r\n\r\n",
        );
        body.extend(*recording);
        body.extend(b"\r\n");
    }
    for (name, value) in fields {
        body.extend(
            format!(
                "--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .bytes(),
        );
    }
    body.extend(b"--limit--\r\n");
    ("multipart/form-data; boundary=limit".to_owned(), body)
}

#[test]
fn answers_are_those_of_the_library() {
    let service = Running::plain();
    let recording = wav(3.0, 160.0);
    let model = predictor().model();
    let answer = predictor().answer_stream(stream(&recording), None).unwrap();
    let expected = AnswerLine::new(model, "recording".into(), &answer);
    assert_eq!(
        service.post("/v1/predict", &recording).json(),
        written(&expected)
    );
    // The part of a form with the recording may have no file name.
    let (kind, mut body) = form(&[&recording], &[]);
    let file_name = b"; filename=\"/tmp/a b.wav\"";
    let at = body
        .windows(file_name.len())
        .position(|bytes| bytes == file_name)
        .unwrap();
    body.drain(at..at + file_name.len());
    let found = service.request("POST", "/v1/predict", &[("Content-Type", &kind)], &body);
    assert_eq!(found.json(), written(&expected));

    let few = predictor().restricted_to(&["happy", "sad"]).unwrap();
    let answer = few.answer_stream(stream(&recording), None).unwrap();
    let expected = AnswerLine::new(model, "a b.wav".into(), &answer);
    let (kind, body) = form(&[&recording], &[("labels", "happy, sad")]);
    let found = service.request("POST", "/v1/predict", &[("Content-Type", &kind)], &body);
    assert_eq!(found.json(), written(&expected));
    let found = service
        .post("/v1/predict?labels=happy,sad", &recording)
        .json();
    assert_eq!(found["probabilities"], written(&expected)["probabilities"]);
}

#[test]
fn a_timeline_comes_in_the_form_that_is_asked_for() {
    let service = Running::plain();
    let recording = wav(20.0, 160.0);
    let mut timeline = Timeline::new(predictor(), stream(&recording), None).unwrap();
    let mut spans: Vec<Span> = Vec::new();
    while let Some(more) = timeline.step(60.0).unwrap() {
        spans.extend(more);
    }
    assert!(spans.len() > 2);
    let labels = &predictor().model().labels;
    let found = service.post("/v1/timeline", &recording).json();
    let lines: Vec<SpanLine> = spans
        .iter()
        .map(|span| SpanLine::new(labels, span))
        .collect();
    assert_eq!(found["spans"], written(&lines));
    assert_eq!(
        (&found["seconds"], &found["channels"], &found["damage"]),
        (&json!(20.0), &json!(1), &Value::Null)
    );
    for (kind, expected) in [
        ("text/vtt", captions::web_vtt(&spans, labels)),
        ("application/x-subrip", captions::sub_rip(&spans, labels)),
        ("text/x-textgrid", captions::text_grid(&spans, labels, 20.0)),
    ] {
        let found = service.request("POST", "/v1/timeline", &[("Accept", kind)], &recording);
        assert_eq!(found.text(), expected);
        assert!(found.header("content-type").unwrap().starts_with(kind));
    }
    let other = service.request(
        "POST",
        "/v1/timeline",
        &[("Accept", "text/html")],
        &recording,
    );
    other.assert_problem(406, "not-acceptable");
    // A recording that is cut short is reported as damaged.
    let cut = service
        .post("/v1/timeline", &recording[..recording.len() / 2])
        .json();
    assert!(cut["damage"].as_str().unwrap().contains("cut short"));
}

#[test]
fn an_explanation_is_regions_or_a_picture() {
    let service = Running::plain();
    let recording = wav(1.5, 160.0);
    let sound = stream(&recording).read_to_end().unwrap();
    let explanation = predictor().explain(&sound, None).unwrap();
    let expected = ExplanationLine::new(predictor().model(), "recording".into(), &explanation);
    assert_eq!(
        service.post("/v1/explain", &recording).json(),
        written(&expected)
    );
    let picture = service.request(
        "POST",
        "/v1/explain",
        &[("Accept", "image/svg+xml")],
        &recording,
    );
    assert!(
        picture.text().starts_with("<svg") && picture.text().ends_with("</svg>\n"),
        "{}",
        picture.text()
    );
    service
        .post("/v1/explain", &wav(31.0, 160.0))
        .assert_problem(413, "too-long");
    service
        .post("/v1/explain", &wav(0.1, 160.0))
        .assert_problem(422, "too-short");
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let service = Running::new(|settings| {
        settings.limits.body_bytes = 200_000;
        settings.limits.seconds = 2.5;
    });
    let short = wav(2.0, 160.0);
    assert_eq!(service.post("/v1/predict", &short).status, 200);
    for (body, status, kind) in [
        (b"".to_vec(), 400, "invalid-request"),
        (b"<html><body>not found".to_vec(), 415, "not-read"),
        (wav(3.0, 160.0), 413, "too-long"),
        (vec![1; 200_001], 413, "too-large"),
        (short[..60].to_vec(), 422, "damaged"),
        (wav_at(384_000, vec![0.1; 40_000]), 422, "high-rate"),
    ] {
        service
            .post("/v1/predict", &body)
            .assert_problem(status, kind);
    }
    // The longest recording of the service is shorter than the longest that can be explained.
    service
        .post("/v1/explain", &wav(3.0, 160.0))
        .assert_problem(413, "too-long");
    for (query, kind) in [
        ("labels=glad", "unknown-label"),
        ("labels=", "unknown-label"),
        ("channel=2", "no-such-channel"),
        ("channel=0", "no-such-channel"),
        ("channel=x", "invalid-request"),
        ("speaker=../x", "invalid-request"),
        ("emotion=sad", "invalid-request"),
    ] {
        service
            .post(&format!("/v1/predict?{query}"), &short)
            .assert_problem(400, kind);
    }
    let (kind, body) = form(&[&short], &[("mood", "good")]);
    let other = service.request("POST", "/v1/predict", &[("Content-Type", &kind)], &body);
    other.assert_problem(400, "invalid-request");
    let torn = service.request(
        "POST",
        "/v1/predict",
        &[("Content-Type", &kind)],
        &body[..300],
    );
    torn.assert_problem(400, "invalid-request");
    // A page sends an empty file without a name if none was chosen.
    let (kind, body) = form(&[b""], &[]);
    let body = String::from_utf8(body).unwrap().replace("/tmp/a b.wav", "");
    let body = body.into_bytes();
    let empty = service.request("POST", "/v1/predict", &[("Content-Type", &kind)], &body);
    empty.assert_problem(400, "invalid-request");
    // A form has at most 64 fields, of which one is the recording.
    for (others, status) in [(63, 200), (64, 400)] {
        let (kind, body) = form(&[&short], &vec![("labels", "happy,sad"); others]);
        let found = service.request("POST", "/v1/predict", &[("Content-Type", &kind)], &body);
        assert_eq!(found.status, status, "{}", found.text());
    }
    service.get("/v2").assert_problem(404, "not-found");
    service
        .get("/v1/predict")
        .assert_problem(405, "method-not-allowed");
}

#[test]
fn who_is_refused_while_sending_is_told_why() {
    let service = Running::new(|settings| settings.limits.body_bytes = 200_000);
    let head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n\r\n";
    let mut socket = connect(&service);
    socket.write_all(head.as_bytes()).unwrap();
    // Many clients read the response only after they have sent the last byte.
    for _ in 0..200 {
        socket.write_all(&[0; 100_000]).unwrap();
    }
    Answer::read(socket).assert_problem(413, "too-large");
}

#[test]
fn all_bytes_of_a_form_count_towards_the_largest_size_of_a_body() {
    let service = Running::new(|settings| settings.limits.body_bytes = 1 << 20);
    let recording = wav(2.0, 160.0);
    let (kind, form) = form(&[&recording], &[]);
    // Returns the response to a form after so many bytes that belong to no field. Its length is not stated.
    let padded = |bytes: usize| {
        let mut socket = connect(&service);
        let head = format!(
            "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        let body = [vec![b'x'; bytes].as_slice(), b"\r\n".as_slice(), &form].concat();
        for chunk in body.chunks(1 << 16) {
            let chunk = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
            socket.write_all(&chunk).unwrap();
        }
        socket.write_all(b"0\r\n\r\n").unwrap();
        Answer::read(socket)
    };
    assert_eq!(padded(1000).status, 200);
    padded(12 << 20).assert_problem(413, "too-large");
}

#[test]
fn only_who_has_a_token_may_ask() {
    let service =
        Running::new(|settings| settings.tokens = vec!["one".into(), "two".into(), "a/b=".into()]);
    let refused = service.get("/v1/model");
    refused.assert_problem(401, "no-token");
    assert_eq!(refused.header("www-authenticate"), Some("bearer"));
    let asked = |token: &str| {
        service
            .request("GET", "/v1/model", &[("Authorization", token)], b"")
            .status
    };
    assert_eq!(
        [asked("Bearer two"), asked("Bearer three"), asked("two")],
        [200, 401, 401]
    );
    // A browser sends it as a subprotocol.
    let asked = |protocols: &str| {
        let headers = [("Sec-WebSocket-Protocol", protocols)];
        service.request("GET", "/v1/model", &headers, b"").status
    };
    assert_eq!(
        [
            asked("ser.v1, bearer.two"),
            asked("ser.v1, bearer.a%2Fb%3D"),
            asked("ser.v1, bearer.a%2Fb")
        ],
        [200, 200, 401]
    );
    assert_eq!(service.get("/healthz").status, 200);
    service.get("/metrics").assert_problem(401, "no-token");
}

#[test]
fn pages_of_other_origins_and_names_that_lead_here_are_refused() {
    let service = Running::plain();
    let here = service.address.to_string();
    let asked = |headers: &[(&str, &str)]| service.request("GET", "/v1/model", headers, b"");
    asked(&[("Host", "rebound.example.org")]).assert_problem(403, "other-host");
    asked(&[("Origin", "http://example.org")]).assert_problem(403, "other-origin");
    asked(&[("Origin", "null")]).assert_problem(403, "other-origin");
    let own = asked(&[("Origin", &format!("http://{here}"))]);
    assert_eq!(own.status, 200);
    assert_eq!(own.header("access-control-allow-origin"), None);
    assert!(
        own.header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none'")
    );
}

#[test]
fn wrong_tokens_count_towards_the_requests_of_an_address() {
    let service = Running::new(|settings| {
        settings.tokens = vec!["one".into()];
        settings.limits.per_minute = Some(2);
    });
    let asked = |token: &str| service.request("GET", "/v1/model", &[("Authorization", token)], b"");
    asked("Bearer two").assert_problem(401, "no-token");
    asked("Bearer three").assert_problem(401, "no-token");
    asked("Bearer one").assert_problem(429, "too-many-requests");
}

/// Sends the head of a request and half of its body.
fn begin(service: &Running, path: &str, body: &[u8]) -> TcpStream {
    let mut socket = connect(service);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        service.address,
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(&body[..body.len() / 2]).unwrap();
    socket
}

#[test]
fn a_full_service_refuses_new_requests_and_answers_those_it_accepted() {
    let service = Running::new(|settings| {
        settings.limits.memory_bytes = 8 << 20;
        settings.limits.patience = Duration::from_millis(300);
    });
    let recording = wav(2.0, 160.0);
    let mut slow: Vec<TcpStream> = (0..2)
        .map(|_| begin(&service, "/v1/predict", &recording))
        .collect();
    service.wait_for(2);
    let busy = service.post("/v1/predict", &recording);
    busy.assert_problem(503, "busy");
    assert_eq!(busy.header("retry-after"), Some("1"));
    for socket in &mut slow {
        socket.write_all(&recording[recording.len() / 2..]).unwrap();
    }
    for socket in slow {
        assert_eq!(Answer::read(socket).status, 200);
    }
    assert_eq!(service.post("/v1/predict", &recording).status, 200);
}

#[test]
fn who_asks_too_often_is_told_when_to_ask_again() {
    let service = Running::new(|settings| settings.limits.per_minute = Some(2));
    assert_eq!(
        [
            service.get("/v1/model").status,
            service.get("/v1/model").status
        ],
        [200; 2]
    );
    let refused = service.get("/v1/model");
    refused.assert_problem(429, "too-many-requests");
    assert!((25..=30).contains(&refused.header("retry-after").unwrap().parse().unwrap()));
}

#[test]
fn the_description_has_every_path_and_the_counts_every_request() {
    let service = Running::plain();
    let api = service.get("/openapi.json").json();
    for (path, method) in [
        ("/v1/predict", "post"),
        ("/v1/timeline", "post"),
        ("/v1/explain", "post"),
        ("/v1/speakers/{name}", "put"),
        ("/v1/speakers/{name}", "get"),
        ("/v1/speakers/{name}", "delete"),
        ("/v1/model", "get"),
        ("/v1/listen", "get"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/metrics", "get"),
    ] {
        assert!(api["paths"][path][method].is_object(), "{method} {path}");
    }
    // Only these choose the format of the response.
    for (path, is_chosen) in [("predict", false), ("timeline", true), ("explain", true)] {
        let responses = &api["paths"][format!("/v1/{path}")]["post"]["responses"];
        assert_eq!(responses["406"].is_object(), is_chosen, "{path}");
    }
    let page = service.get("/docs");
    assert!(page.text().contains("/v1/speakers/{name}"));
    assert_eq!(service.get("/readyz").status, 200);
    service.post("/v1/predict", b"nothing");
    let counts = service.get("/metrics");
    let counts = counts.text();
    assert!(
        counts.contains(r#"ser_requests_total{route="/v1/predict",status="415"} 1"#),
        "{counts}"
    );
    assert!(counts.ends_with("# EOF\n"));
}
