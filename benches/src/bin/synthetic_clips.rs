//! Writes 240 synthetic clips with the lengths and the format of RAVDESS clips, for machines without RAVDESS:
//! `synthetic_clips FOLDER`.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ser_benches::{voice, write_samples};

const CLIPS: usize = 240;
const RATE: u32 = 48_000;

fn main() -> Result<()> {
    let folder = env::args()
        .nth(1)
        .context("usage: synthetic_clips FOLDER")?;
    fs::create_dir_all(&folder)?;
    let voice = voice(RATE).samples;
    for clip in 0..CLIPS {
        // 3.0 to 4.4 s, each a different stretch of the same voice.
        let tenths = 30 + clip % 15;
        let stretch = voice.iter().copied().cycle().skip(clip * 700);
        let path = Path::new(&folder).join(format!("{clip:03}.wav"));
        write_samples(&path, RATE, stretch.take(tenths * RATE as usize / 10));
    }
    Ok(())
}
