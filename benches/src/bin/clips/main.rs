//! Times real clips from file to coefficients, beside reference values: reading, decoding, and the Fourier transforms alone.
//!
//! `clips FOLDER` processes all WAV files of a folder, at 48 kHz as in RAVDESS, and prints the median of several rounds, a line of
//! JSON per job. Each job runs once in each round, so that a slow moment of the machine affects all of them. A first round is not
//! counted; after it, the files are in the page cache.
#![allow(clippy::print_stdout, reason = "the measured values are its output")]

mod floors;

use std::env;
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use floors::{BareFfts, PairedFfts};
use rayon::{ThreadPool, ThreadPoolBuilder};
use ser_audio::{Resampler, Waveform};
use ser_benches::{json_line, median, native, read_into, wav_files};
use ser_features::{
    FeatureConfig, FeatureExtractor, FeatureStore, Features, MelNorm, MelScale, Output,
    extract_files,
};

const ROUNDS: usize = 5;
const RATE: u32 = 48_000;
/// Jobs on samples in memory take every 17th clip, as the peers do. These clips are as long on average as all clips of RAVDESS, and
/// larger than a cache.
const STEP: usize = 17;

const MFCC: &str = "file to 40 MFCC, 48 kHz";

fn main() -> Result<()> {
    let folder = env::args().nth(1).context("usage: clips FOLDER")?;
    let paths = wav_files(Path::new(&folder))?;
    let decoded = decode(paths.iter().step_by(STEP))?;
    let pools = [(1, pool(1)?), (2, pool(2)?)];
    let extractors = [
        (MFCC, FeatureExtractor::new(&native())?),
        (
            "file to 40 MFCC, 22 050 Hz",
            FeatureExtractor::new(&FeatureConfig::default())?,
        ),
        (
            "file to 40 MFCC as Kaldi makes them, 48 kHz",
            FeatureExtractor::new(&like_kaldi())?,
        ),
    ];
    let log_mel = FeatureExtractor::new(&FeatureConfig {
        output: Output::LogMel,
        ..native()
    })?;

    let mut results = Results::default();
    let (mut bytes, mut clip) = (Vec::new(), Waveform::default());
    let (mut bare_ffts, mut paired_ffts) = (BareFfts::new(), PairedFfts::new());
    let mut resampler = Resampler::new(RATE, 22_050)?;
    let mut resampled = Vec::new();
    let (mut scratch, mut features) = (log_mel.scratch(), Features::default());
    for round in 0..=ROUNDS {
        if round == 1 {
            results = Results::default();
        }
        results.time(MFCC, "floor: read", &paths, |path| {
            bytes.clear();
            File::open(path)?.read_to_end(&mut bytes)?;
            Ok(())
        })?;
        results.time(MFCC, "floor: read, decode", &paths, |path| {
            read_into(path, &mut clip)?;
            Ok(())
        })?;
        let who = "floor: read, decode, a bare real FFT a frame";
        results.time(MFCC, who, &paths, |path| {
            read_into(path, &mut clip)?;
            bare_ffts.run(&clip.samples)
        })?;
        let who = "floor: read, decode, windowed FFT of two frames at once, power";
        results.time(MFCC, who, &paths, |path| {
            read_into(path, &mut clip)?;
            paired_ffts.run(&clip.samples);
            Ok(())
        })?;
        for (name, extractor) in &extractors {
            let mut times = [0.0; 2];
            for ((threads, pool), time) in pools.iter().zip(&mut times) {
                *time = extract(extractor, &paths, pool)?;
                results.add(name, "ser", *threads, "ms/clip", *time);
            }
            let name = format!("{name}: one thread's time over that of two");
            results.add(&name, "ser", 2, "×", times[0] / times[1]);
        }
        for (threads, pool) in &pools {
            let [first, second] = extract_twice(&extractors[0].1, &paths, pool)?;
            let name = "feature store, 40 MFCC, 48 kHz";
            results.add(
                &format!("{name}: first run"),
                "ser",
                *threads,
                "ms/clip",
                first,
            );
            results.add(
                &format!("{name}: second run"),
                "ser",
                *threads,
                "ms/clip",
                second,
            );
            let name = format!("{name}: second run's time in the first's");
            results.add(&name, "ser", *threads, "%", 100.0 * second / first);
        }
        results.time("resample 48 kHz to 22 050 Hz", "ser", &decoded, |clip| {
            resampler.process_into(&clip.samples, &mut resampled);
            black_box(&resampled);
            Ok(())
        })?;
        results.time("samples to 128 log-mel, 48 kHz", "ser", &decoded, |clip| {
            log_mel.extract_into(&clip.samples, &mut scratch, &mut features)?;
            Ok(())
        })?;
    }
    results.print();
    Ok(())
}

