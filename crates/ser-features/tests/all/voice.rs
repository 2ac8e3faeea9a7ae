//! Checks harmonics and formants on synthetic voices with known values.

use std::f64::consts::TAU;

use ser_features::{Error, Extra, FeatureConfig, FormantScratch, Formants, Output};

use crate::signals::{extract, noise};

const RATE: u32 = 16_000;

/// Returns half a second of the harmonics of `hz` up to 7 kHz, each with its level in dB.
fn harmonics(hz: f64, level: impl Fn(usize) -> f64) -> Vec<f32> {
    let count = (7000.0 / hz) as usize;
    (0..RATE as usize / 2)
        .map(|n| {
            let turn = TAU * hz * n as f64 / f64::from(RATE);
            let sum: f64 = (1..=count)
                .map(|k| 10f64.powf(level(k) / 20.0) * (turn * k as f64 + (k * k) as f64).sin())
                .sum();
            (0.05 * sum) as f32
        })
        .collect()
}

/// Returns pulses at `hz` Hz, weaker by 6 dB per octave as those of a throat are at the mouth, through
/// resonances `(frequency, bandwidth)`.
fn vowel(rate: u32, hz: f64, resonances: &[(f64, f64)]) -> Vec<f32> {
    let rate = f64::from(rate);
    let period = (rate / hz).round() as usize;
    let mut sound: Vec<f64> = (0..(rate / 2.0) as usize)
        .map(|n| f64::from(u8::from(n % period == 0)))
        .collect();
    for n in 1..sound.len() {
        sound[n] += 0.97 * sound[n - 1];
    }
    for (frequency, bandwidth) in resonances {
        let r = (-std::f64::consts::PI * bandwidth / rate).exp();
        let cosine = (TAU * frequency / rate).cos();
        for n in 2..sound.len() {
            sound[n] += 2.0 * r * cosine * sound[n - 1] - r * r * sound[n - 2];
        }
    }
    let peak = sound.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
    sound.iter().map(|x| (x / peak) as f32).collect()
}

/// Returns the rows of one extra in the middle frame.
fn middle(extra: Extra, samples: &[f32]) -> Vec<f32> {
    let config = FeatureConfig {
        sample_rate: RATE,
        n_fft: 1024,
        hop_length: 256,
        n_mels: 24,
        output: Output::LogMel,
        extras: vec![extra],
        ..FeatureConfig::default()
    };
    let features = extract(&config, samples);
    features.row(features.frames() / 2)[24..].to_vec()
}

#[test]
fn levels_of_harmonics_are_those_they_were_made_with() {
    for hz in [90.0, 140.0, 220.0, 310.0] {
        // 9 dB per octave.
        let level = |k: usize| -9.0 * (k as f64).log2();
        let rows = middle(Extra::Harmonics, &harmonics(hz, level));
        // The peak of a harmonic that lies between two bins is up to 1.4 dB lower.
        assert!((rows[0] - 9.0).abs() < 2.0, "h1_h2 of {hz}: {}", rows[0]);
        assert!((rows[1] - 9.0).abs() < 2.0, "h2_h4 of {hz}: {}", rows[1]);
        for (row, range) in rows[2..5].iter().zip([300.0..1e3, 1e3..2.5e3, 2.5e3..4e3]) {
            // The lowest harmonic of a range has the highest level.
            let k = (range.start / hz).ceil();
            let expected = 9.0 * k.log2();
            let error = (f64::from(*row) - expected).abs();
            assert!(error < 3.0, "{range:?} of {hz}: {row}, not {expected}");
        }
    }
}

