//! The command `ser listen`: answers live sound, and shows its level.

use std::io::{self, IsTerminal, Write};

use anyhow::{Result, bail};
use ser_predict::{Listener, Model, Span};

use crate::args::ListenArgs;
use crate::output::{SYNTHETIC, percent, span_line, tell_damage};
use crate::timeline::clock;
use crate::{Outcome, model};

/// Number of columns of the level meter; `LOWEST` is the level in dBFS at its left end.
const COLUMNS: usize = 20;
const LOWEST: f32 = -60.0;
/// Number of updates of the meter per second.
const PER_SECOND: u32 = 10;

pub fn run(args: &ListenArgs, json: bool) -> Result<Outcome> {
    let predictor = model::answering(&args.answer.model, &args.answer.labels)?;
    let model = predictor.model();
    let speaker = model::speaker(model, args.answer.speaker.as_deref())?;
    if args.stdin.is_none() && args.channel.number().is_some() {
        bail!("--channel works only with standard input, as in `ser listen - --channel 2`");
    }
    // Live sound has no end at which the note could stand.
    if model.provenance.synthetic {
        eprintln!("{SYNTHETIC}");
    }
    let (rate, blocks) = source::open(args)?;
    let mut listener = Listener::new(&predictor, rate, speaker.as_ref())?;
    let meter = Meter::new(model, json);
    let mut waiting = Vec::new();
    for block in blocks {
        waiting.extend(block?);
        if waiting.len() < (rate / PER_SECOND) as usize {
            continue;
        }
        let spans = listener.push(&waiting)?;
        meter.show(&waiting, &spans)?;
        waiting.clear();
    }
    let mut spans = listener.push(&waiting)?;
    spans.extend(listener.finish()?);
    meter.show(&waiting, &spans)?;
    meter.end();
    Ok(Outcome::Done)
}

/// Prints a line for each span and, on a terminal, the level of the sound.
struct Meter<'m> {
    model: &'m Model,
    json: bool,
    live: bool,
}

impl<'m> Meter<'m> {
    fn new(model: &'m Model, json: bool) -> Self {
        let live = !json && io::stderr().is_terminal();
        Self { model, json, live }
    }

    fn show(&self, samples: &[f32], spans: &[Span]) -> Result<()> {
        if self.live && !spans.is_empty() {
            eprint!("\r\x1b[K");
        }
        for span in spans {
            let labels = &self.model.labels;
            if self.json {
                println!("{}", span_line(labels, span)?);
            } else {
                let (start, end) = (clock(span.start), clock(span.end));
                let label = span.answer.marked(labels);
                let p = percent(f64::from(span.answer.confidence()));
                println!("{start:>9} – {end:<9} {label:<11} {p}");
            }
        }
        io::stdout().flush()?;
        if self.live {
            eprint!("\r{} ", bar(samples));
            io::stderr().flush()?;
        }
        Ok(())
    }

    fn end(&self) {
        if self.live {
            eprint!("\r\x1b[K");
        }
    }
}

/// Formats the level of some samples, such as `▮▮▮▮▯▯▯▯ −32 dB`.
fn bar(samples: &[f32]) -> String {
    let square: f32 = samples.iter().map(|x| x * x).sum();
    let level = 10.0 * (square / samples.len().max(1) as f32).max(1e-12).log10();
    let full = (1.0 - level / LOWEST).clamp(0.0, 1.0) * COLUMNS as f32;
    let full = full.round() as usize;
    format!(
        "{}{} {level:>4.0} dB",
        "▮".repeat(full),
        "▯".repeat(COLUMNS - full)
    )
}

/// Samples in the order of time, mixed down to mono.
type Block = Result<Vec<f32>>;

/// Reads standard input, in a program that was built without support for sound devices.
#[cfg(not(feature = "live"))]
mod source {
    use anyhow::{Result, bail};

    use super::{Block, piped};
    use crate::args::ListenArgs;

