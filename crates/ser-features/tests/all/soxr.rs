//! Compares resampled clips, and their MFCC, with those of soxr (`tests/reference`).

use std::f64::consts::TAU;

use rustfft::num_complex::Complex;
use ser_features::{FeatureConfig, FeatureExtractor, read_npy};

use crate::signals::reference;

fn db(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

fn lower_nyquist(from: u32, to: u32) -> f64 {
    f64::from(from.min(to)) / 2.0
}

/// soxr and this crate differ only where their filters roll off: below 0.9 of the lower
/// Nyquist frequency, the two spectra are equal to within −90 dB.
#[test]
fn the_pass_band_agrees_with_soxr() {
    for (from, to) in [
        (48_000, 22_050),
        (48_000, 16_000),
        (22_050, 16_000),
        (16_000, 22_050),
    ] {
        let clip = ser_audio::read(reference(from, "clip.wav")).unwrap();
        let ours = clip.resample(to).unwrap().samples;
        let theirs = read_npy(reference(from, &format!("resampled_{to}_soxr_hq.npy"))).unwrap();
        assert_eq!(theirs.shape, [ours.len()]);

        // A Hann window keeps what lies above the pass band from leaking into it.
        let n = ours.len();
        let window = |i: usize| 0.5 - 0.5 * (TAU * i as f64 / n as f64).cos();
        let mut difference: Vec<Complex<f64>> = (0..n)
            .map(|i| Complex::from(window(i) * (f64::from(ours[i]) - theirs.data[i])))
            .collect();
        let mut signal: Vec<Complex<f64>> = (0..n)
            .map(|i| Complex::from(window(i) * theirs.data[i]))
            .collect();
        let fft = ser_fourier::precise_forward(n);
        fft.process(&mut difference);
        fft.process(&mut signal);
        let limit = (0.90 * lower_nyquist(from, to) / f64::from(to) * n as f64) as usize;
        let energy = |x: &[Complex<f64>]| x[..limit].iter().map(|x| x.norm_sqr()).sum::<f64>();
        let error = db((energy(&difference) / energy(&signal)).sqrt());
        println!("{from} -> {to}: in-band difference to soxr {error:.1} dB");
        assert!(error < -90.0, "{from} -> {to}: {error} dB");
    }
}

/// Bounds the effect of the choice of resampler on the MFCC.
#[test]
fn mfcc_after_resampling_agree_with_those_after_soxr() {
    for to in [22_050, 16_000] {
        let clip = ser_audio::read(reference(48_000, "clip.wav")).unwrap();
        let config = FeatureConfig {
            sample_rate: to,
            ..FeatureConfig::default()
        };
        let ours = FeatureExtractor::new(&config)
            .unwrap()
            .extract(&clip)
            .unwrap();
        let theirs = read_npy(reference(48_000, &format!("mfcc_after_resample_{to}.npy"))).unwrap();
        assert_eq!(theirs.shape, [ours.coefficients(), ours.frames()]);
        let (mut largest, mut sum) = (0f64, 0.0);
        for frame in 0..ours.frames() {
            for (coefficient, &value) in ours.row(frame).iter().enumerate() {
                let expected = theirs.data[coefficient * ours.frames() + frame];
                let difference = (f64::from(value) - expected).abs();
                largest = largest.max(difference);
                sum += difference;
            }
        }
        let mean = sum / ours.as_slice().len() as f64;
        println!("48000 -> {to}: MFCC differ by {mean:.4} on average, at most {largest:.3}");
        assert!(
            mean < 0.05 && largest < 0.08,
            "{to}: mean {mean}, largest {largest}"
        );
    }
}
