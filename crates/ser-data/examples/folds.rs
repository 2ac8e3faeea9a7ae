//! Writes the splits of a protocol as a CSV table: for each split, how many clips of each speaker are in training,
//! validation and test.
//!
//! `cargo run --release -p ser-data --example folds -- ravdess/ folds-a folds.csv`

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use ser_data::{Corpus, Protocol, Scan};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data, protocol, table] = &args[..] else {
        let known = Protocol::ALL.map(Protocol::as_str).join(", ");
        bail!("usage: folds FOLDER|MANIFEST.csv PROTOCOL OUT.csv; PROTOCOL is one of {known}");
    };
    let protocol: Protocol = protocol.parse()?;
    let Scan { corpus, .. } = Corpus::load(data)?;

    let mut csv = csv::Writer::from_path(table)?;
    csv.write_record(["split", "part", "speaker", "clips"])?;
    for split in protocol.splits(&corpus, 0)? {
        let parts = [
            ("train", split.train()),
            ("validation", split.validation()),
            ("test", split.test()),
        ];
        for (part, clips) in parts {
            let mut speakers: BTreeMap<&str, usize> = BTreeMap::new();
            for &clip in clips {
                *speakers.entry(&corpus.clips()[clip].speaker).or_default() += 1;
            }
            for (speaker, n) in &speakers {
                csv.write_record([split.name(), part, speaker, &n.to_string()])?;
            }
            let names: Vec<&str> = speakers.into_keys().collect();
            let (split, n) = (split.name(), clips.len());
            println!("{split:<14} {part:<10} {n:>5} clips of {}", names.join(" "));
        }
    }
    csv.flush()?;
    if !protocol.is_speaker_disjoint() {
        println!("{protocol} tests speakers that training has heard: its figures are optimistic");
    }
    Ok(())
}
