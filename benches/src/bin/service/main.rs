//! Measures `ser serve` from outside: its capacity, and that it withstands a load for a long time.
//!
//! `service reach SER DIR [PYTHON SCRIPT MODEL]` prints the figures, one JSON object per line. It uses the WAV files below DIR, and
//! compares with `ser predict` and with the peer that the script starts. `service soak SER DIR MINUTES` loads the service with good
//! clients, hostile clients and clients that are killed, and fails if the service does anything but answer or refuse.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing these lines is its purpose"
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
use ser_benches::{json_line, median};

use crate::clips::{Clip, clips};
use crate::server::Server;

/// Number of clips that are sent in turn.
const CLIPS: usize = 200;
/// Number of rounds in which the services and the program take turns.
const TURNS: usize = 3;
const PEER: &str = "FastAPI, librosa, PyTorch";
/// Number of clips, the first ones, on which the emotions of both services are compared.
const COMPARED: usize = 40;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["reach", ser, folder, ref peer @ ..] => {
            reach(ser, &clips(Path::new(folder), CLIPS)?, peer)
        }
        ["soak", ser, folder, minutes] => soak::run(ser, folder, minutes.parse()?),
        // `soak` starts this client to kill it.
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
    let peer = match peer {
        [python, script, model] => {
            let mut peer = Command::new(python);
            Some(Server::start(peer.args([script, model]), cores)?)
        }
        _ => None,
    };
    let server = Server::ser(ser)?;
    let mut services = vec![("ser", &server)];
    services.extend(peer.iter().map(|peer| (PEER, peer)));
    let job = format!("clips by HTTP, {} connections", load::CONNECTIONS);
    let (mut rates, mut alone) = (vec![Vec::new(); services.len()], Vec::new());
    // They take turns, so that a slow moment of the machine affects all of them. The first round warms up.
    for turn in 0..=TURNS {
        for ((_, service), rates) in services.iter().zip(&mut rates) {
            let rate = load::borne(service, clips)?;
            rates.extend((turn > 0).then_some(rate));
        }
        alone.push(load::predict(ser, clips)?);
    }
    let rates: Vec<f64> = rates.into_iter().map(median).collect();
    print(&job, "ser predict, no HTTP", "clips/s", median(alone));
    for ((who, service), rate) in services.iter().zip(rates) {
        print(&job, who, "clips/s", rate);
        let waits = load::waits(service, clips, rate / 2.0)?;
        for (share, name) in [(0.5, "half"), (0.99, "99 of 100")] {
            let job = format!("clips by HTTP at half that load: {name} within");
            print(&job, who, "ms", 1e3 * quantile(&waits, share)?);
        }
    }
    if let Some(peer) = peer {
        let some = &clips[..COMPARED.min(clips.len())];
        let (heard, theirs) = (load::emotions(&server, some)?, load::emotions(&peer, some)?);
        let same = heard.iter().zip(theirs).filter(|(a, b)| **a == *b).count();
        print(
            "same emotion as ser",
            PEER,
            "%",
            100.0 * same as f64 / some.len() as f64,
        );
    }
    server.end()?;

    let server = Server::ser(ser)?;
    let fate = slow::upload(&server, clips)?;
    let job = format!("{} slow uploads of 20 MB at once", slow::UPLOADS);
    print(&job, "ser", "MB at most", server.memory("VmHWM:")?);
    print(&job, "ser", "answered", fate.answered as f64);
    print(&job, "ser", "sent away with 503", fate.sent_away as f64);
    print(&job, "ser", "accepted and lost", fate.lost as f64);
    server.end()?;

    let server = Server::ser(ser)?;
    let delays = live::speak(&server, clips)?;
    let job = format!("{} live streams at once", live::STREAMS);
    let level = format!("{job}: level behind the sound, 99 of 100 within");
    print(&level, "ser", "ms", 1e3 * quantile(&delays.levels, 0.99)?);
    for (share, name) in [(0.5, "half"), (0.99, "99 of 100")] {
        let span = format!("{job}: span behind the end of the speech, {name} within");
        print(&span, "ser", "ms", 1e3 * quantile(&delays.spans, share)?);
    }
    server.end()
}

/// Returns the quantile of values in ascending order: a `share` of the values do not exceed it.
fn quantile(sorted: &[f64], share: f64) -> Result<f64> {
    ensure!(!sorted.is_empty(), "nothing was measured");
    Ok(sorted[((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1])
}
