//! Simultaneous live streams, each at the speed of speech.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

use crate::clips::{Clip, samples};
use crate::server::Server;

pub const STREAMS: usize = 20;
/// Number of clips that a stream sends.
const SAID: usize = 8;
const RATE: u32 = 16_000;
/// Duration of the sound in a message, about as much as the page sends.
const MESSAGE: Duration = Duration::from_millis(20);

/// Delays of the messages of the service after the sound, in seconds, in ascending order.
#[derive(Default)]
pub struct Delays {
    /// Delays of levels after the sample that they belong to.
    pub levels: Vec<f64>,
    /// Delays of spans after the end of the piece of speech.
    pub spans: Vec<f64>,
}

/// Sends speech on all streams at once, and measures the delays.
pub fn speak(server: &Server, clips: &[Clip]) -> Result<Delays> {
    let stream = |number: usize| {
        // The streams start at different times.
        thread::sleep(Duration::from_millis(37 * number as u64));
        let said: Vec<&Clip> = clips.iter().cycle().skip(11 * number).take(SAID).collect();
        say(&server.address, &samples(&said, RATE)?)
    };
    let told = thread::scope(|scope| {
        let streams: Vec<_> = (0..STREAMS)
            .map(|n| scope.spawn(move || stream(n)))
            .collect();
        let told = streams.into_iter().map(|stream| stream.join());
        told.collect::<Vec<_>>()
    });
    let mut delays = Delays::default();
    for told in told {
        let one = told.map_err(|_| anyhow::anyhow!("a stream panicked"))??;
        delays.levels.extend(one.levels);
        delays.spans.extend(one.spans);
    }
    delays.levels.sort_by(f64::total_cmp);
    delays.spans.sort_by(f64::total_cmp);
    Ok(delays)
}

/// Opens a stream that takes 16-bit samples at [`RATE`].
pub fn open(address: &str) -> Result<WebSocket<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{address}/v1/listen?rate={RATE}");
    let (socket, _) = client(url, stream).context("opening a WebSocket")?;
    Ok(socket)
}

/// Returns a message with samples.
pub fn message(samples: &[i16]) -> Message {
    let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    Message::binary(bytes)
}

/// Sends samples in real time, and receives the messages of the service meanwhile.
fn say(address: &str, samples: &[i16]) -> Result<Delays> {
    let mut socket = open(address)?;
    let (begun, mut delays) = (Instant::now(), Delays::default());
    let of_a_message = RATE as usize * MESSAGE.as_millis() as usize / 1000;
    let mut messages = samples.chunks(of_a_message).zip(1_u32..).peekable();
    let mut is_over = false;
    loop {
        let due = messages.peek().map(|(_, number)| MESSAGE * *number);
        match due {
            Some(due) if due <= begun.elapsed() => {
                if let Some((samples, _)) = messages.next() {
                    socket.send(message(samples))?;
                }
            }
            None if !is_over => {
                socket.send(Message::text("end"))?;
                is_over = true;
            }
            _ => {}
        }
        let rest = due.map_or(Duration::from_secs(10), |due| {
            due.saturating_sub(begun.elapsed())
        });
        // A timeout of 0 would mean no timeout.
        let rest = rest.max(Duration::from_millis(1));
        socket.get_ref().set_read_timeout(Some(rest))?;
        let text = match socket.read() {
            Ok(Message::Text(text)) => text,
            Ok(Message::Close(_)) | Err(Error::ConnectionClosed) => bail!("closed too early"),
            Ok(_) => continue,
            Err(Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let now = begun.elapsed().as_secs_f64();
        let told: Value = serde_json::from_str(&text)?;
        let behind = |key: &str| told[key].as_f64().map(|at| now - at);
        match told["event"].as_str() {
            Some("level") => delays.levels.extend(behind("seconds")),
            // A span that ends with the stream is complete only when the end is announced, so its delay says nothing.
            Some("span") if !is_over => delays.spans.extend(behind("end")),
            Some("span") => {}
            Some("end") => return Ok(delays),
            _ => bail!("unexpected message {told}"),
        }
    }
}
