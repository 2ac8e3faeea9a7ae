//! Tests what is missing after a region was removed from a recording, and what is not.

use std::f64::consts::TAU;

use ser_audio::Waveform;
use ser_audio::conditions::{Error, Occlusion, Region};

const RATE: u32 = 16_000;

/// Returns faint noise with two tones at the same time in the middle two of four seconds.
fn clip() -> Waveform {
    let mut state = 1_u32;
    let sample = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = 1e-3 * (f64::from(state >> 8) / f64::from(1 << 23) - 1.0);
        let seconds = f64::from(n) / f64::from(RATE);
        let tones = 0.4 * (TAU * 500.0 * seconds).sin() + 0.2 * (TAU * 2000.0 * seconds).sin();
        let sounding = (1.0..3.0).contains(&seconds);
        (noise + f64::from(u8::from(sounding)) * tones) as f32
    };
    Waveform::new((0..4 * RATE).map(sample).collect(), RATE)
}

/// Returns the amplitude of a tone from `start` to `end` seconds.
fn amplitude(clip: &Waveform, hertz: f64, start: f64, end: f64) -> f64 {
    let at = |seconds: f64| (seconds * f64::from(RATE)) as usize;
    let part = &clip.samples[at(start)..at(end)];
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (n, &x) in part.iter().enumerate() {
        let phase = TAU * hertz * n as f64 / f64::from(RATE);
        real += f64::from(x) * phase.cos();
        imaginary += f64::from(x) * phase.sin();
    }
    2.0 * f64::hypot(real, imaginary) / part.len() as f64
}

fn region(seconds: std::ops::Range<f64>, hertz: std::ops::Range<f64>) -> Region {
    Region { seconds, hertz }
}

#[test]
fn a_tone_is_missing_where_it_was_taken_and_nowhere_else() {
    let clip = clip();
    let occlusion = Occlusion::new(&clip).unwrap();
    let left = occlusion.without(&[region(1.5..2.0, 300.0..900.0)]);
    assert!(amplitude(&left, 500.0, 1.55, 1.95) < 2e-3);
    for (hertz, start, end, expected) in [
        (500.0, 1.1, 1.4, 0.4),
        (500.0, 2.1, 2.9, 0.4),
        (2000.0, 1.5, 2.0, 0.2),
    ] {
        let actual = amplitude(&left, hertz, start, end);
        assert!((actual - expected).abs() < 1e-3, "{hertz} Hz: {actual}");
    }
    // A window is 32 ms long; beyond that, no sample changes.
    let at = |seconds: f64| (seconds * f64::from(RATE)) as usize;
    assert_eq!(left.samples[..at(1.48)], clip.samples[..at(1.48)]);
    assert_eq!(left.samples[at(2.02)..], clip.samples[at(2.02)..]);
}

#[test]
fn what_is_left_is_the_background_and_not_silence() {
    let clip = clip();
    let left = Occlusion::new(&clip)
        .unwrap()
        .without(&[region(0.0..4.0, 0.0..f64::INFINITY)]);
    let rms = |samples: &[f32]| {
        let sum: f64 = samples.iter().map(|&x| f64::from(x).powi(2)).sum();
        (sum / samples.len() as f64).sqrt()
    };
    let noise = rms(&clip.samples[..RATE as usize / 2]);
    let middle = rms(&left.samples[2 * RATE as usize..5 * RATE as usize / 2]);
    assert!((0.1..1.0).contains(&(middle / noise)), "{middle} {noise}");
}

#[test]
fn nothing_taken_changes_no_sample() {
    let clip = clip();
    let occlusion = Occlusion::new(&clip).unwrap();
    assert_eq!(occlusion.without(&[]), clip);
    assert_eq!(occlusion.without(&[region(1.5..1.5, 0.0..8000.0)]), clip);
    assert_eq!(occlusion.without(&[region(1.0..2.0, 700.0..700.0)]), clip);
}

#[test]
fn regions_that_overlap_take_what_they_share_once() {
    let clip = clip();
    let occlusion = Occlusion::new(&clip).unwrap();
    let wide = region(1.2..2.2, 200.0..3000.0);
    let inside = region(1.5..1.8, 400.0..600.0);
    let both = occlusion.without(&[wide.clone(), inside]);
    assert_eq!(both, occlusion.without(&[wide]));
}

#[test]
fn a_recording_that_is_all_one_level_stays_as_it_is() {
    let tone = |n: u32| (f64::from(n) * TAU / 32.0).sin() as f32;
    let clip = Waveform::new((0..RATE).map(tone).collect(), RATE);
    let left = Occlusion::new(&clip)
        .unwrap()
        .without(&[region(0.2..0.8, 0.0..8000.0)]);
    let pairs = left.samples.iter().zip(&clip.samples);
    let change = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(change < 1e-3, "{change}");
}

#[test]
fn clips_without_sound_or_out_of_length_are_refused() {
    let refused = |samples: Vec<f32>, rate: u32| {
        let clip = Waveform::new(samples, rate);
        let error = Occlusion::new(&clip).unwrap_err();
        assert!(matches!(error, Error::Clip { .. }));
        error.to_string()
    };
    assert!(refused(vec![0.0; 8000], 8000).contains("digital silence"));
    assert!(refused(vec![0.1; 1000], 8000).contains("found 0.125 s"));
    assert!(refused(vec![0.1; 61_000], 1000).contains("0.2 to 60 s"));
    assert!(refused(vec![0.1; 100], 10).contains("10 Hz"));
    assert!(refused(vec![f32::NAN; 8000], 8000).contains("sample 0"));
}
