//! Finds the clips of a known corpus under a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use ser_audio::{Probe, is_lossy, is_recording, probe};

use crate::audit::{Skip, SkipKind};
use crate::corpora::{self, KnownCorpus, Labels};
use crate::corpus::{mapped, renamed};
use crate::ravdess::Name;
use crate::{Audit, Clip, Corpus, Error, LabelMap, Result, Scan};

pub(crate) fn scan(folder: &Path, labels: &LabelMap) -> Result<Scan> {
    // An unreadable root is an error; anything unreadable below it is a skip.
    if folder.is_file() {
        return Err(Error::NoCorpus {
            path: folder.to_owned(),
        });
    }
    std::fs::read_dir(folder).map_err(ser_files::Error::at(folder))?;

    let mut skipped = Vec::new();
    let mut files = Vec::new();
    for found in ser_audio::files(folder) {
        match found {
            Ok(path) => files.push(path),
            Err(error) => skipped.push(Skip::unreadable(error.path.clone(), error.into())),
        }
    }
    // Names of folders may be labels, also that of the current folder, which `.` does not show.
    let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let located: Vec<PathBuf> = files.iter().map(absolute).collect();
    let (known, labelled) = corpora::recognise(&located)?;
    let (mut candidates, mut companions) = (Vec::new(), Vec::new());
    for (path, labels) in files.into_iter().zip(labelled) {
        match labels {
            Some(labels) if is_recording(&path) => {
                candidates.push((labels, path));
            }
            Some(labels) => companions.push((labels.recording, path)),
            None => skipped.extend(foreign(known, path)),
        }
    }
    let mut probed: Vec<_> = candidates
        .into_par_iter()
        .map(|(labels, path)| (labels, probe(&path).map_err(Error::from), path))
        .collect();
    // Of several copies of a clip, the first is kept: one that is not damaged and has lost nothing, and of these the shallowest.
    probed.sort_by_cached_key(|(labels, probe, path)| {
        let is_damaged = probe.as_ref().is_ok_and(|probe| probe.damage.is_some());
        let depth = path.components().count();
        let recording = labels.recording.clone();
        (recording, is_damaged, is_lossy(path), depth, path.clone())
    });

    let mut kept: BTreeMap<String, Clip> = BTreeMap::new();
    for (labels, probe, path) in probed {
        let (kind, reason) = match probe {
            Err(error) => {
                skipped.push(Skip::unreadable(path, error));
                continue;
            }
            Ok(probe) => match kept.get(&labels.recording) {
                None => {
                    let damage = probe.damage;
                    skipped.extend(damage.map(|damage| Skip::damaged(&path, damage)));
                    kept.insert(labels.recording.clone(), clip(labels, path, probe));
                    continue;
                }
                Some(first) if first.content == probe.content => (
                    SkipKind::Copy,
                    format!("the same audio as {}", first.path.display()),
                ),
                Some(first) if is_lossy(&path) && !is_lossy(&first.path) => (
                    SkipKind::Copy,
                    format!("a compressed copy of {}", first.path.display()),
                ),
                Some(first) => (
                    SkipKind::Conflict,
                    format!(
                        "the same name as {}, but different audio",
                        first.path.display()
                    ),
                ),
            },
        };
        skipped.push(Skip { path, kind, reason });
    }
    // Some corpora have a transcript, a video or measurements of the same name beside each recording. Such a file is reported only
    // if it stands in the place of a recording.
    companions.retain(|(recording, _)| !kept.contains_key(recording));
    skipped.extend(companions.into_iter().map(|(_, path)| no_recording(path)));
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    if kept.is_empty() {
        return Err(Error::NoClips {
            path: folder.to_owned(),
            skipped,
        });
    }

    let mut clips: Vec<Clip> = kept.into_values().collect();
    let written = clips
        .iter()
        .map(|clip| (known.name.to_owned(), clip.emotion.clone()));
    let renamed = renamed(labels, &written.collect::<Vec<_>>());
    for clip in &mut clips {
        clip.emotion = mapped(labels, known.name, &clip.emotion);
    }
    let synthetic = crate::synth::is_marked(clips.iter().map(|clip| clip.path.as_path()))?;
    let folder = std::path::absolute(folder).map_err(ser_files::Error::at(folder))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let corpus = Corpus::new(name, synthetic, clips);
    let audit = Audit {
        known: Some(known),
        ..Audit::new(&corpus, renamed, skipped)
    };
    Ok(Scan { corpus, audit })
}

/// Describes a file that has the name of a clip, but is no recording.
fn no_recording(path: PathBuf) -> Skip {
    let extension = path.extension().unwrap_or_default().display();
    Skip {
        reason: format!("expected a recording, found `.{extension}`"),
        kind: SkipKind::Unreadable,
        path,
    }
}

/// Says why a file without the name of a clip is skipped; `None` for a file that has nothing to do with the corpus.
fn foreign(known: &KnownCorpus, path: PathBuf) -> Option<Skip> {
    if !is_recording(&path) {
        return None;
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let (kind, reason) = match (known.name, stem.parse::<Name>()) {
        ("ravdess", Ok(name)) => {
            let (modality, channel) = (name.modality, name.channel);
            let reason = format!("expected audio speech, found {modality} {channel}");
            (SkipKind::NotSpeech, reason)
        }
        ("ravdess", Err(error)) => (SkipKind::ForeignName, error.to_string()),
        _ => {
            let (title, example) = (known.title, known.example);
            let reason =
                format!("expected a recording of {title} with an emotion label, such as {example}");
            (SkipKind::ForeignName, reason)
        }
    };
    Some(Skip { path, kind, reason })
}

fn clip(labels: Labels, path: PathBuf, probe: Probe) -> Clip {
    Clip {
        path,
        emotion: labels.emotion.to_owned(),
        speaker: labels.speaker,
        gender: labels.gender.map(str::to_owned),
        intensity: labels.intensity.map(str::to_owned),
        statement: labels.statement,
        repetition: labels.repetition,
        content: probe.content,
        sample_rate: probe.sample_rate,
        channels: probe.channels,
        frames: probe.frames,
        ..Clip::default()
    }
}
