//! The recordings that are sent to the service.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use ser_audio::Resampler;
use ser_benches::wav_files;

/// A recording, as a file and as its bytes.
pub struct Clip {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

/// Reads `count` of the WAV files below a folder, evenly spread, or all if there are fewer.
pub fn clips(folder: &Path, count: usize) -> Result<Vec<Clip>> {
    let files = wav_files(folder)?;
    let step = (files.len() / count).max(1);
    let read = |path: PathBuf| {
        let bytes = fs::read(&path)?;
        Ok(Clip { path, bytes })
    };
    files
        .into_iter()
        .step_by(step)
        .take(count)
        .map(read)
        .collect()
}

/// Returns the samples of clips one after another, as 16-bit integers at a sampling rate.
pub fn samples(clips: &[&Clip], rate: u32) -> Result<Vec<i16>> {
    let mut all = Vec::new();
    let mut resampled = Vec::new();
    for clip in clips {
        let sound = ser_audio::read(&clip.path)?;
        Resampler::new(sound.sample_rate, rate)?.process_into(&sound.samples, &mut resampled);
        all.extend(resampled.iter().map(|x| (x * 32_767.0) as i16));
    }
    Ok(all)
}
