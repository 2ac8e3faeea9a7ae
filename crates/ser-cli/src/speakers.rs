//! `ser enroll`: speakers that the program remembers.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::Outcome;
use crate::args::EnrollArgs;
use crate::model;
use crate::recordings::enrol;

/// Where a speaker is kept: a file in the user's folder for data of programs.
pub fn file(name: &str) -> Result<PathBuf> {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        bail!("{name:?} is no name for a speaker: letters, digits, `-`, `_` and `.` make one");
    }
    let folder = dirs::data_dir().context("this system names no folder for data of programs")?;
    Ok(folder
        .join("ser")
        .join("speakers")
        .join(format!("{name}.json")))
}

/// Recordings from which on enrolment helps: see docs/results.md.
const ENOUGH: usize = 4;

/// Keeps how a speaker sounds on average, from unlabelled recordings.
pub fn run(args: &EnrollArgs, json: bool) -> Result<Outcome> {
    let predictor = model::open(args.model.file.as_deref())?;
    let path = file(&args.name)?;
    let mut skipped = Vec::new();
    let (speaker, clips) = enrol(&predictor, &args.files, &mut skipped)?;
    let anew = if path.is_file() { " anew" } else { "" };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    speaker.save(predictor.model(), &path)?;
    if json {
        let line = serde_json::json!({
            "speaker": args.name, "clips": clips, "file": path.display().to_string(),
        });
        println!("{line}");
    } else {
        let recordings = if clips == 1 {
            "recording"
        } else {
            "recordings"
        };
        println!(
            "{} is enrolled{anew} from {clips} {recordings}: ser predict --speaker {} FILES…",
            args.name, args.name
        );
        if clips < ENOUGH {
            println!("fewer than {ENOUGH} recordings hardly help; fifteen are good");
        }
        println!(
            "kept in {}; remove that file to forget the speaker",
            path.display()
        );
    }
    Ok(Outcome::of(&skipped))
}
