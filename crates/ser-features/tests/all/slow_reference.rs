//! Compares the chain, under random configurations, with a slow and obvious one in double precision: a padded
//! copy of the signal, a Fourier sum for every bin, a dense filterbank, direct cosine sums, and a
//! polynomial fitted anew for every derivative.

use std::f64::consts::PI;

use proptest::prelude::*;
use ser_features::{
    FeatureConfig, FeatureExtractor, Features, MelNorm, MelScale, Output, PadMode, Window,
};

use crate::signals::{self, noise};

type Rows = Vec<Vec<f64>>;

fn padded(config: &FeatureConfig, samples: &[f32]) -> Vec<f64> {
    let n = samples.len() as i64;
    let pad = if config.center {
        config.n_fft as i64 / 2
    } else {
        0
    };
    let sample = |i: i64| f64::from(samples[i as usize]);
    (-pad..n + pad)
        .map(|mut i| match config.pad_mode {
            PadMode::Constant if i < 0 || i >= n => 0.0,
            PadMode::Constant => sample(i),
            PadMode::Edge => sample(i.clamp(0, n - 1)),
            PadMode::Reflect => {
                while i < 0 || i >= n {
                    i = if i < 0 { -i } else { 2 * (n - 1) - i };
                }
                sample(i)
            }
        })
        .collect()
}

fn window(config: &FeatureConfig) -> Vec<f64> {
    let length = config.win_length();
    let mut window = vec![0.0; config.n_fft];
    for n in 0..length {
        let turn = 2.0 * PI * n as f64 / length as f64;
        window[(config.n_fft - length) / 2 + n] = match config.window {
            Window::Hann => (turn / 2.0).sin().powi(2),
            Window::Hamming => 0.54 - 0.46 * turn.cos(),
            Window::Blackman => 0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos(),
            Window::Bartlett => 2.0 * n.min(length - n) as f64 / length as f64,
            Window::Rectangular => 1.0,
        };
    }
    window
}

fn spectrogram(config: &FeatureConfig, samples: &[f32]) -> Rows {
    let (signal, window) = (padded(config, samples), window(config));
    let mut rows = Vec::new();
    for frame in signal.windows(config.n_fft).step_by(config.hop_length) {
        let row = (0..=config.n_fft / 2).map(|k| {
            let (mut re, mut im) = (0.0, 0.0);
            for n in 0..config.n_fft {
                // Integers reduce the angle to one turn, because a large angle would lose digits.
                let angle = 2.0 * PI * (k * n % config.n_fft) as f64 / config.n_fft as f64;
                re += frame[n] * window[n] * angle.cos();
                im -= frame[n] * window[n] * angle.sin();
            }
            (re * re + im * im).powf(config.power / 2.0)
        });
        rows.push(row.collect());
    }
    rows
}

fn mel(config: &FeatureConfig, spectrogram: &Rows) -> Rows {
    let to_mel = |hz: f64| match config.mel_scale {
        MelScale::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
        MelScale::Slaney if hz < 1000.0 => 3.0 * hz / 200.0,
        MelScale::Slaney => 15.0 + 27.0 * (hz / 1000.0).ln() / 6.4f64.ln(),
    };
    let to_hz = |mel: f64| match config.mel_scale {
        MelScale::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
        MelScale::Slaney if mel < 15.0 => 200.0 * mel / 3.0,
        MelScale::Slaney => 1000.0 * (6.4f64.ln() * (mel - 15.0) / 27.0).exp(),
    };
    let (low, high) = (to_mel(config.fmin), to_mel(config.fmax()));
    let corner = |i: usize| to_hz(low + (high - low) * i as f64 / (config.n_mels + 1) as f64);
    let weight = |band: usize, bin: usize| {
        let (left, centre, right) = (corner(band), corner(band + 1), corner(band + 2));
        let hz = bin as f64 * f64::from(config.sample_rate) / config.n_fft as f64;
        let slope = ((hz - left) / (centre - left)).min((right - hz) / (right - centre));
        match config.mel_norm {
            MelNorm::Slaney => slope.max(0.0) * 2.0 / (right - left),
            MelNorm::None => slope.max(0.0),
        }
    };
    let bank: Rows = (0..config.n_mels)
        .map(|band| {
            (0..=config.n_fft / 2)
                .map(|bin| weight(band, bin))
                .collect()
        })
        .collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
    let energies = |row: &Vec<f64>| bank.iter().map(|band| dot(band, row)).collect();
    spectrogram.iter().map(energies).collect()
}

