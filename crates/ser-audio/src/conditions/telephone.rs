//! The narrow-band telephone: 300 to 3400 Hz at 8 kHz, with 8-bit μ-law.

use std::f64::consts::{PI, TAU};

use super::filter::convolve;

/// The sampling rate of G.711 in Hz.
pub(crate) const RATE: u32 = 8000;
/// The band in Hz.
const BAND: (f64, f64) = (300.0, 3400.0);
/// Number of taps of the band-pass filter on either side; its edges are 66 Hz wide.
const REACH: usize = 200;

/// Transmits `samples` with the sampling rate [`RATE`] over a telephone line.
pub(crate) fn transmit(samples: &[f32]) -> Vec<f32> {
    let filtered = convolve(samples, &band_pass());
    // The filter is symmetric, so its delay is its reach.
    let undelayed = filtered.iter().skip(REACH).take(samples.len());
    undelayed.map(|&x| expand(compress(x))).collect()
}

/// Returns the difference of two sincs under a Hamming window: half the amplitude at the edges, 53 dB down
/// 33 Hz beyond them.
fn band_pass() -> Vec<f64> {
    let (low, high) = (BAND.0 / f64::from(RATE), BAND.1 / f64::from(RATE));
    (0..=2 * REACH)
        .map(|i| {
            let n = i as f64 - REACH as f64;
            let ideal = if n == 0.0 {
                2.0 * (high - low)
            } else {
                ((TAU * high * n).sin() - (TAU * low * n).sin()) / (PI * n)
            };
            ideal * (0.54 + 0.46 * (PI * n / REACH as f64).cos())
        })
        .collect()
}

/// Full scale of the numbers that G.711 compresses: here that of 16 bits, as is usual in programs.
const FULL_SCALE: f64 = 32_768.0;
/// Added to every magnitude, so that the segments double from 128 on.
const BIAS: i32 = 132;
/// The largest magnitude that stays in the last segment.
const LARGEST: i32 = 32_635;

/// Encodes a sample in 8 bits: inverted sign, segment (3 bits) and step (4 bits).
fn compress(sample: f64) -> u8 {
    let magnitude = ((sample.abs() * FULL_SCALE).round() as i32).min(LARGEST) + BIAS;
    let segment = magnitude.ilog2() - 7;
    let step = (magnitude >> (segment + 3)) & 0x0F;
    let sign = if sample < 0.0 { 0x80 } else { 0 };
    !(sign | (segment << 4) as u8 | step as u8)
}

/// Returns the middle of the step that a code represents.
fn expand(code: u8) -> f32 {
    let bits = i32::from(!code);
    let (segment, step) = ((bits >> 4) & 0x07, bits & 0x0F);
    let magnitude = (((step << 3) + BIAS) << segment) - BIAS;
    let value = (f64::from(magnitude) / FULL_SCALE) as f32;
    if bits & 0x80 == 0 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the table of G.711, whose 14-bit values are a quarter of the 16-bit ones.
    #[test]
    fn codes_have_the_values_of_the_recommendation() {
        for (code, value) in [
            (0xFF, 0),
            (0xFE, 2),
            (0xF0, 30),
            (0xEF, 33),
            (0x80, 8031),
            (0x00, -8031),
            (0x70, -30),
        ] {
            assert_eq!(f64::from(expand(code)) * FULL_SCALE / 4.0, f64::from(value));
        }
    }

    #[test]
    fn every_code_comes_back_but_negative_zero() {
        for code in 0..=u8::MAX {
            let back = compress(f64::from(expand(code)));
            assert_eq!(back, if code == 0x7F { 0xFF } else { code });
        }
    }

    /// The limit is half a step, which is a 32nd of the biased magnitude or less, and half a bit of rounding.
    #[test]
    fn a_sample_is_off_by_half_a_step_at_most() {
        for i in -32_000..=32_000 {
            let sample = f64::from(i) * 1.0037 / FULL_SCALE;
            let error = (f64::from(expand(compress(sample))) - sample).abs() * FULL_SCALE;
            let limit = (sample.abs() * FULL_SCALE + f64::from(BIAS)) / 32.0 + 0.5;
            assert!(error <= limit, "{sample}: off by {error}, expected {limit}");
        }
    }

    #[test]
    fn louder_than_full_scale_is_clipped() {
        assert_eq!(compress(7e9), 0x80);
        assert_eq!(compress(-1.0), 0x00);
    }
}