/// The values of each job, in the order of the jobs.
#[derive(Default)]
struct Results(Vec<(Job, Vec<f64>)>);

#[derive(PartialEq)]
struct Job {
    name: String,
    who: &'static str,
    threads: usize,
    unit: &'static str,
}

impl Results {
    fn add(
        &mut self,
        name: &str,
        who: &'static str,
        threads: usize,
        unit: &'static str,
        value: f64,
    ) {
        let job = Job {
            name: name.to_owned(),
            who,
            threads,
            unit,
        };
        match self.0.iter_mut().find(|(known, _)| *known == job) {
            Some((_, values)) => values.push(value),
            None => self.0.push((job, vec![value])),
        }
    }

    /// Does the work for each clip on this thread, and adds the time per clip.
    fn time<C>(
        &mut self,
        name: &str,
        who: &'static str,
        clips: &[C],
        mut work: impl FnMut(&C) -> Result<()>,
    ) -> Result<()> {
        let start = Instant::now();
        clips.iter().try_for_each(&mut work)?;
        self.add(name, who, 1, "ms/clip", milliseconds(start, clips.len()));
        Ok(())
    }

    fn print(self) {
        for (job, values) in self.0 {
            let value = median(values);
            let line = json_line(&job.name, job.who, job.threads, job.unit, value);
            println!("{line}");
        }
    }
}

fn milliseconds(start: Instant, clips: usize) -> f64 {
    1e3 * start.elapsed().as_secs_f64() / clips as f64
}

/// Computes the features of all files in a pool, and returns the time per file in milliseconds.
fn extract(extractor: &FeatureExtractor, paths: &[PathBuf], pool: &ThreadPool) -> Result<f64> {
    let done = AtomicUsize::new(0);
    let start = Instant::now();
    pool.install(|| {
        extract_files(extractor, paths, |_, features| {
            done.fetch_add(usize::from(black_box(features).is_ok()), Ordering::Relaxed);
        });
    });
    let time = milliseconds(start, paths.len());
    ensure!(
        done.into_inner() == paths.len(),
        "there is a file without features"
    );
    Ok(time)
}

/// Returns the times per file in milliseconds with a new store, and with the same store again.
fn extract_twice(
    extractor: &FeatureExtractor,
    paths: &[PathBuf],
    pool: &ThreadPool,
) -> Result<[f64; 2]> {
    let folder = tempfile::tempdir()?;
    let run = || -> Result<(f64, usize)> {
        let start = Instant::now();
        let counts = pool.install(|| {
            let store = FeatureStore::open(folder.path(), extractor)?;
            store.extract(paths, |_, features| {
                black_box(features.is_ok());
            })
        })?;
        Ok((milliseconds(start, paths.len()), counts.hits))
    };
    let (first, _) = run()?;
    let (second, hits) = run()?;
    ensure!(
        hits == paths.len(),
        "{hits} of {} files are in the store",
        paths.len()
    );
    Ok([first, second])
}

/// Returns a configuration with Kaldi's frames, bands and liftering, but not with its window.
fn like_kaldi() -> FeatureConfig {
    FeatureConfig {
        pre_emphasis: Some(0.97),
        win_length: Some(1200),
        hop_length: 480,
        center: false,
        mel_scale: MelScale::Htk,
        mel_norm: MelNorm::None,
        n_mels: 40,
        fmin: 20.0,
        top_db: None,
        lifter: 22.0,
        ..native()
    }
}

fn pool(threads: usize) -> Result<ThreadPool> {
    Ok(ThreadPoolBuilder::new().num_threads(threads).build()?)
}

fn decode<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<Vec<Waveform>> {
    paths
        .map(|path| {
            let clip = ser_audio::read(path)?;
            let found = clip.sample_rate;
            ensure!(
                found == RATE,
                "{} has {found} Hz, not {RATE}",
                path.display()
            );
            Ok(clip)
        })
        .collect()
}
