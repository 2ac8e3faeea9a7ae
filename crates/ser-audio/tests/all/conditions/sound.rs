//! Measures what each condition does to the sound.

use std::f64::consts::TAU;
use std::ops::Range;

use rustfft::num_complex::Complex;
use ser_audio::Waveform;
use ser_audio::conditions::{Condition, Room};

fn apply(condition: &str, clip: &Waveform) -> Waveform {
    apply_seeded(condition, clip, 1)
}

fn apply_seeded(condition: &str, clip: &Waveform, seed: u64) -> Waveform {
    let condition: Condition = condition.parse().unwrap();
    condition.apply(clip, seed).unwrap()
}

fn tone(rate: u32, hz: f64, amplitude: f64, seconds: f64) -> Waveform {
    let sample = |i| (amplitude * (TAU * hz * f64::from(i) / f64::from(rate)).sin()) as f32;
    let samples = (0..(f64::from(rate) * seconds) as u32).map(sample);
    Waveform::new(samples.collect(), rate)
}

/// Returns white noise with an RMS of 0.1 from the crate itself, added to a carrier 100 dB below it.
fn white(rate: u32, seconds: f64) -> Waveform {
    let carrier = tone(rate, 440.0, 1e-6, seconds);
    let mut noise = apply_seeded("noise-white -100", &carrier, 99);
    let scale = 0.1 / rms(&noise.samples);
    noise
        .samples
        .iter_mut()
        .for_each(|x| *x = (f64::from(*x) * scale) as f32);
    noise
}

fn rms(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|&x| f64::from(x).powi(2)).sum();
    (sum / samples.len() as f64).sqrt()
}

