//! Compares functionals with slow and obvious ones in double precision, computed from the log-mel levels and F0 that
//! the chain gives for the same signal, and checks what holds for any clip.

mod slow;

use std::collections::HashSet;

use proptest::prelude::*;
use ser_features::{
    Extra, FeatureConfig, FeatureExtractor, FeatureStore, Features, MelNorm, MelScale, Output,
    PadMode,
};

use crate::signals::{extract, noise, write_wav};

const RATE: u32 = 16_000;

fn config() -> FeatureConfig {
    FeatureConfig {
        sample_rate: RATE,
        n_fft: 1024,
        hop_length: 160,
        n_mels: 42,
        n_mfcc: 25,
        output: Output::Functionals,
        extras: Extra::VOICE.to_vec(),
        ..FeatureConfig::default()
    }
}

/// Returns the value of this name among the functionals of [`config`].
fn value(values: &Features, name: &str) -> f32 {
    let names = config().coefficient_names();
    values.row(0)[names.iter().position(|n| n == name).unwrap()]
}

/// Returns syllables of a gliding voice with noise between them.
fn speech(length: usize) -> Vec<f32> {
    speech_at(140.0, length)
}

/// Returns the same at another pitch in Hz.
fn speech_at(pitch: f32, length: usize) -> Vec<f32> {
    let mut turn = 0.0_f32;
    noise(length, 5)
        .enumerate()
        .map(|(n, noise)| {
            let t = n as f32 / RATE as f32;
            turn = (turn + (pitch + 40.0 * (1.3 * t).sin()) / RATE as f32).fract();
            let syllable = (8.0 * t).sin().max(0.0) * (0.6 + 0.4 * (0.9 * t).cos());
            let voice: f32 = (1..9)
                .map(|k| (std::f32::consts::TAU * turn * k as f32).sin() / k as f32)
                .sum();
            0.2 * syllable * voice + 0.004 * noise
        })
        .collect()
}

/// The lengths: one frame, two, lengths around thirds and quantiles, more than a planned transform, and more than
/// a segment of the chain. In the higher voice, `h1_a1` is 0 dB in some frames.
#[test]
fn every_value_is_what_its_definition_says() {
    let with_voice = config();
    let with_f0 = FeatureConfig {
        n_fft: 512,
        extras: vec![Extra::F0],
        ..config()
    };
    let other = FeatureConfig {
        hop_length: 200,
        n_mels: 24,
        n_mfcc: 13,
        mel_scale: MelScale::Htk,
        mel_norm: MelNorm::None,
        top_db: None,
        relative_level: false,
        extras: Vec::new(),
        ..config()
    };
    for (config, lengths) in [
        (with_voice, &[1, 2, 3, 4, 6, 11, 40, 300, 4500][..]),
        (with_f0, &[1, 7, 300]),
        (other, &[1, 5, 300]),
    ] {
        for &frames in lengths {
            let pitch = if frames % 2 == 0 { 310.0 } else { 140.0 };
            let samples = speech_at(pitch, (frames - 1) * config.hop_length + 20);
            let rows = FeatureConfig {
                output: Output::LogMel,
                ..config.clone()
            };
            let rows = extract(&rows, &samples);
            assert_eq!(rows.frames(), frames);
            let expected = slow::functionals(&config, &rows);
            let ours = extract(&config, &samples);
            assert_eq!((ours.frames(), ours.coefficients()), (1, expected.len()));
            let ours = config.coefficient_names().into_iter().zip(ours.into_vec());
            for ((name, value), (expected_name, expected)) in ours.zip(expected) {
                assert_eq!(name, expected_name);
                assert!(
                    (f64::from(value) - expected).abs() <= 2e-4 * (1.0 + expected.abs()),
                    "{name} of {frames} frames: {value}, not {expected}"
                );
            }
        }
    }
}

/// The signal must have what the values measure, or the agreement above would mean little.
#[test]
fn the_test_signal_has_a_melody_and_syllables() {
    let values = extract(&config(), &speech(48_000));
    let value = |name: &str| value(&values, name);
    assert!((0.2..0.9).contains(&value("voiced_share")));
    assert!((4.6..5.3).contains(&value("log_f0_mean")));
    assert!(value("log_f0_std") > 0.05);
    // 8 radians per second are 1.3 syllables.
    let slow = value("log_energy_modulation_0.3_to_1.5_hz");
    assert!(slow > value("log_energy_modulation_8_to_13_hz") + 3.0);
}

/// `h1_a1` is 0 dB where the first harmonic lies above 300 Hz and is the highest level up to 1000 Hz. In a lower voice
/// of this kind, which has harmonics that fall by 6 dB per octave, it is above 0 dB.
#[test]
fn a_level_difference_of_0_db_counts() {
    let (config, samples) = (config(), speech_at(310.0, 48_000));
    let rows = FeatureConfig {
        output: Output::LogMel,
        ..config.clone()
    };
    let names = rows.coefficient_names();
    let rows = extract(&rows, &samples);
    let [h1_a1, f0] = ["h1_a1", "f0"].map(|name| names.iter().position(|n| n == name).unwrap());
    let frames = (0..rows.frames()).map(|frame| rows.row(frame));
    let (zero, other): (Vec<f32>, Vec<f32>) = frames
        .filter(|row| row[f0] > 0.0)
        .map(|row| row[h1_a1])
        .partition(|&value| value == 0.0);
    assert!(zero.len() > 20 && other.len() > 20, "{zero:?} {other:?}");

    let values = extract(&config, &samples);
    let [median, highest] = ["h1_a1_q50", "h1_a1_q95"].map(|name| value(&values, name));
    assert!(median == 0.0 && highest > 1.0, "{median} {highest}");
}

