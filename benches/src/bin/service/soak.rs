//! Loads the service for any length of time with good clients, hostile clients, clients that disconnect and clients that are killed.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ser_benches::{json_line, median};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::clips::{Clip, clips, samples};
use crate::http::{Connection, Response, head};
use crate::live;
use crate::server::Server;

/// The argument with which this program starts itself as a client to be killed.
pub const CLIENT: &str = "client";
/// Number of clips that are sent in turn.
const CLIPS: usize = 48;
const PATHS: [&str; 2] = ["/v1/predict", "/v1/timeline"];
/// Time that a client waits after a 503.
const BREATH: Duration = Duration::from_millis(500);
/// Shortest soak in seconds. The memory is measured every second.
const SHORTEST: usize = 30;
/// Number of complaints that are printed.
const TOLD: usize = 20;

type Answers = BTreeMap<(usize, &'static str), Vec<u8>>;

/// The state that all clients share.
struct Soak<'s> {
    address: &'s str,
    folder: &'s str,
    clips: &'s [Clip],
    /// The answers of the idle service for each clip.
    expected: Answers,
    /// Recordings to damage: clips, and the seeds of the fuzzer.
    sources: Vec<Vec<u8>>,
    is_over: AtomicBool,
    answered: AtomicUsize,
    refused: AtomicUsize,
    busy: AtomicUsize,
    gone: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

/// Loads a service for a number of minutes.
///
/// # Errors
///
/// The service did something wrong; the error says what.
pub fn run(ser: &str, folder: &str, minutes: f64) -> Result<()> {
    let clips = clips(Path::new(folder), CLIPS)?;
    let mut server = Server::ser(ser)?;
    let address = server.address.clone();
    let mut sources: Vec<Vec<u8>> = clips
        .iter()
        .take(8)
        .map(|clip| clip.bytes.clone())
        .collect();
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/recording");
    for seed in fs::read_dir(seeds)? {
        sources.push(fs::read(seed?.path())?);
    }
    let soak = Soak {
        address: &address,
        folder,
        expected: expected(&server, &clips)?,
        clips: &clips,
        sources,
        is_over: AtomicBool::new(false),
        answered: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        busy: AtomicUsize::new(0),
        gone: AtomicUsize::new(0),
        wrong: Mutex::default(),
    };
    let clients: [fn(&Soak, &mut ChaCha8Rng) -> Result<()>; 12] = [
        good, good, good, good, hostile, hostile, leaving, leaving, hoarding, killed, speaking,
        babbling,
    ];
    let (begun, length) = (Instant::now(), Duration::from_secs_f64(60.0 * minutes));
    let mut memory = Vec::new();
    thread::scope(|scope| {
        for (number, client) in (0..).zip(clients) {
            let soak = &soak;
            scope.spawn(move || {
                let mut random = ChaCha8Rng::seed_from_u64(number);
                while !soak.is_over.load(Ordering::Relaxed) {
                    if let Err(error) = client(soak, &mut random) {
                        soak.complain(format!("client {number}: {error:#}"));
                    }
                }
            });
        }
        while begun.elapsed() < length {
            thread::sleep(Duration::from_secs(1));
            match server.memory("VmRSS:") {
                Ok(megabytes) => memory.push(megabytes),
                Err(error) => {
                    soak.complain(format!("the service is gone: {error:#}"));
                    break;
                }
            }
        }
        soak.is_over.store(true, Ordering::Relaxed);
    });
    // A service that is gone explains all that the clients complained about, and why so little was measured.
    server.require_running()?;
    soak.judge(&server, minutes, &memory)?;
    server.end()
}

/// Sends requests until this process is killed.
pub fn ask_forever(address: &str, folder: &Path) -> Result<()> {
    let clips = clips(folder, CLIPS)?;
    let mut connection = Connection::open(address)?;
    for clip in clips.iter().cycle() {
        let response = connection.request("POST", PATHS[0], &clip.bytes)?;
        if response.status == 503 {
            thread::sleep(BREATH);
        }
    }
    Ok(())
}

/// Returns the answers of the idle service for each clip.
fn expected(server: &Server, clips: &[Clip]) -> Result<Answers> {
    let mut connection = Connection::open(&server.address)?;
    let mut answers = Answers::new();
    for (number, clip) in clips.iter().enumerate() {
        for path in PATHS {
            let answer = connection.request("POST", path, &clip.bytes)?;
            ensure!(
                answer.status == 200,
                "{}: {}",
                clip.path.display(),
                answer.status
            );
            answers.insert((number, path), answer.body);
        }
    }
    Ok(answers)
}

impl Soak<'_> {
    fn complain(&self, what: String) {
        if let Ok(mut wrong) = self.wrong.lock() {
            if wrong.len() < TOLD {
                eprintln!("{what}");
            }
            wrong.push(what);
        }
    }

    /// Counts a response.
    ///
    /// # Errors
    ///
    /// The service must not respond with this status.
    fn count(&self, response: &Response) -> Result<()> {
        match response.status {
            200 => &self.answered,
            503 => &self.busy,
            400..=499 => &self.refused,
            status => bail!("{status}: {}", String::from_utf8_lossy(&response.body)),
        }
        .fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Prints the figures.
    ///
    /// # Errors
    ///
    /// The service did anything but answer and refuse, its memory grew, or requests are still in progress.
    fn judge(&self, server: &Server, minutes: f64, memory: &[f64]) -> Result<()> {
        let tenth = (memory.len() / 10).max(1);
        let after = |tenths: usize| {
            let values = memory.iter().skip(tenths * tenth).take(tenth);
            median(values.copied().collect())
        };
        ensure!(
            memory.len() >= SHORTEST,
            "too short to measure anything: soak for at least {SHORTEST} s"
        );
        let (early, late) = (after(1), after(9));
        let job =
            format!("{minutes} minutes of load, killed clients, cut connections, hostile files");
        let wrong = self.wrong.lock().map_or(0, |wrong| wrong.len());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for (unit, value) in [
            (
                "answered, each as ever",
                self.answered.load(Ordering::Relaxed) as f64,
            ),
            (
                "refused with 4xx",
                self.refused.load(Ordering::Relaxed) as f64,
            ),
            (
                "sent away with 503",
                self.busy.load(Ordering::Relaxed) as f64,
            ),
            ("clients gone", self.gone.load(Ordering::Relaxed) as f64),
            ("wrong", wrong as f64),
            ("MB after a tenth of the time", early),
            ("MB at the end", late),
        ] {
            println!("{}", json_line(&job, "ser", cores, unit, value));
        }
        self.all_is_done(server)?;
        ensure!(
            wrong == 0,
            "the service misbehaved {wrong} times; the first cases are above"
        );
        ensure!(
            late <= 1.1 * early + 10.0,
            "memory grew from {early:.0} to {late:.0} MB"
        );
        Ok(())
    }

    /// Checks that no request is in progress any more, and that the service itself has counted no status that it must not give.
    fn all_is_done(&self, server: &Server) -> Result<()> {
        let is_done = |counts: &str| {
            counts.contains("ser_requests_in_flight 1\n") && counts.contains("ser_streams 0\n")
        };
        let mut counts = String::new();
        for _ in 0..60 {
            thread::sleep(Duration::from_secs(1));
            counts = String::from_utf8(server.get("/metrics")?.body)?;
            if is_done(&counts) {
                break;
            }
        }
        let odd: Vec<&str> = counts
            .lines()
            .filter(|line| line.contains("status=\"5") && !line.contains("status=\"503\""))
            .collect();
        ensure!(odd.is_empty(), "the service counted {odd:?}");
        ensure!(
            is_done(&counts),
            "requests are still in progress a minute later:\n{counts}"
        );
        Ok(())
    }
}

/// Requests answers for clips over one connection, and checks that each answer is the same as before.
fn good(soak: &Soak, random: &mut ChaCha8Rng) -> Result<()> {
    let mut connection = Connection::open(soak.address)?;
    for _ in 0..random.random_range(1..100) {
        let number = random.random_range(0..soak.clips.len());
        let path = PATHS[random.random_range(0..PATHS.len())];
        let response = connection.request("POST", path, &soak.clips[number].bytes)?;
        soak.count(&response)?;
        ensure!(!connection.has_surplus(), "more than one answer");
        match response.status {
            200 => ensure!(
                response.body == soak.expected[&(number, path)],
                "the answer differs from before: {}",
                String::from_utf8_lossy(&response.body)
            ),
            // The client should come back later, and the connection may be closed.
            503 => {
                thread::sleep(BREATH);
                return Ok(());
            }
            status => bail!("a sound clip was refused with {status}"),
        }
        if soak.is_over.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(())
}

/// Sends a damaged recording.
fn hostile(soak: &Soak, random: &mut ChaCha8Rng) -> Result<()> {
    let mut bytes = soak.sources[random.random_range(0..soak.sources.len())].clone();
    damage(&mut bytes, random);
    let path = [
        "/v1/predict",
        "/v1/timeline",
        "/v1/explain",
        "/v1/predict?channel=2",
    ];
    let path = path[random.random_range(0..path.len())];
    let response = Connection::open(soak.address)?.request("POST", path, &bytes);
    let keep = |error: anyhow::Error| {
        let file = env::temp_dir().join(format!("ser-soak-{}", random.random::<u32>()));
        let kept = fs::write(&file, &bytes);
        kept.map_or_else(Into::into, |()| {
            error.context(format!("{path} with {}", file.display()))
        })
    };
    if response
        .as_ref()
        .is_ok_and(|response| response.status == 503)
    {
        thread::sleep(BREATH);
    }
    response
        .and_then(|response| soak.count(&response))
        .map_err(keep)
}

/// Truncates, repeats, overwrites and removes bytes, most of them at the beginning, where formats have their headers.
fn damage(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    for _ in 0..random.random_range(1..8) {
        if bytes.is_empty() {
            return;
        }
        let reach = if random.random() {
            bytes.len().min(200)
        } else {
            bytes.len()
        };
        let at = random.random_range(0..reach);
        let end = (at + random.random_range(1..1000)).min(bytes.len());
        match random.random_range(0..6) {
            0 => bytes[at] = random.random(),
            1 => bytes[at..end].fill(if random.random() { 0 } else { 0xFF }),
            2 => bytes[at..end]
                .iter_mut()
                .for_each(|byte| *byte = random.random()),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.extend_from_within(at..end),
            _ => bytes.truncate(at.max(bytes.len() / 2)),
        }
    }
}

/// Disconnects in the middle of a request, or before the response.
fn leaving(soak: &Soak, random: &mut ChaCha8Rng) -> Result<()> {
    let body = &soak.clips[random.random_range(0..soak.clips.len())].bytes;
    let request = [&head("POST", PATHS[0], body.len()), body.as_slice()].concat();
    let mut stream = TcpStream::connect(soak.address)?;
    let sent = match random.random_range(0..3) {
        0 => random.random_range(0..200),
        1 => random.random_range(0..request.len()),
        _ => request.len(),
    };
    stream.write_all(&request[..sent])?;
    if random.random() {
        // The service may have closed the connection first.
        let _ = stream.shutdown(Shutdown::Write);
    }
    thread::sleep(Duration::from_millis(random.random_range(0..60)));
    soak.gone.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Announces large bodies and sends little of them, until it disconnects. Meanwhile other clients have less room.
fn hoarding(soak: &Soak, random: &mut ChaCha8Rng) -> Result<()> {
    let streams = (0..random.random_range(1..5)).map(|_| TcpStream::connect(soak.address));
    let mut streams: Vec<TcpStream> = streams.collect::<std::io::Result<_>>()?;
    for stream in &mut streams {
        stream.write_all(&head("POST", PATHS[0], 60 << 20))?;
        stream.write_all(&[0; 1000])?;
    }
    thread::sleep(Duration::from_millis(random.random_range(0..15_000)));
    soak.gone.fetch_add(streams.len(), Ordering::Relaxed);
    drop(streams);
    thread::sleep(Duration::from_millis(random.random_range(0..15_000)));
    Ok(())
}

/// Runs a client in a separate process, and kills it.
fn killed(soak: &Soak, random: &mut ChaCha8Rng) -> Result<()> {
    let mut client = Command::new(env::current_exe()?)
        .args([CLIENT, soak.address, soak.folder])
        .stderr(Stdio::null())
        .spawn()?;
    thread::sleep(Duration::from_millis(random.random_range(50..1000)));
    client.kill()?;
    client.wait()?;
    soak.gone.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Sends speech on a live stream ten times as fast as real time, to the end or until it disconnects.
fn speaking(soak: &Soak, random: &mut ChaCha8Rng) -> Result<()> {
    let clip = &soak.clips[random.random_range(0..soak.clips.len())];
    let mut socket = live::open(soak.address)?;
    for part in samples(&[clip, clip], 16_000)?.chunks(1600) {
        socket.send(live::message(part))?;
        thread::sleep(Duration::from_millis(10));
        if random.random_range(0..100) == 0 {
            soak.gone.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
    }
    socket.send(Message::text("end"))?;
    loop {
        if let Message::Text(text) = socket.read().context("a live stream without an end")?
            && serde_json::from_str::<Value>(&text)?["event"] == "end"
        {
            soak.answered.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
    }
}

/// Sends bytes that are not HTTP, or almost HTTP.
fn babbling(soak: &Soak, random: &mut ChaCha8Rng) -> Result<()> {
    let mut request = head("POST", PATHS[0], 100);
    damage(&mut request, random);
    let mut stream = TcpStream::connect(soak.address)?;
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    // The service may close the connection at any time.
    let _ = stream.write_all(&request);
    let mut answer = [0; 12];
    if stream.read_exact(&mut answer).is_ok() {
        let is_broken = answer[9] == b'5' && &answer[9..] != b"503";
        ensure!(
            !is_broken,
            "{} to {request:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    thread::sleep(Duration::from_millis(20));
    Ok(())
}
