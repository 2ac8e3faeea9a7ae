//! Signals, reference files and features that several tests need.

use std::path::{Path, PathBuf};

use ser_audio::Waveform;
use ser_features::{FeatureConfig, FeatureExtractor, Features, Result};

/// Returns the path of a file that belongs to librosa's arrays at this sampling rate.
pub fn reference(rate: u32, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/reference/sr{rate}/{name}"))
}

/// Returns the signal of librosa's arrays at this sampling rate.
pub fn clip(rate: u32) -> Waveform {
    let clip = ser_audio::read(reference(rate, "clip.wav")).unwrap();
    assert_eq!(clip.sample_rate, rate);
    clip
}

/// Returns white noise from −1 to 1.
pub fn noise(length: usize, seed: u32) -> impl Iterator<Item = f32> {
    let mut state = seed;
    (0..length).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
}

/// Writes samples from −1 to 1 as a 16-bit WAV file.
pub fn write_wav(path: &Path, samples: &[f32], sample_rate: u32) {
    let samples = samples.iter().map(|sample| (sample * 32_767.0) as i16);
    ser_fixtures::write_wav(path, sample_rate, samples);
}

pub fn extract(config: &FeatureConfig, samples: &[f32]) -> Features {
    try_extract(config, samples).unwrap()
}

pub fn try_extract(config: &FeatureConfig, samples: &[f32]) -> Result<Features> {
    let extractor = FeatureExtractor::new(config).unwrap();
    let mut features = Features::default();
    extractor.extract_into(samples, &mut extractor.scratch(), &mut features)?;
    Ok(features)
}
