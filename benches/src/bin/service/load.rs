//! Clips answered a second, and how long each waits.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::clips::Clip;
use crate::http::Connection;
use crate::server::Server;

/// Connections at a time.
pub const CONNECTIONS: usize = 8;
/// How long each load lasts.
const LOAD: Duration = Duration::from_secs(6);

/// Clips that a service answers a second when each connection asks again at once.
pub fn borne(server: &Server, clips: &[Clip]) -> Result<f64> {
    let begun = Instant::now();
    let answered = ask(server, clips, None)?.len();
    Ok(answered as f64 / begun.elapsed().as_secs_f64())
}

/// Seconds from when each request is due to its answer, in rising order: so many requests are made a second, whether or not
/// the service keeps up.
pub fn waits(server: &Server, clips: &[Clip], rate: f64) -> Result<Vec<f64>> {
    let mut waits = ask(server, clips, Some(rate))?;
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}

/// Asks on all connections; of each answer, how many seconds it took.
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
                .map_err(|_| anyhow::anyhow!("a client broke"))?;
            all.extend(waits?);
        }
        Ok(all)
    })
}

/// Clips that `ser predict` answers a second, from start to end.
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

/// The emotion that a service hears in each clip.
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