fn log_mel(config: &FeatureConfig, mel: &Rows) -> Rows {
    let db = |x: f64| {
        10.0 * x.max(config.amin).log10() - 10.0 * config.reference.max(config.amin).log10()
    };
    let mut rows: Rows = mel
        .iter()
        .map(|row| row.iter().map(|&x| db(x)).collect())
        .collect();
    if let Some(top_db) = config.top_db {
        let loudest = rows.iter().flatten().copied().fold(f64::MIN, f64::max);
        for level in rows.iter_mut().flatten() {
            *level = level.max(loudest - top_db);
        }
    }
    rows
}

fn mfcc(config: &FeatureConfig, log_mel: &Rows) -> Rows {
    let n = config.n_mels as f64;
    let coefficient = |row: &[f64], k: usize| {
        let sum: f64 = (0..config.n_mels)
            .map(|i| row[i] * (PI * k as f64 * (2 * i + 1) as f64 / (2.0 * n)).cos())
            .sum();
        let lift = match config.lifter {
            0.0 => 1.0,
            lifter => 1.0 + lifter / 2.0 * (PI * (k + 1) as f64 / lifter).sin(),
        };
        lift * sum
            * if k == 0 {
                (1.0 / n).sqrt()
            } else {
                (2.0 / n).sqrt()
            }
    };
    let coefficients = |row: &Vec<f64>| (0..config.n_mfcc).map(|k| coefficient(row, k)).collect();
    log_mel.iter().map(coefficients).collect()
}

/// Returns the coefficients, lowest first, of the polynomial of a given degree through `points`, by solving the
/// normal equations.
fn fit(points: &[(f64, f64)], degree: usize) -> Vec<f64> {
    let n = degree + 1;
    let mut rows: Rows = (0..n)
        .map(|i| {
            let moment = |j: usize| points.iter().map(|(x, _)| x.powi((i + j) as i32)).sum();
            let mut row: Vec<f64> = (0..n).map(moment).collect();
            row.push(points.iter().map(|(x, y)| x.powi(i as i32) * y).sum());
            row
        })
        .collect();
    for i in 0..n {
        let pivot = rows[i].clone();
        for (j, row) in rows.iter_mut().enumerate() {
            let factor = if j == i { 0.0 } else { row[i] / pivot[i] };
            for (value, pivot) in row.iter_mut().zip(&pivot) {
                *value -= factor * pivot;
            }
        }
    }
    (0..n).map(|i| rows[i][n] / rows[i][i]).collect()
}

fn delta(config: &FeatureConfig, rows: &Rows, order: usize) -> Rows {
    let (width, half) = (config.delta_width, config.delta_width / 2);
    (0..rows.len())
        .map(|frame| {
            let start = frame.saturating_sub(half).min(rows.len() - width);
            (0..rows[0].len())
                .map(|column| {
                    let position = |t: usize| t as f64 - (start + half) as f64;
                    let points: Vec<(f64, f64)> = (start..start + width)
                        .map(|t| (position(t), rows[t][column]))
                        .collect();
                    // The `order`-th derivative of a polynomial of that degree.
                    fit(&points, order)[order] * order as f64
                })
                .collect()
        })
        .collect()
}

/// Returns noise and a tone from a seed.
fn signal(length: usize, seed: u32) -> Vec<f32> {
    let noise = noise(length, seed).enumerate();
    noise
        .map(|(n, noise)| 0.2 * noise + 0.3 * (0.3 * n as f32).sin())
        .collect()
}

