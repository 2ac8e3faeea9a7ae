//! The commands `ser enroll` and `ser speakers`, and the files of enrolled speakers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ser_predict::{Enrolment, EnrolmentLine, LONGEST_SPEAKER_NAME, is_speaker_name};
use serde::Serialize;

use crate::args::{EnrollArgs, SpeakersArgs};
use crate::output::{in_words, table};
use crate::recordings::enrol;
use crate::{Outcome, date, model};

/// Returns the folder of the enrolled speakers, which is in the user's data folder.
fn folder() -> Result<PathBuf> {
    let folder = dirs::data_dir().context("the user's data folder is unknown: set HOME")?;
    Ok(folder.join("ser").join("speakers"))
}

/// Returns the path of the file of a speaker, whether it exists or not.
fn file(name: &str) -> Result<PathBuf> {
    if !is_speaker_name(name) {
        let shown: String = name.chars().take(LONGEST_SPEAKER_NAME).collect();
        bail!(
            "{shown:?} is not a valid name for a speaker: use up to {LONGEST_SPEAKER_NAME} letters, digits, `-`, `_` and `.`, beginning \
             with a letter or a digit"
        );
    }
    Ok(folder()?.join(format!("{name}.json")))
}

/// Returns the path of the file of an enrolled speaker.
pub fn enrolled(name: &str) -> Result<PathBuf> {
    let file = file(name)?;
    if !file.is_file() {
        let names: Vec<String> = all()?.into_iter().map(|speaker| speaker.name).collect();
        let others = match names.as_slice() {
            [] => ", and no other speaker is enrolled".to_owned(),
            names => format!("; enrolled: {}", names.join(", ")),
        };
        bail!(
            "nobody is enrolled as {name} ({} does not exist){others}; to enrol this speaker: `ser enroll {name} FILES…`",
            file.display()
        );
    }
    Ok(file)
}

/// Runs `ser enroll`: stores how a speaker sounds on average, from unlabelled recordings.
pub fn enroll(args: &EnrollArgs, json: bool) -> Result<Outcome> {
    let path = file(&args.name)?;
    if ser_audio::is_recording(Path::new(&args.name)) {
        bail!(
            "{} is the name of a recording: put the name of the speaker first, as in `ser enroll anna {0}`",
            args.name
        );
    }
    let predictor = model::open(args.model.file.as_deref())?;
    let mut skipped = Vec::new();
    let enroller = enrol(&predictor, &args.files, args.channel.number(), &mut skipped)?;
    let (recordings, seconds) = (enroller.recordings(), enroller.seconds());
    let instead = if path.is_file() {
        ", in place of the earlier recordings"
    } else {
        ""
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let enrolment = enroller.finish();
    enrolment.save(predictor.model(), &path)?;
    if json {
        let line = EnrolmentLine {
            file: Some(path.display().to_string()),
            ..EnrolmentLine::new(args.name.clone(), &enrolment, Some(seconds))
        };
        println!("{}", serde_json::to_string(&line)?);
    } else {
        println!(
            "{} is enrolled from {seconds:.1} s of speech in {}{instead}: use `ser predict --speaker {} FILES…`",
            args.name,
            in_words(recordings, "recording"),
            args.name
        );
        println!(
            "stored in {}; `ser speakers --forget {}` removes it",
            path.display(),
            args.name
        );
    }
    Ok(Outcome::of(&skipped))
}

/// An enrolled speaker.
#[derive(Serialize)]
struct Remembered {
    name: String,
    /// Name of the model that the speaker is enrolled with, if the file can be read.
    model: Option<String>,
    enrolled: String,
    file: String,
}

/// Returns all enrolled speakers, sorted by name.
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

/// Runs `ser speakers`: lists the enrolled speakers, or removes one.
pub fn run(args: &SpeakersArgs, json: bool) -> Result<Outcome> {
    if let Some(name) = &args.forget {
        ser_files::remove_file(enrolled(name)?)?;
        if json {
            println!("{}", serde_json::json!({ "forgotten": name }))
        } else {
            println!("{name} was removed")
        }
        return Ok(Outcome::Done);
    }
    let speakers = all()?;
    if json {
        for speaker in &speakers {
            println!("{}", serde_json::to_string(speaker)?);
        }
    } else if speakers.is_empty() {
        println!("nobody is enrolled; to enrol a speaker: `ser enroll NAME FILES…`");
    } else {
        let rows = speakers.into_iter().map(|speaker| {
            let model = speaker.model.unwrap_or_else(|| "unknown".to_owned());
            vec![speaker.name, model, speaker.enrolled, speaker.file]
        });
        println!("{}", table(&["speaker", "model", "enrolled", "file"], rows));
    }
    Ok(Outcome::Done)
}
