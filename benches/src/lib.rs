//! The common code of the benches: synthetic signals, since a bench must run on any machine, and the line for a measured
//! value.

mod cost;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use ser_audio::{AudioStream, Waveform};
use ser_features::FeatureConfig;

pub use cost::{Cost, cost, most_memory};

/// Mean length of a RAVDESS clip in seconds.
pub const SECONDS: f64 = 3.7;

/// Returns a voice-like signal: harmonics of a moving pitch, with pauses and a little noise.
#[must_use]
pub fn voice(sample_rate: u32) -> Waveform {
    let rate = f64::from(sample_rate);
    let mut noise = 1_u32;
    let mut phase = 0.0;
    let samples = (0..(SECONDS * rate) as usize).map(|n| {
        let t = n as f64 / rate;
        phase += (140.0 + 30.0 * (4.0 * t).sin()) / rate;
        // Uses sin(kx) = 2·cos(x)·sin((k−1)x) − sin((k−2)x), because a program whose instructions are counted must not
        // spend most of them on its input.
        let (sine, cosine) = (std::f64::consts::TAU * phase).sin_cos();
        let (mut before, mut harmonic, mut harmonics) = (0.0, sine, 0.0);
        for k in 1..20 {
            harmonics += harmonic / f64::from(k);
            (before, harmonic) = (harmonic, 2.0 * cosine * harmonic - before);
        }
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let loud = (2.0 * t).sin().max(0.0);
        (0.2 * loud * harmonics + 1e-3 * (f64::from(noise >> 16) / 32_768.0 - 1.0)) as f32
    });
    Waveform::new(samples.collect(), sample_rate)
}

/// Returns the configuration of 40 MFCC, librosa's defaults, at the sampling rate of RAVDESS.
#[must_use]
pub fn native() -> FeatureConfig {
    FeatureConfig {
        sample_rate: 48_000,
        ..FeatureConfig::default()
    }
}

/// Reads a recording into `waveform`, replacing its content but keeping its memory.
///
/// # Errors
/// The errors of [`AudioStream`].
pub fn read_into(path: &Path, waveform: &mut Waveform) -> ser_audio::Result<()> {
    let mut stream = AudioStream::open(path)?;
    waveform.sample_rate = stream.sample_rate();
    waveform.samples.clear();
    while stream.next_block(&mut waveform.samples)? {}
    Ok(())
}

/// Writes a signal as a 16-bit mono WAV file, like the clips of RAVDESS.
///
/// # Panics
/// The file cannot be written.
pub fn write_wav(path: &Path, waveform: &Waveform) {
    write_samples(path, waveform.sample_rate, waveform.samples.iter().copied());
}

/// Writes a signal like [`write_wav`], but the signal need not be in memory.
///
/// # Panics
/// The file cannot be written.
pub fn write_samples(path: &Path, sample_rate: u32, samples: impl Iterator<Item = f32>) {
    let samples = samples.map(|sample| (sample * 32_767.0) as i16);
    ser_fixtures::write_wav(path, sample_rate, samples);
}

/// Waits until a feature store trusts the time of files that were just written.
pub fn wait_until_old() {
    std::thread::sleep(Duration::from_secs(3));
}

/// Returns the WAV files anywhere below a folder, by name.
///
/// # Errors
/// The folder cannot be read, or has no WAV files.
pub fn wav_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = ser_audio::recordings(folder).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wav"));
    ensure!(
        !paths.is_empty(),
        "there is no WAV file under {}",
        folder.display()
    );
    Ok(paths)
}

/// Formats a measured value as one line of JSON, as all measuring programs print it: the job, the program, the number of threads, the
/// unit and the value.
#[must_use]
pub fn json_line(job: &str, who: &str, threads: usize, unit: &str, value: f64) -> String {
    serde_json::json!({"job": job, "who": who, "threads": threads, "unit": unit, "value": value})
        .to_string()
}

/// Returns the median of the values; the upper of the two middle values if their number is even.
///
/// # Panics
/// There are no values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
