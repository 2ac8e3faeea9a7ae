//! The command `ser index`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use ser_data::{Audit, Corpus, LabelMap, Scan, Skip};
use ser_experiment::Skipped;

use crate::Outcome;
use crate::args::IndexArgs;
use crate::output::{SYNTHETIC, in_words, plain, table};

pub fn run(args: &IndexArgs, json: bool) -> Result<Outcome> {
    if let Some(out) = &args.out {
        let read: Vec<&Path> = args.data.iter().map(PathBuf::as_path).collect();
        ser_files::may_write(out, &read)?;
    }
    let Scan { corpus, audit } =
        Corpus::load_all(&args.root.of_each(&args.data), &LabelMap::new())?;
    if let Some(out) = &args.out {
        corpus.write_manifest(out)?;
    }
    if json {
        println!("{}", serde_json::to_string(&audit)?);
    } else {
        print(&audit);
        if let Some(out) = &args.out {
            println!("manifest: {}", out.display());
        }
    }
    Ok(Outcome::of(&Skipped::of_audit(&audit)))
}

fn print(audit: &Audit) {
    if let Some(known) = audit.known.filter(|_| !audit.synthetic) {
        let (title, all) = (known.title, known.recordings);
        println!(
            "{title}: {} of {all} recordings; licence: {}",
            audit.clips, known.licence
        );
    }
    let minutes = audit.seconds / 60.0;
    println!(
        "{}, {minutes:.1} minutes, {}",
        in_words(audit.clips, "clip"),
        in_words(audit.speakers.len(), "speaker")
    );
    if audit.synthetic {
        println!("{SYNTHETIC}");
    }
    counts("emotion", &audit.emotions);
    counts("speaker", &audit.speakers);
    counts("gender", &audit.genders);
    counts("intensity", &audit.intensities);
    counts("sampling rate (Hz)", &audit.sample_rates);
    list("stereo, mixed down to mono", &audit.stereo);
    list(
        "with another sampling rate than most",
        &audit.odd_sample_rates,
    );
    let duplicates: Vec<String> = audit
        .duplicates
        .iter()
        .map(|group| group.join(" = "))
        .collect();
    list(
        "with the same audio under several names, kept in the same part of every split",
        &duplicates,
    );
    list(
        "whose sentence is spoken in only one emotion, so that the words reveal it; `shared_sentences = true` in the [task] \
         table of a recipe leaves them out",
        &audit.sentence_bound,
    );
    // The missing clips of an actor without any clips are not listed one by one.
    let (some, none): (Vec<_>, Vec<_>) = audit
        .missing
        .iter()
        .flatten()
        .partition(|missing| audit.speakers.contains_key(&missing.speaker));
    if !none.is_empty() && !some.is_empty() {
        let none: Vec<&str> = none
            .iter()
            .map(|missing| missing.speaker.as_str())
            .collect();
        println!("no clips of the actors {}", none.join(", "));
    }
    for missing in some {
        let what = format!("missing from actor {}", missing.speaker);
        list(&what, &missing.names);
    }
    let told = |skips: &[Skip]| -> Vec<String> {
        let told = skips.iter();
        told.map(|skip| format!("{}: {}", skip.path.display(), skip.reason))
            .collect()
    };
    list("damaged, but used", &told(&audit.damaged));
    list("skipped", &told(&audit.skipped));
}

fn counts<K: std::fmt::Display>(what: &str, counts: &BTreeMap<K, usize>) {
    if !counts.is_empty() {
        let rows = counts
            .iter()
            .map(|(key, n)| vec![plain(&key.to_string()), n.to_string()]);
        println!("{}", table(&[what, "clips"], rows));
    }
}

fn list(what: &str, entries: &[String]) {
    /// Number of entries that are printed; the rest is only counted. The JSON output has all of them.
    const NAMED: usize = 20;
    if entries.is_empty() {
        return;
    }
    println!("{} {what}:", entries.len());
    for entry in entries.iter().take(NAMED) {
        println!("  {}", plain(entry));
    }
    if entries.len() > NAMED {
        println!("  … and {} more (--json lists all)", entries.len() - NAMED);
    }
}
