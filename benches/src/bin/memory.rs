//! Shows that memory depends neither on the number of files nor on their length: measures the peak of this process after 1000
//! generated files, after 100 000, and after one file of an hour. Prints one JSON object per line. Needs 2 GB for temporary files, and
//! Linux, which records the peak.
#![allow(clippy::print_stdout, reason = "printing these lines is its purpose")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use ser_benches::{json_line, voice, write_samples};
use ser_features::{FeatureConfig, FeatureExtractor, extract_files};

const FEW: usize = 1000;
const MANY: usize = 100_000;
/// Samples of a file: half a second at 16 kHz.
const SAMPLES: usize = 8000;
const HOUR: usize = 3600 * 48_000;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let extractor = FeatureExtractor::new(&FeatureConfig::default())?;
    for count in [FEW, MANY] {
        let paths = write_files(folder.path(), count);
        let done = AtomicUsize::new(0);
        extract_files(&extractor, &paths, |_, features| {
            done.fetch_add(usize::from(features.is_ok()), Ordering::Relaxed);
        });
        ensure!(done.into_inner() == count, "a file has no features");
        report(&format!("peak memory, {count} synthetic files of 0.5 s"))?;
    }

    let hour = folder.path().join("hour.wav");
    let voice = voice(48_000).samples;
    write_samples(&hour, 48_000, voice.into_iter().cycle().take(HOUR));
    let mut frames = 0;
    extractor.extract_file_in_pieces(&hour, |_, rows| {
        frames += rows.len() / extractor.config().coefficients();
        Ok(())
    })?;
    ensure!(frames > 155_000, "{frames} frames are no hour");
    report("peak memory, then one synthetic file of 60 min")
}

/// Writes files that are different stretches of the same voice.
fn write_files(folder: &Path, count: usize) -> Vec<PathBuf> {
    let voice = voice(16_000).samples;
    let write = |number: usize| {
        let path = folder.join(format!("{number}.wav"));
        if !path.exists() {
            let stretch = voice.iter().copied().cycle().skip(number % voice.len());
            write_samples(&path, 16_000, stretch.take(SAMPLES));
        }
        path
    };
    (0..count).map(write).collect()
}

/// Prints the largest resident set of this process so far.
fn report(job: &str) -> Result<()> {
    let status = fs::read_to_string("/proc/self/status").context("/proc, which only Linux has")?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .context("no VmHWM in /proc/self/status")?;
    let megabytes = kilobytes.parse::<f64>()? / 1024.0;
    let threads = rayon::current_num_threads();
    let value = (megabytes * 10.0).round() / 10.0;
    println!("{}", json_line(job, "ser", threads, "MB", value));
    Ok(())
}
