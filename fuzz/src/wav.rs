//! Properties that must hold for any bytes that are read as a WAV file.

use std::path::Path;
use std::sync::LazyLock;

use ser_audio::{Waveform, decode_wav};
use ser_features::{Error, FeatureConfig, FeatureExtractor};

/// Number of samples from which on features are extracted too: one frame of the default configuration.
const ENOUGH: usize = 2048;

static EXTRACTOR: LazyLock<FeatureExtractor> =
    LazyLock::new(|| FeatureExtractor::new(&FeatureConfig::default()).unwrap());

/// Decodes the bytes, and extracts the default features of the samples.
///
/// # Panics
/// The decoder or the extractor violates a property.
pub fn check(data: &[u8]) {
    let mut waveform = Waveform::default();
    let Ok(info) = decode_wav(data, Path::new("fuzz.wav"), &mut waveform) else {
        return;
    };
    let samples = &waveform.samples;
    assert!(samples.iter().all(|sample| sample.is_finite()));
    assert_eq!(info.frames, samples.len() as u64);
    assert_eq!(info.sample_rate, waveform.sample_rate);
    assert!(info.sample_rate > 0 && info.channels > 0);
    assert!(matches!(info.bits_per_sample, 8 | 16 | 24 | 32));
    assert!(info.duration().is_finite());
    // A sample takes at least one byte of the file, and a vector at most doubles as it grows.
    assert!(samples.len() <= data.len());
    assert!(samples.capacity() <= 2 * data.len() + 8);

    if samples.len() < ENOUGH {
        return;
    }
    let config = EXTRACTOR.config();
    match EXTRACTOR.extract(&waveform) {
        Ok(features) => {
            let scaled = info.frames * u64::from(config.sample_rate);
            let resampled = scaled.div_ceil(u64::from(info.sample_rate));
            assert_eq!(features.frames(), config.frames(resampled as usize));
            assert_eq!(features.coefficients(), config.coefficients());
            assert!(features.as_slice().iter().all(|value| value.is_finite()));
        }
        Err(Error::Audio(ser_audio::Error::Resample { .. }) | Error::TooShort { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}
