//! Live sound over a WebSocket.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Query, State};
use axum::response::Response;
use ser_audio::{AudioStream, Channels};
use ser_predict::{Listener, Span, SpanLine};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use crate::limits::allowed;
use crate::problem::{OfSpeaker, Problem, Refused};
use crate::service::{Service, Shared};
use crate::upload::AnswerOptions;

/// Largest size of a message in bytes.
const LONGEST: usize = 1 << 20;
/// Largest size of a part of a message in the queue between client and computation, in bytes.
const AT_ONCE: usize = 1 << 16;
/// Number of such parts in the queue. A client that sends faster has to wait.
const WAITING: usize = 16;
/// Largest number of bytes of a recording between two pieces of its sound: a decoder may keep them all.
const UNHEARD: usize = 16 << 20;
/// How long a client may send nothing before the stream is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Largest number of levels sent per second.
const LEVELS: f64 = 10.0;
/// The level of silence in dBFS.
const SILENCE: f64 = -120.0;

/// The options of a live stream: what the client sends, and how to answer it.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Live {
    /// Sampling rate in Hz; required for `s16le` and `f32le`, not allowed for `recording`.
    rate: Option<u32>,
    /// The content of the binary messages.
    #[serde(default)]
    format: LiveFormat,
    /// The only labels to predict, separated by commas.
    #[param(min_length = 1)]
    labels: Option<String>,
    /// Name of an enrolled speaker.
    speaker: Option<String>,
    /// The only channel of a `recording` to use, counted from 1; not allowed for `s16le` and `f32le`.
    #[param(minimum = 1)]
    channel: Option<u16>,
}

/// The content of the binary messages of a live stream, concatenated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) enum LiveFormat {
    /// 16-bit integer samples, little endian, one channel.
    #[default]
    #[serde(rename = "s16le")]
    S16,
    /// 32-bit floating point samples, little endian, one channel.
    #[serde(rename = "f32le")]
    F32,
    /// A recording in progress, such as Opus in WebM or Ogg.
    #[serde(rename = "recording")]
    Recording,
}

/// A text message to the client.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Told {
    /// The number of seconds processed so far, and the level in dBFS of the sound since the last such message.
    Level { seconds: f64, dbfs: f64 },
    /// A piece of speech with its answer.
    Span(SpanLine),
    /// The whole stream was processed.
    End { seconds: f64 },
    /// Processing has stopped, for this reason.
    Problem(Problem),
}

/// Predicts emotions in live sound over a WebSocket.
/// The client sends the sound as binary messages, and then the text message `end`. The service sends text messages of JSON:
/// the level up to ten times a second, each span as soon as it has ended, and finally `end`.
#[utoipa::path(get, path = "/v1/listen", tag = "answers", params(Live), responses(
    (status = 101, description = "The WebSocket is open."),
    Refused,
    (status = 422, description = "The sampling rate is too low or too high.", body = Problem, content_type = "application/problem+json"),
    OfSpeaker,
))]
pub(crate) async fn listen(
    State(service): State<Service>,
    live: Result<Query<Live>, axum::extract::rejection::QueryRejection>,
    socket: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let next = "GET /docs lists the parameters";
    let Query(live) = live.map_err(|error| Problem::invalid(error.body_text(), next))?;
    let socket = socket.map_err(|error| Problem::invalid(error.body_text(), "open a WebSocket"))?;
    let place = service.0.streams.clone().try_acquire_owned();
    let place = place.map_err(|_| Problem::busy(30))?;
    // Errors in the options are reported before the WebSocket is opened.
    let asked = AnswerOptions {
        labels: live.labels.clone(),
        speaker: live.speaker.clone(),
        channel: None,
    };
    let source = Source::new(&live)?;
    let heard =
        service.compute(move |shared| Ok((asked.predictor(shared)?, asked.speaker(shared)?)));
    let (predictor, speaker) = heard.await?;
    let ear = move |rate| -> Result<Listener, Problem> {
        Ok(Listener::new(&predictor, rate, speaker.as_ref())?)
    };
    if let Source::Samples { rate, .. } = source {
        ear(rate)?;
    }
    let socket = socket.max_message_size(LONGEST).max_frame_size(LONGEST);
    let protocols = socket.protocols(["ser.v1"]);
    Ok(protocols.on_upgrade(move |socket| converse(socket, service, source, ear, place)))
}

/// The source of the sound, from the options.
#[derive(Debug, Clone, Copy)]
enum Source {
    Samples { rate: u32, is_float: bool },
    Recording { channels: Channels },
}

