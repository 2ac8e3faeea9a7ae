//! Measures `ser serve` from outside: what it bears, and that it bears it for long.
//!
//! `service reach SER DIR [PYTHON SCRIPT MODEL]` prints the figures, a JSON object a line: with the WAV files below DIR, beside
//! `ser predict` and the peer that the script starts. `service soak SER DIR MINUTES` loads the service with good clients,
//! hostile ones and such as are killed, and fails if it does anything else than to answer or to refuse.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the lines are what it is for"
)]

mod clips;
mod http;
mod live;
mod load;
mod server;
mod slow;
mod soak;

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail, ensure};
use ser_benches::json_line;

use crate::clips::{Clip, clips};
use crate::server::Server;

/// Clips that are sent in turn.
const CLIPS: usize = 200;
/// The first of them, of which both services tell the emotion.
const COMPARED: usize = 40;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["reach", ser, folder, ref peer @ ..] => {
            reach(ser, &clips(Path::new(folder), CLIPS)?, peer)
        }
        ["soak", ser, folder, minutes] => soak::run(ser, folder, minutes.parse()?),
        // What `soak` starts to kill it.
        [soak::CLIENT, address, folder] => soak::ask_forever(address, Path::new(folder)),
        _ => bail!(
            "usage: service reach SER DIR [PYTHON SCRIPT MODEL] | service soak SER DIR MINUTES"
        ),
    }
}

fn reach(ser: &str, clips: &[Clip], peer: &[&str]) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let print = |job: &str, who: &str, unit: &str, value: f64| {
        println!("{}", json_line(job, who, cores, unit, value));
    };
    let loaded = |who: &str, server: &Server| -> Result<()> {
        let borne = load::load(server, clips)?;
        let job = format!("clips by HTTP, {} connections", load::CONNECTIONS);
        print(&job, who, "clips/s", borne.rate);
        for (share, name) in [(0.5, "half"), (0.99, "99 of 100")] {
            let job = format!("clips by HTTP at half that load, {name} answered within");
            print(&job, who, "ms", 1e3 * of(&borne.waits, share)?);
        }
        Ok(())
    };

    let server = Server::ser(ser)?;
    loaded("ser", &server)?;
    let heard = load::emotions(&server, &clips[..COMPARED.min(clips.len())])?;
    server.end()?;
    let job = format!("clips by HTTP, {} connections", load::CONNECTIONS);
    print(
        &job,
        "ser predict, no HTTP",
        "clips/s",
        load::predict(ser, clips)?,
    );
    if let [python, script, model] = peer {
        let who = "FastAPI, librosa, PyTorch";
        let server = Server::start(Command::new(python).args([script, model]), cores)?;
        loaded(who, &server)?;
        let theirs = load::emotions(&server, &clips[..heard.len()])?;
        let same = heard.iter().zip(theirs).filter(|(a, b)| **a == *b).count();
        let job = "clips by HTTP, same emotion as ser";
        print(job, who, "%", 100.0 * same as f64 / heard.len() as f64);
        drop(server);
    }

    let server = Server::ser(ser)?;
    let fate = slow::upload(&server, clips)?;
    let job = format!("{} slow uploads of 20 MB at once", slow::UPLOADS);
    print(&job, "ser", "MB at most", server.memory("VmHWM:")?);
    print(&job, "ser", "answered", fate.answered as f64);
    print(
        &job,
        "ser",
        "sent away at once with 503",
        fate.sent_away as f64,
    );
    print(&job, "ser", "accepted and lost", fate.lost as f64);
    server.end()?;

    let server = Server::ser(ser)?;
    let delays = live::speak(&server, clips)?;
    let job = format!("{} live streams at once", live::STREAMS);
    let level = format!("{job}: level behind the sound, 99 of 100 within");
    print(&level, "ser", "ms", 1e3 * of(&delays.levels, 0.99)?);
    for (share, name) in [(0.5, "half"), (0.99, "99 of 100")] {
        let span = format!("{job}: span behind the end of the speech, {name} within");
        print(&span, "ser", "ms", 1e3 * of(&delays.spans, share)?);
    }
    server.end()
}

/// What a share of the values, in rising order, do not exceed.
fn of(sorted: &[f64], share: f64) -> Result<f64> {
    ensure!(!sorted.is_empty(), "nothing was measured");
    Ok(sorted[((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1])
}
