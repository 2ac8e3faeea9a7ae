//! Clients that are gone or wait, and the end of the service.

use super::*;

#[test]
fn a_client_that_stops_sending_is_not_waited_for() {
    let service = Running::new(|settings| settings.limits.idle = Duration::from_millis(300));
    let begun = Instant::now();
    let socket = begin(&service, "/v1/predict", &wav(2.0, 160.0));
    Answer::read(socket).assert_problem(408, "too-slow");
    assert!(begun.elapsed() < Duration::from_secs(3));
    // The service does not wait for a client that never completes the head of its request, either.
    let begun = Instant::now();
    let mut socket = connect(&service);
    socket.write_all(b"POST /v1/pre").unwrap();
    assert!(socket.read_to_end(&mut Vec::new()).is_ok());
    assert!(begun.elapsed() < Duration::from_secs(3));
}

/// Sends a recording, disconnects while its answer is computed, and returns the number of seconds of sound that the service
/// has answered once the computation has ended, with two seconds of another request.
fn heard_for_a_client_that_is_gone(path: &str, recording: &[u8]) -> f64 {
    let service = Running::new(|settings| {
        settings.limits.body_bytes = recording.len();
        settings.limits.memory_bytes = recording.len();
        settings.limits.patience = PATIENCE;
    });
    let mut socket = begin(&service, path, recording);
    socket.write_all(&recording[recording.len() / 2..]).unwrap();
    // Meanwhile the service begins to compute.
    std::thread::sleep(Duration::from_millis(200));
    drop(socket);
    // This request waits until the memory of the other one is free.
    assert_eq!(service.post("/v1/predict", &wav(2.0, 160.0)).status, 200);
    let counts = service.get("/metrics");
    let heard = counts
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("ser_sound_seconds_total "));
    heard.unwrap().parse().unwrap()
}

#[test]
fn an_answer_is_not_computed_to_its_end_for_a_client_that_is_gone() {
    let seconds = 1200.0;
    let recording = wav_of(ser_fixtures::voice(RATE, 20.0, 160.0).repeat(60));
    let heard = heard_for_a_client_that_is_gone("/v1/predict", &recording);
    assert!(heard < seconds, "{heard}");
}

#[test]
fn an_explanation_is_not_computed_to_its_end_for_a_client_that_is_gone() {
    let heard = heard_for_a_client_that_is_gone("/v1/explain", &wav(20.0, 160.0));
    assert!(heard < 20.0, "{heard}");
}

#[test]
fn a_client_that_stops_reading_is_not_waited_for() {
    let service = Running::new(|settings| {
        settings.limits.idle = Duration::from_millis(300);
        settings.limits.connections = 1;
    });
    let size = service.get("/openapi.json").body.len();
    let mut socket = connect(&service);
    // More than the system keeps for a client that does not read.
    let requests = (32 << 20) / size;
    let request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let _ = socket.write_all(&request.repeat(requests));
    // The client has the only place, which becomes free.
    assert_eq!(service.get("/healthz").status, 200);
}

/// Stops a service while it receives a recording, and expects the answer all the same.
fn assert_finishes(mut service: Running) {
    let recording = wav(2.0, 160.0);
    let mut socket = begin(&service, "/v1/predict", &recording);
    service.wait_for(1);
    drop(service.stop.take());
    // Wait until the service accepts no more connections.
    while TcpStream::connect(service.address).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    socket.write_all(&recording[recording.len() / 2..]).unwrap();
    assert_eq!(Answer::read(socket).status, 200);
}

#[test]
fn what_has_begun_is_finished_when_the_service_ends() {
    assert_finishes(Running::plain());
}

#[test]
fn a_service_takes_limits_of_any_size() {
    let service = Running::new(|settings| {
        let limits = &mut settings.limits;
        for limit in [
            &mut limits.body_bytes,
            &mut limits.memory_bytes,
            &mut limits.waiting,
            &mut limits.connections,
            &mut limits.streams,
        ] {
            *limit = usize::MAX;
        }
    });
    // It also waits for requests in progress when it stops.
    assert_finishes(service);
}

#[test]
fn connections_without_a_request_do_not_delay_the_end_of_the_service() {
    let service = Running::plain();
    let unused = connect(&service);
    let mut kept = connect(&service);
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    kept.write_all(request).unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"alive\n") {
        let mut byte = [0];
        kept.read_exact(&mut byte).unwrap();
        response.extend(byte);
    }
    let begun = Instant::now();
    drop(service);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop((unused, kept));
}
