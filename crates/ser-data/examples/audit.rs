//! Prints what a RAVDESS folder or the corpus of a manifest contains, and what is odd about it.
//!
//! `cargo run --release -p ser-data --example audit -- ravdess/`

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Display;

use anyhow::{Result, bail};
use ser_data::{Corpus, Scan};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data] = &args[..] else {
        bail!("usage: audit FOLDER|MANIFEST.csv");
    };
    let Scan { corpus, audit } = Corpus::load(data)?;

    let minutes = audit.seconds / 60.0;
    println!("{}: {} clips, {minutes:.1} min", corpus.name(), audit.clips);
    println!("checksum      {}", corpus.checksum());
    tell("emotions", &audit.emotions);
    tell("speakers", &audit.speakers);
    tell("genders", &audit.genders);
    tell("intensities", &audit.intensities);
    tell("sample rates", &audit.sample_rates);
    if audit.synthetic {
        println!("generated audio: it says nothing about human speech");
    }

    for name in &audit.odd_sample_rates {
        println!("unusual sampling rate: {name}");
    }
    for name in &audit.stereo {
        println!("more than one channel: {name}");
    }
    for names in &audit.duplicates {
        println!("the same audio: {}", names.join(", "));
    }
    for actor in audit.missing.iter().flatten() {
        let (speaker, clips) = (&actor.speaker, actor.names.len());
        println!(
            "missing clips of speaker {speaker}: {clips}, such as {}",
            actor.names[0]
        );
    }
    for skip in &audit.skipped {
        println!("skipped: {}: {}", skip.path.display(), skip.reason);
    }
    Ok(())
}

/// Prints `emotions      calm 192, happy 192`, or nothing if there are no counts.
fn tell<K: Display>(what: &str, counts: &BTreeMap<K, usize>) {
    if !counts.is_empty() {
        let counts: Vec<String> = counts.iter().map(|(key, n)| format!("{key} {n}")).collect();
        println!("{what:<13} {}", counts.join(", "));
    }
}
