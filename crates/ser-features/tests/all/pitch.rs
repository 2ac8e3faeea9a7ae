//! Checks F0 on signals with a known F0.

use std::f64::consts::TAU;

use ser_features::{Error, Yin, YinScratch};

use crate::signals::noise;

/// Returns the harmonics `k` of `f0(t)` with the given amplitudes.
fn voice(rate: u32, seconds: f64, f0: impl Fn(f64) -> f64, amplitudes: &[f64]) -> Vec<f32> {
    let mut phase = 0.0;
    (0..(f64::from(rate) * seconds) as usize)
        .map(|i| {
            phase += TAU * f0(i as f64 / f64::from(rate)) / f64::from(rate);
            let harmonics = amplitudes.iter().enumerate();
            let sum: f64 = harmonics
                .map(|(k, a)| a * ((k + 1) as f64 * phase).sin())
                .sum();
            sum as f32
        })
        .collect()
}

/// Plans frames of at least three periods of 60 Hz.
fn yin(rate: u32) -> Yin {
    let frame_length = (rate as usize / 20).next_power_of_two();
    Yin::new(rate, 60.0, 600.0, frame_length, 0.1).unwrap()
}

/// Returns the middle half of the frames.
fn steady(f0: &[f32]) -> &[f32] {
    &f0[f0.len() / 4..f0.len() * 3 / 4]
}

fn assert_near(f0: f32, expected: f64, share: f64, what: &str) {
    let error = (f64::from(f0) / expected - 1.0).abs();
    assert!(error <= share, "{what}: {f0} Hz, expected {expected} Hz");
}

#[test]
fn tones_and_voices_are_found_within_half_a_percent() {
    let shapes: [&[f64]; 4] = [
        &[1.0],
        &[1.0, 0.5, 0.33, 0.25, 0.2, 0.17],
        &[0.1, 1.0, 0.2, 0.9, 0.4],
        // The ear hears the fundamental although it is missing.
        &[0.0, 0.0, 1.0, 0.8, 0.6, 0.4],
    ];
    for rate in [8_000, 16_000, 22_050, 48_000] {
        let frequencies = [62.0, 83.7, 120.0, 210.3, 333.3, 440.0, 587.0];
        // Periods of fewer than 20 samples are too coarse for the harmonics; see `Yin`.
        for hz in frequencies
            .into_iter()
            .filter(|hz| hz * 20.0 < f64::from(rate))
        {
            for (number, amplitudes) in shapes.iter().enumerate() {
                let f0 = yin(rate).track(&voice(rate, 0.5, |_| hz, amplitudes), 256);
                for &f0 in steady(&f0) {
                    assert_near(f0, hz, 0.005, &format!("shape {number} at {rate} Hz"));
                }
            }
        }
    }
}

#[test]
fn a_gliding_voice_is_followed_within_one_percent() {
    let glide = |t: f64| 110.0 + 200.0 * t;
    let signal = voice(16_000, 1.0, glide, &[1.0, 0.6, 0.4, 0.3]);
    let f0 = yin(16_000).track(&signal, 160);
    for (frame, &f0) in f0.iter().enumerate().take(90).skip(10) {
        assert_near(f0, glide(frame as f64 * 0.01), 0.01, "glide");
    }
}

#[test]
fn noise_below_a_voice_changes_little() {
    let mut signal = voice(16_000, 1.0, |_| 150.0, &[1.0, 0.5, 0.3]);
    for (x, n) in signal.iter_mut().zip(noise(16_000, 1)) {
        // 20 dB below the voice.
        *x += 0.14 * n;
    }
    for &f0 in steady(&yin(16_000).track(&signal, 160)) {
        assert_near(f0, 150.0, 0.01, "noisy");
    }
}

#[test]
fn noise_and_silence_are_unvoiced() {
    assert!(
        yin(16_000)
            .track(&vec![0.0; 16_000], 160)
            .iter()
            .all(|&f0| f0 == 0.0)
    );
    // An offset, with and without noise of the smallest steps of 16 bits, and the zero of A-law.
    for (offset, noise_level) in [
        (0.5, 0.0),
        (0.123, 0.0),
        (-3e-5, 0.0),
        (2.4e-4, 0.0),
        (0.1, 4.5e-5),
    ] {
        let noise = noise(16_000, 1).map(|x| offset + noise_level * x);
        let f0 = yin(16_000).track(&noise.collect::<Vec<_>>(), 160);
        assert!(f0.iter().all(|&f0| f0 == 0.0), "{offset} {noise_level}");
    }
    let f0 = yin(16_000).track(&noise(16_000, 1).collect::<Vec<_>>(), 160);
    let voiced = f0.iter().filter(|&&f0| f0 > 0.0).count();
    assert_eq!(voiced, 0);
}

#[test]
fn the_level_changes_nothing_until_single_precision_ends() {
    let yin = yin(16_000);
    // A tone begins in the frame, so that the correlation also has negative values.
    let signal = |scale: f32| -> Vec<f32> {
        let sample = |n: u16| {
            if n < 1500 {
                0.0
            } else {
                (0.08 * f32::from(n)).sin()
            }
        };
        (0..3000).map(|n| scale * sample(n)).collect()
    };
    let centres = (1000..2000).step_by(10);
    let pitches = |scale: f32| {
        let (signal, mut scratch) = (signal(scale), YinScratch::default());
        let pitches = centres.clone();
        pitches
            .map(|centre| yin.pitch(&signal, centre, &mut scratch))
            .collect::<Vec<_>>()
    };
    let expected = pitches(1.0);
    assert!(expected.iter().any(|pitch| pitch.f0 > 0.0));
    for exponent in -30..50 {
        assert_eq!(pitches(2f32.powi(exponent)), expected, "2^{exponent}");
    }
    for step in 0..200 {
        let scale = 1e15 * 1.05f32.powi(step);
        for pitch in pitches(scale) {
            assert!(pitch.aperiodicity.is_finite(), "{scale}: {pitch:?}");
        }
    }
}

