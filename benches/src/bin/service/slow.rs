//! Many large recordings that are uploaded slowly at the same time.

use std::io::Write;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, bail, ensure};

use crate::clips::{Clip, samples};
use crate::http::{Connection, head};
use crate::server::Server;

pub const UPLOADS: usize = 200;
/// Size of an upload in bytes.
const SIZE: usize = 20_000_000;
/// Number of parts in which an upload is sent.
const PARTS: usize = 20;
/// Time between two parts. An upload takes 10 s in all.
const PAUSE: Duration = Duration::from_millis(500);
const RATE: u32 = 48_000;

/// The outcomes of the uploads.
#[derive(Default)]
pub struct Fate {
    pub answered: usize,
    /// Refused with 503, before anything was read.
    pub sent_away: usize,
    /// Accepted, and then refused or left without an answer.
    pub lost: usize,
}

/// Sends the uploads. A client waits for the status 100 before it sends the body, as curl does for large bodies.
pub fn upload(server: &Server, clips: &[Clip]) -> Result<Fate> {
    let body = &recording(clips)?;
    let upload = || -> Result<Option<Result<u16>>> {
        let mut connection = Connection::open(&server.address)?;
        let mut first = head("POST", "/v1/predict", body.len());
        first.truncate(first.len() - 2);
        first.extend(b"Expect: 100-continue\r\n\r\n");
        connection.stream().write_all(&first)?;
        match connection.head()? {
            (100, _) => Ok(Some(send(connection, body))),
            (503, _) => Ok(None),
            (status, _) => bail!("an upload was refused with {status}"),
        }
    };
    let outcomes = thread::scope(|scope| {
        let uploads: Vec<_> = (0..UPLOADS).map(|_| scope.spawn(upload)).collect();
        let outcomes = uploads.into_iter().map(|upload| upload.join());
        outcomes.collect::<Vec<_>>()
    });
    let mut fate = Fate::default();
    for outcome in outcomes {
        match outcome.map_err(|_| anyhow!("an upload panicked"))?? {
            None => fate.sent_away += 1,
            Some(Ok(200)) => fate.answered += 1,
            Some(Ok(503) | Err(_)) => fate.lost += 1,
            Some(Ok(status)) => bail!("an accepted upload was refused with {status}"),
        }
    }
    ensure!(fate.answered > 0, "no upload was answered");
    Ok(fate)
}

/// Sends the body of an upload that was accepted, and returns the status of the response.
fn send(mut connection: Connection, body: &[u8]) -> Result<u16> {
    for part in body.chunks(body.len().div_ceil(PARTS)) {
        connection.stream().write_all(part)?;
        thread::sleep(PAUSE);
    }
    Ok(connection.response()?.status)
}

/// Returns a WAV file of the clips one after another, repeated up to `SIZE`.
fn recording(clips: &[Clip]) -> Result<Vec<u8>> {
    let some: Vec<&Clip> = clips.iter().take(20).collect();
    let samples = samples(&some, RATE)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("long.wav");
    let samples = samples.iter().cycle().take(SIZE / 2);
    let samples = samples.map(|&x| f32::from(x) / 32_767.0);
    ser_benches::write_samples(&path, RATE, samples);
    Ok(std::fs::read(path)?)
}