impl Source {
    fn new(live: &Live) -> Result<Self, Problem> {
        let is_float = live.format == LiveFormat::F32;
        match (live.format, live.rate) {
            (LiveFormat::S16 | LiveFormat::F32, _) if live.channel.is_some() => {
                Err(Problem::invalid(
                    "`channel`: raw samples have one channel",
                    "omit `channel`, or send a recording",
                ))
            }
            (LiveFormat::Recording, None) => Ok(Self::Recording {
                channels: Channels::chosen(live.channel),
            }),
            (LiveFormat::Recording, Some(_)) => Err(Problem::invalid(
                "a recording states its own sampling rate",
                "omit `rate`",
            )),
            (_, None) => Err(Problem::invalid(
                "`rate` is missing",
                "add `rate`, the number of samples per second",
            )),
            (_, Some(rate)) => allowed(rate).map(|()| Self::Samples { rate, is_float }),
        }
    }
}

/// Runs a live stream until the client has sent everything or has disconnected.
async fn converse(
    mut socket: WebSocket,
    service: Service,
    source: Source,
    ear: impl FnOnce(u32) -> Result<Listener, Problem> + Send + 'static,
    _place: OwnedSemaphorePermit,
) {
    let streams = service.0.metrics.streams.clone();
    streams.inc();
    let (send_bytes, bytes) = mpsc::channel(WAITING);
    let (send_told, mut told) = mpsc::channel(WAITING);
    // A separate thread waits for sound without occupying a core; the threads of rayon compute.
    let hearing = tokio::task::spawn_blocking({
        let shared = service.0.clone();
        move || {
            let result = hear(&shared, source, bytes, ear, &send_told);
            let last = result.unwrap_or_else(Told::Problem);
            let _ = send_told.blocking_send(last);
        }
    });
    let idle = service.0.limits.idle;
    let mut send_bytes = Some(send_bytes);
    // The rest of a message that the queue has no room for yet. While there is one, no further message is read, so that the client
    // has to wait. The messages to the client are still sent, since the computation may wait for that.
    let mut waiting = None;
    let (mut is_refused, mut is_ending) = (false, false);
    let is_over = loop {
        tokio::select! {
            message = timeout(IDLE, socket.recv()), if send_bytes.is_some() && waiting.is_none() => match message {
                Ok(Some(Ok(Message::Binary(message)))) => waiting = Some(message),
                // The client has sent everything, or has sent nothing for too long. The remaining messages still go to it.
                Ok(Some(Ok(Message::Text(text)))) if text == "end" => send_bytes = None,
                Err(_) => send_bytes = None,
                // The next read answers a close frame, and then finds the end of the connection.
                Ok(Some(Ok(_))) => {}
                // The client has disconnected.
                Ok(Some(Err(_)) | None) => break false,
            },
            is_passed = pass(send_bytes.as_ref(), &mut waiting), if send_bytes.is_some() && waiting.is_some() => {
                if !is_passed {
                    send_bytes = None;
                }
            }
            // The client learns how much of its sound was processed before the service shut down.
            () = service.ending(), if send_bytes.is_some() => {
                is_ending = true;
                send_bytes = None;
            }
            message = told.recv() => {
                let Some(message) = message else {
                    break true;
                };
                is_refused |= matches!(message, Told::Problem(_));
                if !tell(&mut socket, &message, idle).await {
                    break false;
                }
            }
        }
    };
    drop((send_bytes, told));
    // After a panic, the client has received no last message.
    let is_broken = hearing.await.is_err();
    if is_over {
        if is_broken {
            is_refused = true;
            tell(&mut socket, &Told::Problem(Problem::broken()), idle).await;
        }
        let code = if is_refused {
            close_code::UNSUPPORTED
        } else if is_ending {
            close_code::AWAY
        } else {
            close_code::NORMAL
        };
        close(socket, code, idle).await;
    }
    streams.dec();
}

/// Puts a part of the waiting message into the queue as soon as there is room. Returns `false` if nothing reads the queue any more.
async fn pass(queue: Option<&Sender<Bytes>>, waiting: &mut Option<Bytes>) -> bool {
    let Some(queue) = queue else {
        return false;
    };
    let Ok(place) = queue.reserve().await else {
        return false;
    };
    if let Some(mut message) = waiting.take() {
        place.send(message.split_to(message.len().min(AT_ONCE)));
        *waiting = Some(message).filter(|rest| !rest.is_empty());
    }
    true
}

/// Sends a message to the client. Returns `false` if the client has disconnected, or has read nothing for `longest`.
async fn tell(socket: &mut WebSocket, told: &Told, longest: Duration) -> bool {
    let text = serde_json::to_string(told).unwrap_or_default();
    let sent = timeout(longest, socket.send(Message::Text(text.into())));
    matches!(sent.await, Ok(Ok(())))
}

