//! Writes longer recordings and their manifest, `joined.csv`: clips of one speaker and emotion, one after the other, as recorded
//! or without their pauses.
//!
//! `cargo run --release -p ser-experiment --example joined_recordings -- DATA CLIPS as-recorded|without-pauses OUT`

#![allow(clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use rayon::prelude::*;
use ser_data::{Clip, Corpus};
use ser_fixtures::write_wav_f32;

use joined::{groups, joined};

mod joined;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, count, pauses, out] = &arguments[..] else {
        bail!(
            "expected DATA, the number of clips in a recording, as-recorded or without-pauses, and OUT"
        );
    };
    let (count, out) = (count.parse::<usize>()?.max(1), Path::new(out));
    let with_pauses = match pauses.as_str() {
        "as-recorded" => true,
        "without-pauses" => false,
        _ => bail!("expected as-recorded or without-pauses, found {pauses}"),
    };
    let corpus = Corpus::load(data)?.corpus;
    let (mut manifest, mut recordings) = ("path,emotion,speaker\n".to_owned(), Vec::new());
    let groups = groups(&corpus);
    for ((speaker, emotion), clips) in &groups {
        for (number, clips) in clips.chunks_exact(count).enumerate() {
            let name = format!("{speaker}-{emotion}-{number}.wav");
            manifest += &format!("{name},{emotion},{speaker}\n");
            recordings.push((out.join(name), clips));
        }
    }
    fs::create_dir_all(out)?;
    let write = |(path, clips): &(PathBuf, &[&Clip])| -> Result<()> {
        let sound = joined(clips, with_pauses)?;
        write_wav_f32(path, sound.sample_rate, sound.samples);
        Ok(())
    };
    recordings.par_iter().try_for_each(write)?;
    fs::write(out.join("joined.csv"), manifest)?;
    println!("{} recordings in {}", recordings.len(), out.display());
    Ok(())
}