#[test]
fn every_value_has_a_name_of_its_own() {
    for (extras, count) in [
        (config().extras, 1112),
        (vec![Extra::F0], 1007),
        (Vec::new(), 881),
    ] {
        let config = FeatureConfig { extras, ..config() };
        let names = config.coefficient_names();
        assert_eq!((names.len(), config.coefficients()), (count, count));
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), count);
        assert_eq!(extract(&config, &speech(8000)).coefficients(), count);
    }
}

#[test]
fn how_loud_a_recording_is_changes_nothing() {
    let samples = speech(32_000);
    let expected = extract(&config(), &samples);
    for gain in [0.1, 10.0] {
        let louder: Vec<f32> = samples.iter().map(|x| gain * x).collect();
        let ours = extract(&config(), &louder);
        let names = config().coefficient_names();
        for ((name, a), b) in names.iter().zip(ours.row(0)).zip(expected.row(0)) {
            let tolerance = 1e-3 * (1.0 + b.abs());
            assert!((a - b).abs() <= tolerance, "{name} x {gain}: {a}, not {b}");
        }
    }
}

#[test]
fn silence_has_no_shape_that_changes() {
    let silence = extract(&config(), &[0.0; 8000]);
    let names = config().coefficient_names();
    for (name, &value) in names.iter().zip(silence.row(0)) {
        if name.contains("std") || name.contains("third") || name.contains("f0") {
            assert!(value.abs() < 1e-4, "{name}: {value}");
        }
        if name.contains("modulation") {
            assert!((value - 1e-3_f32.ln()).abs() < 1e-3, "{name}: {value}");
        }
    }
}

/// A file of more than one segment of the chain, which is resampled.
#[test]
fn a_file_is_one_piece_with_one_row_and_a_store_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    write_wav(&path, &speech(50 * RATE as usize), RATE);
    let config = FeatureConfig {
        semitones: 1.0,
        ..config()
    };
    let extractor = FeatureExtractor::new(&config).unwrap();
    let whole = extractor.extract(&ser_audio::read(&path).unwrap()).unwrap();
    let names = config.coefficient_names();
    let frames = names.iter().position(|name| name == "frames").unwrap();
    assert!(whole.row(0)[frames] > 4096.0);

    let mut pieces = Vec::new();
    extractor
        .extract_file_in_pieces(&path, |first, rows| {
            pieces.push((first, rows.to_vec()));
            Ok(())
        })
        .unwrap();
    assert!(pieces == [(0, whole.as_slice().to_vec())]);

    let store = FeatureStore::open(folder.path().join("store"), &extractor).unwrap();
    for hits in [0, 1] {
        let counts = store
            .extract(&[&path], |_, features| assert!(features.unwrap() == whole))
            .unwrap();
        assert_eq!((counts.hits, counts.failed), (hits, 0));
    }
}

#[test]
fn buffers_keep_nothing_of_the_clip_before() {
    let extractor = FeatureExtractor::new(&config()).unwrap();
    let mut scratch = extractor.scratch();
    let mut reused = Features::default();
    for length in [60_000, 400, 9000] {
        let samples = speech(length);
        extractor
            .extract_into(&samples, &mut scratch, &mut reused)
            .unwrap();
        assert_eq!(reused, extract(&config(), &samples));
    }
}

fn odd_signal() -> impl Strategy<Value = Vec<f32>> {
    let length = prop_oneof![1..4_usize, 1..6000_usize];
    (length, 0..5, -38..38_i32, any::<u32>()).prop_map(|(length, kind, exponent, seed)| {
        let scale = 10f32.powi(exponent);
        let wave = noise(length, seed)
            .enumerate()
            .map(|(n, noise)| match kind {
                0 => 0.0,
                1 => 1.0,
                2 if n == length / 2 => 1.0,
                2 => 0.0,
                3 if n < length / 2 => 0.0,
                3 => (0.08 * n as f32).sin(),
                _ => noise,
            });
        wave.map(|x| scale * x).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_value_is_finite(
        samples in odd_signal(),
        top_db in prop_oneof![Just(None), Just(Some(0.0)), Just(Some(80.0))],
        power in prop_oneof![Just(1.0), Just(2.0)],
        amin in prop_oneof![Just(1.2e-38), Just(1e-10), Just(1e30)],
        reference in prop_oneof![Just(1e-30), Just(1.0), Just(1e30)],
        (hop_length, n_mels) in (1..3000_usize, 24..200_usize),
    ) {
        let config = FeatureConfig {
            top_db,
            power,
            amin,
            reference,
            hop_length,
            n_mels,
            n_mfcc: 20,
            pad_mode: PadMode::Edge,
            ..config()
        };
        let values = extract(&config, &samples);
        for (name, value) in config.coefficient_names().iter().zip(values.row(0)) {
            prop_assert!(value.is_finite(), "{name}: {value}");
        }
    }
}
