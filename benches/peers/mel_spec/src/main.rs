//! Times the crate `mel_spec`: `peer-mel-spec FOLDER` takes every 17th WAV file of the folder, at 48 kHz as in RAVDESS,
//! and prints the median of several rounds as a line of JSON, as `clips` does for ours.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use mel_spec::mel::{BatchLogMelConfig, BatchLogMelSpectrogram};

const ROUNDS: usize = 5;
const STEP: usize = 17;
const RATE: u32 = 48_000;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: peer-mel-spec FOLDER")?;
    let mut paths = Vec::new();
    wav_files(Path::new(&folder), &mut paths)?;
    paths.sort();
    let clips: Vec<Vec<f32>> = paths
        .iter()
        .step_by(STEP)
        .map(|path| decode(path))
        .collect::<Result<_, _>>()?;
    let spectrogram = BatchLogMelSpectrogram::new(BatchLogMelConfig {
        sample_rate: RATE as usize,
        n_fft: 2048,
        win_length: 2048,
        hop_length: 512,
        n_mels: 128,
        ..BatchLogMelConfig::default()
    })?;
    let mut scratch = spectrogram.scratch();
    let mut times = Vec::new();
    for round in 0..=ROUNDS {
        let start = Instant::now();
        for samples in &clips {
            black_box(spectrogram.compute_flat_with_scratch(samples, &mut scratch)?);
        }
        if round > 0 {
            times.push(1e3 * start.elapsed().as_secs_f64() / clips.len() as f64);
        }
    }
    times.sort_by(f64::total_cmp);
    let value = times[ROUNDS / 2];
    println!(
        r#"{{"job": "samples to 128 log-mel, 48 kHz", "who": "mel_spec 0.5.0", "threads": 1, "unit": "ms/clip", "value": {value}}}"#
    );
    Ok(())
}

fn wav_files(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            wav_files(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "wav") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Reads the first channel of a clip. The crate takes only one channel, and a few clips have two.
fn decode(path: &Path) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut reader = hound::WavReader::open(path)?;
    let spec = reader.spec();
    if spec.sample_rate != RATE || spec.bits_per_sample != 16 {
        return Err(format!("{}: expected 16 bits at {RATE} Hz", path.display()).into());
    }
    reader
        .samples::<i16>()
        .step_by(usize::from(spec.channels))
        .map(|sample| Ok(f32::from(sample?) / 32_768.0))
        .collect()
}