/// Sends a close frame, and then discards what the client still sends, until it has closed the connection too or `longest`
/// has passed. Without that, the system would reset the connection, and the client could lose the last messages.
async fn close(mut socket: WebSocket, code: u16, longest: Duration) {
    let reason = "".into();
    let frame = Message::Close(Some(CloseFrame { code, reason }));
    let closed = async {
        if socket.send(frame).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(longest, closed).await;
}

/// Processes the bytes of a stream as they arrive, and returns the last message to the client.
fn hear(
    shared: &Shared,
    source: Source,
    mut bytes: Receiver<Bytes>,
    ear: impl FnOnce(u32) -> Result<Listener, Problem>,
    told: &Sender<Told>,
) -> Result<Told, Problem> {
    match source {
        Source::Samples { rate, is_float } => {
            let mut hearing = Hearing::new(ear(rate)?, rate, shared, told);
            let mut rest = Vec::new();
            while let Some(message) = bytes.blocking_recv() {
                rest.extend(message);
                let width = if is_float { 4 } else { 2 };
                let whole = rest.len() - rest.len() % width;
                let samples: Vec<f32> = if is_float {
                    rest[..whole]
                        .as_chunks()
                        .0
                        .iter()
                        .map(|x| finite(f32::from_le_bytes(*x)))
                        .collect()
                } else {
                    let samples = rest[..whole].as_chunks().0.iter();
                    samples
                        .map(|x| f32::from(i16::from_le_bytes(*x)) / 32768.0)
                        .collect()
                };
                rest.drain(..whole);
                if !hearing.push(&samples)? {
                    break;
                }
            }
            hearing.finish()
        }
        Source::Recording { channels } => {
            let unheard = Arc::new(AtomicUsize::new(0));
            let pipe = Received {
                bytes,
                message: Bytes::new(),
                unheard: unheard.clone(),
            };
            let stream = AudioStream::from_reader(Box::new(pipe), Path::new("stream"))?;
            let mut stream = stream.with(channels)?;
            let rate = stream.sample_rate();
            allowed(rate)?;
            let mut hearing = Hearing::new(ear(rate)?, rate, shared, told);
            let mut samples = Vec::new();
            while stream.next_block(&mut samples)? && hearing.push(&samples)? {
                samples.clear();
                unheard.store(0, Ordering::Relaxed);
            }
            hearing.finish()
        }
    }
}

/// Replaces NaN, infinity and values out of range by silence.
fn finite(sample: f32) -> f32 {
    if ser_audio::SAMPLE_RANGE.contains(&sample) {
        sample
    } else {
        0.0
    }
}

/// A listener, and the messages about what it processes.
struct Hearing<'s> {
    listener: Listener,
    labels: &'s [String],
    shared: &'s Shared,
    told: &'s Sender<Told>,
    rate: f64,
    taken: u64,
    /// Sum of the squares of the samples since the last level message; `count` is their number.
    square: f64,
    count: u64,
}

impl<'s> Hearing<'s> {
    fn new(listener: Listener, rate: u32, shared: &'s Shared, told: &'s Sender<Told>) -> Self {
        Self {
            listener,
            labels: &shared.predictor.model().labels,
            shared,
            told,
            rate: rate.into(),
            taken: 0,
            square: 0.0,
            count: 0,
        }
    }

    fn seconds(&self) -> f64 {
        self.taken as f64 / self.rate
    }

    /// Processes samples. Returns `false` if the client no longer receives messages.
    fn push(&mut self, samples: &[f32]) -> Result<bool, Problem> {
        self.taken += samples.len() as u64;
        self.count += samples.len() as u64;
        self.square += samples.iter().map(|x| f64::from(x * x)).sum::<f64>();
        self.shared.metrics.heard(samples.len() as f64 / self.rate);
        let spans = self.listener.push(samples)?;
        let mut is_told = self.tell_spans(&spans);
        if self.count as f64 >= self.rate / LEVELS {
            let dbfs = (10.0 * (self.square / self.count as f64).log10()).max(SILENCE);
            let seconds = self.seconds();
            is_told &= self
                .told
                .blocking_send(Told::Level { seconds, dbfs })
                .is_ok();
            (self.square, self.count) = (0.0, 0);
        }
        Ok(is_told)
    }

    fn tell_spans(&self, spans: &[Span]) -> bool {
        let mut lines = spans.iter().map(|span| SpanLine::new(self.labels, span));
        lines.all(|line| self.told.blocking_send(Told::Span(line)).is_ok())
    }

    fn finish(mut self) -> Result<Told, Problem> {
        let spans = self.listener.finish()?;
        self.tell_spans(&spans);
        let seconds = self.seconds();
        Ok(Told::End { seconds })
    }
}

/// Reads the messages of a stream as one file.
struct Received {
    bytes: Receiver<Bytes>,
    /// The rest of a message.
    message: Bytes,
    /// Number of bytes received since the last sound.
    unheard: Arc<AtomicUsize>,
}

impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.message.is_empty() {
            let Some(message) = self.bytes.blocking_recv() else {
                return Ok(0);
            };
            let before = self.unheard.fetch_add(message.len(), Ordering::Relaxed);
            if before + message.len() > UNHEARD {
                return Err(io::Error::other("16 MiB without any sound"));
            }
            self.message = message;
        }
        let read = buffer.len().min(self.message.len());
        buffer[..read].copy_from_slice(&self.message.split_to(read));
        Ok(read)
    }
}