    /// Returns the sampling rate and the blocks of samples.
    pub fn open(args: &ListenArgs) -> Result<(u32, impl Iterator<Item = Block>)> {
        if args.stdin.is_none() {
            bail!(
                "this program was built without support for sound devices: build it with `--features live` (on Debian \
                 after `apt install libasound2-dev pkg-config`), or pipe a recording in, as in \
                 `arecord -f S16_LE -r 16000 | ser listen -`"
            );
        }
        piped(args)
    }
}

/// Reads standard input or, through cpal, a sound device.
#[cfg(feature = "live")]
mod source {
    use std::sync::mpsc::{self, Sender};

    use anyhow::{Context, Result, anyhow, bail};
    use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
    use cpal::{Device, FromSample, SampleFormat, SizedSample, Stream, StreamConfig};

    use super::{Block, piped};
    use crate::args::ListenArgs;

    const NO_DEVICE: &str = "no sound device to record from was found: connect a microphone, or pipe a recording in, as in \
                             `arecord -f S16_LE -r 16000 | ser listen -`";

    /// Returns the sampling rate and the blocks of samples.
    pub fn open(args: &ListenArgs) -> Result<(u32, Box<dyn Iterator<Item = Block>>)> {
        if args.stdin.is_some() {
            let (rate, blocks) = piped(args)?;
            return Ok((rate, Box::new(blocks)));
        }
        let device = cpal::default_host().default_input_device();
        let device = device.context(NO_DEVICE)?;
        let config = device.default_input_config().context(NO_DEVICE)?;
        let rate = config.sample_rate();
        let (send, receive) = mpsc::channel();
        let begin = match config.sample_format() {
            SampleFormat::F32 => begin::<f32>,
            SampleFormat::I16 => begin::<i16>,
            SampleFormat::I32 => begin::<i32>,
            SampleFormat::U16 => begin::<u16>,
            other => bail!(
                "the sound device has samples in the format {other}: expected f32, i16, i32 or u16"
            ),
        };
        let stream = begin(&device, config.into(), send)?;
        // The closure owns the stream, so that it lives as long as the iterator over its blocks.
        let blocks = std::iter::from_fn(move || {
            let _playing = &stream;
            receive.recv().ok()
        });
        Ok((rate, Box::new(blocks)))
    }

    /// Starts to record, and sends the samples, mixed down to mono.
    fn begin<T>(device: &Device, config: StreamConfig, send: Sender<Block>) -> Result<Stream>
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let channels = usize::from(config.channels).max(1);
        let failed = send.clone();
        let stream = device.build_input_stream(
            config,
            move |data: &[T], _: &cpal::InputCallbackInfo| {
                let mean = |frame: &[T]| {
                    let samples = frame.iter().map(|&x| f32::from_sample_(x));
                    samples.sum::<f32>() / channels as f32
                };
                // This fails only if the receiver is gone.
                let _ = send.send(Ok(data.chunks_exact(channels).map(mean).collect()));
            },
            move |error| {
                let _ = failed.send(Err(anyhow!("the sound device failed: {error}")));
            },
            None,
        );
        let stream = stream.context("the sound device could not be opened")?;
        stream
            .play()
            .context("the sound device could not be started")?;
        Ok(stream)
    }
}

/// Returns the sampling rate and the blocks of samples of standard input.
fn piped(args: &ListenArgs) -> Result<(u32, impl Iterator<Item = Block> + use<>)> {
    let mut stream = crate::recordings::open("-".as_ref(), args.channel.number())?;
    let rate = stream.sample_rate();
    let blocks = std::iter::from_fn(move || {
        let mut samples = Vec::new();
        match stream.next_block(&mut samples) {
            Ok(true) => Some(Ok(samples)),
            Ok(false) => {
                tell_damage("-".as_ref(), stream.damage().as_ref());
                None
            }
            Err(error) => Some(Err(error.into())),
        }
    });
    Ok((rate, blocks))
}
