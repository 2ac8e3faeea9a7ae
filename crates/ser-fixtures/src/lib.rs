#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, clippy::print_stderr)] // only tests call it

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hound::{Sample, SampleFormat, WavSpec, WavWriter};

/// The folder of the clips of RAVDESS, which `SER_RAVDESS` names; without it, says that a test skips.
pub fn ravdess() -> Option<PathBuf> {
    folder("SER_RAVDESS")
}

/// The folder of the same clips as FLAC, which `SER_RAVDESS_FLAC` names; without it, says that a test skips.
pub fn ravdess_flac() -> Option<PathBuf> {
    folder("SER_RAVDESS_FLAC")
}

fn folder(variable: &str) -> Option<PathBuf> {
    let folder = named(std::env::var_os(variable));
    if folder.is_none() {
        eprintln!("skipped: {variable} names no folder with the clips of RAVDESS");
    }
    folder
}

/// A variable that is set to nothing names no folder.
fn named(value: Option<OsString>) -> Option<PathBuf> {
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Writes a mono WAV file of samples as floats of 32 bits.
///
/// # Panics
/// The file cannot be written.
pub fn write_wav_f32(path: &Path, sample_rate: u32, samples: impl IntoIterator<Item = f32>) {
    write(path, sample_rate, 32, SampleFormat::Float, samples);
}

/// Writes a mono WAV file of samples of 16 bits.
///
/// # Panics
/// The file cannot be written.
pub fn write_wav(path: &Path, sample_rate: u32, samples: impl IntoIterator<Item = i16>) {
    write(path, sample_rate, 16, SampleFormat::Int, samples);
}

fn write(
    path: &Path,
    sample_rate: u32,
    bits_per_sample: u16,
    sample_format: SampleFormat,
    samples: impl IntoIterator<Item = impl Sample>,
) {
    let spec = WavSpec {
        channels: 1,
        sample_rate,
        bits_per_sample,
        sample_format,
    };
    let mut writer = WavWriter::create(path, spec).unwrap();
    for sample in samples {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_names_no_folder() {
        assert_eq!(named(None), None);
        assert_eq!(named(Some("".into())), None);
        assert_eq!(named(Some("clips".into())), Some("clips".into()));
    }
}
