//! Tests of `ser serve`, whose answers must be those of the program.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;
#[path = "common/serve.rs"]
mod serve;

use std::path::Path;
use std::process::Command;

use common::{clips, complaint, ser};
use serde_json::Value;
use serve::Serving;

/// Returns the JSON lines that the program prints for a recording, without the name of the recording.
fn said(words: &[&str], file: &Path) -> Vec<Value> {
    let printed = ser().arg("--json").args(words).arg(file).output().unwrap();
    assert!(printed.status.success());
    let lines = printed.stdout.split(|&byte| byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| nameless(serde_json::from_slice(line).unwrap()))
        .collect()
}

fn nameless(mut line: Value) -> Value {
    line.as_object_mut().unwrap().remove("file");
    line
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_stops_no_answer() {
    let full = std::fs::File::options().write(true).open("/dev/full");
    let serving = Serving::logging_to(full.unwrap().into(), &[]);
    let recording = std::fs::read(&clips(1, 1)[0]).unwrap();
    for _ in 0..2 {
        assert_eq!(serving.post("/v1/predict", &recording).0, 200);
    }
    serving.end();
}

#[test]
fn the_service_answers_as_the_program_does() {
    let serving = Serving::new(&["--json"]);
    for file in clips(2, 4) {
        let bytes = std::fs::read(&file).unwrap();
        let (status, answer) = serving.post("/v1/predict", &bytes);
        assert_eq!(
            (status, vec![nameless(answer)]),
            (200, said(&["predict"], &file))
        );
        let (_, answer) = serving.post("/v1/predict?labels=sad,calm", &bytes);
        assert_eq!(
            vec![nameless(answer)],
            said(&["predict", "--labels", "sad,calm"], &file)
        );
        let (_, answer) = serving.post("/v1/timeline", &bytes);
        assert_eq!(answer["spans"], Value::Array(said(&["timeline"], &file)));
    }
    let (status, problem) = serving.post("/v1/predict?speaker=somebody", b"nothing");
    assert_eq!(
        (status, &problem["type"]),
        (400, &"urn:ser:problem:unknown-speaker".into())
    );
    let log = serving.end();
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(first["fields"]["route"], "/v1/predict");
    assert!(!log.contains("somebody"), "{log}");
}

/// Sends requests that schemathesis generates from the description of the API, and checks the responses against it. The
/// environment variable `SER_SCHEMATHESIS` names schemathesis.
#[test]
fn the_service_keeps_to_its_own_description() {
    let Some(schemathesis) = std::env::var_os("SER_SCHEMATHESIS").filter(|name| !name.is_empty())
    else {
        eprintln!("skipped: SER_SCHEMATHESIS does not name schemathesis");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.toml");
    // The description cannot say which bytes are a recording and which words are labels of the model, so these statuses
    // are allowed for requests that match the description.
    let refused = r#"["2xx", "400", "404", "413", "415", "422"]"#;
    std::fs::write(
        &settings,
        format!("[checks]\npositive_data_acceptance.expected-statuses = {refused}\n"),
    )
    .unwrap();
    let serving = Serving::new(&[]);
    let ended = Command::new(schemathesis)
        .arg("--no-color")
        .arg("--config-file")
        .arg(&settings)
        .args(["run", "--seed", "1", "--max-examples", "30"])
        .arg(format!("http://{}/openapi.json", serving.address))
        .current_dir(&folder)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{told}");
    assert!(!told.contains("Unresolvable references"), "{told}");
}

#[test]
fn each_channel_of_a_call_is_heard_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("call.wav");
    let [one, other] = [120.0, 230.0].map(|pitch| ser_fixtures::voice(16_000, 12.0, pitch));
    ser_fixtures::write_stereo_f32(&file, 16_000, &one, &other[32_000..]);
    let serving = Serving::new(&[]);
    let bytes = std::fs::read(&file).unwrap();
    let (_, answer) = serving.post("/v1/timeline?channel=each", &bytes);
    let spans = said(&["timeline", "--channel", "each"], &file);
    assert!(spans.iter().any(|span| span["channel"] == 2));
    assert_eq!(answer["spans"], Value::Array(spans));
    let (status, problem) = serving.post("/v1/predict?channel=each", &bytes);
    assert_eq!((status, &problem["status"]), (400, &400.into()));
}

#[test]
fn clients_that_hang_up_end_nothing_but_their_connection() {
    use std::io::Write;

    let serving = Serving::new(&[]);
    let question = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for _ in 0..20 {
        let mut socket = std::net::TcpStream::connect(&serving.address).unwrap();
        socket.write_all(&question.repeat(20)).unwrap();
    }
    let (status, _) = serving.post("/v1/predict", b"nothing");
    assert_eq!(status, 415);
    serving.end();
}

#[test]
fn a_second_signal_ends_the_service_at_once() {
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    let serving = Serving::new(&[]);
    let mut socket = std::net::TcpStream::connect(&serving.address).unwrap();
    // The service waits up to 15 s for the body, and says so: before that, it would have no request to finish.
    let head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    let mut said = [0; 12];
    socket.read_exact(&mut said).unwrap();
    assert_eq!(said, *b"HTTP/1.1 100");
    let begun = Instant::now();
    serving.signal();
    while std::net::TcpStream::connect(&serving.address).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = serving.end();
    assert!(log.contains("second signal"), "{log}");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn an_address_that_others_reach_needs_tokens() {
    let said = complaint(1, &[&"serve", &"--bind", &"0.0.0.0:0"]);
    assert!(said.contains("--tokens"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    std::fs::write(&file, "\n").unwrap();
    let said = complaint(1, &[&"serve", &"--tokens", &file]);
    assert!(said.contains("expected one token per line"), "{said}");
}

/// Runs the examples of clients in docs/service.md.
#[test]
fn the_clients_in_the_documents_are_answered() {
    let serving = Serving::new(&[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(&clips(2, 4)[0], folder.path().join("speech.wav")).unwrap();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/service.md");
    let document = std::fs::read_to_string(document).unwrap();
    let emotion = said(&["predict"], &folder.path().join("speech.wav"))[0]["emotion"].clone();
    let emotion = emotion.as_str().unwrap();
    for (language, program, words) in [
        ("python", "python3", vec!["-c"]),
        ("javascript", "node", vec!["--input-type=module", "-e"]),
        ("sh", "bash", vec!["-c"]),
    ] {
        let fence = format!("```{language}\n");
        let blocks = document.split(&fence).skip(1);
        let mut blocks = blocks.map(|rest| rest.split("```").next().unwrap());
        let example = blocks
            .next()
            .unwrap()
            .replace("127.0.0.1:8571", &serving.address);
        // The service is already running.
        let example = example.replace("ser serve\n", "");
        let needed = if language == "sh" { "curl" } else { program };
        if Command::new(needed).arg("--version").output().is_err() {
            eprintln!("skipped: no {needed}");
            continue;
        }
        let done = Command::new(program)
            .args(words)
            .arg(&example)
            .current_dir(&folder)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&done.stdout);
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        assert!(printed.contains(emotion), "{language}: {printed}");
    }
}
