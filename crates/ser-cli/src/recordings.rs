//! Opens and answers the recordings that are given on the command line.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{AudioStream, Channels, Damage};
use ser_experiment::{Skipped, find};
use ser_predict::{Answer, Enroller, Enrolment, Error, Kind, Predictor, Speech};

use crate::model;
use crate::output::{in_full, plain, progress, tell, tell_damage};

/// Whether a path is `-`, which means standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Returns the recordings that files, folders and patterns stand for, as [`find`] finds them. `-` is standard input.
pub fn recordings(given: &[PathBuf]) -> (Vec<PathBuf>, Vec<Skipped>) {
    let (found, skipped) = find(given);
    (found.into_iter().map(|found| found.path).collect(), skipped)
}

/// Prints that the program waits, if a recording is a named pipe. Opening such a pipe blocks until another program writes
/// to it.
pub fn tell_pipe(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        // A pipe that a shell makes for `<(…)` has a writer already. It has no path that can be resolved.
        let is_pipe = path.metadata().is_ok_and(|file| file.file_type().is_fifo());
        if is_pipe && path.canonicalize().is_ok() {
            let words = format!(
                "{}: waiting for another program to write to this named pipe",
                path.display()
            );
            eprintln!("{}", plain(&words));
        }
    }
}

/// Opens a recording or standard input, with one channel, or with all channels compared.
pub fn open(path: &Path, channel: Option<u16>) -> Result<AudioStream> {
    let stream = if is_stdin(path) {
        // The bytes stay in the buffer that all readers of standard input share.
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

/// Answers a recording or standard input.
pub fn answer(
    predictor: &Predictor,
    file: &Path,
    channel: Option<u16>,
    speaker: Option<&Enrolment>,
) -> Result<Answer> {
    let answer = predictor.answer_stream(open(file, channel)?, speaker);
    answer.with_context(|| file.display().to_string())
}

/// Returns the kind of reason why a recording has no answer, in words that follow a number, as in `2 damaged`.
pub fn kind(error: &anyhow::Error) -> &'static str {
    let of_sound = error.downcast_ref::<ser_audio::Error>().map(Kind::from);
    let of_answer = || {
        error
            .downcast_ref::<ser_predict::Error>()
            .map(|error| error.kind())
    };
    kind_in_words(of_sound.or_else(of_answer).unwrap_or(Kind::Other))
}

/// Returns a kind of reason in words that follow a number.
pub fn kind_in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::NotOpened => "could not be opened",
        Kind::NotRead => "in an unsupported format",
        Kind::NoSuchChannel => "without this channel",
        Kind::Damaged => "damaged",
        Kind::NoSpeech => "without speech",
        Kind::LowRate => "with too low a sampling rate",
        Kind::TooShort => "too short",
        _ => "for another reason",
    }
}

/// Seconds of speech from which enrolment helps. The measurements are in clips: four help, and fifteen are good
/// (docs/results.md). The 1440 clips of RAVDESS have 1.9 s of speech each on average, and four quiet ones about 7 s, so this
/// value is converted, not measured.
const ENOUGH: f64 = 7.0;
/// Seconds of speech that are good, converted in the same way.
const GOOD: f64 = 30.0;

/// A recording that was enrolled, and what it lacks.
pub type Used = (PathBuf, Option<Damage>);

/// Enrols recordings: finds the speech in each, and adds it to the average. The recordings are processed on all cores, a few
/// at a time, and added in their order. A recording that cannot be used is printed and passed to `skip`. Returns the
/// enroller and the recordings that were used.
pub fn add_up<'p>(
    predictor: &'p Predictor,
    files: &[PathBuf],
    channel: Option<u16>,
    what: &'static str,
    mut skip: impl FnMut(Skipped, &'static str),
) -> Result<(Enroller<'p>, Vec<Used>)> {
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
                    used.push((file.clone(), speech.damage()));
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

/// Returns an error of a recording with the path of its file. The errors of decoding have it already.
pub fn named(error: Error, file: &Path) -> anyhow::Error {
    match error {
        Error::Audio(error) => error.into(),
        other => anyhow::Error::from(other).context(file.display().to_string()),
    }
}

/// Enrols a speaker from all recordings that files, folders and patterns stand for. Recordings that cannot be used are
/// printed and added to `skipped`, and those that are damaged are printed.
///
/// # Errors
/// If no recording can be used, or if the model was trained without enrolment.
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
        bail!("nobody is enrolled: no recording could be used; the lines above say why");
    }
    for (file, damage) in used {
        tell_damage(&file, damage.as_ref());
    }
    if enroller.seconds() < ENOUGH {
        eprintln!(
            "less than {ENOUGH:.0} s of speech to enrol (about four clips of RAVDESS) hardly helps; {GOOD:.0} s (about fifteen) are good: \
             give more recordings of this speaker"
        );
    }
    Ok(enroller)
}
