//! Measures the quality of the resampler.

use std::f64::consts::TAU;

use proptest::prelude::*;
use rustfft::num_complex::Complex;
use ser_audio::{Error, Resampler, ResamplerBank, Waveform};

const PAIRS: [(u32, u32); 10] = [
    (48_000, 22_050),
    (48_000, 16_000),
    (44_100, 16_000),
    (8_000, 16_000),
    (16_000, 22_050),
    (22_050, 16_000),
    (11_127, 16_000),
    // With large prime factors: a semitone up and down, and a rate that rises.
    (50_900, 16_000),
    (45_300, 8_000),
    (16_000, 22_057),
];

/// Returns a length at which the filters of all `PAIRS` end before the middle half.
fn long(rate: u32) -> usize {
    120_000.max(rate as usize * 2)
}

fn tone(rate: u32, hz: f64, samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|i| (TAU * hz * i as f64 / f64::from(rate)).sin() as f32)
        .collect()
}

fn resample(from: u32, to: u32, samples: &[f32]) -> Vec<f32> {
    let mut output = Vec::new();
    let mut resampler = Resampler::new(from, to).unwrap();
    resampler.process_into(samples, &mut output);
    assert_eq!(output.len(), resampler.output_len(samples.len()));
    output
}

/// Returns the middle half, which no edge of the signal affects.
fn middle<T>(samples: &[T]) -> std::ops::Range<usize> {
    samples.len() / 4..samples.len() * 3 / 4
}

/// Returns the complex amplitude at `hz` of the middle half, by least squares over sine and cosine.
fn amplitude(rate: u32, hz: f64, samples: &[f32]) -> Complex<f64> {
    let (mut ss, mut cc, mut sc, mut xs, mut xc) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for i in middle(samples) {
        let (s, c) = (TAU * hz * i as f64 / f64::from(rate)).sin_cos();
        let x = f64::from(samples[i]);
        ss += s * s;
        cc += c * c;
        sc += s * c;
        xs += x * s;
        xc += x * c;
    }
    let determinant = ss * cc - sc * sc;
    Complex::new(
        (xs * cc - xc * sc) / determinant,
        (xc * ss - xs * sc) / determinant,
    )
}

