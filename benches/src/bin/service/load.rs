//! Measures how many clips are answered per second, and how long each waits.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::clips::Clip;
use crate::http::Connection;
use crate::server::Server;

/// Number of simultaneous connections.
pub const CONNECTIONS: usize = 8;
/// Duration of each load.
const LOAD: Duration = Duration::from_secs(6);

/// Returns the number of clips per second that a service answers if each connection sends its next request at once.
pub fn borne(server: &Server, clips: &[Clip]) -> Result<f64> {
    let begun = Instant::now();
    let answered = ask(server, clips, None)?.len();
    Ok(answered as f64 / begun.elapsed().as_secs_f64())
}

/// Returns the seconds from the time at which each request is due to its response, in ascending order. `rate` requests are made per
/// second, whether or not the service keeps up.
pub fn waits(server: &Server, clips: &[Clip], rate: f64) -> Result<Vec<f64>> {
    let mut waits = ask(server, clips, Some(rate))?;
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}

/// Sends requests on all connections, and returns the seconds that each response took.
fn ask(server: &Server, clips: &[Clip], rate: Option<f64>) -> Result<Vec<f64>> {
    let (begun, next) = (Instant::now(), AtomicUsize::new(0));
    let connection = || -> Result<Vec<f64>> {
        let mut connection = Connection::open(&server.address)?;
        let mut waits = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = match rate {
                Some(rate) => Duration::from_secs_f64(number as f64 / rate),
                None => begun.elapsed(),
            };
            if due >= LOAD {
                return Ok(waits);
            }
            thread::sleep(due.saturating_sub(begun.elapsed()));
            let clip = &clips[number % clips.len()];
            let response = connection.request("POST", "/v1/predict", &clip.bytes)?;
            ensure!(response.status == 200, "answered with {}", response.status);
            waits.push((begun.elapsed() - due).as_secs_f64());
        }
    };
    thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(connection)).collect();
        let mut all = Vec::new();
        for connection in connections {
            let waits = connection
                .join()
                .map_err(|_| anyhow::anyhow!("a client panicked"))?;
            all.extend(waits?);
        }
        Ok(all)
    })
}

/// Returns the number of clips per second that `ser predict` answers, from start to end.
pub fn predict(ser: &str, clips: &[Clip]) -> Result<f64> {
    let begun = Instant::now();
    let mut command = Command::new(ser);
    command.args(["--json", "predict"]);
    command.args(clips.iter().map(|clip| &clip.path));
    let status = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "ser predict failed");
    Ok(clips.len() as f64 / begun.elapsed().as_secs_f64())
}

/// Returns the emotion that a service predicts for each clip.
pub fn emotions(server: &Server, clips: &[Clip]) -> Result<Vec<String>> {
    let mut connection = Connection::open(&server.address)?;
    let emotion = |clip: &Clip| {
        let response = connection.request("POST", "/v1/predict", &clip.bytes)?;
        let answer: Value = serde_json::from_slice(&response.body)?;
        let emotion = answer["emotion"].as_str().map(str::to_owned);
        emotion.with_context(|| format!("no emotion in {answer}"))
    };
    clips.iter().map(emotion).collect()
}
