//! Faults that equipment adds to a recording do not change its answer.

use std::f64::consts::TAU;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::Waveform;
use ser_predict::Predictor;

/// The test takes every 24th clip, which are 60 of 1440.
const EVERY: usize = 24;
/// Number of clips that must keep their emotion.
const KEPT: usize = 57;

/// Returns the faulty sample for the time in seconds, the sample, and the peak of the clip.
type Fault = fn(f64, f64, f64) -> f64;

#[test]
fn clips_of_ravdess_keep_their_emotion() {
    let Some(paths) = ser_fixtures::ravdess_clips(EVERY) else {
        return;
    };
    let clips = paths.iter().map(|path| ser_audio::read(path).unwrap());
    let clips: Vec<Waveform> = clips.collect();
    let predictor = Predictor::built_in().unwrap();
    let emotions = |fault: Fault| -> Vec<usize> {
        let answer = |clip: &Waveform| {
            let peak = clip
                .samples
                .iter()
                .fold(0.0_f32, |peak, x| peak.max(x.abs()));
            let mut faulty = clip.clone();
            for (n, x) in faulty.samples.iter_mut().enumerate() {
                let t = n as f64 / f64::from(clip.sample_rate);
                *x = fault(t, f64::from(*x), f64::from(peak)) as f32;
            }
            predictor.answer(&faulty, None).unwrap().emotion()
        };
        clips.par_iter().map(answer).collect()
    };
    let plain = emotions(|_, x, _| x);
    let faults: [(&str, Fault); 6] = [
        ("offset of 4 %", |_, x, _| x + 0.04),
        ("clicks of 5 ms every 3 s", |t, x, peak| {
            if (t + 2.3) % 3.0 < 0.005 {
                x + 0.5 * peak
            } else {
                x
            }
        }),
        ("40 dB quieter", |_, x, _| 0.01 * x),
        ("hum of 50 Hz", |t, x, _| x + 0.05 * (TAU * 50.0 * t).sin()),
        ("hum of 60 Hz with harmonics", |t, x, _| {
            let tone = |k: f64| 0.02 / k * (TAU * 60.0 * k * t + k).sin();
            x + tone(1.0) + tone(2.0) + tone(3.0) + tone(5.0)
        }),
        ("offset, hum and clicks", |t, x, peak| {
            let click = if t % 3.0 < 0.005 { -0.5 * peak } else { 0.0 };
            x - 0.1 + 0.03 * (TAU * 49.9 * t).sin() + click
        }),
    ];
    assert_eq!(plain.len(), 60);
    for (name, fault) in faults {
        let kept = emotions(fault)
            .iter()
            .zip(&plain)
            .filter(|(a, b)| a == b)
            .count();
        eprintln!("{name}: {kept} of {} keep their emotion", plain.len());
        assert!(kept >= KEPT, "{name}: {kept}");
    }
}
