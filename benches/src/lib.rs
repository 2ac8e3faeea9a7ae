//! The signals the benches share. They are synthetic: a bench must run on any machine.

use std::path::Path;

use ser_features::Waveform;

/// Mean length of a RAVDESS clip in seconds.
pub const SECONDS: f64 = 3.7;

/// A voice-like signal: harmonics of a moving pitch, with pauses and a little noise.
#[must_use]
pub fn voice(sample_rate: u32) -> Waveform {
    let rate = f64::from(sample_rate);
    let mut noise = 1_u32;
    let mut phase = 0.0;
    let samples = (0..(SECONDS * rate) as usize).map(|n| {
        let t = n as f64 / rate;
        phase += (140.0 + 30.0 * (4.0 * t).sin()) / rate;
        let harmonics: f64 = (1..20)
            .map(|k| (std::f64::consts::TAU * f64::from(k) * phase).sin() / f64::from(k))
            .sum();
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let loud = (2.0 * t).sin().max(0.0);
        (0.2 * loud * harmonics + 1e-3 * (f64::from(noise >> 16) / 32_768.0 - 1.0)) as f32
    });
    Waveform::new(samples.collect(), sample_rate)
}

/// Writes a signal as the 16-bit mono WAV file that RAVDESS clips are.
///
/// # Errors
/// hound's.
pub fn write_wav(path: &Path, waveform: &Waveform) -> hound::Result<()> {
    write_samples(path, waveform.sample_rate, waveform.samples.iter().copied())
}

/// As [`write_wav`], for a signal that need not be in memory.
///
/// # Errors
/// hound's.
pub fn write_samples(
    path: &Path,
    sample_rate: u32,
    samples: impl Iterator<Item = f32>,
) -> hound::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in samples {
        writer.write_sample((sample * 32_767.0) as i16)?;
    }
    writer.finalize()
}
