//! `ser enroll`: speakers that the program remembers.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use ser_features::Features;

use crate::Outcome;
use crate::args::EnrollArgs;
use crate::corpus::Skipped;
use crate::recordings::{Ears, recordings};
use crate::{model, output};

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

/// Keeps how a speaker sounds on average, from unlabelled recordings.
pub fn run(args: &EnrollArgs, json: bool) -> Result<Outcome> {
    let model = model::open(args.model.as_deref())?;
    model::must_enrol(&model)?;
    let (files, mut skipped) = recordings(&args.files);
    let ears = Ears::of(&model)?;
    let mut known: Vec<Vec<Features>> = Vec::new();
    for file in &files {
        match ears.features(file) {
            Ok(features) => known.push(features),
            Err(error) => skipped.push(Skipped::new(file, &output::in_full(&error))),
        }
    }
    Skipped::tell(&skipped);
    if known.is_empty() {
        bail!("none of the {} files could be read", skipped.len());
    }
    let views: Vec<&[Features]> = known.iter().map(Vec::as_slice).collect();
    let path = file(&args.name)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    model.enrol(&views)?.save(&model, &path)?;
    if json {
        let line = serde_json::json!({
            "speaker": args.name, "clips": known.len(), "file": path.display().to_string(),
        });
        println!("{line}");
    } else {
        println!(
            "{} is enrolled from {} recordings: ser predict --speaker {} FILES…",
            args.name,
            known.len(),
            args.name
        );
        println!(
            "kept in {}; remove that file to forget the speaker",
            path.display()
        );
    }
    Ok(Outcome::of(&skipped))
}
