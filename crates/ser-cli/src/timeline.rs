//! The command `ser timeline`: answers each piece of speech in a long recording.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use ser_audio::Damage;
use ser_files::write_file;
use ser_predict::{Model, Span, Timeline, captions};
use ser_report::plots;

use crate::args::{TimelineArgs, TimelineChannel};
use crate::output::{SYNTHETIC, UNCERTAIN, percent, progress, span_line, table, tell_damage};
use crate::recordings::{is_stdin, named, open};
use crate::{Outcome, date, model};

/// Seconds of sound that are processed at a time: a few megabytes, with enough pieces of speech to keep all cores busy.
const AT_ONCE: f64 = 60.0;

pub fn run(args: &TimelineArgs, json: bool) -> Result<Outcome> {
    let predictor = model::answering(&args.answer.model, &args.answer.labels)?;
    let model = predictor.model();
    for out in &args.out {
        let form = form(out)?;
        if matches!(form, Form::Picture) && args.channel == Some(TimelineChannel::Each) {
            bail!(
                "{}: a picture shows only one channel: use `--channel 1` for the first",
                out.display()
            );
        }
        ser_files::may_write(out, &[&args.file])?;
        if matches!(form, Form::Elan | Form::Text(captions::Form::TextGrid)) && out.exists() {
            bail!(
                "{}: the file exists, and may hold annotations made by hand: remove it, or give another name",
                out.display()
            );
        }
    }
    if args.channel == Some(TimelineChannel::Each) && args.answer.speaker.is_some() {
        bail!(
            "--speaker is one person, and with `--channel each` another one speaks on every channel: name the speaker's channel, as in \
             `--channel 1 --speaker NAME`"
        );
    }
    let speaker = model::speaker(model, args.answer.speaker.as_deref())?;
    let answer = |channel: Option<u16>| -> Result<Answered> {
        let stream = open(&args.file, channel)?;
        let timeline = Timeline::new(&predictor, stream, speaker.as_ref());
        timeline
            .and_then(listen)
            .map_err(|error| named(error, &args.file))
    };
    let Answered {
        spans,
        seconds,
        damage,
        is_call,
    } = match args.channel {
        Some(TimelineChannel::Each) => answer_each(&args.file, answer)?,
        Some(TimelineChannel::Only(number)) => answer(Some(number.get()))?,
        None => answer(None)?,
    };
    tell_damage(&args.file, damage.as_ref());
    if is_call {
        eprintln!(
            "the channels have nothing in common, as in a call: use `--channel each` for each separately, or `--channel 1` for the first"
        );
    }
    let title = args.file.file_name().unwrap_or_default().to_string_lossy();
    for out in &args.out {
        let text = match form(out)? {
            Form::Text(form) => {
                let stem = args.file.file_stem().unwrap_or_default().to_string_lossy();
                form.write(&spans, &model.labels, seconds, &stem)?
            }
            Form::Elan => elan(model, &spans, &args.file)?,
            Form::Picture => plots::timeline(model, &spans, seconds, &title)?,
        };
        write_file(out, text)?;
    }
    if json {
        for span in &spans {
            println!("{}", span_line(&model.labels, span)?);
        }
        if model.provenance.synthetic {
            eprintln!("{SYNTHETIC}");
        }
        return Ok(Outcome::Done);
    }
    let is_each = args.channel == Some(TimelineChannel::Each);
    let rows = spans.iter().map(|span| {
        let channel = span.channel.map(|channel| channel.to_string());
        let cells = [
            clock(span.start),
            clock(span.end),
            span.answer.marked(&model.labels),
            percent(f64::from(span.answer.confidence())),
        ];
        channel.into_iter().chain(cells).collect()
    });
    if spans.is_empty() {
        println!("there is no speech in this recording of {seconds:.1} s");
    } else {
        let header = ["channel", "from", "to", "emotion", "confidence"];
        println!("{}", table(&header[usize::from(!is_each)..], rows));
        summary(&model.labels, &spans, seconds);
    }
    if spans.iter().any(|span| span.answer.uncertain) {
        println!("{UNCERTAIN}");
    }
    for out in &args.out {
        println!("written: {}", out.display());
    }
    if model.provenance.synthetic {
        println!("{SYNTHETIC}");
    }
    Ok(Outcome::Done)
}

