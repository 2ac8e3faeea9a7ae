//! Writes WAV files for the examples.

use anyhow::{Context, Result};
use hound::{SampleFormat, WavSpec, WavWriter};
use ser_audio::Waveform;

/// Writes the samples as floats, so that nothing is clipped or rounded.
pub fn write(path: &str, sound: &Waveform) -> Result<()> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: sound.sample_rate,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let mut writer = WavWriter::create(path, spec).with_context(|| path.to_owned())?;
    for sample in &sound.samples {
        writer.write_sample(*sample)?;
    }
    Ok(writer.finalize()?)
}
