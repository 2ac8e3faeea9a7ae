//! Level, noisiness and brightness of a voice: one number per frame.
//!
//! [`rms`] and [`zero_crossing_rate`] use the samples of a frame, the `spectral_…` functions its
//! spectrum. librosa computes the first two on a padded signal. The padding (zeros for the
//! level, repeated edge samples for the crossings) adds neither energy nor crossings. Here a
//! frame is therefore only the part of it that lies inside the signal; see [`centred`].

use std::ops::Range;

use ser_audio::mean_square;

/// Returns the number of frames of a signal of `len` samples. Frame `i` is centred on sample
/// `i · hop_length`.
///
/// `1 + ⌊(len + 2⌊frame_length / 2⌋ − frame_length) / hop_length⌋`; 0 for an empty signal, or if
/// the frame or hop length is 0 samples.
pub fn frame_count(len: usize, frame_length: usize, hop_length: usize) -> usize {
    if len == 0 || frame_length == 0 || hop_length == 0 {
        return 0;
    }
    1 + (len - frame_length % 2) / hop_length
}

/// Returns the part inside the signal of frame `frame`, which is centred on sample `frame · hop_length`.
pub fn centred(samples: &[f32], frame: usize, frame_length: usize, hop_length: usize) -> &[f32] {
    &samples[centred_range(samples.len(), frame, frame_length, hop_length)]
}

/// Returns the range of [`centred`] in a signal of `len` samples.
pub(crate) fn centred_range(
    len: usize,
    frame: usize,
    frame_length: usize,
    hop_length: usize,
) -> Range<usize> {
    let centre = frame * hop_length;
    let before = frame_length / 2;
    let end = (centre + frame_length - before).min(len);
    centre.saturating_sub(before).min(end)..end
}

/// Returns the root mean square of a frame whose part `inside` lies inside the signal. The rest of the
/// frame is zeros.
///
/// # Formula
///
/// `√(Σ x² / frame_length)`, in the unit of the samples; 0 for a frame of no samples.
///
/// # References
///
/// `librosa.feature.rms` with `center=True, pad_mode='constant'`.
pub fn rms(inside: &[f32], frame_length: usize) -> f32 {
    mean_square(inside, frame_length).sqrt()
}

/// Returns the sign changes per sample of a frame whose part `inside` lies inside the signal.
///
/// # Formula
///
/// The number of neighbours `xᵢ₋₁, xᵢ` of which exactly one is below −1e-10, divided by
/// `frame_length`: in 0..1. A sample within 1e-10 of zero counts as positive.
///
/// # References
///
/// `librosa.feature.zero_crossing_rate` with its defaults (`threshold=1e-10, zero_pos=True`).
pub fn zero_crossing_rate(inside: &[f32], frame_length: usize) -> f32 {
    const THRESHOLD: f32 = 1e-10;

    let next = inside.get(1..).unwrap_or_default();
    let crossings: u32 = inside
        .iter()
        .zip(next)
        .map(|(&a, &b)| u32::from((a < -THRESHOLD) != (b < -THRESHOLD)))
        .sum();
    crossings as f32 / frame_length.max(1) as f32
}

/// Returns the centre of gravity of a magnitude spectrum, in the unit of `bin_width`.
///
/// # Shape
///
/// `magnitude`: `[1 + n_fft / 2]`. `bin_width`: distance between two bins, `sample_rate / n_fft` Hz.
///
/// # Formula
///
/// `Σ fₖ Sₖ / Σ Sₖ` with `fₖ = k · bin_width`; 0 for a spectrum of zeros.
///
/// # References
///
/// `librosa.feature.spectral_centroid`.
pub fn spectral_centroid(magnitude: &[f32], bin_width: f32) -> f32 {
    let (blocks, rest) = magnitude.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    // Every lane sums block number times magnitude; the position inside the block is added below.
    let mut block_sums = [0f32; LANES];
    for (number, block) in blocks.iter().enumerate() {
        let number = number as f32;
        for lane in 0..LANES {
            sums[lane] += block[lane];
            block_sums[lane] += number * block[lane];
        }
    }
    let mut total = 0.0;
    let mut weighted = 0.0;
    for lane in 0..LANES {
        total += f64::from(sums[lane]);
        weighted +=
            LANES as f64 * f64::from(block_sums[lane]) + lane as f64 * f64::from(sums[lane]);
    }
    for (offset, &s) in rest.iter().enumerate() {
        total += f64::from(s);
        weighted += (LANES * blocks.len() + offset) as f64 * f64::from(s);
    }
    if total < f64::from(f32::MIN_POSITIVE) {
        return 0.0;
    }
    (weighted / total * f64::from(bin_width)) as f32
}

/// Returns the frequency below which the share `percent` of a magnitude spectrum lies, in the unit of
/// `bin_width`.
///
/// # Shape
///
/// `magnitude`: `[1 + n_fft / 2]`. `bin_width`: distance between two bins, `sample_rate / n_fft` Hz.
/// `percent` is in 0..1; librosa's default is 0.85.
///
/// # Formula
///
/// The smallest `fₖ = k · bin_width` with `S₀ + … + Sₖ ≥ percent · Σ S`; 0 for a spectrum of zeros.
///
/// # References
///
/// `librosa.feature.spectral_rolloff`. The sums are sequential and in single precision, as in librosa,
/// so that both choose the same bin.
pub fn spectral_rolloff(magnitude: &[f32], bin_width: f32, percent: f32) -> f32 {
    let threshold = percent * magnitude.iter().fold(0.0, |sum, s| sum + s);
    let mut sum = 0.0;
    let bin = magnitude.iter().position(|s| {
        sum += s;
        sum >= threshold
    });
    bin.unwrap_or(0) as f32 * bin_width
}

/// Returns the geometric mean of a power spectrum divided by its arithmetic mean: near 0 for a tone, 1 for
/// a flat spectrum.
///
/// # Shape
///
/// `power`: `[1 + n_fft / 2]`, the squared magnitudes.
///
/// # Formula
///
/// `exp(mean ln pₖ) / mean pₖ` with `pₖ = max(1e-10, powerₖ)`, in 0..=1; 1 for a spectrum of zeros
/// and for an empty one.
///
/// # References
///
/// `librosa.feature.spectral_flatness` with its defaults (`amin=1e-10, power=2.0`).
pub fn spectral_flatness(power: &[f32]) -> f32 {
    const AMIN: f64 = 1e-10;

    if power.is_empty() {
        return 1.0;
    }
    let mut sum = 0.0;
    let mut log_sum = 0.0;
    // One logarithm for the product of four values, which stays far inside the range of f64.
    for group in power.chunks(4) {
        let mut product = 1.0;
        for &p in group {
            let p = f64::from(p).max(AMIN);
            sum += p;
            product *= p;
        }
        log_sum += product.ln();
    }
    let n = power.len() as f64;
    ((log_sum / n).exp() / (sum / n)) as f32
}

/// Number of independent sums, so that the compiler can use vector registers.
const LANES: usize = 16;