#[test]
fn frames_at_the_edges_are_unvoiced_or_right() {
    let signal = voice(16_000, 0.2, |_| 200.0, &[1.0, 0.5]);
    let yin = yin(16_000);
    let f0 = yin.track(&signal, 100);
    assert_eq!(f0.len(), 1 + signal.len() / 100);
    let voiced: Vec<f32> = f0.into_iter().filter(|&f0| f0 > 0.0).collect();
    assert!(voiced.len() > 20, "{} frames are voiced", voiced.len());
    for f0 in voiced {
        assert_near(f0, 200.0, 0.01, "edge");
    }
    let mut scratch = YinScratch::default();
    for centre in [
        0,
        signal.len(),
        signal.len() + 511,
        signal.len() + 5000,
        usize::MAX / 2,
    ] {
        assert_eq!(yin.pitch(&signal, centre, &mut scratch).f0, 0.0, "{centre}");
    }
    assert_eq!(yin.pitch(&[], 0, &mut scratch).f0, 0.0);
    assert!(yin.track(&[], 100).is_empty());
    assert!(yin.track(&signal, 0).is_empty());
}

/// Computes the definition, term by term.
fn naive(rate: u32, frame: &[f32], fmin: f64, fmax: f64, threshold: f64) -> f64 {
    let rate = f64::from(rate);
    let (low, high) = (
        (rate / fmax).floor() as usize,
        (rate / fmin).ceil() as usize,
    );
    let d: Vec<f64> = (0..=high)
        .map(|period| {
            (0..frame.len() - high)
                .map(|j| (f64::from(frame[j]) - f64::from(frame[j + period])).powi(2))
                .sum()
        })
        .collect();
    let mut normalised = vec![1.0];
    for period in 1..=high {
        normalised.push(d[period] * period as f64 / d[1..=period].iter().sum::<f64>());
    }
    let dip = (low..=high).find(|&p| {
        normalised[p] < threshold
            && normalised[p] < normalised[p - 1]
            && (p == high || normalised[p] <= normalised[p + 1])
    });
    let best = dip.unwrap_or_else(|| {
        (low..=high)
            .min_by(|&a, &b| normalised[a].total_cmp(&normalised[b]))
            .unwrap()
    });
    if normalised[best] >= f64::from(Yin::UNVOICED_FROM) {
        return 0.0;
    }
    if best == high {
        return rate / best as f64;
    }
    let (a, b, c) = (normalised[best - 1], normalised[best], normalised[best + 1]);
    let shift = (a - c) / 2.0 / (a - 2.0 * b + c);
    rate / (best as f64 + if shift.abs() < 1.0 { shift } else { 0.0 })
}

#[test]
fn transforms_give_what_the_definition_gives() {
    let rate = 8000;
    let mut signal = voice(rate, 1.0, |t| 90.0 + 150.0 * t, &[1.0, 0.7, 0.2, 0.5]);
    for (i, (x, n)) in signal.iter_mut().zip(noise(8000, 1)).enumerate() {
        *x += 3.0 * n * i as f32 / 8000.0;
    }
    let yin = Yin::new(rate, 70.0, 500.0, 401, 0.15).unwrap();
    let mut scratch = YinScratch::default();
    let mut voiced = 0;
    for centre in (200..7799).step_by(97) {
        let frame = &signal[centre - 200..centre + 201];
        let expected = naive(rate, frame, 70.0, 500.0, 0.15);
        let f0 = f64::from(yin.pitch(&signal, centre, &mut scratch).f0);
        assert!(
            (f0 - expected).abs() <= 1e-3 * expected,
            "{centre}: {f0}, expected {expected}"
        );
        voiced += usize::from(f0 > 0.0);
    }
    assert!(
        (20..70).contains(&voiced),
        "{voiced} of 79 frames are voiced"
    );
}

#[test]
fn impossible_plans_name_the_key() {
    for (fmin, fmax, frame_length, threshold, expected) in [
        (0.0, 600.0, 1024, 0.1, "fmin"),
        (f64::NAN, 600.0, 1024, 0.1, "fmin"),
        (700.0, 600.0, 1024, 0.1, "fmin"),
        (60.0, 8001.0, 1024, 0.1, "fmax"),
        (60.0, f64::NAN, 1024, 0.1, "fmax"),
        (60.0, 600.0, 533, 0.1, "frame_length"),
        (1e-300, 600.0, 1024, 0.1, "frame_length"),
        (60.0, 600.0, usize::MAX, 0.1, "frame_length"),
        (60.0, 600.0, 1024, f64::NAN, "trough_threshold"),
    ] {
        match Yin::new(16_000, fmin, fmax, frame_length, threshold) {
            Err(Error::Config { key, .. }) => assert_eq!(key, expected),
            other => panic!("expected an error for {expected}, got {other:?}"),
        }
    }
    assert!(Yin::new(16_000, 60.0, 600.0, 534, 0.1).is_ok());
    assert!(Yin::new(0, 60.0, 600.0, 534, 0.1).is_err());
}
