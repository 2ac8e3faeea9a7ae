//! `ser enroll` and `ser speakers`: speakers that the program remembers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ser_predict::{Enrolment, LONGEST_SPEAKER_NAME, is_speaker_name};
use serde::Serialize;

use crate::args::{EnrollArgs, SpeakersArgs};
use crate::output::{in_words, table};
use crate::recordings::enrol;
use crate::{Outcome, date, model};

/// Seconds of speech from which on enrolment helps. What was measured is clips: four help, fifteen are good
/// (docs/results.md). The 1440 of RAVDESS hold 1.9 s of speech each on average, four quiet ones about 7 s, so that this is a
/// translation, and no measurement.
const ENOUGH: f64 = 7.0;
/// Seconds of speech that are good, translated likewise.
const GOOD: f64 = 30.0;

/// Where speakers are kept: in the user's folder for data of programs.
fn folder() -> Result<PathBuf> {
    let folder = dirs::data_dir().context("this system names no folder for data of programs")?;
    Ok(folder.join("ser").join("speakers"))
}

/// Where a speaker is kept.
fn file(name: &str) -> Result<PathBuf> {
    if !is_speaker_name(name) {
        let shown: String = name.chars().take(LONGEST_SPEAKER_NAME).collect();
        bail!(
            "{shown:?} is no name for a speaker: up to {LONGEST_SPEAKER_NAME} letters, digits, `-`, `_` and `.` make one, a letter or a \
             digit first"
        );
    }
    Ok(folder()?.join(format!("{name}.json")))
}

/// The file of a speaker who is enrolled.
pub fn enrolled(name: &str) -> Result<PathBuf> {
    let file = file(name)?;
    if !file.is_file() {
        let names: Vec<String> = all()?.into_iter().map(|speaker| speaker.name).collect();
        let others = match names.as_slice() {
            [] => ", nor is anybody else".to_owned(),
            names => format!("; enrolled: {}", names.join(", ")),
        };
        bail!(
            "nobody is enrolled as {name} ({} is not there){others}; `ser enroll {name} FILES…` enrolls a speaker",
            file.display()
        );
    }
    Ok(file)
}

/// Keeps how a speaker sounds on average, from unlabelled recordings.
pub fn enroll(args: &EnrollArgs, json: bool) -> Result<Outcome> {
    let path = file(&args.name)?;
    if ser_audio::is_recording(Path::new(&args.name)) {
        bail!(
            "{} is a recording's name: the speaker's comes first, as in `ser enroll anna {0}`",
            args.name
        );
    }
    let predictor = model::open(args.model.file.as_deref())?;
    let mut skipped = Vec::new();
    let enroller = enrol(&predictor, &args.files, args.channel.number(), &mut skipped)?;
    let (recordings, seconds) = (enroller.recordings(), enroller.seconds());
    let anew = if path.is_file() { " anew" } else { "" };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    enroller.finish().save(predictor.model(), &path)?;
    if json {
        let hundredths = (seconds * 100.0).round() / 100.0;
        let line = serde_json::json!({
            "speaker": args.name, "clips": recordings, "seconds": hundredths, "file": path.display().to_string(),
        });
        println!("{line}");
    } else {
        println!(
            "{} is enrolled{anew} from {seconds:.1} s of speech in {}: ser predict --speaker {} FILES…",
            args.name,
            in_words(recordings, "recording"),
            args.name
        );
        if seconds < ENOUGH {
            println!(
                "less than {ENOUGH:.0} s of speech, as in four clips of RAVDESS, hardly helps; {GOOD:.0} s, as in fifteen, are good"
            );
        }
        println!(
            "kept in {}; `ser speakers --forget {}` removes it",
            path.display(),
            args.name
        );
    }
    Ok(Outcome::of(&skipped))
}

/// A speaker whom the program remembers.
#[derive(Serialize)]
struct Remembered {
    name: String,
    /// Name of the model that the speaker is enrolled with, where the file says it.
    model: Option<String>,
    enrolled: String,
    file: String,
}

/// All speakers, in the order of their names.
fn all() -> Result<Vec<Remembered>> {
    let folder = folder()?;
    let with_path = || folder.display().to_string();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(with_path)?,
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_>>().with_context(with_path)?;
    paths.retain(|path| {
        let extension = path.extension();
        extension.is_some_and(|extension| extension == "json") && path.is_file()
    });
    paths.sort_unstable();
    paths.iter().map(|path| remembered(path)).collect()
}

fn remembered(path: &Path) -> Result<Remembered> {
    let changed = path.metadata().and_then(|file| file.modified());
    let changed = changed.with_context(|| path.display().to_string())?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Remembered {
        name: name.into_owned(),
        model: Enrolment::model_of(path).ok(),
        enrolled: date::utc(changed),
        file: path.display().to_string(),
    })
}

/// Lists the speakers, or forgets one.
pub fn run(args: &SpeakersArgs, json: bool) -> Result<Outcome> {
    if let Some(name) = &args.forget {
        ser_files::remove_file(enrolled(name)?)?;
        match json {
            true => println!("{}", serde_json::json!({ "forgotten": name })),
            false => println!("{name} is forgotten"),
        }
        return Ok(Outcome::Done);
    }
    let speakers = all()?;
    if json {
        for speaker in &speakers {
            println!("{}", serde_json::to_string(speaker)?);
        }
    } else if speakers.is_empty() {
        println!("nobody is enrolled; `ser enroll NAME FILES…` enrolls a speaker");
    } else {
        let rows = speakers.into_iter().map(|speaker| {
            let model = speaker.model.unwrap_or_else(|| "unknown".to_owned());
            vec![speaker.name, model, speaker.enrolled, speaker.file]
        });
        println!("{}", table(&["speaker", "model", "enrolled", "file"], rows));
    }
    Ok(Outcome::Done)
}