#[test]
fn noise_lowers_the_ratio_of_harmonics_to_noise_where_it_is() {
    let tilt = |k: usize| -6.0 * (k as f64).log2();
    let voice = harmonics(150.0, tilt);
    let clear = middle(Extra::Harmonics, &voice);
    let mut before = clear.clone();
    for gain in [0.01, 0.03, 0.1] {
        let hoarse: Vec<f32> = voice
            .iter()
            .zip(noise(voice.len(), 7))
            .map(|(x, n)| x + gain * n)
            .collect();
        let rows = middle(Extra::Harmonics, &hoarse);
        for (row, before) in rows[5..].iter().zip(&before[5..]) {
            assert!(row < before, "{gain}: {row} {before}");
        }
        before = rows;
    }
    assert!(clear[5..].iter().all(|&ratio| ratio > 20.0), "{clear:?}");

    // A voice that is noise above 3 kHz, and clear below.
    let half: Vec<f32> = harmonics(150.0, |k| if k <= 20 { tilt(k) } else { -80.0 })
        .iter()
        .zip(noise(RATE as usize, 7))
        .map(|(x, n)| x + 0.001 * n)
        .collect();
    let rows = middle(Extra::Harmonics, &half);
    assert!(rows[5] > 15.0 && rows[6] > 15.0, "{rows:?}");
    assert!(rows[7] < 6.0, "{rows:?}");
}

#[test]
fn formants_of_vowels_are_found_at_every_rate() {
    // Average vowels of Peterson & Barney (1952).
    let vowels = [
        [270.0, 2290.0, 3010.0],
        [730.0, 1090.0, 2440.0],
        [300.0, 870.0, 2240.0],
        [530.0, 1840.0, 2480.0],
    ];
    for rate in [10_000, 16_000, 22_050, 48_000] {
        let plan = Formants::new(rate).unwrap();
        for frequencies in vowels {
            let made: Vec<(f64, f64)> = frequencies
                .into_iter()
                .zip([60.0, 90.0, 120.0])
                .chain([(3600.0, 200.0), (4500.0, 300.0)])
                .collect();
            let sound = vowel(rate, 100.0, &made);
            let found = plan.find(&sound, sound.len() / 2, &mut FormantScratch::default());
            let found = found.unwrap();
            for (formant, (frequency, bandwidth)) in found.iter().zip(made) {
                let what = format!("{frequency} Hz at {rate}: {formant:?}");
                let error = (f64::from(formant.frequency) - frequency).abs();
                assert!(error < 30.0 + 0.03 * frequency, "{what}");
                assert!(f64::from(formant.bandwidth) < 3.0 * bandwidth, "{what}");
            }
        }
    }
}

#[test]
fn a_broader_resonance_has_a_broader_formant() {
    let width = |bandwidth: f64| {
        let sound = vowel(
            RATE,
            100.0,
            &[(700.0, bandwidth), (1700.0, 80.0), (2700.0, 100.0)],
        );
        let plan = Formants::new(RATE).unwrap();
        let found = plan.find(&sound, 4000, &mut FormantScratch::default());
        found.unwrap()[0].bandwidth
    };
    let [narrow, middle, broad] = [60.0, 150.0, 300.0].map(width);
    assert!(
        narrow < middle && middle < broad,
        "{narrow} {middle} {broad}"
    );
}

#[test]
fn silence_and_noise_have_no_voice_and_a_voice_has_one() {
    let silence = vec![0.0; 8000];
    let hiss: Vec<f32> = noise(8000, 7).collect();
    for sound in [&silence, &hiss] {
        assert_eq!(middle(Extra::Harmonics, sound), [0.0; 8]);
        assert_eq!(middle(Extra::Formants, sound), [0.0; 6]);
        let aperiodicity = middle(Extra::Aperiodicity, sound)[0];
        assert!(aperiodicity > 0.4, "{aperiodicity}");
    }
    let voice = harmonics(120.0, |k| -6.0 * (k as f64).log2());
    let aperiodicity = middle(Extra::Aperiodicity, &voice)[0];
    assert!((0.0..0.05).contains(&aperiodicity), "{aperiodicity}");
    let plan = Formants::new(RATE).unwrap();
    let mut scratch = FormantScratch::default();
    assert_eq!(plan.find(&silence, 4000, &mut scratch), None);
    assert_eq!(plan.find(&[], 0, &mut scratch), None);
    assert_eq!(plan.find(&silence, usize::MAX / 2, &mut scratch), None);
}

#[test]
fn formants_need_a_rate_that_holds_them() {
    for rate in [0, 7999, 1_000_001] {
        assert!(matches!(Formants::new(rate), Err(Error::Config { .. })));
    }
}