fn configs() -> impl Strategy<Value = FeatureConfig> {
    let frames = (
        16usize..200,
        0.5..=1.0f64,
        4usize..40,
        any::<bool>(),
        0usize..3,
        0usize..5,
    );
    let bands = (
        4usize..40,
        any::<bool>(),
        any::<bool>(),
        0.0..0.3f64,
        0.5..=1.0f64,
    );
    let cepstrum = (
        0.0..=1.0f64,
        prop_oneof![Just(0.0), 5.0..40.0f64],
        1usize..5,
        4000u32..50_000,
    );
    let levels = (
        prop_oneof![Just(None), (20.0..90.0f64).prop_map(Some)],
        any::<bool>(),
    );
    (frames, bands, cepstrum, levels).prop_map(
        |(
            (n_fft, win, hop_length, center, pad, window),
            (n_mels, htk, unscaled, fmin, fmax),
            (mfcc, lifter, half_width, sample_rate),
            (top_db, magnitude),
        )| FeatureConfig {
            sample_rate,
            n_fft,
            win_length: (win < 0.9).then_some((win * n_fft as f64) as usize),
            hop_length,
            window: [
                Window::Hann,
                Window::Hamming,
                Window::Blackman,
                Window::Bartlett,
                Window::Rectangular,
            ][window],
            center,
            pad_mode: [PadMode::Constant, PadMode::Reflect, PadMode::Edge][pad],
            power: if magnitude { 1.0 } else { 2.0 },
            n_mels,
            mel_scale: if htk { MelScale::Htk } else { MelScale::Slaney },
            mel_norm: if unscaled {
                MelNorm::None
            } else {
                MelNorm::Slaney
            },
            fmin: fmin * f64::from(sample_rate) / 2.0,
            fmax: Some(fmax * f64::from(sample_rate) / 2.0),
            top_db,
            n_mfcc: 1 + (mfcc * (n_mels - 1) as f64) as usize,
            lifter,
            deltas: 2,
            delta_width: 2 * half_width + 1,
            ..FeatureConfig::default()
        },
    )
}

/// Compares columns `first..` of features with rows, value `i` of a frame to `tolerance(frame, i)`.
fn agree(
    what: &str,
    ours: &Features,
    first: usize,
    expected: &Rows,
    tolerance: impl Fn(usize, usize) -> f64,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.frames(), expected.len());
    for (frame, row) in expected.iter().enumerate() {
        for (i, &expected) in row.iter().enumerate() {
            let value = f64::from(ours.row(frame)[first + i]);
            prop_assert!(
                (value - expected).abs() <= tolerance(frame, i),
                "{} of frame {}, {}: {}, not {}",
                what,
                frame,
                i,
                value,
                expected
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_stage_agrees_under_any_configuration(
        config in configs(),
        length in 400usize..900,
        seed: u32,
    ) {
        let samples = signal(length, seed);
        prop_assume!(config.frames(length) >= config.delta_width);

        let extract = |output: Output| {
            signals::extract(&FeatureConfig { output, ..config.clone() }, &samples)
        };
        let power = spectrogram(&config, &samples);
        let energies = mel(&config, &power);
        let levels = log_mel(&config, &energies);
        let cepstrum = mfcc(&config, &levels);

        // Single precision changes the magnitude of a bin by less than half a millionth of the magnitude of the
        // loudest bin, however quiet it is itself. A signal is not compared where that could be a
        // thousandth of a decibel in a band.
        let loudest = power.iter().flatten().copied().fold(0.0, f64::max);
        let error = 5e-7 * loudest.powf(1.0 / config.power);
        let above = |x: &f64| (x.powf(1.0 / config.power) + error).powf(config.power);
        let power_above: Rows = power.iter().map(|row| row.iter().map(above).collect()).collect();
        let energies_above = mel(&config, &power_above);
        let levels_above = log_mel(&config, &energies_above);
        let mut pairs = levels.iter().flatten().zip(levels_above.iter().flatten());
        prop_assume!(pairs.all(|(level, above)| above - level < 1e-3));

        let ours = FeatureExtractor::new(&config).unwrap().spectrogram(&samples).unwrap();
        agree("power", &ours, 0, &power, |frame, i| {
            power_above[frame][i] - power[frame][i]
        })?;
        agree("mel", &extract(Output::Mel), 0, &energies, |frame, i| {
            energies_above[frame][i] - energies[frame][i]
        })?;
        agree("log-mel", &extract(Output::LogMel), 0, &levels, |_, _| 1e-3)?;

        let ours = extract(Output::Mfcc);
        prop_assert_eq!(ours.coefficients(), 3 * config.n_mfcc);
        let lift = 1.0 + config.lifter / 2.0;
        agree("MFCC", &ours, 0, &cepstrum, |_, _| 2e-3 * lift)?;
        for order in [1, 2] {
            let slopes = delta(&config, &cepstrum, order);
            agree("delta", &ours, order * config.n_mfcc, &slopes, |_, _| 2e-3 * lift)?;
        }
    }
}