/// The timeline of a recording.
struct Answered {
    spans: Vec<Span>,
    /// Length of the recording in seconds.
    seconds: f64,
    damage: Option<Damage>,
    /// Whether the channels have nothing in common.
    is_call: bool,
}

/// Answers each channel separately, and returns the spans of all channels in the order of time.
fn answer_each(file: &Path, answer: impl Fn(Option<u16>) -> Result<Answered>) -> Result<Answered> {
    let is_pipe = |there: Metadata| !there.is_file() && !there.is_dir();
    if is_stdin(file) || file.metadata().is_ok_and(is_pipe) {
        bail!(
            "{}: a pipe can be read only once, and `--channel each` reads every channel separately: save it as a file first, \
             or use `--channel 1` for the first",
            file.display()
        );
    }
    let channels = open(file, None)?.channels();
    let mut first = answer(Some(1))?;
    let mut spans = vec![std::mem::take(&mut first.spans)];
    for channel in 2..=channels {
        spans.push(answer(Some(channel))?.spans);
    }
    let spans = Span::of_channels(spans);
    Ok(Answered { spans, ..first })
}

/// Processes a whole recording, and returns its spans.
fn listen(mut timeline: Timeline) -> ser_predict::Result<Answered> {
    let length = timeline.stream().duration();
    let bar = progress(length.map(|seconds| seconds.ceil() as usize), "seconds");
    let mut spans = Vec::new();
    while let Some(complete) = timeline.step(AT_ONCE)? {
        spans.extend(complete);
        bar.set_position(timeline.heard() as u64);
    }
    bar.finish_and_clear();
    Ok(Answered {
        spans,
        seconds: timeline.heard(),
        damage: timeline.stream().damage(),
        is_call: timeline.stream().are_channels_apart(),
    })
}

enum Form {
    Text(captions::Form),
    Elan,
    Picture,
}

/// Returns the format of a file, from the ending of its name.
fn form(out: &Path) -> Result<Form> {
    let extension = out.extension().unwrap_or_default().to_string_lossy();
    Ok(match extension.to_lowercase().as_str() {
        "eaf" => Form::Elan,
        "svg" => Form::Picture,
        other => Form::Text(captions::Form::of_extension(other).with_context(|| {
            format!(
                "{}: the name must end in .csv (table), .vtt (WebVTT), .srt (SubRip), .txt (Audacity labels), .TextGrid (Praat), \
                 .eaf (ELAN), .rttm (NIST) or .svg (picture)",
                out.display()
            )
        })?),
    })
}

fn elan(model: &Model, spans: &[Span], recording: &Path) -> Result<String> {
    let path = if is_stdin(recording) {
        None
    } else {
        Some(std::path::absolute(recording)?)
    };
    let now = date::utc(SystemTime::now());
    Ok(captions::elan(spans, &model.labels, path.as_deref(), &now))
}

/// Prints the share of each emotion in the time with speech, for each channel separately, because channels may overlap.
fn summary(labels: &[String], spans: &[Span], seconds: f64) {
    let mut channels: BTreeMap<Option<u16>, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        channels.entry(span.channel).or_default().push(span);
    }
    for (channel, spans) in channels {
        let spoken: f64 = spans.iter().map(|span| span.end - span.start).sum();
        let mut shares = vec![0.0; labels.len()];
        for span in spans {
            shares[span.answer.emotion()] += (span.end - span.start) / spoken;
        }
        let mut shares: Vec<_> = labels.iter().zip(shares).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        let shares = shares.iter().filter(|(_, share)| *share > 0.0);
        let shares: Vec<String> = shares
            .map(|(label, share)| format!("{label} {}", percent(*share)))
            .collect();
        let channel = channel.map_or_else(String::new, |number| format!("channel {number}: "));
        println!(
            "{channel}speech in {} of {}; shares of the speech: {}",
            clock(spoken),
            clock(seconds),
            shares.join(", ")
        );
    }
}

/// Formats a time such as `1:02:03.4`.
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (seconds, minutes, hours) = (tenths / 10 % 60, tenths / 600 % 60, tenths / 36_000);
    let tenth = tenths % 10;
    match hours {
        0 => format!("{minutes}:{seconds:02}.{tenth}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}.{tenth}"),
    }
}
