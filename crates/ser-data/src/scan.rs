//! Finding RAVDESS clips under a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use ser_audio::{Probe, is_recording, probe};

use crate::audit::{Skip, SkipKind};
use crate::corpus::{mapped, renamed};
use crate::ravdess::{Channel, Modality, Name};
use crate::{Audit, Clip, Corpus, Error, LabelMap, Result, Scan};

pub(crate) fn scan(folder: &Path, labels: &LabelMap) -> Result<Scan> {
    // An unreadable root is the caller's mistake; anything unreadable below it is a skip.
    if folder.is_file() {
        return Err(Error::NoCorpus {
            path: folder.to_owned(),
        });
    }
    std::fs::read_dir(folder).map_err(ser_files::Error::at(folder))?;

    let mut skipped = Vec::new();
    let mut candidates = Vec::new();
    // Not only recordings: a clip's name on anything else deserves a word.
    for found in ser_audio::files(folder) {
        match found {
            Ok(path) => match classify(&path) {
                Some(Ok(name)) => candidates.push((name, path.components().count(), path)),
                Some(Err(skip)) => skipped.push(skip),
                None => {}
            },
            Err(error) => skipped.push(Skip::unreadable(error.path.clone(), error.into())),
        }
    }
    // The shallowest copy of a clip comes first, and is the one that stays.
    candidates.sort();
    let probed: Vec<_> = candidates
        .into_par_iter()
        .map(|(name, _, path)| (name, probe(&path).map_err(Error::from), path))
        .collect();

    let mut kept: BTreeMap<Name, Clip> = BTreeMap::new();
    for (name, probe, path) in probed {
        let (kind, reason) = match probe {
            Err(error) => {
                skipped.push(Skip::unreadable(path, error));
                continue;
            }
            Ok(probe) => match kept.get(&name) {
                None => {
                    let damage = probe.damage;
                    skipped.extend(damage.map(|damage| Skip::damaged(&path, damage)));
                    kept.insert(name, clip(name, path, probe));
                    continue;
                }
                Some(first) if first.content == probe.content => (
                    SkipKind::Copy,
                    format!("the same audio as {}", first.path.display()),
                ),
                Some(first) => (
                    SkipKind::Conflict,
                    format!("the same name as {}, but other audio", first.path.display()),
                ),
            },
        };
        skipped.push(Skip { path, kind, reason });
    }
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    if kept.is_empty() {
        return Err(Error::NoClips {
            path: folder.to_owned(),
            skipped,
        });
    }

    let mut clips: Vec<Clip> = kept.into_values().collect();
    let written: Vec<String> = clips.iter().map(|clip| clip.emotion.clone()).collect();
    for clip in &mut clips {
        clip.emotion = mapped(labels, &clip.emotion);
    }
    let synthetic = crate::synth::is_marked(clips.iter().map(|clip| clip.path.as_path()))?;
    let folder = std::path::absolute(folder).map_err(ser_files::Error::at(folder))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let corpus = Corpus::new(name, synthetic, clips);
    let audit = Audit::new(&corpus, renamed(labels, &written), skipped);
    Ok(Scan { corpus, audit })
}

/// The name of a clip to take, a reason not to take it, or nothing at all for files that are no business of ours.
fn classify(path: &Path) -> Option<Result<Name, Skip>> {
    let text =
        |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, extension) = (text(path.file_stem()), text(path.extension()));
    let is_recording = is_recording(path);
    let skip = |kind, reason| {
        Some(Err(Skip {
            path: path.to_owned(),
            kind,
            reason,
        }))
    };
    match stem.parse::<Name>() {
        Err(error) if is_recording => skip(SkipKind::ForeignName, error.to_string()),
        Err(_) => None,
        Ok(name) if (name.modality, name.channel) != (Modality::Audio, Channel::Speech) => skip(
            SkipKind::NotSpeech,
            format!(
                "expected audio speech, found {} {}",
                name.modality, name.channel
            ),
        ),
        Ok(_) if !is_recording => skip(
            SkipKind::Unreadable,
            format!("expected a recording, found `.{extension}`"),
        ),
        Ok(name) => Some(Ok(name)),
    }
}

fn clip(name: Name, path: PathBuf, probe: Probe) -> Clip {
    Clip {
        path,
        emotion: name.emotion.to_string(),
        speaker: name.speaker(),
        gender: Some(name.gender().to_string()),
        intensity: Some(name.intensity.to_string()),
        statement: Some(name.statement.to_string()),
        repetition: Some(name.repetition),
        content: probe.content,
        sample_rate: probe.sample_rate,
        channels: probe.channels,
        frames: probe.frames,
        ..Clip::default()
    }
}
