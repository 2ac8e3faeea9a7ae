//! Recordings of any kind and length, and what a model says of each.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{AudioStream, Channels};
use ser_experiment::{Skipped, find};
use ser_predict::{Answer, Enroller, Enrolment, Kind, Predictor, Speech};

use crate::model;
use crate::output::{in_full, plain, progress, tell};

/// The name of standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The recordings that files, folders and patterns stand for, as [`find`] has it; `-` is standard input.
pub fn recordings(given: &[PathBuf]) -> (Vec<PathBuf>, Vec<Skipped>) {
    let (found, skipped) = find(given);
    (found.into_iter().map(|found| found.path).collect(), skipped)
}

/// Says why the program stands still where a recording is a pipe with a name, until somebody writes into it.
pub fn tell_pipe(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        // What a shell connects, as in `<(…)`, has a writer and leads to no path.
        let is_pipe = path.metadata().is_ok_and(|file| file.file_type().is_fifo());
        if is_pipe && path.canonicalize().is_ok() {
            let words = format!(
                "{}: a pipe: waiting for what is written into it",
                path.display()
            );
            eprintln!("{}", plain(&words));
        }
    }
}

/// Opens a recording or standard input: one channel of it, or all of them compared.
pub fn open(path: &Path, channel: Option<u16>) -> Result<AudioStream> {
    let stream = if is_stdin(path) {
        // What is looked at stays in the buffer that all readers of standard input share.
        ensure!(
            !io::stdin().lock().fill_buf()?.is_empty(),
            "standard input is empty: pipe a recording into it, or name a file"
        );
        AudioStream::from_reader(Box::new(io::stdin()), Path::new("standard input"))?
    } else {
        tell_pipe(path);
        AudioStream::open(path)?
    };
    Ok(stream.with(Channels::chosen(channel))?)
}

/// What a recording or standard input expresses.
pub fn answer(
    predictor: &Predictor,
    file: &Path,
    channel: Option<u16>,
    speaker: Option<&Enrolment>,
) -> Result<Answer> {
    let answer = predictor.answer_stream(open(file, channel)?, speaker);
    answer.with_context(|| file.display().to_string())
}

/// What kind of reason it is that a recording has no answer, as in `2 damaged`.
pub fn kind(error: &anyhow::Error) -> &'static str {
    let of_sound = error.downcast_ref::<ser_audio::Error>().map(Kind::from);
    let of_answer = || {
        error
            .downcast_ref::<ser_predict::Error>()
            .map(|error| error.kind())
    };
    kind_in_words(of_sound.or_else(of_answer).unwrap_or(Kind::Other))
}

/// The words for a kind of reason.
pub fn kind_in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::NotOpened => "not to be opened",
        Kind::NotRead => "of a format that is not read",
        Kind::NoSuchChannel => "without such a channel",
        Kind::Damaged => "damaged",
        Kind::NoSpeech => "without speech",
        Kind::LowRate => "of too low a rate",
        Kind::TooShort => "too short",
        _ => "for another reason",
    }
}

/// Adds up how the voices in recordings sound on average. They are heard on all cores, a few at a time, and added in their
/// order. Those that cannot be used are named, and `skip` is given them. Returns the others as well.
pub fn add_up<'p>(
    predictor: &'p Predictor,
    files: &[PathBuf],
    channel: Option<u16>,
    what: &'static str,
    mut skip: impl FnMut(Skipped, &'static str),
) -> Result<(Enroller<'p>, Vec<PathBuf>)> {
    model::must_enrol(predictor.model())?;
    let (mut enroller, mut used) = (Enroller::new(predictor.model()), Vec::new());
    let bar = progress(files.len(), what);
    let hear = |file: &PathBuf| Ok(predictor.speech_stream(open(file, channel)?)?);
    for files in files.chunks(2 * rayon::current_num_threads()) {
        let heard: Vec<Result<Speech>> = files.par_iter().map(hear).collect();
        for (file, speech) in files.iter().zip(heard) {
            match speech {
                Ok(speech) => {
                    enroller.add(&speech)?;
                    used.push(file.clone());
                }
                Err(error) => {
                    let skipped = Skipped::new(file, &in_full(&error));
                    bar.suspend(|| tell(std::slice::from_ref(&skipped)));
                    skip(skipped, kind(&error));
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok((enroller, used))
}

/// How a speaker sounds on average in all recordings that files, folders and patterns stand for. Those that could not be
/// used are named and added to `skipped`.
pub fn enrol<'p>(
    predictor: &'p Predictor,
    given: &[PathBuf],
    channel: Option<u16>,
    skipped: &mut Vec<Skipped>,
) -> Result<Enroller<'p>> {
    let (files, mut left_out) = recordings(given);
    tell(&left_out);
    skipped.append(&mut left_out);
    let skip = |file, _| skipped.push(file);
    let (enroller, used) = add_up(predictor, &files, channel, "enrolling", skip)?;
    if used.is_empty() {
        bail!("nobody is enrolled: no recording could be used, and the lines above say why");
    }
    Ok(enroller)
}
