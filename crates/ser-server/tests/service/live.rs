//! Live sound over a WebSocket.

use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use super::*;

/// Opens a live stream.
fn open(service: &Running, query: &str) -> Result<WebSocket<TcpStream>, Box<dyn Error>> {
    let url = format!("ws://{}/v1/listen?{query}", service.address);
    Ok(client(url, connect(service))?.0)
}

#[test]
fn a_live_stream_gets_its_last_span_when_the_service_ends() {
    let mut service = Running::plain();
    let mut socket = open(&service, "rate=16000&format=f32le").unwrap();
    let samples = ser_fixtures::voice(RATE, 3.0, 160.0);
    let samples: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    socket.send(Message::binary(samples)).unwrap();
    // The last level comes when everything was processed. The speech at the end has not ended by then.
    loop {
        let told = socket.read().unwrap();
        let told: Value = serde_json::from_str(told.to_text().unwrap()).unwrap();
        if told["event"] == "level" && told["seconds"] == 3.0 {
            break;
        }
    }
    drop(service.stop.take());
    let (told, code) = remaining(&mut socket);
    let events: Vec<&str> = told
        .iter()
        .map(|told| told["event"].as_str().unwrap())
        .collect();
    assert_eq!((events, code), (vec!["span", "end"], 1001), "{told:?}");
    assert_eq!(told[1]["seconds"], 3.0);
}

/// Sends messages to a live stream as fast as it takes them, and returns its text messages.
fn live(service: &Running, query: &str, messages: &[Vec<u8>]) -> Vec<Value> {
    let mut socket = open(service, query).unwrap();
    for message in messages {
        socket.send(Message::binary(message.clone())).unwrap();
    }
    socket.send(Message::text("end")).unwrap();
    remaining(&mut socket).0
}

/// Returns the text messages of a live stream up to its close frame, and the code of that.
fn remaining(socket: &mut WebSocket<TcpStream>) -> (Vec<Value>, u16) {
    let mut told = Vec::new();
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => told.push(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return (told, frame.unwrap().code.into()),
            _ => {}
        }
    }
}

#[test]
fn live_sound_that_is_sent_faster_than_real_time_is_answered_to_its_end() {
    let service = Running::plain();
    let tenth = vec![0; RATE as usize / 10 * 2];
    let told = live(&service, "rate=16000", &vec![tenth; 1200]);
    let levels = told.iter().filter(|told| told["event"] == "level").count();
    assert_eq!(levels, 1200);
    let end = json!({"event": "end", "seconds": 120.0});
    assert_eq!(told.last(), Some(&end));
}

#[test]
fn a_live_recording_in_which_no_sound_begins_is_refused() {
    let service = Running::plain();
    // FLAC with padding of the largest size before its sound.
    let mut head = b"fLaC\0\0\0\x22".to_vec();
    head.extend([0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x03, 0xE8, 0, 0xF0]);
    head.resize(4 + 4 + 34, 0);
    let padding = [&[1, 0xFF, 0xFF, 0xFF], &*vec![0; 0xFF_FFFF]].concat();
    let recording = [head, padding.clone(), padding].concat();
    let mut socket = open(&service, "format=recording").unwrap();
    for message in recording.chunks(1 << 20) {
        // The service closes the connection meanwhile.
        if socket.send(Message::binary(message.to_vec())).is_err() {
            break;
        }
    }
    let (told, _) = remaining(&mut socket);
    assert_eq!(told[0]["event"], "problem", "{told:?}");
    let detail = told[0]["detail"].as_str().unwrap();
    assert!(detail.contains("16 MiB without any sound"), "{detail}");
}

#[test]
fn live_sound_has_the_spans_of_its_recording() {
    let service = Running::plain();
    let recording = wav(12.0, 160.0);
    let expected = service.post("/v1/timeline", &recording).json()["spans"].clone();
    let samples: Vec<u8> = ser_fixtures::voice(RATE, 12.0, 160.0)
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    // The messages are cut anywhere, also within a sample.
    let raw: Vec<Vec<u8>> = samples.chunks(3333).map(<[u8]>::to_vec).collect();
    let whole: Vec<Vec<u8>> = recording.chunks(3333).map(<[u8]>::to_vec).collect();
    for (query, messages) in [
        ("rate=16000&format=f32le", raw),
        ("format=recording", whole),
    ] {
        let told = live(&service, query, &messages);
        let spans = told.iter().filter(|told| told["event"] == "span");
        let spans: Vec<Value> = spans
            .map(|span| {
                let mut span = span.clone();
                span.as_object_mut().unwrap().remove("event");
                span
            })
            .collect();
        assert_eq!(json!(spans), expected, "{query}");
        let levels = told.iter().filter(|told| told["event"] == "level").count();
        assert!((50..=120).contains(&levels), "{levels}");
        assert_eq!(
            told.last().unwrap(),
            &json!({"event": "end", "seconds": 12.0})
        );
    }
    // Sound that cannot be decoded is reported as a problem.
    let told = live(&service, "format=recording", &[b"<html>".repeat(100)]);
    assert_eq!(told[0]["event"], "problem", "{told:?}");
}

/// Returns the response to a request for a live stream that the service refuses to open.
fn refused(service: &Running, query: &str) -> Answer {
    let headers = [
        ("Connection", "Upgrade, close"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    service.request("GET", &format!("/v1/listen?{query}"), &headers, b"")
}

#[test]
fn a_live_stream_with_wrong_options_is_refused_before_it_opens() {
    let service = Running::plain();
    for (query, status, kind) in [
        ("", 400, "invalid-request"),
        ("rate=16000&format=recording", 400, "invalid-request"),
        ("rate=16000&channel=1", 400, "invalid-request"),
        ("rate=16000&labels=glad", 400, "unknown-label"),
        ("rate=100", 422, "sampling-rate-too-low"),
        ("rate=200000", 422, "high-rate"),
    ] {
        refused(&service, query).assert_problem(status, kind);
    }
}

#[test]
fn a_live_stream_beyond_the_limit_is_refused() {
    let service = Running::new(|settings| settings.limits.streams = 1);
    let first = open(&service, "rate=16000").unwrap();
    let second = refused(&service, "rate=16000");
    second.assert_problem(503, "busy");
    assert_eq!(second.header("retry-after"), Some("30"));
    drop(first);
}
