//! Tests what is removed from a recording, and what must remain.

use std::borrow::Cow;
use std::f64::consts::TAU;

use ser_audio::{Waveform, restored};

use crate::signals::{Random, louder, segments, speech, times};

const SPOKEN: [(f64, f64); 3] = [(0.5, 2.0), (2.75, 4.0), (6.5, 7.25)];

/// Adds `added`, a function of the time in seconds, to a recording.
fn with(waveform: &Waveform, added: impl Fn(f64) -> f64) -> Waveform {
    let rate = f64::from(waveform.sample_rate);
    let samples = waveform.samples.iter().enumerate();
    let samples = samples.map(|(n, x)| (f64::from(*x) + added(n as f64 / rate)) as f32);
    Waveform::new(samples.collect(), waveform.sample_rate)
}

/// Returns a tone and its odd and even multiples, as from a transformer.
fn hum(frequency: f64) -> impl Fn(f64) -> f64 {
    move |t| {
        let tone = |k: f64, amplitude: f64| amplitude * (TAU * k * frequency * t + k).sin();
        tone(1.0, 0.05) + tone(2.0, 0.03) + tone(3.0, 0.02) + tone(6.0, 0.01) + tone(16.0, 0.005)
    }
}

/// Returns the RMS of the difference.
fn distance(a: &Waveform, b: &Waveform) -> f64 {
    assert_eq!(a.samples.len(), b.samples.len());
    let squares = a
        .samples
        .iter()
        .zip(&b.samples)
        .map(|(a, b)| f64::from(a - b).powi(2));
    (squares.sum::<f64>() / a.samples.len() as f64).sqrt()
}

#[test]
fn a_clean_recording_stays_as_it_is() {
    let mut random = Random::new(5);
    let noise = (0..48_000)
        .map(|_| (0.01 * random.number()) as f32)
        .collect();
    for waveform in [
        speech(48_000, 4.0, &[(1.0, 3.0)]),
        speech(16_000, 9.0, &SPOKEN),
        speech(8000, 40.0, &[(1.0, 30.0)]),
        Waveform::new(noise, 16_000),
        Waveform::new(vec![0.0; 32_000], 16_000),
        Waveform::new(Vec::new(), 48_000),
    ] {
        assert!(
            matches!(restored(&waveform), Cow::Borrowed(_)),
            "{} s",
            waveform.duration()
        );
    }
}

#[test]
fn an_offset_is_taken_away_at_every_rate_and_length() {
    for rate in [8000, 11_025, 16_000, 44_100, 48_000, 96_000] {
        for (seconds, spoken) in [(1.0, (0.3, 0.7)), (4.0, (1.0, 3.0)), (21.0, (1.0, 19.0))] {
            let clean = speech(rate, seconds, &[spoken]);
            for offset in [0.04, -0.3] {
                let left = distance(&restored(&with(&clean, |_| offset)), &clean);
                assert!(left < 0.01 * offset.abs(), "{rate} Hz, {seconds} s: {left}");
            }
        }
    }
}

#[test]
fn hum_is_taken_away_and_a_voice_at_its_multiples_stays() {
    for rate in [8000, 22_050, 48_000] {
        // The voice has 120 Hz, twice the frequency of one of the hums.
        let clean = speech(rate, 9.0, &SPOKEN);
        for frequency in [50.0, 49.83, 60.0, 60.2] {
            let hum = hum(frequency);
            let left = distance(&restored(&with(&clean, |t| 0.02 + hum(t))), &clean);
            assert!(left < 0.001, "{rate} Hz, {frequency} Hz: {left}");
        }
    }
}

#[test]
fn hum_that_strays_in_a_long_recording_is_followed() {
    let clean = speech(16_000, 60.0, &[(1.0, 8.0), (9.0, 33.0), (35.0, 58.0)]);
    // From 50.00 to 50.05 Hz.
    let hum = |t: f64| 0.05 * (TAU * (50.0 * t + 0.05 * t * t / 120.0)).sin();
    let left = distance(&restored(&with(&clean, hum)), &clean);
    assert!(left < 0.003, "{left}");
}

#[test]
fn high_multiples_of_hum_are_taken_away_from_every_window() {
    let clean = speech(8000, 20.0, &[(1.0, 3.0), (9.0, 11.0)]);
    // The lowest multiples must stand out, or else it does not count as hum.
    let buzz = |t: f64| {
        let tones = (1..=30).map(|k| (f64::from(k), if k > 3 { 0.01 } else { 0.05 }));
        let tones = tones.map(|(k, amplitude)| amplitude * (TAU * k * 50.0 * t + k).sin());
        tones.sum()
    };
    let left = distance(&restored(&with(&clean, buzz)), &clean);
    assert!(left < 0.002, "{left}");
}

#[test]
fn clicks_in_pauses_are_replaced_and_the_beginning_of_speech_is_not() {
    let clean = speech(48_000, 9.0, &SPOKEN);
    let click = |t: f64| match t {
        _ if (0.1..0.105).contains(&t) => 0.5,
        _ if (5.0..5.02).contains(&t) => -0.3,
        _ if t >= 8.995 => 0.4,
        _ => 0.0,
    };
    let clicked = with(&clean, click);
    let restored = restored(&clicked);
    assert!(distance(&restored, &clean) < 1e-3);
    let differ = restored
        .samples
        .iter()
        .zip(&clicked.samples)
        .filter(|(a, b)| a != b)
        .count();
    // 30 ms of clicks, and at most two blocks of 2 ms more on either side of each.
    assert!(differ < 48_000 * 54 / 1000, "{differ}");
}

#[test]
fn voice_activity_hears_the_same_through_offset_hum_clicks_and_at_any_level() {
    for rate in [16_000, 48_000] {
        let clean = speech(rate, 9.0, &SPOKEN);
        let spoken = times(&segments(&clean));
        assert_eq!(spoken.len(), SPOKEN.len());
        let hum = hum(50.0);
        for (fault, waveform) in [
            ("offset", with(&clean, |_| 0.3)),
            ("hum", with(&clean, |t| 0.3 * hum(t))),
            (
                "clicks",
                with(&clean, |t| if t.fract() < 0.005 { 0.5 } else { 0.0 }),
            ),
            ("quiet", louder(&clean, 1e-3)),
        ] {
            let found = times(&segments(&waveform));
            assert_eq!(found.len(), spoken.len(), "{fault}: {found:?}");
            for (a, b) in found.iter().zip(&spoken) {
                let apart = (a.0 - b.0).abs().max((a.1 - b.1).abs());
                assert!(apart < 0.15, "{fault}: {found:?}, {spoken:?}");
            }
        }
    }
}