fn db(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

fn lower_nyquist(from: u32, to: u32) -> f64 {
    f64::from(from.min(to)) / 2.0
}

/// Measures gain and phase of tones over the pass band: ripple, and a delay, which would tilt the phase.
#[test]
fn the_pass_band_is_flat_and_undelayed_up_to_nine_tenths() {
    for (from, to) in PAIRS {
        let (mut ripple, mut delay) = (0f64, 0f64);
        for step in 0..=30 {
            let hz = lower_nyquist(from, to) * (0.001 + (0.90 - 0.001) * f64::from(step) / 30.0);
            let output = resample(from, to, &tone(from, hz, long(from)));
            let gain = amplitude(to, hz, &output);
            ripple = ripple.max(db(gain.norm()).abs());
            delay = delay.max((gain.arg() / (TAU * hz)).abs() * f64::from(to));
        }
        println!("{from} -> {to}: ripple {ripple:.5} dB, delay {delay:.6} samples");
        assert!(ripple < 0.001, "{from} -> {to}: ripple {ripple} dB");
        assert!(delay < 1e-3, "{from} -> {to}: delay {delay} samples");
    }
}

/// Tones that the lower rate cannot represent must vanish, wherever they would alias to.
#[test]
fn the_stop_band_is_down_by_more_than_120_db() {
    for (from, to) in PAIRS.into_iter().filter(|(from, to)| to < from) {
        let mut loudest = f64::NEG_INFINITY;
        for step in 0..=40 {
            let (low, high) = (lower_nyquist(from, to) * 1.0, f64::from(from) * 0.4999);
            let hz = low + (high - low) * f64::from(step) / 40.0;
            // At the Nyquist frequency of the input, a sine would have only zeros: use a cosine.
            let input: Vec<f32> = (0..long(from))
                .map(|i| (TAU * hz * i as f64 / f64::from(from)).cos() as f32)
                .collect();
            let output = resample(from, to, &input);
            let peak = middle(&output)
                .map(|i| f64::from(output[i].abs()))
                .fold(0.0, f64::max);
            loudest = loudest.max(db(peak));
        }
        println!("{from} -> {to}: stop band {loudest:.1} dB");
        assert!(loudest < -120.0, "{from} -> {to}: {loudest} dB");
    }
}

/// Raising the rate must not leave images of the signal above the old Nyquist frequency.
#[test]
fn images_are_down_by_more_than_115_db() {
    for (from, to) in PAIRS.into_iter().filter(|(from, to)| to > from) {
        let mut loudest = f64::NEG_INFINITY;
        for share in [0.1, 0.5, 0.9, 0.97] {
            let hz = lower_nyquist(from, to) * share;
            let output = resample(from, to, &tone(from, hz, long(from)));
            let gain = amplitude(to, hz, &output);
            let residue = middle(&output)
                .map(|i| {
                    let (s, c) = (TAU * hz * i as f64 / f64::from(to)).sin_cos();
                    (f64::from(output[i]) - gain.re * s - gain.im * c).abs()
                })
                .fold(0.0, f64::max);
            loudest = loudest.max(db(residue));
        }
        println!("{from} -> {to}: images {loudest:.1} dB");
        assert!(loudest < -115.0, "{from} -> {to}: {loudest} dB");
    }
}

/// The time of an event does not move, whether it falls on a sample or between two.
#[test]
fn a_click_stays_where_it_is() {
    for (from, to) in PAIRS {
        for position in [0usize, 1, 700, 5000, 9998, 9999] {
            let mut input = vec![0f32; 10_000];
            input[position] = 1.0;
            let output = resample(from, to, &input);
            let peak = (0..output.len())
                .max_by(|&a, &b| output[a].abs().total_cmp(&output[b].abs()))
                .unwrap();
            let expected = position as f64 * f64::from(to) / f64::from(from);
            // Half a sample, or more if the last one lies beyond the end of the output.
            assert!(
                (peak as f64 - expected).abs() <= 1.0,
                "{from} -> {to}: {position} went to {peak}, expected {expected}"
            );
        }
    }
}

#[test]
fn the_length_is_rounded_up_as_librosa_does() {
    for (from, to, len, expected) in [
        (48_000, 22_050, 0, 0),
        (48_000, 22_050, 1, 1),
        (48_000, 22_050, 320, 147),
        (48_000, 22_050, 321, 148),
        (48_000, 16_000, 177_602, 59_201),
        (44_100, 16_000, 441, 160),
        (8000, 16_000, 3, 6),
        (11_127, 16_000, 11_127, 16_000),
        (16_000, 16_000, 5, 5),
    ] {
        assert_eq!(resample(from, to, &vec![0.5; len]).len(), expected);
    }
}

#[test]
fn an_equal_rate_changes_nothing() {
    let waveform = Waveform::new(vec![0.1, -0.2, 0.3], 16_000);
    assert_eq!(waveform.resample(16_000).unwrap(), waveform);
}

#[test]
fn a_planned_resampler_remembers_nothing() {
    let mut resampler = Resampler::new(48_000, 22_050).unwrap();
    let loud = vec![0.9; 5000];
    let clip = tone(48_000, 300.0, 7000);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    resampler.process_into(&clip, &mut first);
    resampler.process_into(&loud, &mut second);
    resampler.process_into(&clip, &mut second);
    assert_eq!(first, second);
}

#[test]
fn pieces_of_any_length_give_what_the_whole_gives() {
    for (from, to) in PAIRS.into_iter().chain([(16_000, 16_000)]) {
        let clip = tone(from, 300.0, 50_000);
        let whole = resample(from, to, &clip);
        let mut resampler = Resampler::new(from, to).unwrap();
        for piece in [1, 999, 4096, 49_999] {
            let mut output = Vec::new();
            for samples in clip.chunks(piece) {
                resampler.push(samples, &mut output);
            }
            resampler.finish(&mut output);
            assert!(output == whole, "{from} -> {to} by {piece}");
        }
    }
}

/// One transform of the signal for all rates changes only the rounding.
#[test]
fn a_bank_gives_what_a_resampler_for_each_rate_gives() {
    let ways = [
        (48_000, 8_000),
        (48_000, 16_000),
        (48_000, 22_050),
        (45_300, 8_000),
        (50_900, 16_000),
        (48_000, 48_001),
    ];
    let mut bank = ResamplerBank::new(&ways).unwrap();
    let mut outputs = vec![Vec::new(); ways.len()];
    for length in [0, 1, 5000, 100_000] {
        let clip = tone(48_000, 300.0, length);
        bank.process_into(&clip, &mut outputs);
        for (&(from, to), output) in ways.iter().zip(&outputs) {
            let alone = resample(from, to, &clip);
            assert_eq!(output.len(), alone.len());
            let apart = output.iter().zip(&alone).map(|(a, b)| (a - b).abs());
            let apart = apart.fold(0.0, f32::max);
            assert!(apart < 2e-6, "{from} -> {to} of {length}: {apart} apart");
        }
    }
    for wrong in [[(48_000, 48_000)], [(0, 1)]] {
        assert!(ResamplerBank::new(&wrong).is_err());
    }
}

#[test]
fn a_bank_names_the_rates_that_are_impossible() {
    for (from, to) in [(48_000, 131_101), (48_000, 0)] {
        let error = ResamplerBank::new(&[(48_000, 16_000), (from, to)]).unwrap_err();
        assert!(
            matches!(error, Error::Resample { from: f, to: t, .. } if (f, t) == (from, to)),
            "{error}"
        );
    }
}

#[test]
fn impossible_rates_are_errors() {
    for (from, to) in [
        (0, 16_000),
        (16_000, 0),
        (0, 0),
        (u32::MAX, 22_050),
        (4_294_967_291, 16_000),
        // A short file at 1 Hz would become gigabytes.
        (1, 22_050),
        (220, 22_050),
    ] {
        let error = Resampler::new(from, to).unwrap_err();
        assert!(
            matches!(error, Error::Resample { from: f, to: t, .. } if (f, t) == (from, to)),
            "{error}"
        );
    }
    let waveform = Waveform::new(vec![0.0; 4], 0);
    assert!(waveform.resample(8000).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any pair of rates gives the right length and passes a tone well inside the band.
    #[test]
    fn any_two_rates_keep_a_tone(from in 4000u32..50_000, to in 4000u32..50_000) {
        let hz = lower_nyquist(from, to) * 0.3;
        let input = tone(from, hz, from as usize / 2);
        let output = resample(from, to, &input);
        prop_assert_eq!(output.len(), (from / 2 * to).div_ceil(from) as usize);
        let gain = amplitude(to, hz, &output);
        prop_assert!((gain - Complex::new(1.0, 0.0)).norm() < 1e-3, "gain {}", gain);
    }
}
