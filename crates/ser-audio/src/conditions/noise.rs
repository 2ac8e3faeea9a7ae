//! Noise at a level relative to the speech that it is added to.

use std::f64::consts::PI;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::filter::colour;
use super::random::{Stream, generator, normal};
use crate::waveform::rms;

/// Length in seconds of the frames that are active or not.
const FRAME: f64 = 0.025;
/// How far in dB an active frame may lie below the loudest one.
const ACTIVE_DB: f64 = 30.0;

/// Number of talkers in the babble.
const VOICES: usize = 12;
/// Shortest and longest syllable in seconds: four per second on average, where the modulation of
/// running speech is strongest (Houtgast & Steeneken 1985).
const SYLLABLE: (f64, f64) = (0.15, 0.35);
/// Lowest band of `LTASS` in Hz.
const LOWEST_BAND: f64 = 62.5;
/// Long-term level of speech in dB in the third-octave bands at 62.5, 125, … 16 000 Hz: the
/// combined values for men and women of Byrne et al. 1994.
const LTASS: [f64; 9] = [38.6, 57.7, 60.3, 62.1, 53.7, 48.7, 45.6, 43.7, 40.7];

/// Adds noise to `samples`, with an RMS `snr_db` below that of their active part.
pub(crate) fn add(samples: &[f32], rate: u32, noise: &[f64], snr_db: f64) -> Vec<f32> {
    let power = noise.iter().map(|x| x * x).sum::<f64>() / noise.len().max(1) as f64;
    let wanted = active_rms(samples, rate) * 10f64.powf(-snr_db / 20.0);
    // Without samples there is no noise either.
    let scale = if power > 0.0 {
        wanted / power.sqrt()
    } else {
        0.0
    };
    let noisy = samples.iter().zip(noise);
    noisy
        .map(|(&x, n)| (f64::from(x) + scale * n) as f32)
        .collect()
}

/// Returns the RMS over the frames that are not pauses.
fn active_rms(samples: &[f32], rate: u32) -> f64 {
    let length = (FRAME * f64::from(rate)).round() as usize;
    let level = |frame: &[f32]| f64::from(rms(frame));
    let loudest = samples.chunks(length).map(level).fold(0.0, f64::max);
    let threshold = loudest * 10f64.powf(-ACTIVE_DB / 20.0);
    let active: Vec<f32> = samples
        .chunks(length)
        .filter(|frame| level(frame) >= threshold)
        .flatten()
        .copied()
        .collect();
    level(&active)
}

/// Returns white Gaussian noise.
pub(crate) fn white(length: usize, seed: u64) -> Vec<f64> {
    let mut rng = generator(seed, Stream::White);
    (0..length).map(|_| normal(&mut rng)).collect()
}

/// Returns synthetic babble: many noises, each with the spectrum of speech and the rhythm of syllables.
///
/// A sum of independent Gaussian noises is Gaussian noise with the sum of their powers, so one noise
/// is drawn instead of one for each voice.
pub(crate) fn babble(length: usize, rate: u32, seed: u64) -> Vec<f64> {
    let mut rng = generator(seed, Stream::Babble);
    // Short clips also get the whole spectrum, and transforms of such a length are fast.
    let size = length.max(rate as usize).next_power_of_two();
    let voices = syllables(size, rate, &mut rng);
    let murmur: Vec<f64> = voices
        .iter()
        .map(|power| power.sqrt() * normal(&mut rng))
        .collect();
    let mut noise = colour(&murmur, rate, speech_gain);
    noise.truncate(length);
    noise
}

/// Returns the power of all voices together at each sample. Each voice is a chain of syllables whose amplitude
/// rises and falls as `sin²`.
fn syllables(length: usize, rate: u32, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let rate = f64::from(rate);
    let mut power = vec![0.0; length];
    for _ in 0..VOICES {
        // Each voice starts to talk before the clip begins.
        let mut start = -rate * rng.random_range(0.0..SYLLABLE.1);
        while start < length as f64 {
            let duration = rate * rng.random_range(SYLLABLE.0..SYLLABLE.1);
            let end = start + duration;
            let inside = start.max(0.0).ceil() as usize..(end.ceil() as usize).min(length);
            for i in inside {
                power[i] += (PI * (i as f64 - start) / duration).sin().powi(4);
            }
            start = end;
        }
    }
    power
}

/// Returns the amplitude of speech at a frequency, up to a constant; 0 outside the bands of [`LTASS`].
fn speech_gain(hz: f64) -> f64 {
    let octave = (hz / LOWEST_BAND).log2();
    if octave < 0.0 {
        return 0.0;
    }
    let below = octave as usize;
    let (Some(&low), Some(&high)) = (LTASS.get(below), LTASS.get(below + 1)) else {
        return 0.0;
    };
    let level = low + (high - low) * (octave - below as f64);
    // The width of a band is proportional to its frequency, and the gain is per hertz.
    10f64.powf(level / 20.0) / hz.sqrt()
}
