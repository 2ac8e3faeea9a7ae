//! Makes a corpus of recordings, in any format, that lie as `SPEAKER/EMOTION/ANY` under a folder: writes a manifest
//! with the properties of the files.
//!
//! `cargo run --release -p ser-data --example manifest -- recordings/ corpus.csv`

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;

use anyhow::{Context, Result, bail};
use ser_data::{Corpus, Scan};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, manifest] = &args[..] else {
        bail!("usage: manifest FOLDER OUT.csv, with recordings FOLDER/SPEAKER/EMOTION/ANY");
    };
    let folder = std::path::absolute(folder)?;

    // Three columns are enough to read a corpus.
    let draft = tempfile::Builder::new().suffix(".csv").tempfile()?;
    let mut csv = csv::Writer::from_path(draft.path())?;
    csv.write_record(["path", "emotion", "speaker"])?;
    for path in ser_audio::recordings(&folder) {
        let path = path?;
        let Some((speaker, emotion)) = labels(path.strip_prefix(&folder)?) else {
            continue;
        };
        let path = path.to_str().context("a path that is not UTF-8")?;
        csv.write_record([path, emotion, speaker])?;
    }
    csv.flush()?;

    // Reading it examines each file; the manifest gets what was found, and relative paths.
    let Scan { corpus, audit } = Corpus::load(draft.path())?;
    corpus.write_manifest(manifest)?;
    for skip in &audit.skipped {
        eprintln!("skipped: {}", skip.reason);
    }
    let (emotions, speakers) = (corpus.labels().join(", "), corpus.speakers().len());
    println!(
        "{manifest}: {} clips of {speakers} speakers: {emotions}",
        corpus.len()
    );
    Ok(())
}

/// Returns speaker and emotion from `SPEAKER/EMOTION/ANY`.
fn labels(path: &Path) -> Option<(&str, &str)> {
    let parts: Vec<&str> = path
        .iter()
        .map(|part| part.to_str())
        .collect::<Option<_>>()?;
    let [speaker, emotion, _] = parts[..] else {
        return None;
    };
    Some((speaker, emotion))
}