fn db(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

/// Returns what was added.
fn added(noisy: &Waveform, clean: &Waveform) -> Vec<f32> {
    let pairs = noisy.samples.iter().zip(&clean.samples);
    pairs.map(|(n, c)| n - c).collect()
}

/// Returns the power in a band in dB. A Hann window keeps loud sound in other bands out of it.
fn band_db(clip: &Waveform, hz: Range<f64>) -> f64 {
    let n = clip.samples.len();
    let window = |i: usize| 0.5 - 0.5 * (TAU * i as f64 / n as f64).cos();
    let samples = clip.samples.iter().enumerate();
    let mut spectrum: Vec<Complex<f64>> = samples
        .map(|(i, &x)| Complex::from(f64::from(x) * window(i)))
        .collect();
    ser_fourier::precise_forward(n).process(&mut spectrum);
    let bin = |hz: f64| (hz * n as f64 / f64::from(clip.sample_rate)).round() as usize;
    let power: f64 = spectrum[bin(hz.start)..bin(hz.end).min(n / 2)]
        .iter()
        .map(|z| z.norm_sqr())
        .sum();
    10.0 * power.log10()
}

#[test]
fn clean_changes_nothing() {
    let clip = white(16_000, 0.1);
    assert_eq!(apply("clean", &clip), clip);
}

#[test]
fn gain_scales_every_sample_and_clips_nothing() {
    let clip = white(16_000, 0.1);
    for (condition, factor) in [("gain -20", 0.1), ("gain 20", 10.0), ("gain 120", 1e6)] {
        let heard = apply(condition, &clip);
        for (&after, &before) in heard.samples.iter().zip(&clip.samples) {
            assert_eq!(after, (f64::from(before) * factor) as f32);
        }
        assert_eq!(heard.sample_rate, clip.sample_rate);
    }
}

#[test]
fn peak_makes_the_largest_magnitude_1_and_leaves_silence() {
    let clip = Waveform::new(vec![0.1, -0.4, 0.2], 8000);
    assert_eq!(apply("peak", &clip).samples, [0.25, -1.0, 0.5]);
    let faintest = Waveform::new(vec![f32::from_bits(1), 0.0], 8000);
    assert_eq!(apply("peak", &faintest).samples, [1.0, 0.0]);
    let silence = Waveform::new(vec![0.0; 3], 8000);
    assert_eq!(apply("peak", &silence), silence);
}

#[test]
fn a_rate_of_8_khz_has_no_room_above_4_khz() {
    for rate in [16_000, 22_050, 44_100, 48_000, 192_000] {
        let clip = white(rate, 2.0);
        let heard = apply("lowpass-8k", &clip);
        assert_eq!(heard.samples.len(), clip.samples.len());
        assert_eq!(heard.sample_rate, rate);
        let above = 4000.0..f64::from(rate) / 2.0;
        let fall = band_db(&clip, above.clone()) - band_db(&heard, above);
        assert!(fall > 60.0, "{rate} Hz: {fall} dB");
        let below = band_db(&clip, 100.0..3500.0) - band_db(&heard, 100.0..3500.0);
        assert!(below.abs() < 0.1, "{rate} Hz: {below} dB");
    }
    for rate in [4000, 8000] {
        let clip = white(rate, 0.1);
        assert_eq!(apply("lowpass-8k", &clip), clip);
    }
}

#[test]
fn the_telephone_carries_300_to_3400_hz() {
    for rate in [8000, 16_000, 44_100, 48_000, 192_000] {
        let clip = white(rate, 2.0);
        let heard = apply("telephone", &clip);
        assert_eq!(heard.samples.len(), clip.samples.len());
        assert_eq!(heard.sample_rate, rate);
        let inside = band_db(&heard, 300.0..3400.0);
        let loss = band_db(&clip, 400.0..3300.0) - band_db(&heard, 400.0..3300.0);
        // What μ-law adds to the band lies far below it.
        assert!(loss.abs() < 0.1, "{rate} Hz: {loss} dB");
        for outside in [0.0..250.0, 3450.0..f64::from(rate) / 2.0] {
            let down = inside - band_db(&heard, outside.clone());
            println!("{rate} Hz: {outside:?} Hz lies {down:.1} dB below the band");
            assert!(down > 30.0, "{rate} Hz, {outside:?} Hz: {down} dB");
        }
    }
}

/// The limits are what ITU-T G.712 requires of a line at such levels, and what more than 8 bits would give.
#[test]
fn the_telephone_distorts_as_mu_law_does() {
    for amplitude in [0.9, 0.3, 0.1, 0.03] {
        let heard = apply("telephone", &tone(8000, 1013.0, amplitude, 2.0));
        let wanted = band_db(&heard, 1008.0..1018.0);
        let sum = |a: f64, b: f64| 10.0 * (10f64.powf(a / 10.0) + 10f64.powf(b / 10.0)).log10();
        let distortion = sum(
            band_db(&heard, 50.0..1000.0),
            band_db(&heard, 1026.0..3950.0),
        );
        let ratio = wanted - distortion;
        println!("amplitude {amplitude}: signal to distortion {ratio:.1} dB");
        assert!((33.0..45.0).contains(&ratio), "{amplitude}: {ratio} dB");
    }
    let loud = apply("telephone", &tone(8000, 1000.0, 4.0, 0.5));
    let largest = loud.samples.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    assert_eq!(largest, 32_124.0 / 32_768.0);
}

#[test]
fn integers_of_so_many_bits_have_so_many_levels() {
    let clip = tone(48_000, 1.0, 1.2, 1.0);
    for bits in [1, 2, 8, 10] {
        let heard = apply(&format!("quantise {bits}"), &clip);
        let step = 2f32.powi(1 - bits);
        let mut levels = heard.samples.clone();
        levels.sort_by(f32::total_cmp);
        levels.dedup();
        assert_eq!(levels.len(), 1 << bits, "{bits} bits");
        assert!(levels.windows(2).all(|pair| pair[1] - pair[0] == step));
        assert_eq!((levels[0], levels[levels.len() - 1]), (-1.0, 1.0 - step));
        for (after, before) in heard.samples.iter().zip(&clip.samples) {
            let error = (after - before.clamp(-1.0, 1.0 - step)).abs();
            assert!(error <= step / 2.0, "{bits} bits: {before} became {after}");
        }
    }
}

/// Returns a second of tone between a second of digital silence and a second of sound too faint to count.
fn speech_with_pauses(rate: u32) -> Waveform {
    let mut samples = vec![0.0; rate as usize];
    samples.extend(tone(rate, 500.0, 0.2, 1.0).samples);
    samples.extend(tone(rate, 500.0, 0.005, 1.0).samples);
    Waveform::new(samples, rate)
}

#[test]
fn noise_lies_by_the_ratio_below_the_active_part() {
    for rate in [8000, 16_000, 48_000, 192_000] {
        let clip = speech_with_pauses(rate);
        let active = 0.2 / 2f64.sqrt();
        for kind in ["white", "babble"] {
            for snr in [-10.0, 10.0, 20.0, 40.0] {
                let noise = added(&apply(&format!("noise-{kind} {snr}"), &clip), &clip);
                assert_eq!(noise.len(), clip.samples.len());
                let measured = db(active / rms(&noise));
                let off = (measured - snr).abs();
                assert!(off < 0.2, "{kind} at {rate} Hz: {measured} dB for {snr} dB");
            }
        }
    }
}

#[test]
fn silence_and_clips_of_nothing_get_no_noise() {
    for samples in [vec![], vec![0.0; 500]] {
        let clip = Waveform::new(samples, 16_000);
        for condition in ["noise-white 0", "noise-babble 0"] {
            assert_eq!(apply(condition, &clip), clip);
        }
    }
}

#[test]
fn white_noise_is_white() {
    let noise = white(16_000, 20.0);
    let density = |low: f64| band_db(&noise, low..2.0 * low) - 10.0 * low.log10();
    for octave in [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0] {
        let off = density(octave) - band_db(&noise, 10.0..7990.0) + 10.0 * 7980f64.log10();
        assert!(off.abs() < 1.0, "{octave} Hz: {off} dB");
    }
}

fn babble(rate: u32, seconds: f64) -> Waveform {
    let clip = tone(rate, 440.0, 0.1, seconds);
    Waveform::new(added(&apply("noise-babble 0", &clip), &clip), rate)
}

/// Compares babble with all third-octave bands of Byrne et al. 1994, of which the crate contains every third.
#[test]
fn babble_has_the_spectrum_of_speech() {
    const BANDS: [(f64, f64); 22] = [
        (100.0, 54.4),
        (125.0, 57.7),
        (160.0, 56.8),
        (200.0, 60.2),
        (250.0, 60.3),
        (315.0, 59.0),
        (400.0, 62.1),
        (500.0, 62.1),
        (630.0, 60.5),
        (800.0, 56.8),
        (1000.0, 53.7),
        (1250.0, 53.0),
        (1600.0, 52.0),
        (2000.0, 48.7),
        (2500.0, 48.1),
        (3150.0, 46.8),
        (4000.0, 45.6),
        (5000.0, 44.5),
        (6300.0, 44.3),
        (8000.0, 43.7),
        (10_000.0, 43.4),
        (12_500.0, 41.3),
    ];
    let noise = babble(48_000, 20.0);
    let differences: Vec<f64> = BANDS
        .iter()
        .map(|(hz, level)| {
            let edge = 2f64.powf(1.0 / 6.0);
            band_db(&noise, hz / edge..hz * edge) - level
        })
        .collect();
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    for ((hz, _), difference) in BANDS.iter().zip(&differences) {
        let off = difference - mean;
        println!("{hz} Hz: {off:.2} dB");
        assert!(off.abs() < 2.5, "{hz} Hz: {off} dB");
    }
    for beyond in [1.0..55.0, 17_000.0..23_900.0] {
        let down = band_db(&noise, 100.0..16_000.0) - band_db(&noise, beyond.clone());
        assert!(down > 40.0, "{beyond:?}: {down} dB");
    }
}

#[test]
fn babble_is_modulated_as_syllables_are() {
    let noise = babble(8000, 240.0);
    // Intensity at 100 Hz, without its mean.
    let intensity: Vec<f32> = noise
        .samples
        .chunks(80)
        .map(|frame| rms(frame).powi(2) as f32)
        .collect();
    let mean = intensity.iter().sum::<f32>() / intensity.len() as f32;
    let deviation = intensity.iter().map(|x| x / mean - 1.0).collect();
    let envelope = Waveform::new(deviation, 100);
    let density =
        |low: f64, high: f64| 10f64.powf(band_db(&envelope, low..high) / 10.0) / (high - low);
    let around_four = density(3.0, 5.0);
    for (low, high) in [(0.2, 1.0), (1.0, 2.0), (8.0, 16.0), (16.0, 32.0)] {
        let ratio = around_four / density(low, high);
        println!("3 to 5 Hz over {low} to {high} Hz: {ratio:.2}");
        assert!(ratio > 2.0, "{low} to {high} Hz: {ratio}");
    }
}

#[test]
fn a_tone_moves_by_the_factor_of_the_speed() {
    for rate in [8000, 22_050, 48_000] {
        let clip = tone(rate, 1000.0, 0.5, 1.0);
        for (percent, factor) in [(10, 1.1), (-10, 0.9), (100, 2.0), (-50, 0.5)] {
            let heard = apply(&format!("speed {percent}"), &clip);
            assert!((heard.duration() * factor - 1.0).abs() < 1e-4);
            let at = 1000.0 * factor;
            let near = band_db(&heard, at - 10.0..at + 10.0);
            let all = band_db(&heard, 0.0..f64::from(heard.sample_rate) / 2.0);
            assert!(
                all - near < 0.01,
                "{rate} Hz, {percent} %: {near} of {all} dB"
            );
        }
    }
}

#[test]
fn silence_lies_70_db_below_the_peak_on_both_sides() {
    let clip = tone(16_000, 500.0, 0.5, 1.0);
    let heard = apply("silence 1 0.25", &clip).samples;
    assert_eq!(heard.len(), 16_000 + 16_000 + 4000);
    assert_eq!(heard[16_000..32_000], clip.samples);
    for side in [&heard[..16_000], &heard[32_000..]] {
        let level = db(rms(side) / 0.5);
        assert!((level + 70.0).abs() < 0.3, "{level} dB");
    }
    assert_ne!(heard[..4000], heard[32_000..]);
    assert_eq!(apply("silence 0 0", &clip), clip);
    let nothing = Waveform::new(vec![], 16_000);
    assert_eq!(apply("silence 1 1", &nothing).samples, vec![0.0; 32_000]);
}

#[test]
fn the_cut_is_the_middle_to_the_sample() {
    let clip = Waveform::new((0..48_001).map(|i| i as f32).collect(), 16_000);
    for (seconds, length) in [(1.0, 16_000), (0.5, 8000), (0.00001, 1), (2.00003, 32_000)] {
        let heard = apply(&format!("cut {seconds}"), &clip).samples;
        assert_eq!(heard.len(), length);
        let start = (48_001 - length) / 2;
        assert_eq!(heard, clip.samples[start..start + length]);
    }
    assert_eq!(apply("cut 3.1", &clip), clip);
    let nothing = Waveform::new(vec![], 16_000);
    assert_eq!(apply("cut 1", &nothing), nothing);
}

#[test]
fn the_same_seed_gives_the_same_samples_and_another_one_others() {
    let clip = speech_with_pauses(16_000);
    for condition in Condition::STANDARD {
        let heard = condition.apply(&clip, 3).unwrap();
        assert_eq!(heard, condition.apply(&clip, 3).unwrap(), "{condition}");
        let random = matches!(
            condition,
            Condition::NoiseWhite { .. }
                | Condition::NoiseBabble { .. }
                | Condition::Room(_)
                | Condition::Silence { .. }
        );
        let other = condition.apply(&clip, 4).unwrap();
        assert_eq!(heard != other, random, "{condition}");
    }
}

/// An update of a dependency must not change a measurement unnoticed.
#[test]
fn the_noise_is_pinned() {
    let clip = Waveform::new(vec![1.0, -1.0, 1.0, -1.0], 8000);
    for (condition, pinned) in [("noise-white 0", WHITE), ("noise-babble 0", BABBLE)] {
        let noise = added(&apply_seeded(condition, &clip, 7), &clip);
        for (actual, expected) in noise.iter().zip(pinned) {
            assert!((actual - expected).abs() < 1e-5, "{condition}: {noise:?}");
        }
    }
}

const WHITE: [f32; 4] = [0.597597, -0.470353, -1.779956, 0.503389];
const BABBLE: [f32; 4] = [-0.836065, -0.742361, -1.215502, -1.128029];

/// Returns the response to a click, with time for the room to decay.
fn response(room: Room, rate: u32, seed: u64) -> Vec<f64> {
    let mut samples = vec![0.0; rate as usize];
    samples[0] = 1.0;
    let clip = Waveform::new(samples, rate);
    let heard = Condition::Room(room).apply(&clip, seed).unwrap();
    heard.samples.iter().map(|&x| f64::from(x)).collect()
}

/// Returns the reverberation time by Schroeder's backward integration: twice the time in which a line through
/// the decay from −5 to −35 dB falls by 30 dB (T30 of ISO 3382).
fn reverberation_time(response: &[f64], rate: u32) -> f64 {
    let mut left = 0.0;
    let mut decay: Vec<f64> = response
        .iter()
        .rev()
        .map(|x| {
            left += x * x;
            left
        })
        .collect();
    decay.reverse();
    let points: Vec<(f64, f64)> = decay
        .iter()
        .enumerate()
        .map(|(i, energy)| {
            (
                i as f64 / f64::from(rate),
                10.0 * (energy / decay[0]).log10(),
            )
        })
        .filter(|(_, level)| (-35.0..=-5.0).contains(level))
        .collect();
    let n = points.len() as f64;
    let mean_time = points.iter().map(|p| p.0).sum::<f64>() / n;
    let mean_level = points.iter().map(|p| p.1).sum::<f64>() / n;
    let covariance: f64 = points
        .iter()
        .map(|(time, level)| (time - mean_time) * (level - mean_level))
        .sum();
    let variance: f64 = points.iter().map(|p| (p.0 - mean_time).powi(2)).sum();
    -60.0 * variance / covariance
}

#[test]
fn rooms_die_away_in_their_reverberation_time() {
    for room in [Room::Small, Room::Large] {
        for rate in [8000, 16_000, 48_000, 192_000] {
            for seed in 0..5 {
                let measured = reverberation_time(&response(room, rate, seed), rate);
                println!("{room:?} at {rate} Hz, seed {seed}: {measured:.3} s");
                let off = measured / room.rt60() - 1.0;
                assert!(
                    off.abs() < 0.1,
                    "{room:?}, {rate} Hz, seed {seed}: {measured} s"
                );
            }
        }
    }
}

#[test]
fn rooms_have_their_direct_sound_first_and_at_its_ratio() {
    for (room, first_reflection) in [(Room::Small, 0.0067), (Room::Large, 0.0105)] {
        let response = response(room, 16_000, 2);
        let energy = |samples: &[f64]| samples.iter().map(|x| x * x).sum::<f64>();
        let ratio = 10.0 * (energy(&response[..1]) / energy(&response[1..])).log10();
        assert!(
            (ratio - room.direct_to_reverberant_db()).abs() < 0.2,
            "{ratio} dB"
        );
        let gap = (first_reflection * 16_000.0) as usize;
        assert!(energy(&response[1..gap]) < 1e-9 * energy(&response));
        // Single reflections at first, a dense tail in the end.
        let dense = |range: Range<usize>| {
            let length = range.len() as f64;
            let heard = response[range].iter().filter(|x| x.abs() > 1e-6);
            heard.count() as f64 / length
        };
        assert!(dense(gap..2 * gap) < 0.2, "{}", dense(gap..2 * gap));
        assert!(dense(2000..3000) > 0.9, "{}", dense(2000..3000));
    }
}

#[test]
fn rooms_keep_the_level_and_add_half_their_reverberation_time() {
    for rate in [8000, 22_050, 48_000] {
        let clip = speech_with_pauses(rate);
        for (room, tail) in [("small", 0.15), ("large", 0.4)] {
            let heard = apply(&format!("room {room}"), &clip);
            let expected = clip.samples.len() + (tail * f64::from(rate)).round() as usize;
            assert_eq!(heard.samples.len(), expected);
            let change = db(rms(&heard.samples) / rms(&clip.samples));
            assert!(change.abs() < 0.001, "{room} at {rate} Hz: {change} dB");
        }
    }
    let silence = Waveform::new(vec![0.0; 100], 8000);
    assert_eq!(apply("room small", &silence).samples, vec![0.0; 100 + 1200]);
}
